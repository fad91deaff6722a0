"""From a fitted model to a tuned one that is better, or back to the fitted one with the reason why."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from graft import job
from graft.contracts import Encoder, Progress, silent
from graft.data.dataset import Dataset, Skipped
from graft.data.guard import Inputs
from graft.data.provenance import inputs_of
from graft.data.texts import texts_of
from graft.encoders import ENCODERS, BuiltIn, Tunable, tuned_weights
from graft.errors import DataError, TooFewClasses, UsageError
from graft.evaluation.notices import some
from graft.executors import map_on_cores
from graft.metrics import accuracy, log_loss
from graft.model.inputs import CacheChoice, Source, as_run
from graft.model.model import Model
from graft.reading.read import read
from graft.results.history import History, Tuning
from graft.run import NEVER, Flag, Run, Stopwatch
from graft.tasks.examples import Examples, check_modality, embed_dataset, nothing_readable
from graft.tuning import gate
from graft.tuning.material import Material
from graft.tuning.methods import plan_for
from graft.tuning.names import spelled
from graft.tuning.networks import network_for
from graft.tuning.notes import Note, unheard
from graft.tuning.plan import TrainingPlan

FORCED = "The tuned model ships because it was told to, whatever the gate said, which was:"

UNSOUND = (
    "The model stays as it was: tuned networks were better on items held out from both, but their mean is worse than "
    "they are."
)
"""Why nothing ships where the parts lie too far apart."""


UNLEARNED = "The model stays as it was, although it was told to ship: nothing was learned that could be kept."
"""Why nothing ships by force where no trial has kept an epoch."""


@dataclass(frozen=True, slots=True, eq=False)
class Tuned:
    """What came of it.

    Attributes:
        model: The tuned model, or the one that went in with the reason in its report.
        shipped: Whether it is the tuned one.
        reason: Why, in one sentence.
        before: ``accuracy`` and ``log_loss`` of the fitted head on the items that decided.
        after: Those of the tuned model, which was held out from the same items.
        history: Of every run.
        seconds: In all, those before an interruption too.
        better: Whether the gate said that it is better.
        skipped: The items that could not be used.
    """

    model: Model
    shipped: bool
    reason: str
    before: Mapping[str, float]
    after: Mapping[str, float]
    history: tuple[History, ...]
    seconds: float
    better: bool
    skipped: tuple[Skipped, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-able values; ``model`` is the folder where it was saved, if it was."""
        return {
            "shipped": self.shipped,
            "reason": self.reason,
            "before": self.before,
            "after": self.after,
            "seconds": round(self.seconds, 3),
            "n_skipped": len(self.skipped),
            "skipped": [entry.to_dict() for entry in self.skipped],
            "model": self.model.report.model,
        }


def tune(
    model: Model,
    data: Source,
    *,
    method: str | TrainingPlan = "blocks",
    flips: bool = True,
    epochs: int | None = None,
    time_limit: float | None = None,
    force: bool = False,
    seed: int | None = None,
    cache: CacheChoice = "default",
    checkpoint: Path | None = None,
    progress: Progress = silent,
    cancelled: Flag = NEVER,
    note: Note = unheard,
) -> Tuned:
    """Fine-tune a model's encoder, and ship it only if it is better on items that nothing was chosen on.

    A test split is never trained on and decides nothing: the model that ships is scored on it once, at the end.

    Args:
        model: A fitted model. It stays as it is.
        data: What it was fitted to, or more of the same classes.
        method: A key of ``METHODS``, or a plan.
        flips: Whether pictures may be mirrored; not where left and right tell classes apart.
        epochs: How often every item is seen, if time allows; by default as the plan has it.
        time_limit: Seconds for everything, at least about; without one the plan takes as long as it takes.
        force: Ship it whatever the gate says.
        seed: Every random choice follows from it; that of the model's recipe by default.
        cache: Where the embeddings of the fitted model are kept.
        checkpoint: Begins the names of files from which an interrupted run goes on. They stay until the model is saved
            and ``graft.tuning.kept.forget`` removes them.
        progress: Told how far the work has come.
        cancelled: Ends the work at the next step once it is set, such as a ``threading.Event``.
        note: Told in words how it goes.

    Raises:
        UsageError: The model's encoder cannot be tuned, or the method does not apply.
        DataError: The data's classes are not the model's, or there are too few items to hold some out.
        MissingExtra: torch, kornia or peft is not installed.
    """
    run = as_run(cache, progress, cancelled, Stopwatch(time.monotonic))
    began = run.clock.now()
    encoder = _tunable(model)
    plan = _plan(method, encoder, flips, epochs, seed if seed is not None else model.recipe.seed, time_limit)
    with run.at_work():
        network_for(encoder)  # what is missing is said before the work
        from graft.tuning.augmentation import augmentation_for
        from graft.tuning.outcome import tuned_model
        from graft.tuning.trials import Conduct, HeldOutScores, mean_model, run_trials

        augmentation_for(encoder.modality)
        examples = _examples(model, encoder, data, run)
        parts = _parts(examples, plan.seed)
        material = _material(model, encoder, examples, plan, note)
        limit = math.inf if time_limit is None else began + time_limit
        trials = run_trials(material, parts, Conduct(plan, limit, run, checkpoint, note))
        judged = HeldOutScores.by(trials, material, plan.seed)
        y = material.y[judged.rows]
        units = material.units[judged.rows]
        verdict = gate.decide(judged.before, judged.after, y, units, rival_p=judged.rival, seed=plan.seed)
        learned = any(trial.weights for trial in trials)
        reason = _reason(verdict, force, learned)
        shipped = mean_model(material, trials, judged) if verdict.ships or (force and learned) else None
        if shipped and not (shipped.sound or force):
            shipped, reason = None, UNSOUND
        forced = shipped is not None and not verdict.ships
        result = tuned_model(model, shipped, examples, judged, forced=forced) if shipped else model
        seconds = round(run.clock.now() - began + sum(trial.earlier for trial in trials), 3)
        tuning = Tuning(
            method=method if isinstance(method, str) else "plan",
            shipped=shipped is not None,
            forced=forced,
            reason=reason,
            before=_figures(judged.before, y),
            after=_figures(judged.after, y),
            n_decided=len(y),
            runs=tuple(trial.history.shortened() for trial in trials),
            seconds=seconds,
        )
        dataset, place = examples.dataset, model.report.model
        done = job.Plan(
            "tune",
            model=place,
            method=method if isinstance(method, str) else method.to_dict(),
            flips=flips,
            epochs=epochs,
            force=force,
            seed=seed,
            time_limit=time_limit,
            inputs=inputs_of(dataset, examples.embedded.digests, place),
        )
        report = replace(
            result.report,
            seconds={"total": seconds} if shipped else model.report.seconds,
            tuning=tuning,
            inputs=Inputs.of(model.report.inputs, dataset),
        )
        return Tuned(
            model=replace(result, report=report, job=job.Job(dataset.reading or job.Reading(), model.recipe, done)),
            shipped=tuning.shipped,
            reason=reason,
            before=tuning.before,
            after=tuning.after,
            history=tuple(trial.history for trial in trials),
            seconds=seconds,
            better=verdict.ships and tuning.shipped,
            skipped=dataset.skipped,
        )


def _reason(verdict: gate.Verdict, force: bool, learned: bool) -> str:
    if verdict.ships or not force:
        return verdict.reason
    return f"{FORCED} {verdict.reason}" if learned else UNLEARNED


def _tunable(model: Model) -> Tunable:
    if not model.classes:
        raise UsageError(
            "The model predicts numbers, and such models cannot be tuned.",
            "Fit it with another encoder: graft encoders names some.",
        )
    if not model.task.tunable:
        raise UsageError(
            "The model gives items any number of labels, and such models cannot be tuned.",
            "Tune a model with one label for each item.",
        )
    if not isinstance(model.encoder, Tunable):
        name = model.encoder.name if model.encoder else "a matrix that was given"
        raise UsageError(
            f"The model's encoder cannot be tuned: it is {name}.",
            f"Fit with one of {', '.join(ENCODERS)}, or a model of the hub, and tune that model.",
        )
    if tuned_weights(model.encoder):
        raise UsageError(
            f"The model was tuned already: its encoder is {model.encoder.name}.",
            "Tune the model that it was made from, with more items or another method.",
        )
    return model.encoder


def _plan(
    method: str | TrainingPlan, encoder: Tunable, flips: bool, epochs: int | None, seed: int, time_limit: float | None
) -> TrainingPlan:
    if time_limit is not None and not time_limit > 0:
        raise UsageError(f"The time limit is {time_limit!r} seconds.", "Give more than 0.")
    own = isinstance(encoder, BuiltIn)
    plan = plan_for(method, encoder.modality, built_in=own) if isinstance(method, str) else method
    return replace(plan, flips=plan.flips and flips, epochs=plan.epochs if epochs is None else epochs, seed=seed)


def _examples(model: Model, encoder: Encoder, data: Source, run: Run) -> Examples:
    """The items that can be used, of the model's classes, embedded by the encoder as it was pretrained."""
    dataset = read(data, min_classes=1, modality=encoder.modality, progress=run.progress, cancelled=run.cancelled)
    if dataset.tags:
        raise DataError(
            "The items of these data bear any number of labels, and the model gives each item one class.",
            "Tune on data with one label for each item.",
        )
    check_modality(dataset, encoder)
    _check_classes(model.classes, dataset)
    usable, embedded = embed_dataset(encoder, dataset, run)
    if not len(usable):
        raise nothing_readable(usable.skipped, encoder.modality)
    _check_classes(model.classes, usable)
    return Examples.of(usable, encoder, model.recipe, run, embedded)


def _check_classes(classes: Sequence[str], dataset: Dataset) -> None:
    """Whether the items to train on are of the model's classes, all of them."""
    found = {label for label, split in zip(dataset.labels, dataset.splits, strict=True) if split != "test"}
    if strange := sorted(found - set(classes)):
        raise DataError(
            f"The model does not know {some(strange)}.",
            "Give it these classes first (graft extend), or fit a model to these data (graft fit).",
        )
    if missing := [label for label in classes if label not in found]:
        raise TooFewClasses(
            f"There are no items to train on of {some(missing)}, which the model knows and would forget.",
            "Give the data that the model was fitted to.",
        )


def _parts(examples: Examples, seed: int) -> tuple[gate.Parts, ...]:
    """What each trial learns from, is stopped by and is judged by."""
    rows = examples.rows
    parts = gate.plan(rows.y, rows.units, seed)
    if not parts or any(not len(part) for each in parts for part in (each.fit, each.validation, each.gate)):
        raise DataError(
            f"Of {len(rows.y)} items, copies and groups kept together, none can be held out to tell whether tuning "
            "helps.",
            "Add items: a few dozen for each class are a beginning.",
        )
    return parts


def _material(model: Model, encoder: Tunable, examples: Examples, plan: TrainingPlan, note: Note) -> Material:
    """What is learned from: with the names of classes as texts, where the plan wants them and they say something."""
    rows = examples.rows  # of the model's classes, as was checked
    material = Material(
        encoder=encoder,
        x=rows.x,
        y=rows.y,
        k=len(model.classes),
        units=rows.units,
        values=list(map_on_cores(lambda item: encoder.prepare(item.read()).value, rows.items)),
        texts=texts_of(rows.items) if encoder.modality == "text" else None,
        recipe=model.recipe,
    )
    names = spelled(model.classes) if plan.names and material.texts is not None else None
    if names and (material := material.named(names)).names:
        note(f"The names of {material.names} classes are learned from as well, each as one more text of its class.")
    return material


def _figures(p: Any, y: Any) -> dict[str, float]:
    return {"accuracy": accuracy(y, p.argmax(axis=1)), "log_loss": log_loss(y, p)}
