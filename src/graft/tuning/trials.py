"""Runs that hold out one part of the items after another, and the model that is the mean of them.

What ships is not trained anew on all items: that would take half as long as the trials together, and nothing would
have judged it. It is the mean of the trials' weights: networks that were tuned from the same weights on lie in one
basin, and their mean is usually no worse than each of them (model soups: Wortsman et al., ICML 2022).
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from graft.contracts import Encoder, Float32, Int
from graft.encoders import Tunable, retuned
from graft.encoders.lru import LOADED
from graft.executors import checkpoint, map_on_cores
from graft.heads.features import transform
from graft.heads.protocols import CalibratedHead
from graft.heads.unknown import UnknownRule
from graft.learning.calibration import fit_temperature
from graft.learning.conformal import fit_sets
from graft.learning.selection import Choice
from graft.learning.unknown import fit_unknown
from graft.metrics import log_loss
from graft.results.history import History
from graft.run import PLAIN, Run
from graft.tuning.augmentation import augmentation_for
from graft.tuning.gate import Parts, calibrated
from graft.tuning.head import TrainableHead
from graft.tuning.kept import place_of
from graft.tuning.material import Material, embedded, fitted, rows_of, scores_of
from graft.tuning.networks import network_for
from graft.tuning.notes import Note, unheard
from graft.tuning.parity import hold_to_network
from graft.tuning.plan import TrainingPlan
from graft.tuning.training import train

RESERVE = 0.15
"""Share of the time that is kept for embeddings and heads, as long as it is not known how long they take."""

COUNTED = 2
"""So many times the name of a class counts where a final head is fitted."""


@dataclass(frozen=True, slots=True)
class Conduct:
    """How runs are carried out.

    Attributes:
        plan: Of each.
        limit: Reading of the run's clock at which all must be over; infinite without one.
        run: Is told of every step, and may end it.
        checkpoint: Begins the names of the files in which runs are kept: those that are over too, so that all can be
            taken up together.
        note: Told in words how it goes.
    """

    plan: TrainingPlan
    limit: float = np.inf
    run: Run = PLAIN
    checkpoint: Path | None = None
    note: Note = unheard


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """A run, and what heads say of the rows of a gate, which nothing has seen; they were fitted to all other rows.

    Attributes:
        gate: The rows ``(g,) int64``.
        before: Scores of the head on the network as it was, divided by its own temperature ``(g, k) float32``.
        after: Those of the head on the tuned network.
        rival: Those of a head on the network as it was that has learned from names too, if there are any.
        x: Embeddings of all rows by the tuned network ``(n, dim) float32``.
        weights: What tuning has changed, by its pinned name.
        history: Of the run.
        aside: Seconds that went into embeddings and heads.
        earlier: Seconds of the run before it was interrupted and taken up again.
    """

    gate: Int
    before: Float32
    after: Float32
    rival: Float32 | None
    x: Float32
    weights: Mapping[str, Float32]
    history: History
    aside: float
    earlier: float


@dataclass(frozen=True, slots=True, eq=False)
class HeldOutScores:
    """What the trials said of all rows that were held out.

    Attributes:
        rows: Which ``(m,) int64``.
        before: Calibrated probabilities of the heads on the network as it was ``(m, k) float32``.
        after: Those on tuned networks.
        rival: Those of heads on the network as it was that have learned from names too, if there are any.
        scores: Scores on tuned networks, each divided by the temperature of its head.
    """

    rows: Int
    before: Float32
    after: Float32
    rival: Float32 | None
    scores: Float32

    @classmethod
    def by(cls, trials: Sequence[Trial], material: Material, seed: int) -> HeldOutScores:
        """All of them together."""
        rows = np.concatenate([trial.gate for trial in trials])
        y, units = material.y[rows], material.units[rows]

        def sure(scores: Float32) -> Float32:
            return calibrated(scores, y, units, seed=seed)

        before = np.concatenate([trial.before for trial in trials])
        after = np.concatenate([trial.after for trial in trials])
        rivals = [trial.rival for trial in trials if trial.rival is not None]
        return cls(rows, sure(before), sure(after), sure(np.concatenate(rivals)) if rivals else None, after)


def run_trials(material: Material, parts: Sequence[Parts], conduct: Conduct) -> tuple[Trial, ...]:
    """A trial of each of the parts; they share the time."""
    trials: list[Trial] = []
    aside: float | None = None
    for number, each in enumerate(parts):
        waiting = len(parts) - number
        left = max(0.0, conduct.limit - conduct.run.clock.now())
        if aside is None:
            aside = left * RESERVE / (waiting + 1) if np.isfinite(left) else 0.0
        if len(parts) > 1:
            conduct.note(f"Trial {number + 1} of {len(parts)}: {len(each.fit)} items to learn from.")
        deadline = max(1.0, (left - aside * (waiting + 1)) / waiting)
        trials.append(_trial(material, each, conduct, number, deadline))
        aside = trials[-1].aside
    return tuple(trials)


@dataclass(frozen=True, slots=True, eq=False)
class Shipped:
    """What may take the place of the model that went in.

    Attributes:
        encoder: With the mean of the trials' weights.
        classifier: Fitted to all rows on it. Nothing was held out from these, so that its temperature, prediction sets
            and what is unknown are those of the trials.
        choice: How the head was chosen.
        sound: Whether the mean is as good as its parts, as far as can be told: cross-validated heads on it do no worse
            on rows that the network knows than the trials did on rows that theirs did not.
    """

    encoder: Encoder
    classifier: CalibratedHead
    choice: Choice
    sound: bool


def mean_model(material: Material, trials: Sequence[Trial], judged: HeldOutScores) -> Shipped:
    """The mean of the trials' networks, but for those that learned nothing, and a head that is fitted to all rows."""
    chosen = [trial for trial in trials if trial.history.best] or trials
    checkpoint()
    encoder = retuned(material.encoder, _mean_weights([trial.weights for trial in chosen], material.encoder))
    if len(chosen) == 1:
        x = chosen[0].x
    else:
        hold_to_network(encoder, network_for(encoder), material.values)
        x = embedded(encoder, material.values)
    items = np.arange(len(material))
    classifier, out_of_fold = fitted(material, x, material.with_names(items, COUNTED))
    y, scored = material.y[judged.rows], np.flatnonzero(out_of_fold.scored)
    own = log_loss(material.y[scored], out_of_fold.p[scored])
    shipped = replace(
        classifier,
        temperature=classifier.temperature * fit_temperature(judged.scores, y),
        sets=fit_sets(judged.after, y, material.k, material.recipe.set_level),
        unknown=_unknown(classifier, material, trials),
    )
    return Shipped(encoder, shipped, out_of_fold.choice, not own > log_loss(y, judged.after))


def _trial(material: Material, parts: Parts, conduct: Conduct, number: int, deadline: float) -> Trial:
    plan, began = conduct.plan, time.monotonic()
    learned = material.with_names(parts.fit)
    start, _ = fitted(material, material.x, learned)
    network = network_for(material.encoder)
    starts = time.monotonic()
    history = train(
        network,
        TrainableHead.of(start),
        rows_of(material, learned, start),
        rows_of(material, parts.validation, start),
        plan,
        augment=augmentation_for(material.encoder.modality, flips=plan.flips, size=plan.size),
        deadline=max(1.0, deadline - (starts - began)),
        checkpoint=conduct.checkpoint and place_of(conduct.checkpoint, number),
        progress=conduct.run.tell,
        note=conduct.note,
    )
    spent = time.monotonic() - starts
    checkpoint()
    weights = network.changed()
    checkpoint()
    tuned = retuned(material.encoder, weights)
    hold_to_network(tuned, network, material.values)
    x = embedded(tuned, material.values)
    LOADED.forget(tuned)  # its weights go into the mean, and nobody asks it again
    others = np.union1d(parts.fit, parts.validation)
    named = material.with_names(others, COUNTED)
    heads = [(material.x, others), (x, named), *([(material.x, named)] if material.names else [])]
    before, after, *rival = map_on_cores(
        lambda head: scores_of(fitted(material, *head)[0], material, head[0], parts.gate), heads
    )
    aside = time.monotonic() - began - spent
    earlier = max(0.0, history.seconds - spent)
    return Trial(parts.gate, before, after, rival[0] if rival else None, x, weights, history, aside, earlier)


def _mean_weights(each: Sequence[Mapping[str, Float32]], encoder: Tunable) -> dict[str, Float32]:
    if len(each) == 1:
        return dict(each[0])
    pinned = encoder.pinned()
    names = sorted(set().union(*each))
    return {
        name: np.mean([weights.get(name, pinned[name]) for weights in each], axis=0, dtype=np.float32) for name in names
    }


def _unknown(classifier: CalibratedHead, material: Material, trials: Sequence[Trial]) -> UnknownRule:
    """Prototypes of the network that ships; what is usual of unknown items is learned from the trials."""
    rules = []
    for trial in trials:
        scores = np.full((1, len(material.y), material.k), np.nan, np.float32)
        scores[0, trial.gate] = trial.after * classifier.temperature  # as large as those of this head
        fold = np.full(len(material.y), -1, np.int64)
        fold[trial.gate] = 0
        phi = transform(trial.x, classifier.stages, classifier.features)
        rules.append(fit_unknown(phi, material.y, material.k, [fold], scores, material.recipe.unknown_rate)[0])
    return replace(
        classifier.unknown,
        threshold=float(np.mean([rule.threshold for rule in rules])),
        distance=_mean([rule.distance for rule in rules]),
        margin=_mean([rule.margin for rule in rules]),
    )


def _mean(pairs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    first, second = np.mean(pairs, axis=0)
    return float(first), float(second)
