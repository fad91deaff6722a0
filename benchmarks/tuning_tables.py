"""What tuning came to on one data set: draws, tables, and what is to be reached."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.goals import Goal, plain_goals
from benchmarks.judging import Judgement
from benchmarks.race import Run as PeerRun
from benchmarks.results import mean, show

FITTED, TUNED, FORCED = "graft fit", "graft tune", "graft tune, whatever the gate says"


@dataclass(frozen=True, slots=True)
class Row:
    """A data set, how it is divided, and what is to be reached.

    Attributes:
        name: How the row is called.
        data: The folder's name.
        seconds: The time limit of ``graft tune``; peers train at least so long.
        shots: Of each class to learn from, by draws; ``None``: the given split, learnt from with other seeds.
        modality: ``"image"`` or ``"text"``.
        accuracy: At least so much, in the mean.
        gone: At least this share of the head's errors is gone, in the mean.
        gain: At least so much above the head, in the mean.
        loss: No draw is worse than the head by more than this.
        above: Whether it has to be better than the peer.
    """

    name: str
    data: str
    seconds: float = 180.0
    shots: int | None = None
    modality: str = "image"
    accuracy: float | None = None
    gone: float | None = None
    gain: float | None = None
    loss: float | None = None
    above: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """One draw.

    Attributes:
        seed: Of the draw, of Graft and of the peer.
        better: Whether the gate lets the tuned model ship.
        reason: Why, in one sentence.
        judgement: The fitted model, that which tuning gave back, and its parity with torch.
        fitting: Wall seconds of ``graft fit``.
        tuning: Wall seconds of ``graft tune``.
        size_before: Bytes of the fitted bundle.
        size_after: Bytes of the other.
        peer: The peer on the same draw, if it ran.
    """

    seed: int
    better: bool
    reason: str
    judgement: Judgement
    fitting: float
    tuning: float
    size_before: int
    size_after: int
    peer: PeerRun | None = None

    @property
    def before(self) -> float:
        """Accuracy of the head."""
        return self.judgement.before.accuracy

    @property
    def after(self) -> float:
        """Accuracy of what the gate lets ship: the tuned model, or the one that went in."""
        return self.judgement.after.accuracy if self.better else self.before

    @property
    def loss_after(self) -> float:
        """Its log loss."""
        return (self.judgement.after if self.better else self.judgement.before).log_loss


@dataclass(frozen=True, slots=True)
class Measured:
    """All draws of a row so far."""

    row: Row
    peer: str
    n_train: int
    n_test: int
    forced: bool
    runs: tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Contestant:
    """A line of a row's table, one value for each draw: accuracies, seconds, bytes of bundles, log losses."""

    name: str
    right: Sequence[float]
    seconds: Sequence[float]
    sizes: Sequence[int] = ()
    losses: Sequence[float] = ()


def show_row(measured: Measured) -> None:
    """Print what a row came to, and each of its draws."""
    runs = measured.runs
    note = (
        f"Means of {len(runs)} draws. Seconds: Graft's are whole processes, a peer's are its training alone, without "
        "imports and judging."
    )
    sizes = f"{measured.n_train} to learn from, {measured.n_test} to be judged on"
    before = mean([run.before for run in runs])
    served = runs[0].judgement.served.backend
    columns = ("", "accuracy", "lowest", "log loss", "head's errors gone", "seconds", "bundle, MB")
    rows = [line(contestant, before) for contestant in contestants(measured)]
    show(f"{measured.row.name}: {sizes}", columns, rows, note)
    show(
        "What the gate said, and the network of the bundle beside the same weights in torch",
        (
            "draw",
            "head",
            "tuned",
            "points",
            "ships",
            *(told for precision in ("f32", served) for told in (f"{precision}: same labels", "probability off by")),
        ),
        [_each(run) for run in runs],
        "\n".join(f"{run.seed}: {run.reason}" for run in runs),
    )


def contestants(measured: Measured) -> Iterator[Contestant]:
    """Who took part in a row."""
    runs = measured.runs
    first, last = ([getattr(run.judgement, name) for run in runs] for name in ("before", "after"))
    sizes = [run.size_after for run in runs]
    tuning = [run.tuning for run in runs]
    yield Contestant(
        FITTED,
        [each.accuracy for each in first],
        [run.fitting for run in runs],
        [run.size_before for run in runs],
        [each.log_loss for each in first],
    )
    yield Contestant(TUNED, [run.after for run in runs], tuning, sizes, [run.loss_after for run in runs])
    if measured.forced:
        right, losses = [each.accuracy for each in last], [each.log_loss for each in last]
        yield Contestant(FORCED, right, tuning, sizes, losses)
    if beside := [run.peer for run in runs if run.peer]:
        told = [run.details["details"] for run in beside]
        unit = "epochs" if "epochs" in told[0] else "steps"
        name = f"{measured.peer}, {mean([each[unit] for each in told]):.0f} {unit}"
        yield Contestant(name, [run.accuracy for run in beside], [each["training"] for each in told])


def line(contestant: Contestant, before: float) -> tuple[str, ...]:
    """A contestant's line of the table; ``before`` is the head's mean accuracy."""
    right, sizes, losses = contestant.right, contestant.sizes, contestant.losses
    return (
        contestant.name,
        f"{mean(right):.4f}",
        f"{min(right):.4f}",
        f"{mean(losses):.4f}" if losses else "-",
        f"{100 * gone(before, mean(right)):.0f} %",
        f"{mean(contestant.seconds):.1f}",
        f"{mean(sizes) / 1e6:.2f}" if sizes else "-",
    )


def goals_of(measured: Measured) -> Iterator[Goal]:
    """What the row asks for, as far as it was measured."""
    row, runs = measured.row, measured.runs
    before, after = mean([run.before for run in runs]), mean([run.after for run in runs])
    if row.accuracy is not None:
        yield Goal(f"{row.name}: accuracy", after, "at least", row.accuracy)
    if row.gone is not None:
        yield Goal(f"{row.name}: share of the head's errors gone", gone(before, after), "at least", row.gone)
    if row.gain is not None:
        yield Goal(f"{row.name}: above the head", 100 * (after - before), "at least", 100 * row.gain, "points")
    if row.loss is not None:
        worst = min(run.after - run.before for run in runs)
        yield Goal(f"{row.name}: worst draw beside the head", 100 * worst, "at least", -100 * row.loss, "points")
    if row.above and (beside := [run.peer.accuracy for run in runs if run.peer]):
        yield Goal(f"{row.name}: accuracy, beside {measured.peer}", after, "above", mean(beside))
    yield Goal(f"{row.name}: graft tune", mean([run.tuning for run in runs]), "at most", row.seconds, "s")
    parities = [run.judgement.exact for run in runs]
    yield Goal(
        f"{row.name}: labels as torch has them, in float32", min(each.equal for each in parities), "at least", 1.0
    )
    farthest = max(each.probability for each in parities)
    yield Goal(f"{row.name}: farthest probability from torch's, in float32", farthest, "at most", 1e-3)


def gone(before: float, after: float) -> float:
    """The share of errors that is gone from one accuracy to the other; without errors there are none to go."""
    return (after - before) / (1 - before) if before < 1 else 0.0


def plain(measured: Sequence[Measured]) -> dict[str, Any]:
    """All rows as JSON holds them."""
    rows = [
        {
            **asdict(each),
            "mean_before": mean([run.before for run in each.runs]),
            "mean_after": mean([run.after for run in each.runs]),
            "errors_gone": gone(mean([run.before for run in each.runs]), mean([run.after for run in each.runs])),
        }
        for each in measured
    ]
    return {"rows": rows, "goals": plain_goals([goal for each in measured for goal in goals_of(each)])}


def _each(run: Run) -> tuple[str, ...]:
    exact, served = run.judgement.exact, run.judgement.served
    return (
        str(run.seed),
        f"{run.before:.4f}",
        f"{run.judgement.after.accuracy:.4f}",
        f"{100 * (run.judgement.after.accuracy - run.before):+.2f}",
        "yes" if run.better else "no",
        *(told for parity in (exact, served) for told in (f"{100 * parity.equal:.2f} %", f"{parity.probability:.1e}")),
    )
