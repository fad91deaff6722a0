"""One tuning run after another: trials that the gate judges, and the run on all items that ships."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from graft.contracts import Encoder, Float32, Int, Linear, Progress, silent
from graft.encoders import retuned
from graft.executors import map_on_cores
from graft.heads.calibration import fit_temperature, probabilities
from graft.heads.classifier import Classifier
from graft.heads.conformal import fit_sets
from graft.heads.features import transform
from graft.heads.unknown import UnknownRule, fit_unknown
from graft.report.history import History
from graft.tuning.augmentation import augmentation_for
from graft.tuning.gate import Parts, calibrated
from graft.tuning.head import TrainableHead
from graft.tuning.material import Material, Start
from graft.tuning.networks import network_for
from graft.tuning.notes import Note, unheard
from graft.tuning.plan import Plan
from graft.tuning.training import train

LEAST_TRIALS = 2
"""Of the folds, where time is short."""
RESERVE = 0.1
"""Share of the time that is kept for heads and embeddings."""


@dataclass(frozen=True, slots=True)
class Conduct:
    """How runs are carried out.

    Attributes:
        plan: Of each.
        seconds_left: How many there are; infinite without a limit.
        checkpoint: Begins the names of the files in which runs are kept.
        progress: Told of every step.
        note: Told in words how it goes.
    """

    plan: Plan
    seconds_left: Callable[[], float]
    checkpoint: Path | None = None
    progress: Progress = silent
    note: Note = unheard

    def place(self, run: int) -> Path | None:
        """Where a run is kept: those that are over too, so that all can be taken up together."""
        return self.checkpoint and self.checkpoint.with_name(f"{self.checkpoint.name}-{run}")


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """What both models say of a gate's rows, which neither has seen.

    Attributes:
        gate: The rows ``(g,) int64``.
        before: Calibrated probabilities of the head on the frozen network ``(g, k) float32``.
        after: Those of the tuned model.
        scores: The tuned model's scores, no temperature applied.
        unknown: Prototypes, moments and threshold of the tuned model, from these rows.
        history: Of the run.
    """

    gate: Int
    before: Float32
    after: Float32
    scores: Float32
    unknown: UnknownRule
    history: History


def run_trials(material: Material, parts: Sequence[Parts], conduct: Conduct) -> tuple[Trial, ...]:
    """A trial of each of the parts, or of as many as time allows; at least two, if there are as many."""
    trials: list[Trial] = []
    wanted = min(LEAST_TRIALS, len(parts))
    longest = 0.0
    for number, each in enumerate(parts):
        final = len(material) / len(each.fit)
        if number >= LEAST_TRIALS and conduct.seconds_left() < longest * (1 + final):
            break
        began = time.monotonic()
        share = 1 / (max(1, wanted - number) + final)
        trials.append(_trial(material, each, conduct, number, share))
        longest = max(longest, time.monotonic() - began)
    return tuple(trials)


def tune_on_all(material: Material, conduct: Conduct, trials: Sequence[Trial]) -> tuple[Encoder, Classifier, History]:
    """The encoder and classifier that ship: trained on all rows for as long as was best in the trials.

    It is not cut short by the time limit, which the trials leave room for: a model that has learned less than those of
    the trials is not the one that was judged. Nothing is held out from its rows, so that temperature, sets and the
    unknown score are those of the trials.
    """
    best = round(median(trial.history.best for trial in trials))
    length = round(median(_planned_epochs(trial.history, conduct.plan) for trial in trials))
    alpha = float(median(trial.history.alpha for trial in trials))
    plan = replace(conduct.plan, epochs=max(1, length), until=max(1, best), alphas=(alpha,))
    run = Start(material, np.arange(len(material)))
    network = network_for(material.encoder)
    trained = train(
        network,
        TrainableHead.of(run.classifier),
        run.rows(run.fit),
        None,
        plan,
        augment=augmentation_for(material.encoder.modality),
        checkpoint=conduct.place(len(trials)),
        progress=conduct.progress,
        note=conduct.note,
    )
    encoder = retuned(material.encoder, network.changed())
    gate = np.concatenate([trial.gate for trial in trials])
    scores, y = np.concatenate([trial.scores for trial in trials]), material.y[gate]
    temperature = fit_temperature(scores, y)
    phi = transform(_embedded(encoder, material.values), encoder.stages, run.classifier.features)
    classifier = Classifier(
        stages=encoder.stages,
        features=run.classifier.features,
        linear=_rounded(trained.head),
        temperature=temperature,
        sets=fit_sets(probabilities(scores, temperature), y, material.k, material.recipe.set_level),
        unknown=_unknown(phi, material, trials),
        lexical=run.lexical,
    )
    return encoder, classifier, trained.history


def _trial(material: Material, parts: Parts, conduct: Conduct, number: int, share: float) -> Trial:
    run = Start(material, parts.fit)
    head = TrainableHead.of(run.classifier)
    start = head.linear()
    network = network_for(material.encoder)
    trained = train(
        network,
        head,
        run.rows(parts.fit),
        run.rows(parts.validation),
        conduct.plan,
        augment=augmentation_for(material.encoder.modality),
        deadline=_deadline(conduct, share),
        checkpoint=conduct.place(number),
        progress=conduct.progress,
        note=conduct.note,
    )
    stages, features = material.encoder.stages, run.classifier.features
    before = run.scores(start, transform(material.x, stages, features))
    tuned = retuned(material.encoder, network.changed())
    phi = transform(_embedded(tuned, material.values), stages, features)
    after = run.scores(trained.head, phi)
    gate, stop = parts.gate, parts.validation
    held_out = np.full(after.shape, np.nan, np.float32)
    held_out[gate] = after[gate]
    fold = np.full(len(material), -1, np.int64)
    fold[gate] = 0
    return Trial(
        gate=gate,
        before=calibrated(before[gate], before[stop], material.y[stop]),
        after=calibrated(after[gate], after[stop], material.y[stop]),
        scores=after[gate],
        unknown=fit_unknown(phi, material.y, material.k, [fold], held_out[None], material.recipe.unknown_rate),
        history=trained.history,
    )


def _unknown(phi: Float32, material: Material, trials: Sequence[Trial]) -> UnknownRule:
    """Prototypes of the encoder that ships; what is usual of strangers to it is known from the trials."""
    whole = fit_unknown(phi, material.y, material.k, [], np.empty((0, *_shape(material)), np.float32), 0.0)
    rules = [trial.unknown for trial in trials]
    return replace(
        whole,
        threshold=float(np.mean([rule.threshold for rule in rules])),
        distance=_mean([rule.distance for rule in rules]),
        margin=_mean([rule.margin for rule in rules]),
    )


def _shape(material: Material) -> tuple[int, int]:
    return len(material), material.k


def _mean(pairs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    first, second = np.mean(pairs, axis=0)
    return float(first), float(second)


def _rounded(linear: Linear) -> Linear:
    """As a bundle keeps it."""
    return Linear(linear.weights.astype(np.float16).astype(np.float32), linear.bias.astype(np.float32))


def _embedded(encoder: Encoder, values: Sequence[Any]) -> Float32:
    starts = range(0, len(values), encoder.batch_size)
    return np.concatenate(
        list(map_on_cores(lambda start: encoder.embed(values[start : start + encoder.batch_size]), starts))
    )


def _planned_epochs(history: History, plan: Plan) -> int:
    """How long the schedule was: time may have drawn it together."""
    return plan.epochs if history.stopped == "no longer better" else max(1, len(history.epochs) - 1)


def _deadline(conduct: Conduct, share: float) -> float | None:
    left = conduct.seconds_left()
    return None if left == float("inf") else max(1.0, left * (1 - RESERVE) * share)
