"""From a model and its log to a verdict."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from graft.bundle import version_of
from graft.contracts import Float64, Progress, silent
from graft.data.dataset import Dataset
from graft.errors import DataError
from graft.model import Model, load
from graft.model.inputs import CacheChoice, as_run
from graft.monitoring.accuracy import (
    LATEST,
    LEAST_ITEMS,
    AccuracyNow,
    accuracy_now,
    counted,
    effective,
    labels_needed,
    shares_of,
)
from graft.monitoring.log import LoggedItems, read_log
from graft.monitoring.normal import fitted_to, labelled
from graft.monitoring.reference import LEAST_ROWS, MOST_ROWS, Reference, distinct
from graft.monitoring.verdict import ClassShare, Finding, MonitorReport, StrangeItem, as_time
from graft.monitoring.watching import LEAST_ITEMS as LEAST_LOGGED
from graft.monitoring.watching import LEVELS, Drift, Drifts, watch

EXAMPLES = 10
_GONE = 10
"""A class is gone that should have been answered so often by now, and never was."""
LEAST_COPIES = 10
_MANY_COPIES = 0.1
"""Near copies are worth a note where they are at least so many, and this share of the newest items."""
_EXPLAINED = 0.25
"""A shift of the inputs below so many standard deviations is no more than the mix of classes explains."""


def monitor(
    model: Model | str | Path,
    log: str | Path,
    data: Dataset | None = None,
    *,
    cache: CacheChoice = "default",
    progress: Progress = silent,
) -> MonitorReport:
    """Whether what a model is asked has changed, and how accurate it probably is now.

    Args:
        model: The model, or its bundle.
        log: What it answered: ``graft predict --log``, ``graft serve --log``.
        data: Labelled items that show what is usual; by default those that the model was fitted to.
        cache: Where embeddings are kept.
        progress: Told how far the work has come.

    Raises:
        DataError: There is no log, or nothing in it of this model; or nothing to compare with.
        BundleError: There is no such model.
    """
    fitted = model if isinstance(model, Model) else load(model)
    place = fitted.report.model
    if place is None:
        raise DataError("This model was not saved, and a log is of a saved one.", "Save it, and load it again.")
    run = as_run(cache, progress)
    logged = read_log(Path(log), version_of(place))
    reference = fitted_to(fitted, run) if data is None else labelled(fitted, data, run)
    return judged(fitted, reference, logged)


def judged(model: Model, reference: Reference, logged: LoggedItems) -> MonitorReport:
    """The verdict on a log.

    Raises:
        DataError: Log and reference are of different encoders.
    """
    if len(logged) and logged.x.shape[1] != reference.x.shape[1]:
        raise DataError(
            f"The log holds embeddings of {logged.x.shape[1]} numbers, and the model's have {reference.x.shape[1]}.",
            "Give the log of this very model.",
        )
    # Heads are fitted to the reference: they are surer of its items than of new ones, which would pass for a change.
    whole, logged = logged, logged.without(reference.digests)
    copies = _near_copies(reference, logged)
    changes = watch(reference, logged.x)
    shares = tuple(_shares(reference, changes, logged))
    told = {name: _finding(name, getattr(changes, name), changes, logged, shares) for name in LEVELS}
    began = [finding.since_item for finding in told.values() if finding.since_item]
    accuracy = _accuracy(model, reference, changes, logged)
    return MonitorReport(
        n=len(logged),
        since=as_time(logged.times[min(began) - 1]) if began else None,
        input=told["input"],
        answers=told["answers"],
        unknown=told["unknown"],
        accuracy=accuracy,
        classes=shares,
        new=tuple(sorted(set(_labels(logged)) - set(_known(reference)) - {""})) if reference.classes else (),
        gone=_gone(reference, logged),
        to_label=labels_needed(model.report.score.value if model.classes else float("nan")),
        examples=tuple(_strangest(changes, logged, min(began) - 1)) if began else (),
        reference=reference.name,
        n_reference=len(reference),
        known=len(whole) - len(logged),
        repeats=logged.n_repeats,
        near_copies=copies,
        broken=logged.n_broken,
        broken_lines=logged.broken,
        waiting=logged.waiting,
        others=logged.others,
        notes=tuple(_notes(reference, logged, copies)),
    )


def _labels(logged: LoggedItems) -> list[str]:
    return [one for own in logged.tags for one in own] if any(logged.tags) else list(logged.labels)


def _known(reference: Reference) -> list[str]:
    counts = reference.targets.sum(axis=0)
    return [name for name, count in zip(reference.classes, counts, strict=True) if count]


def _gone(reference: Reference, logged: LoggedItems) -> tuple[str, ...]:
    answered = set(_labels(logged))
    shares = reference.targets.mean(axis=0) if len(reference) else np.zeros(len(reference.classes))
    return tuple(
        name
        for name, share in zip(reference.classes, shares, strict=False)
        if name not in answered and share * len(logged) >= _GONE
    )


def _shares(reference: Reference, changes: Drifts, logged: LoggedItems) -> Iterator[ClassShare]:
    """Shares of the classes since their change began, or of all items."""
    if not len(changes.said) or not reference.classes:
        return
    start = changes.answers.since or 0
    before, now = _said(reference, changes.said_before), _said(reference, changes.said[start:])
    answered = _labels(logged)
    for column, name in enumerate(reference.classes):
        p, q = float(before[:, column].mean()), float(now[:, column].mean())
        half = 1.96 * float(
            np.sqrt((p * (1 - p) + 0.25 / len(before)) / len(before) + (q * (1 - q) + 0.25 / len(now)) / len(now))
        )
        yield ClassShare(name, p, q, q - p, q - p - half, q - p + half, answered.count(name))


def _said(reference: Reference, answers: Float64) -> Float64:
    """What scores come to ``(n, k)``: the likeliest class, or every label that is likelier than not."""
    if not reference.exclusive:
        return np.asarray(answers > 0.5, np.float64)
    return np.asarray(np.eye(answers.shape[1])[answers.argmax(axis=1)])


def _finding(name: str, change: Drift, changes: Drifts, logged: LoggedItems, shares: tuple[ClassShare, ...]) -> Finding:
    if not change.changed or change.since is None:
        return Finding(False, change.p, LEVELS[name])
    effect, text = change.effect, ""
    if name == "input":
        text = f"the items themselves differ by {abs(effect):.1f} standard deviations of what is usual"
    elif name == "answers" and change.column is not None:
        own = shares[change.column]
        effect = own.difference
        text = (
            f"{own.label}: {own.before:.0%} of the items before, {own.now:.0%} now "
            f"(difference {own.low:+.0%} to {own.high:+.0%})"
        )
    elif name == "answers":
        text = f"the numbers differ by {effect:+.1f} standard deviations of what is usual"
    else:
        limit = np.quantile(changes.usual, 0.95)
        effect = float((changes.strange[change.since :] > limit).mean() - (changes.usual > limit).mean())
        text = f"{effect + 0.05:.0%} of the items are as far from all classes as 5% of the usual ones"
    began = as_time(logged.times[change.since])
    return Finding(True, change.p, LEVELS[name], effect, began, change.since + 1, (change.found or 0) + 1, text)


def _accuracy(model: Model, reference: Reference, changes: Drifts, logged: LoggedItems) -> AccuracyNow:
    """How accurate it is now, if that can be said."""
    if not model.classes:
        return AccuracyNow(
            reason="a model of numbers has no accuracy; its errors cannot be told without the true numbers"
        )
    if not reference.exclusive or not model.report.confusion:
        return AccuracyNow(reason="for items of several labels it cannot be told from the answers alone")
    if len(logged) < LEAST_ITEMS:
        return AccuracyNow(reason=f"there are {len(logged)} items, and from {LEAST_ITEMS} on it can be estimated")
    start = max(changes.answers.since or 0, len(logged) - LATEST)
    if len(logged) - start < LEAST_ITEMS:
        start = len(logged) - LEAST_ITEMS
    confusion = np.array(model.report.confusion, np.float64)
    counts = counted(logged.labels[start:], model.classes)
    if (counts > 0).sum() < 2:
        return AccuracyNow(reason="all items get the same answer, and from one answer alone it cannot be told")
    if confusion.sum() < LEAST_ROWS or not np.isfinite(model.report.accuracy.value):
        return AccuracyNow(reason="the model's report has no accuracy either, for too few items were judged")
    for change, what in ((changes.input, "the items themselves have changed"),
                         (changes.unknown, "more items than before are like no class")):  # fmt: skip
        if change.changed and not _is_explained(reference, change, confusion, counts):
            return AccuracyNow(reason=f"{what}, and how the model does on such items only labels can tell")
    own = model.report.accuracy
    doubt = effective(own.value, own.low, own.high, int(confusion.sum()))
    value, low, high = accuracy_now(confusion, logged.scores[start:].astype(np.float64), doubt)
    return AccuracyNow(
        value, low, high, "from its probabilities, under the shares of classes of now", len(logged) - start
    )


def _is_explained(reference: Reference, change: Drift, confusion: Float64, counts: Float64) -> bool:
    """Whether the score that tells of a change has moved no more than the mix of classes alone moves it."""
    if change.score is None or change.among is None or change.rows is None or change.since is None:
        return False
    rows = (confusion + 0.5) / (confusion + 0.5).sum(axis=1, keepdims=True)
    now = shares_of(rows, counts / counts.sum())
    targets = reference.targets[change.rows]
    if targets.shape[1] != len(now):
        return False
    weights = targets @ (now / np.maximum(targets.mean(axis=0), 0.5 / len(targets)))
    weights /= max(weights.sum(), 1e-12)
    mean = float(weights @ change.among)
    spread = max(float(np.sqrt(weights @ (change.among - mean) ** 2)), 1e-12)
    left = abs(float(change.score[change.since :].mean()) - mean) / spread
    n, m = len(change.score) - change.since, 1 / float((weights**2).sum())
    return left < max(_EXPLAINED, 2.6 * float(np.sqrt(1 / n + 1 / m)))


def _strangest(changes: Drifts, logged: LoggedItems, since: int) -> Iterator[StrangeItem]:
    """Of the items since then, the strangest, the newest first."""
    usual = changes.usual
    apart = (changes.strange - usual.mean()) / max(float(usual.std()), 1e-9)
    later = np.arange(since, len(logged))
    chosen = sorted(later[np.argsort(-apart[later], kind="stable")][:EXAMPLES], reverse=True)
    for row in chosen:
        sure = float(logged.scores[row].max()) if logged.scores.shape[1] else None
        label = logged.labels[row] or (f"{logged.values[row, 0]:g}" if len(logged.values) else "")
        yield StrangeItem(
            int(row) + 1, logged.keys[row], as_time(logged.times[row]), label, sure, bool(logged.unknown[row]),
            float(apart[row]),
        )  # fmt: skip


def _near_copies(reference: Reference, logged: LoggedItems) -> int:
    """How many of the newest items are near copies of others among these."""
    x = logged.x[-MOST_ROWS:]
    return len(x) - len(distinct(x, reference.stages)) if len(x) else 0


def _notes(reference: Reference, logged: LoggedItems, copies: int) -> Iterator[str]:
    if len(reference) < LEAST_ROWS:
        yield f"The reference has {len(reference)} different items, and from {LEAST_ROWS} on changes can be told."
    if not len(logged):
        yield "The log holds no new item of this model yet."
    elif len(logged) <= LEAST_LOGGED:
        yield f"There are {len(logged)} new items, and of the first {LEAST_LOGGED} nothing is said yet."
    if reference.n_groups:
        yield (
            f"The reference comes in {reference.n_groups:,} groups. What is promised holds while items come from these "
            "in any order; a new group, or a run of one, is a change and may be told as one."
        )
    newest = min(len(logged), MOST_ROWS)
    if copies >= LEAST_COPIES and copies >= _MANY_COPIES * newest:
        yield (
            f"Of the last {newest:,} items {copies:,} are near copies of others. Each of them counts, and many of one "
            "kind are a change: keep probes out of the log, or let them send the same bytes each time."
        )
