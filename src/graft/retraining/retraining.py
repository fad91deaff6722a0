"""A model is fitted anew, and takes the old one's place only if it is better on items that neither has seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from graft import bundle
from graft.bundle import version_of
from graft.contracts import Bool, Encoder, Int, Progress, silent
from graft.data.items import Skipped
from graft.data.provenance import inputs_of
from graft.encoders import tuned_weights
from graft.errors import DataError, NotABundle
from graft.evaluation.intervals import FOLD_CORRELATION
from graft.job import Job, Plan, Reading
from graft.model import Model, load
from graft.model.fitting import fit_embedded
from graft.model.inputs import CacheChoice, Source, as_run
from graft.monitoring.log import read_log
from graft.reading.read import read
from graft.report.words import clean, score_name
from graft.results.facts import plain
from graft.retraining.decisions import keep_decision, uses_of
from graft.retraining.gate import PairedComparison, decide
from graft.retraining.judging import BothRight, answer_both
from graft.retraining.material import GatheredItems, gather
from graft.retraining.placing import alone, beside_the_model, check_previous, previous_of, replace_model, swap_back
from graft.retraining.reasons import R2, not_judged, old_items_lose, ships_or_not
from graft.run import NEVER, Flag, Run

LEAST_NEW = 50
"""So many different items that the model has not seen decide alone; with fewer, those that it has learned from count
too, its recipe fitted anew without them."""


@dataclass(frozen=True, slots=True)
class Retrained:
    """What came of a retraining.

    Attributes:
        shipped: Whether the new model has taken the old one's place.
        reason: Why, in one line.
        compared: Of the items that decided; ``None`` where none could, or none had to.
        model: The folder of the model in use.
        previous: The folder of the one that was in use before, if there is one.
        measure: What the figures are: the report's score.
        n_new: Items that the old model had not seen, nor a copy of them.
        n_corrected: Items from the folder of corrections.
        warnings: What else is to be said.
        answers: Shares of the answers that a log holds, where one was given.
        skipped: What of the data could not be used.
    """

    shipped: bool
    reason: str
    compared: PairedComparison | None
    model: str
    previous: str | None
    measure: str = ""
    n_new: int = 0
    n_corrected: int = 0
    warnings: tuple[str, ...] = ()
    answers: Mapping[str, float] = field(default_factory=dict)
    skipped: tuple[Skipped, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON-able: ``{shipped, reason, before, after, model, previous, ...}``; of what does not exist ``None``."""
        found = self.compared
        values: dict[str, Any] = plain(
            {
                "shipped": self.shipped,
                "reason": self.reason,
                "before": None if found is None else found.before,
                "after": None if found is None else found.after,
                **({} if found is None else found.to_dict()),
                "measure": self.measure,
                "n_new": self.n_new,
                "n_corrected": self.n_corrected,
                "model": self.model,
                "previous": self.previous,
                "warnings": list(self.warnings),
                "answers": dict(self.answers),
                "skipped": [one.to_dict() for one in self.skipped],
            }
        )
        return values


def retrain(
    model: str | Path,
    data: Source,
    *,
    log: str | Path | None = None,
    corrections: str | Path | None = None,
    journal: str | Path | None = None,
    force: bool = False,
    cache: CacheChoice = "default",
    progress: Progress = silent,
    cancelled: Flag = NEVER,
    allow_download: bool = False,
    **reading: Any,
) -> Retrained:
    """Fit a saved model anew by its own recipe and encoder, and put the new one in its place if it is better.

    Args:
        model: The bundle in use. It is read and answers all the time; the one before stays as ``MODEL.previous``.
        data: All that is to be learned from, old items and new ones; a test split of it decides alone.
        log: What the model has answered in use; its shares of answers stand beside those of the data.
        corrections: The folder that ``graft app`` keeps corrections in.
        journal: Decisions about the items of the data.
        force: Whether the new model ships whatever the gate says.
        cache: Where embeddings are kept.
        progress: Told how far the work has come.
        cancelled: Ends the work once it is set, such as a ``threading.Event``; then nothing has changed.
        allow_download: Whether the model's encoder may be fetched.
        reading: How the data are to be read: arguments of ``graft.read``.

    Raises:
        Busy: The model is being retrained already.
        BundleError: There is no such model, or it cannot be used or written.
        DataError: The data cannot be learned from.
        Cancelled: ``cancelled`` was set.
        OutputExists: What lies at ``MODEL.previous`` is no model.
        OSError: Nothing can be written beside the model.
    """
    place = Path(model).resolve()
    run = as_run(cache, progress, cancelled)
    with alone(place):
        check_previous(place)
        used = load(place, allow_download=allow_download)
        encoder = used._own_encoder()
        dataset = read(data, **{**used.reading, **reading})
        material = gather(used, dataset, _path(corrections), _path(journal), encoder, run)
        warnings, answers = _said(used, material, place, _path(log))
        verdict, rows = _judged(used, material, encoder, place, force, run)
        if verdict.shipped:
            new = _fitted(used, material, encoder, journal, run)
            warnings = (*warnings, *new.report.warnings)
        digests = [material.embedded.digests[row] for row in rows.tolist()]
        decided = {} if verdict.compared is None else verdict.compared.to_dict()
        told = {"model": version_of(place), "shipped": verdict.shipped, "forced": force, "reason": verdict.reason}
        run.check()
        if verdict.shipped:
            with beside_the_model(place) as new_place:
                new.save(new_place)
                keep_decision(place, digests, plain({**told, **decided}))
                replace_model(new_place, place)
        else:
            keep_decision(place, digests, plain({**told, **decided}))
        previous = previous_of(place)
        return replace(
            verdict,
            model=str(model),
            previous=_shown_previous(model) if previous.is_dir() else None,
            measure=_measure(used),
            n_new=int((~material.seen).sum()),
            n_corrected=material.n_corrected,
            warnings=warnings,
            answers=answers,
            skipped=material.dataset.skipped,
        )


def roll_back(model: str | Path) -> Retrained:
    """Let ``MODEL`` and ``MODEL.previous`` change places.

    Raises:
        Busy: The model is being retrained.
        BundleError: There is no earlier model, or it is damaged.
        OSError: The disk refuses.
    """
    place = Path(model).resolve()
    with alone(place):
        if previous_of(place).is_symlink():
            check_previous(place)
        if not previous_of(place).exists():
            raise NotABundle(
                f"There is no earlier model of {model}.", "graft retrain MODEL DATA keeps one, once it ships."
            )
        bundle.read(previous_of(place))  # whole, or it does not come back
        replaced = version_of(place)
        swap_back(place)
        reason = "The model that was in use before is in use again."
        keep_decision(place, [], {"model": replaced, "shipped": True, "forced": True, "reason": reason})
    return Retrained(True, reason, None, str(model), _shown_previous(model))


def _shown_previous(model: str | Path) -> str:
    """The earlier model as the model was named; of a link, beside what it leads to."""
    given = Path(model)
    return str(previous_of(given.resolve() if given.is_symlink() else given))


def _judged(
    used: Model, material: GatheredItems, encoder: Encoder, place: Path, force: bool, run: Run
) -> tuple[Retrained, Int]:
    """What the gate says, and which rows it is said of."""
    nothing = np.empty(0, np.int64)
    learned = material.dataset.select(np.flatnonzero(~material.tested))
    if missing := sorted(set(used.classes) - set(learned.classes)):
        reason = not_judged(
            f"the data hold nothing of {', '.join(map(clean, missing[:5]))}, which it knows", force=force
        )
        return Retrained(force, reason, None, "", None), nothing
    both = answer_both(used, material, encoder, used.recipe, run)
    if not len(both.rows):
        what = "a test split of which it has seen every item" if material.tested.any() else "too few items"
        return Retrained(force, not_judged(f"the data have {what}", force=force), None, "", None), nothing
    return _decided(used, material, both, place, force)


def _decided(used: Model, material: GatheredItems, both: BothRight, place: Path, force: bool) -> tuple[Retrained, Int]:
    units = material.units[both.rows]
    correlation = FOLD_CORRELATION if both.in_turn else 1.0
    new = both.new if len(np.unique(units[both.new])) >= LEAST_NEW or not both.in_turn else np.ones_like(both.new)

    def asked(chosen: Bool) -> PairedComparison:
        digests = [material.embedded.digests[row] for row in both.rows[chosen].tolist()]
        uses = uses_of(place, digests)
        return decide(both.before[chosen], both.after[chosen], units[chosen], uses=uses, correlation=correlation)

    found = asked(new)
    shipped, reason = found.ships, ships_or_not(found, _measure(used), force=force)
    if not new.all() and (old := asked(~new)).difference.high < 0:
        shipped, reason = False, old_items_lose(old, _measure(used), force=force)
    return Retrained(shipped or force, reason, found, "", None), both.rows[new]


def _fitted(used: Model, material: GatheredItems, encoder: Encoder, journal: str | Path | None, run: Run) -> Model:
    """The new model, fitted to everything but a test split."""
    dataset = material.dataset
    fitted = fit_embedded(dataset, material.embedded, encoder, used.recipe, run, material.alike).model
    files = None if journal is None else str(journal)
    plan = Plan("fit", journal=files, inputs=inputs_of(dataset, material.embedded.digests, files))
    tuned = tuned_weights(encoder)
    reading = None if tuned else dataset.reading
    report = replace(
        fitted.report,
        name=used.report.name,
        journal=material.journal,
        tuning=used.report.tuning if tuned else None,
        columns=used.report.columns,
    )
    return replace(fitted, report=report, job=Job(reading or Reading(), used.recipe, plan))


def _said(
    used: Model, material: GatheredItems, place: Path, log: Path | None
) -> tuple[tuple[str, ...], dict[str, float]]:
    """What is to be said beside the verdict, and the shares of answers that a log holds."""
    warnings = []
    if material.coverage < 1:
        assert used.training is not None
        gone = round((1 - material.coverage) * len(used.training))
        warnings.append(
            f"{gone:,} of the {len(used.training):,} items that the model was fitted to are not in the data: the new "
            "one does not learn from them. Give old data and new together."
        )
    if log is None:
        return tuple(warnings), {}
    try:
        found = read_log(log, version_of(place))
    except DataError as error:
        return (*warnings, str(error)), {}
    said = Counter(label for tags, own in zip(found.tags, found.labels, strict=True) for label in tags or (own,))
    answers = {label: said[label] / len(found) for label in used.classes} if len(found) else {}
    if answers:
        dataset = material.dataset
        given = {
            label: float(share) for label, share in zip(dataset.classes, dataset.indicator.mean(axis=0), strict=True)
        }
        label = max(answers, key=lambda one: abs(answers[one] - given.get(one, 0.0)))
        warnings.append(
            f"Of {len(found):,} answers in the log {answers[label]:.0%} are {clean(label)}, and of the data "
            f"{given.get(label, 0.0):.0%}: both models were judged on the data as they are."
        )
    return tuple(warnings), answers


def _measure(used: Model) -> str:
    return score_name(used.report).lower() if used.classes else R2


def _path(given: str | Path | None) -> Path | None:
    return None if given is None else Path(given)
