"""What to label next: of many items without a label, the few whose labels would help a model most."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, overload

import numpy as np

from graft.contracts import Array, Float32, Float64, Progress, silent
from graft.data.dataset import SEPARATOR, Item, Skipped, as_item
from graft.data.inputs import gather
from graft.encoders.embed import Embedded, stream
from graft.errors import DataError, NothingToRead
from graft.heads.features import transform
from graft.heads.tags import TagClassifier, confidence_of
from graft.model import Model
from graft.model.inputs import CacheChoice, as_cache, nothing_readable
from graft.model.texts import texts_of

CANDIDATES = 4000
"""From more items than this a sample is drawn, in which an item is the likelier the less sure the model is of it."""
NOISE = 0.1
"""Variance of a label about what the features say, where that of the features is 1. 0.1 and 1 were tried."""
CLOSE = 0.5
"""Below this distance between the two most probable classes, an item lies between them."""
_LEAST = 1e-4
"""Nothing is quite certain."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An item to label.

    Attributes:
        item: The item.
        predicted: What the model thinks it is.
        confidence: How sure it is, 0 to 1.
        score: How much of what is unsettled among all items this label would settle, given those before it, 0 to 1.
        reason: Why it was chosen.
    """

    item: Item
    predicted: str
    confidence: float
    score: float
    reason: str

    def to_dict(self) -> dict[str, Any]:
        """``{input, predicted, confidence, score, reason}``, for JSON."""
        return {
            "input": self.item.name,
            "predicted": self.predicted,
            "confidence": self.confidence,
            "score": self.score,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class Shortlist(Sequence[Suggestion]):
    """A sequence of suggestions, the one to label first in front, and what became of the other items.

    Attributes:
        suggestions: The suggestions.
        n_items: How many different items without a label there were to choose from.
        n_labelled: How many more the model was fitted to already.
        n_copies: How many more are copies of others.
        skipped: What could not be read.
    """

    suggestions: tuple[Suggestion, ...]
    n_items: int
    n_labelled: int
    n_copies: int
    skipped: tuple[Skipped, ...]

    @overload
    def __getitem__(self, index: int) -> Suggestion: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Suggestion, ...]: ...
    def __getitem__(self, index: int | slice) -> Suggestion | tuple[Suggestion, ...]:
        return self.suggestions[index]

    def __len__(self) -> int:
        return len(self.suggestions)

    def to_dict(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return {
            "suggestions": [suggestion.to_dict() for suggestion in self],
            "n_items": self.n_items,
            "n_labelled": self.n_labelled,
            "n_copies": self.n_copies,
            "skipped": [skipped.to_dict() for skipped in self.skipped],
        }


def label_next(
    model: Model,
    items: str | Path | Iterable[Any],
    n: int = 20,
    *,
    cache: CacheChoice = "default",
    progress: Progress = silent,
) -> Shortlist:
    """The items whose labels would help a model most, the one to label first in front.

    Items of which the model is unsure, that are like many others and unlike each other: see ``choose``. What the model
    was fitted to is known by content and left out, test split included. Memory does not grow with the number of items,
    but for a hash of each.

    Args:
        model: A fitted model.
        items: A folder, zip, table or file, or items one by one as ``Model.predict`` takes them.
        n: How many to choose; of fewer items, all are put into order.
        cache: Where embeddings are kept.
        progress: Told how far the work has come.

    Raises:
        NothingToRead: There are no items, or none can be read.
        DataError: The model was fitted to a matrix, so that it cannot read items.
    """
    if model.encoder is None:
        raise DataError("This model was fitted to a matrix of embeddings.", "Fit one to items, which it can then read.")
    modality = model.report.modality
    found = (
        gather([items], modality)
        if isinstance(items, str | Path)
        else (as_item(value, position, modality) for position, value in enumerate(items))
    )
    pool = _Pool(model)
    waiting: list[Item] = []

    def noted() -> Iterator[Item]:
        for item in found:
            waiting.append(item)
            yield item

    done = 0
    for part in stream(model.encoder, noted(), as_cache(cache)):
        pool.add(part, waiting, done)
        taken = len(part.rows) + len(part.skipped)
        del waiting[:taken]
        done += taken
        progress("embed", done, 0)
    if not done:
        raise NothingToRead("There are no items to choose from.", "Give a folder, zip or table with items in it.")
    if not pool.n_items and not pool.n_labelled:
        raise nothing_readable(pool.skipped, modality)
    return pool.shortlist(n)


def choose(phi: Float32, weights: Float64, n: int) -> tuple[list[int], list[float]]:
    """Choose rows one by one, each for what its label would settle beyond those before it.

    Transductive experimental design (Yu, Bi and Tresp, ICML 2006): a linear model's variance at row i falls by
    ``K[i, j]² / (K[j, j] + NOISE)`` when row j is labelled, K being the features' covariance given the rows before.
    Taken is the row with the largest weighted sum of that over all rows. So an outlier, which settles nothing but
    itself, waits; a near-copy of a chosen row has nothing left to settle; and of rows that are all equally unsure, as
    they are to a model that knows nothing yet, typical ones that differ come first.

    Args:
        phi: Features ``(m, d) float32``.
        weights: How much each row's variance counts ``(m,) float64``, above 0; see ``doubt``.
        n: How many to choose; at most m are.

    Returns:
        The rows, and what each settles as a share of what was unsettled at first, 0 to 1.
    """
    x = phi - phi.mean(axis=0)
    x /= max(float(np.sqrt(np.einsum("md,md->m", x, x).mean())), 1e-12)
    counted = weights.astype(np.float32)
    variance = np.einsum("md,md->m", x, x).astype(np.float64)
    settled = np.einsum("md,md->m", x @ ((x.T * counted) @ x), x).astype(np.float64)  # sum of weight K², as K = x xᵀ
    total = max(float(weights @ variance), 1e-12)
    columns = np.zeros((len(x), min(n, len(x))), np.float32)  # what each chosen row takes from K, which is not formed
    chosen: list[int] = []
    scores: list[float] = []
    for place in range(columns.shape[1]):
        gain = np.maximum(settled, 0) / (np.maximum(variance, 0) + NOISE)
        gain[chosen] = -1
        row = int(gain.argmax())
        chosen.append(row)
        scores.append(float(min(gain[row] / total, 1)))
        column = x @ x[row] - columns @ columns[row]
        column /= np.sqrt(max(variance[row], 0) + NOISE)
        turned = counted * column
        product = x @ (turned @ x) - columns @ (turned @ columns)
        settled += column * (column * float(turned @ column) - 2 * product)
        variance -= column**2
        columns[:, place] = column
    return chosen, scores


def doubt(unsure: Float64) -> Float64:
    """How much rows of this uncertainty count ``(m,) float64``: its square root, and never nothing.

    Uncertainty itself finds a little more where classes are clear and labels are right, and loses to chance where what
    a model doubts is what people doubt as well.
    """
    return np.sqrt(np.maximum(unsure, _LEAST))


def uncertainty(p: Array, several: bool = False) -> Float64:
    """How unsure probabilities are ``(n,) float64``, 0 to 1: one minus the distance of the two largest.

    Args:
        p: ``(n, k)``.
        several: Whether the labels do not exclude each other: the mean over labels of one minus ``|2p - 1|``.
    """
    p = p.astype(np.float64)
    if several:
        return np.asarray(1 - np.abs(2 * p - 1).mean(axis=1))
    best = np.partition(p, -2, axis=1)
    return np.asarray(1 - (best[:, -1] - best[:, -2]))


@dataclass(frozen=True, slots=True, eq=False)
class _Candidate:
    """An item that may be chosen, and what the model says of it."""

    item: Item
    phi: Float32
    p: Float32
    predicted: str
    confidence: float
    unknown: bool
    unsure: float
    weight: float
    key: float


class _Pool:
    """The items to choose from as they come: a sample of bounded size, in which the unsure ones are likelier.

    One pass, weighted, without replacement (Efraimidis and Spirakis, Information Processing Letters 97, 2006).
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._several = isinstance(model.classifier, TagClassifier)
        self._labelled = frozenset(model.training.digests if model.training else ())
        self._seen: set[str] = set()
        self._chance = np.random.default_rng(model.recipe.seed)
        self._kept: list[_Candidate] = []
        self._weight = 0.0
        self.n_items = self.n_labelled = self.n_copies = 0
        self.skipped: tuple[Skipped, ...] = ()

    def add(self, part: Embedded, items: Sequence[Item], offset: int) -> None:
        """Look at a chunk of embedded items; ``items[0]`` is row ``offset``."""
        skipped = {row - offset: error for row, error in part.skipped.items()}
        self.skipped += replace(part, skipped=skipped).skipped_items(items)
        fresh = [place for place, digest in enumerate(part.digests) if self._is_new(digest)]
        if not fresh:
            return
        given = [items[int(part.rows[place]) - offset] for place in fresh]
        self._kept += self._candidates(part.x[fresh], given)
        if len(self._kept) > 2 * CANDIDATES:
            self._thin_out()

    def shortlist(self, n: int) -> Shortlist:
        """Choose among what was kept."""
        self._thin_out()
        suggestions: tuple[Suggestion, ...] = ()
        if self._kept:
            weights = np.array([candidate.weight for candidate in self._kept])
            if self.n_items > len(weights):  # drawn in proportion: each stands for as much, those surely drawn for more
                weights = np.maximum(weights, self._weight / len(weights))
            rows, scores = choose(np.stack([candidate.phi for candidate in self._kept]), weights, n)
            suggestions = tuple(
                self._suggestion(self._kept[row], score) for row, score in zip(rows, scores, strict=True)
            )
        return Shortlist(suggestions, self.n_items, self.n_labelled, self.n_copies, self.skipped)

    def _is_new(self, digest: str) -> bool:
        if digest in self._seen:
            self.n_copies += 1
            return False
        self._seen.add(digest)
        if digest in self._labelled:
            self.n_labelled += 1
            return False
        self.n_items += 1
        return True

    def _candidates(self, x: Float32, items: Sequence[Item]) -> Iterator[_Candidate]:
        classifier, classes = self._model.classifier, self._model.classes
        if isinstance(classifier, TagClassifier):
            answer = classifier.answer(x)
            confidence = confidence_of(answer.p, answer.sets)
            predicted = [
                SEPARATOR.join(label for label, given in zip(classes, row, strict=True) if given) for row in answer.sets
            ]
        else:
            answer = classifier.answer(x, texts_of(items) if classifier.lexical else None)
            confidence = answer.p.max(axis=1)
            predicted = [classes[int(best)] for best in answer.p.argmax(axis=1)]
        phi = transform(x, classifier.stages, classifier.features)
        unsure = uncertainty(answer.p, self._several)
        weights = doubt(unsure)
        self._weight += float(weights.sum())
        keys = np.log1p(-self._chance.random(len(items))) / weights
        unknown = answer.unknown_score > classifier.unknown.threshold
        for row, item in enumerate(items):
            yield _Candidate(
                item=item,
                phi=phi[row].copy(),
                p=answer.p[row],
                predicted=predicted[row],
                confidence=float(confidence[row]),
                unknown=bool(unknown[row]),
                unsure=float(unsure[row]),
                weight=float(weights[row]),
                key=float(keys[row]),
            )

    def _thin_out(self) -> None:
        if len(self._kept) > CANDIDATES:
            order = np.argsort([-candidate.key for candidate in self._kept], kind="stable")[:CANDIDATES]
            self._kept = [self._kept[row] for row in sorted(order.tolist())]

    def _suggestion(self, found: _Candidate, score: float) -> Suggestion:
        return Suggestion(found.item, found.predicted, found.confidence, score, self._reason(found))

    def _reason(self, found: _Candidate) -> str:
        classes = self._model.classes
        if found.unknown:
            return "unlike anything it has learned from"
        if self._several:
            doubtful = int(np.abs(found.p - 0.5).argmin())
            if abs(2 * float(found.p[doubtful]) - 1) < CLOSE:
                return f"not sure whether it is {classes[doubtful]}"
        elif found.unsure > 1 - CLOSE:
            second, first = np.argsort(found.p, kind="stable")[-2:]
            return f"between {classes[int(first)]} and {classes[int(second)]}"
        return "typical of many that have no label yet"
