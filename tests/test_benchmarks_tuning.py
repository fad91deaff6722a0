"""The benchmarks of tuning: draws, figures, and a small run of each."""

import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import graft
import shapes

sys.path.insert(0, str(Path(__file__).parents[1]))  # benchmarks stands beside src and is not installed

from benchmarks import environments, judging, race, tuning, tuning_safety
from benchmarks.draws import Draw, shots_of
from benchmarks.populations import Source
from benchmarks.sets import Example
from benchmarks.tuning_tables import Measured, Row, Run, contestants, goals_of, gone, line, plain, show_row

EXACT = judging.Parity("onnxruntime f32", 1.0, 1e-6, 1e-6)
SERVED = judging.Parity("openvino bf16", 0.99, 2e-2, 1e-1)
ROW = Row("leaves", "leaves", accuracy=0.9, gone=0.5, gain=0.03, loss=0.005, above=True)


def run(before: float, after: float, better: bool = True, peer: float | None = None) -> Run:
    said = {"details": {"training": 170.0, "epochs": 6}}
    judgement = judging.Judgement(judging.Score(before, 0.3), judging.Score(after, 0.2), EXACT, SERVED)
    beside = None if peer is None else race.Run(peer, 200.0, 190.0, 0, said)
    return Run(0, better, "because", judgement, 5.0, 170.0, 30_000, 9_000_000, beside)


def measured(*runs: Run, row: Row = ROW, forced: bool = False) -> Measured:
    return Measured(row, "fastai fine_tune", 300, 600, forced, runs)


def photos(root: Path, splits: tuple[str, ...]) -> Path:
    for split in splits:
        for label in ("cat", "dog"):
            folder = root / "pets" / split / label
            folder.mkdir(parents=True)
            for number in range(6):
                (folder / f"{number}.jpg").write_bytes(b"")
    return root


def test_the_validation_part_is_judged_on_and_never_learnt_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tuning, "DATA", photos(tmp_path, ("Train", "Valid", "Test")))
    few = list(tuning.divide(Row("pets", "pets", shots=2), 2))
    assert [shots_of(division) for division in few] == [{"cat": 2, "dog": 2}] * 2
    assert few[0].train != few[1].train
    assert {example.item.parts[-3] for example in few[0].train} == {"Train"}
    assert Counter(example.item.parts[-3] for example in few[0].test) == {"Valid": 12, "Test": 12}
    given = list(tuning.divide(Row("pets", "pets"), 2))
    assert [division.seed for division in given] == [0, 1]
    assert given[0].train == given[1].train


def test_a_set_without_a_split_is_drawn_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning, "DATA", photos(tmp_path, ("",)))
    [division] = tuning.divide(Row("pets", "pets", shots=2), 1)
    assert (len(division.train), len(division.test)) == (4, 8)
    with pytest.raises(ValueError, match="without a split"):
        list(tuning.divide(Row("pets", "pets"), 1))


def test_what_is_kept_back_counts_as_the_head() -> None:
    each = measured(run(0.90, 0.80, better=False), run(0.90, 0.96), forced=True)
    right = {contestant.name: contestant.right for contestant in contestants(each)}
    assert right == {
        "graft fit": [0.90, 0.90],
        "graft tune": [0.90, 0.96],
        "graft tune, whatever the gate says": [0.80, 0.96],
    }
    [worst] = [goal for goal in goals_of(each) if "worst draw" in goal.name]
    assert worst.value == 0.0


def test_a_peer_is_named_with_how_long_it_learned() -> None:
    each = measured(run(0.90, 0.96, peer=0.93))
    *_, peer = contestants(each)
    assert line(peer, 0.90) == ("fastai fine_tune, 6 epochs", "0.9300", "0.9300", "-", "30 %", "170.0", "-")


def test_goals_of_tuning() -> None:
    reached = {goal.name.split(": ")[1]: goal.reached for goal in goals_of(measured(run(0.90, 0.96, peer=0.93)))}
    assert reached == {
        "accuracy": True,
        "share of the head's errors gone": True,
        "above the head": True,
        "worst draw beside the head": True,
        "accuracy, beside fastai fine_tune": True,
        "graft tune": True,
        "labels as torch has them, in float32": True,
        "farthest probability from torch's, in float32": True,
    }
    missed = [goal.name for goal in goals_of(measured(run(0.90, 0.96, peer=0.97), run(0.90, 0.88))) if not goal.reached]
    assert len(missed) == 4
    [late] = [
        goal for goal in goals_of(measured(run(0.5, 0.5), row=Row("any", "any", seconds=100))) if not goal.reached
    ]
    assert late.name == "any: graft tune"


def test_the_share_of_errors_gone() -> None:
    assert gone(0.96, 0.98) == pytest.approx(0.5)
    assert gone(0.96, 0.94) == pytest.approx(-0.5)
    assert gone(1.0, 1.0) == 0.0


def test_rows_are_shown_and_kept(capsys: pytest.CaptureFixture[str]) -> None:
    each = measured(run(0.90, 0.96, peer=0.93), forced=True)
    show_row(each)
    shown = capsys.readouterr().out
    assert all(word in shown for word in ("leaves", "fastai fine_tune, 6 epochs", "openvino", "because", "99.00 %"))
    [row] = plain([each])["rows"]
    assert (row["mean_before"], row["mean_after"]) == (0.90, 0.96)
    assert row["runs"][0]["judgement"]["served"]["equal"] == 0.99


def test_every_peer_of_tuning_has_its_script() -> None:
    assert all((environments.PEERS / peer.script).is_file() for peer in tuning.PEERS.values())


def test_a_saved_model_is_judged_beside_torch(saved: Path, tmp_path: Path) -> None:
    shapes.folders(tmp_path, dict.fromkeys(shapes.FORMS, 5), first=70)
    test = tuple(Example(path, path.parent.name) for path in sorted(tmp_path.rglob("*.png")))
    found = judging.judge(saved, saved, Draw("shapes", (), test))
    assert found.before == found.after
    assert found.after.accuracy == graft.load(saved).evaluate(tmp_path).accuracy.value
    assert (found.exact.backend, found.exact.equal) == ("onnxruntime f32", 1.0)
    assert found.exact.probability < 1e-3
    assert found.exact.embedding > 0  # it is another network


def test_runs_take_sets_and_shots_by_turns() -> None:
    kind = tuning_safety.Kind("any", (Source("a", (1, 2)), Source("b", (3,))))
    found = [(source.name, source.shots, seed) for source, seed in tuning_safety.draws_of(kind, 5)]
    assert found == [("a", (1,), 0), ("b", (3,), 1), ("a", (2,), 2), ("b", (3,), 3), ("a", (1,), 4)]
    assert sum(len(list(tuning_safety.draws_of(kind, 10))) for kind in tuning_safety.KINDS) == 40


def test_the_paired_interval_holds_the_mean_and_copies_count_once() -> None:
    difference = np.random.default_rng(0).normal(0.1, 1.0, 400)
    own = np.arange(400)
    alone = tuning_safety.paired(difference, own, 0)
    assert alone.low < alone.mean < alone.high
    assert alone.high - alone.low == pytest.approx(2 * 1.96 / 20, rel=0.15)
    twice = tuning_safety.paired(np.repeat(difference, 2), np.repeat(own, 2), 0)
    assert twice.high - twice.low == pytest.approx(alone.high - alone.low, rel=0.1)
    assert tuning_safety.paired(np.full(50, -0.2), np.arange(50), 0).high == pytest.approx(-0.2)


def test_only_shipped_models_break_the_promise() -> None:
    worse = tuning_safety.Change(-0.1, -0.15, -0.05)
    level = tuning_safety.Change(0.0, -0.1, 0.1)

    def one(ships: bool, accuracy: tuning_safety.Change, loss: tuning_safety.Change) -> tuning_safety.Run:
        return tuning_safety.Run("tiny sets", "a", 10, 0, 20, 300, ships, "because", 0.9, accuracy, loss, 30.0)

    higher = tuning_safety.Change(0.1, 0.05, 0.15)
    runs = [one(False, worse, level), one(True, level, level), one(True, level, higher)]
    assert [goal.value for goal in tuning_safety.goals_of(runs)] == [0.0, 1.0]
    assert [goal.value for goal in tuning_safety.goals_of([one(True, worse, level)])] == [1.0, 1.0]


def test_a_run_of_tuning_tells_what_the_gate_kept_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shapes.folders(tmp_path / "forms", {"circle": 14, "square": 14})
    monkeypatch.setattr(tuning_safety, "DATA", tmp_path)
    kind = tuning_safety.Kind("tiny sets", (), shuffled=True)
    found = tuning_safety.run_once(kind, Source("forms", (3,)), 0, None, epochs=1)
    assert (found.n_train, found.n_test) == (6, 22)
    assert not found.ships  # of 6 items nothing can be told
    assert found.log_loss.mean != 0  # and yet a model was tuned and judged
    tuning_safety.show_runs([found], 0.01)
    shown = capsys.readouterr().out
    assert all(word in shown for word in ("tiny sets: forms", "kept back", "reached"))


def test_shuffled_labels_are_the_same_labels(tmp_path: Path) -> None:
    shapes.folders(tmp_path / "forms", {"circle": 9, "square": 7})
    own = tuning_safety.population(tmp_path / "forms")
    other = tuning_safety.with_shuffled_labels(own, 0)
    assert Counter(other.dataset.labels) == {"circle": 9, "square": 7}
    assert other.dataset.labels != own.dataset.labels
    assert other.dataset.items == own.dataset.items
    assert other.x is own.x
