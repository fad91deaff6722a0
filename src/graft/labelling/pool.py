"""The items to choose from as they stream by, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from graft.contracts import Float32
from graft.data.dataset import Item, Skipped
from graft.data.texts import texts_of
from graft.encoders.embed import Chunk
from graft.executors import one_thread_each
from graft.heads.features import transform
from graft.labelling.choosing import choose, doubt, uncertainty
from graft.labelling.shortlist import Shortlist, Suggestion
from graft.model import Model

CANDIDATES = 4000
"""From more items than this a sample is drawn, in which an item is the likelier the less sure the model is of it."""
CLOSE = 0.5
"""Below this distance between the two most probable classes, an item lies between them."""


@dataclass(frozen=True, slots=True, eq=False)
class _Candidate:
    """An item that may be suggested, without a score yet, and what it is chosen by."""

    suggestion: Suggestion
    phi: Float32
    weight: float
    key: float


class UnlabelledPool:
    """The items to choose from as they come: a sample of bounded size, in which the unsure ones are likelier.

    One pass, weighted, without replacement (Efraimidis and Spirakis, Information Processing Letters 97, 2006).
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._several = not model.classifier.exclusive
        self._labelled = frozenset(model.training.digests if model.training else ())
        self._seen: set[str] = set()
        self._chance = np.random.default_rng(model.recipe.seed)
        self._kept: list[_Candidate] = []
        self._weight = 0.0
        self.n_items = self.n_labelled = self.n_copies = 0
        self.skipped: tuple[Skipped, ...] = ()

    def add(self, chunk: Chunk) -> None:
        """Look at some items."""
        self.skipped += chunk.embedded.skipped_items(chunk.items)
        fresh = [place for place, digest in enumerate(chunk.embedded.digests) if self._is_new(digest)]
        if not fresh:
            return
        readable = chunk.readable
        self._kept += self._candidates(chunk.embedded.x[fresh], [readable[place] for place in fresh])
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
            with one_thread_each():
                rows, scores = choose(np.stack([candidate.phi for candidate in self._kept]), weights, n)
            suggestions = tuple(
                replace(self._kept[row].suggestion, score=score) for row, score in zip(rows, scores, strict=True)
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
        answer = classifier.answer(x, texts_of(items) if classifier.words else None)
        predictions = classifier.predictions(classes, answer)
        phi = transform(x, classifier.stages, classifier.features)
        unsure = uncertainty(answer.p, self._several)
        weights = doubt(unsure)
        self._weight += float(weights.sum())
        keys = np.log1p(-self._chance.random(len(items))) / weights
        for row, (item, prediction) in enumerate(zip(items, predictions, strict=True)):
            reason = self._reason(answer.p[row], float(unsure[row]), unknown=prediction.unknown)
            suggestion = Suggestion(item, prediction.label, prediction.confidence, 0.0, reason)
            yield _Candidate(suggestion, phi[row].copy(), float(weights[row]), float(keys[row]))

    def _thin_out(self) -> None:
        if len(self._kept) > CANDIDATES:
            order = np.argsort([-candidate.key for candidate in self._kept], kind="stable")[:CANDIDATES]
            self._kept = [self._kept[row] for row in sorted(order.tolist())]

    def _reason(self, p: Float32, unsure: float, *, unknown: bool) -> str:
        """Why an item of these probabilities ``(k,)`` would be chosen."""
        classes = self._model.classes
        if unknown:
            return "unlike anything it has learned from"
        if self._several:
            doubtful = int(np.abs(p - 0.5).argmin())
            if abs(2 * float(p[doubtful]) - 1) < CLOSE:
                return f"not sure whether it is {classes[doubtful]}"
        elif unsure > 1 - CLOSE:
            second, first = np.argsort(p, kind="stable")[-2:]
            return f"between {classes[int(first)]} and {classes[int(second)]}"
        return "typical of many that have no label yet"
