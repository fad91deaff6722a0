"""Words in kilobytes: how many n-grams a head keeps, and in how many bits, is decided by cross-validation.

A head on TF-IDF has a weight for each of 8,192 n-grams and each class: 1.3 MB at 77 classes. Most say little. Those are
left out whose weights, times how much of them there is in the texts, are smallest; the others' weights are kept in 8, 4
or 2 bits, whose levels lie closer together near zero, where most weights are. Smaller and smaller sizes are tried on
rows that the head has not seen, as long as they cost next to nothing. The heads of cross-validation are then kept in
the size that is taken too, so that all that is reported holds for the weights that a model keeps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import takewhile

import numpy as np

from graft.contracts import Float32, Int, Linear
from graft.heads.calibration import probabilities
from graft.heads.lexical import LexicalPart, Lexicon
from graft.heads.ngrams import Sparse
from graft.learning.lexical import Words, divided
from graft.learning.selection import Choice, rescore

ROOM, ROOMY_CLASSES = 100_000, 77
"""Bytes of the words of a head of up to so many classes, at most; of more classes proportionally more."""
TOLERANCE = 0.01
"""By this share the log loss of rows held out may grow, the standard error of its growth added."""
BITS = (8, 4, 2)
NGRAMS = (4096, 2048, 1024, 512)
"""Sizes that are tried, beside all n-grams."""
ENOUGH, ASKED = 500, 1000
"""Sizes are tried on whole folds until so many rows are held out, and of those on at most so many."""
_REACH = 3.0
"""The outermost of four levels, in standard deviations of a class's weights; of more levels it is the largest."""
_IDF_UNITS = 16


@dataclass(frozen=True, slots=True)
class Size:
    """How many n-grams are kept, and in how many bits each of their weights."""

    ngrams: int
    bits: int

    def bytes(self, k: int) -> int:
        """What ``LexicalPart.arrays`` take for ``k`` classes."""
        return self.ngrams * (3 + -(-k * self.bits // 8)) + 256 + (2 << self.bits) + 4 * k


@dataclass(frozen=True, slots=True, eq=False)
class _Fold:
    """A head of cross-validation: the rows it has not seen, its weights ``(v, k)``, its scores but for the words."""

    repetition: int
    rows: Int
    weights: Float32
    rest: Float32


def keep_words(choice: Choice, final: Linear, y: Int, words: Words) -> tuple[Linear, LexicalPart]:
    """The head on the embedding's part, and what it has learnt of the words in the size that is to be kept.

    The out-of-fold scores of what was taken become those of heads that keep their words in the same size.

    Args:
        choice: Took features with words.
        final: What was taken, fitted on all rows.
        y: ``(n,) int64`` in [0, k).
        words: Of the rows.
    """
    features, axes = choice.chosen.features, words.projection
    folds = []
    for repetition, out, head in choice.held_out:
        rows, (_, weights) = np.flatnonzero(out), divided(choice.axes.restore(head), axes, features)
        rest = choice.logits[choice.index, repetition, rows] - words.z[rows] @ weights
        folds.append(_Fold(repetition, rows, axes.fold(weights), rest))
    size = _choose(folds, y, final.weights.shape[1], words, float(choice.temperatures[choice.index]))
    if folds:
        logits = np.full_like(choice.logits[choice.index], np.nan)
        for fold in folds:
            part = packed(words, fold.weights, size)
            logits[fold.repetition, fold.rows] = fold.rest + part.scores_of(_rows(part.lexicon, words, fold.rows))
        rescore(choice, logits, y)
    own, weights = divided(final, axes, features)
    return own, packed(words, axes.fold(weights), size)


def packed(words: Words, weights: Float32, size: Size) -> LexicalPart:
    """Weights ``(v, k)`` on the vocabulary of ``words`` in the size that is to be kept."""
    return _coded(*_pruned(words, weights, size.ngrams), size.bits)


def sizes(v: int, k: int) -> list[Size]:
    """The sizes for a vocabulary of ``v`` n-grams and ``k`` classes that there is room for, smallest first."""
    room = ROOM * max(1.0, k / ROOMY_CLASSES)
    tried = [Size(ngrams, bits) for ngrams in (v, *(n for n in NGRAMS if n < v)) for bits in BITS]
    return sorted((size for size in tried if size.bytes(k) <= room), key=lambda size: size.bytes(k))


def _choose(folds: Sequence[_Fold], y: Int, k: int, words: Words, temperature: float) -> Size:
    """The last size, downwards, whose loss on rows held out is surely hardly larger; without one that of least loss.

    Not the smallest of all: of a dozen sizes one seems good by chance.
    """
    tried = sizes(len(words.lexicon.buckets), k)
    first = [fold for fold in folds if fold.repetition == 0]
    if not first:
        return tried[-1]
    held_out = np.cumsum([len(fold.rows) for fold in first])
    first = first[: int(np.searchsorted(held_out, ENOUGH)) + 1]
    every = max(1, int(held_out[len(first) - 1]) // ASKED)

    asked = [fold.rows[::every] for fold in first]
    rest, truth = np.concatenate([fold.rest[::every] for fold in first]), y[np.concatenate(asked)]

    @cache
    def pruned(place: int, ngrams: int) -> tuple[Lexicon, Float32, Sparse]:
        lexicon, weights = _pruned(words, first[place].weights, ngrams)
        return lexicon, weights, _rows(lexicon, words, asked[place])

    def loss(scores: Sequence[Float32]) -> Float32:
        given: Float32 = probabilities(rest + np.concatenate(scores), temperature)[np.arange(len(truth)), truth]
        return -np.log(np.maximum(given, np.finfo(np.float32).tiny))

    full = loss([_rows(words.lexicon, words, rows).dot(fold.weights) for rows, fold in zip(asked, first, strict=True)])

    @cache
    def grown(size: Size) -> Float32:
        parts = [pruned(place, size.ngrams) for place in range(len(first))]
        kept = [_coded(lexicon, weights, size.bits).scores_of(tfidf) for lexicon, weights, tfidf in parts]
        return loss(kept) - full

    def is_free(size: Size) -> bool:
        surely = grown(size).mean() + grown(size).std() / np.sqrt(len(full))
        return bool(surely <= TOLERANCE * full.mean())

    free = list(takewhile(is_free, reversed(tried)))
    return free[-1] if free else min(tried, key=lambda size: float(grown(size).mean()))


def _pruned(words: Words, weights: Float32, ngrams: int) -> tuple[Lexicon, Float32]:
    """The n-grams that move scores most, and their weights."""
    moved = words.amount * np.linalg.norm(weights - weights.mean(axis=1, keepdims=True), axis=1)
    kept = np.sort(np.argsort(-moved, kind="stable")[:ngrams])
    idf = np.rint(_IDF_UNITS * words.lexicon.idf[kept]).clip(1, 255).astype(np.uint8)
    return Lexicon(words.lexicon.buckets[kept], idf), weights[kept]


def _rows(lexicon: Lexicon, words: Words, rows: Int) -> Sparse:
    return lexicon.rows(words.counts.take(rows))


def _coded(lexicon: Lexicon, weights: Float32, bits: int) -> LexicalPart:
    """Each weight as the nearest of ``2 ** bits`` levels; what all classes have in common does not matter."""
    weights = weights - weights.mean(axis=1, keepdims=True)
    even = np.linspace(-1, 1, 1 << bits)
    levels = (np.sign(even) * even**2).astype(np.float16).astype(np.float32)
    reach = _REACH * weights.std(axis=0) if bits == 2 else np.abs(weights).max(axis=0, initial=0)
    codes = np.searchsorted((levels[1:] + levels[:-1]) / 2, weights / np.where(reach > 0, reach, 1)).astype(np.uint8)
    near = levels[codes]
    scale = (near * weights).sum(axis=0) / np.maximum((near * near).sum(axis=0), 1e-30)  # least squares
    spare = -weights.shape[1] % (8 // bits)
    in_bytes = np.pad(codes, ((0, 0), (0, spare))).reshape(len(codes), -1, 8 // bits)
    shifted = in_bytes << np.arange(0, 8, bits, dtype=np.uint8)
    return LexicalPart(lexicon, shifted.sum(axis=2, dtype=np.uint8), levels, scale.astype(np.float32))
