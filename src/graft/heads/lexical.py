"""What the words of a text add to the scores of its embedding: weights of hashed n-grams on TF-IDF."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np

from graft.contracts import Array, Float32, Int
from graft.heads.ngrams import BUCKETS, KINDS, Counts, Int32, count


@dataclass(frozen=True, slots=True, eq=False)
class Sparse:
    """A matrix ``(n, width) float32`` of mostly zeros, row by row.

    Attributes:
        starts: ``(n + 1,) int64``: row ``i`` holds the entries from ``starts[i]`` up to ``starts[i + 1]``.
        columns: ``(m,) int64``, ascending within a row.
        values: ``(m,) float32``.
        width: Number of columns.
    """

    starts: Int
    columns: Int
    values: Float32
    width: int

    def __len__(self) -> int:
        return len(self.starts) - 1

    def dot(self, dense: Float32) -> Float32:
        """The product ``(n, r) float32`` with ``(width, r) float32``.

        A loop over rows: what a row picks from ``dense`` stays in the processor's cache.
        """
        product = np.zeros((len(self), dense.shape[1]), np.float32)
        bounds = self.starts.tolist()
        for row, (start, stop) in enumerate(pairwise(bounds)):
            if start < stop:
                np.dot(self.values[start:stop], dense[self.columns[start:stop]], out=product[row])
        return product

    def transposed(self) -> Sparse:
        """The same matrix, column by column."""
        order = np.argsort(self.columns, kind="stable")
        rows = np.repeat(np.arange(len(self)), np.diff(self.starts))[order]
        starts = np.concatenate([[0], np.cumsum(np.bincount(self.columns, minlength=self.width))])
        return Sparse(starts, rows, self.values[order], len(self))

    def dense(self) -> Float32:
        """``(n, width) float32``."""
        full = np.zeros((len(self), self.width), np.float32)
        full[np.repeat(np.arange(len(self)), np.diff(self.starts)), self.columns] = self.values
        return full


@dataclass(frozen=True, slots=True, eq=False)
class Lexicon:
    """The vocabulary of a set of texts: hashed n-grams and how rare they are. It knows nothing of classes.

    Attributes:
        buckets: ``(v,) int32``, ascending; buckets of ``graft.heads.ngrams``.
        idf: ``(v,) float32``: ``1 + log((1 + n) / (1 + texts with it))``.
    """

    buckets: Int32
    idf: Float32

    def rows(self, counts: Counts) -> Sparse:
        """TF-IDF rows ``(n, v)`` of unit length: ``(1 + log count) * idf``, each kind of n-gram of the same length.

        A text without a known n-gram has a row of zeros.
        """
        n, v = len(counts), len(self.buckets)
        column = np.searchsorted(self.buckets, counts.buckets)
        known = np.flatnonzero(column < v)
        known = known[self.buckets[column[known]] == counts.buckets[known]]
        row, column = counts.rows[known], column[known]
        values = (1 + np.log(counts.counts[known])) * self.idf[column]
        place = row * len(KINDS) + self.buckets[column] // BUCKETS
        squares = np.bincount(place, values * values, minlength=n * len(KINDS))
        kinds = (squares.reshape(n, len(KINDS)) > 0).sum(axis=1)
        values = values / np.sqrt(squares[place] * kinds[row])
        starts = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=n))])
        return Sparse(starts, column, values.astype(np.float32), v)


@dataclass(frozen=True, slots=True, eq=False)
class LexicalPart:
    """What a model keeps of the words: it adds to the scores of the head on the embedding.

    Attributes:
        lexicon: The vocabulary.
        weights: ``(v, k) float32``, rounded to float16 as a bundle keeps them.
    """

    lexicon: Lexicon
    weights: Float32

    def scores(self, texts: Sequence[str]) -> Float32:
        """What the words of ``n`` texts add to their scores ``(n, k) float32``."""
        return self.lexicon.rows(count(texts)).dot(self.weights)

    def arrays(self) -> dict[str, Array]:
        """What a bundle keeps: int32, float32 and float16."""
        return {
            "buckets": self.lexicon.buckets,
            "idf": self.lexicon.idf,
            "weights": self.weights.astype(np.float16),
        }

    @classmethod
    def restore(cls, arrays: Mapping[str, Array]) -> Self:
        """The part that ``arrays`` describe.

        Raises:
            ValueError: They do not belong together.
        """
        buckets, idf, weights = (np.asarray(arrays[name]) for name in ("buckets", "idf", "weights"))
        if weights.ndim != 2 or not buckets.shape == idf.shape == weights.shape[:1]:
            raise ValueError(f"{buckets.shape} n-grams, {idf.shape} idf, weights of shape {weights.shape}")
        if buckets.dtype != np.int32 or (np.diff(buckets) <= 0).any():
            raise ValueError("n-grams that are not ascending int32")
        return cls(Lexicon(buckets, idf.astype(np.float32)), weights.astype(np.float32))
