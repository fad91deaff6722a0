"""What the words of a text add to the scores of its embedding: weights of hashed n-grams on TF-IDF."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from graft.contracts import Array, Float32, Int
from graft.heads.ngrams import BUCKETS, KINDS, Int32, Sparse, count

_LOW = 16
"""A bundle keeps this many bits of each bucket, and how many buckets there are with the same higher bits."""
_TOPS = len(KINDS) * BUCKETS >> _LOW
_KEPT = {
    "tops": ("uint16", 1),
    "buckets": ("uint16", 1),
    "idf": ("uint8", 1),
    "codes": ("uint8", 2),
    "levels": ("float16", 1),
    "scale": ("float32", 1),
}
_OLD = {"buckets": ("int32", 1), "idf": ("float32", 1), "weights": ("float16", 2)}
"""Type and dimensions of what a bundle keeps, and of what it kept before weights had codes."""


@dataclass(frozen=True, slots=True, eq=False)
class Lexicon:
    """The vocabulary of a set of texts: hashed n-grams and how rare they are. It knows nothing of classes.

    Attributes:
        buckets: ``(v,) int32``, ascending; buckets of ``graft.heads.ngrams``.
        idf: ``(v,)``: ``1 + log((1 + n) / (1 + texts with it))`` in any unit, since rows have unit length: ``float32``,
            or sixteenths in ``uint8``.
    """

    buckets: Int32
    idf: Array

    def rows(self, counts: Sparse) -> Sparse:
        """TF-IDF rows ``(n, v)`` of unit length: ``(1 + log count) * idf``, each kind of n-gram of the same length.

        A text without a known n-gram has a row of zeros.
        """
        n, v = len(counts), len(self.buckets)
        column = np.searchsorted(self.buckets, counts.columns)
        known = np.flatnonzero(column < v)
        known = known[self.buckets[column[known]] == counts.columns[known]]
        row, column = counts.rows[known], column[known]
        values = (1 + np.log(counts.values[known])) * self.idf[column]
        place = row * len(KINDS) + self.buckets[column] // BUCKETS
        squares = np.bincount(place, values * values, minlength=n * len(KINDS))
        kinds = (squares.reshape(n, len(KINDS)) > 0).sum(axis=1)
        values = values / np.sqrt(squares[place] * kinds[row])
        starts = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=n))])
        return Sparse(starts, column, values.astype(np.float32), v)


@dataclass(frozen=True, slots=True, eq=False)
class LexicalPart:
    """What a model keeps of the words: it adds to the scores of the head on the embedding.

    A weight is ``scale[class] * levels[code]``; it is looked up for the n-grams that are asked for and never for all.

    Attributes:
        lexicon: The vocabulary ``(v,)``.
        codes: ``(v, w) uint8``: the codes of each n-gram's ``k`` weights, 8, 4 or 2 bits each, the first in the lowest
            bits; or, of an older bundle, the weights themselves ``(v, k) float16``.
        levels: ``(256,)``, ``(16,)`` or ``(4,) float32``: what the codes mean; of weights themselves ``(0,)``.
        scale: ``(k,) float32``.
    """

    lexicon: Lexicon
    codes: Array
    levels: Float32
    scale: Float32

    def scores(self, texts: Sequence[str]) -> Float32:
        """What the words of ``n`` texts add to their scores ``(n, k) float32``."""
        return self.scores_of(self.lexicon.rows(count(texts)))

    def scores_of(self, rows: Sparse) -> Float32:
        """The same of rows ``(n, v)`` of the lexicon."""
        used, columns = np.unique(rows.columns, return_inverse=True)
        return Sparse(rows.starts, columns, rows.values, len(used)).dot(self.weights(used))

    def weights(self, rows: Int) -> Float32:
        """The weights of some n-grams ``(m, k) float32``."""
        codes = self.codes[rows]
        if not len(self.levels):
            return codes.astype(np.float32)
        meaning = self.meaning
        width = codes.shape[1] * meaning.shape[1]
        weights: Float32 = meaning[codes].reshape(len(codes), width)[:, : len(self.scale)] * self.scale
        return weights

    @property
    def meaning(self) -> Float32:
        """What the codes in each value of a byte mean ``(256, codes in a byte)``."""
        places = np.arange(0, 8, _bits(self.levels))
        meaning: Float32 = self.levels[np.arange(256)[:, None] >> places & len(self.levels) - 1]
        return meaning

    def arrays(self) -> dict[str, Array]:
        """What a bundle keeps: of each n-gram 3 bytes and its codes."""
        buckets, idf = self.lexicon.buckets, self.lexicon.idf
        if not len(self.levels):
            return {"buckets": buckets, "idf": idf, "weights": self.codes}
        return {
            "tops": np.bincount(buckets >> _LOW, minlength=_TOPS).astype(np.uint16),
            "buckets": (buckets & (1 << _LOW) - 1).astype(np.uint16),
            "idf": idf,
            "codes": self.codes,
            "levels": self.levels.astype(np.float16),
            "scale": self.scale,
        }

    @classmethod
    def restore(cls, arrays: Mapping[str, Array]) -> Self:
        """The part that ``arrays`` describe.

        Raises:
            ValueError: They do not belong together.
        """
        kept = {name: (array.dtype.name, array.ndim) for name, array in arrays.items()}
        if kept == _OLD:
            buckets, codes = arrays["buckets"], arrays["weights"]
            levels, scale = np.empty(0, np.float32), np.ones(codes.shape[1], np.float32)
            width = len(scale)
        elif kept == _KEPT and len(arrays["levels"]) in (4, 16, 256) and len(arrays["tops"]) == _TOPS:
            codes, levels, scale = arrays["codes"], arrays["levels"].astype(np.float32), arrays["scale"]
            buckets = np.repeat(np.arange(_TOPS, dtype=np.int32) << _LOW, arrays["tops"])
            width = -(-len(scale) * _bits(levels) // 8)
            if len(buckets) == len(arrays["buckets"]):
                buckets |= arrays["buckets"]
        else:
            raise ValueError(f"n-grams in arrays {kept}")
        if not buckets.shape == arrays["buckets"].shape == arrays["idf"].shape or codes.shape != (len(buckets), width):
            raise ValueError(f"{buckets.shape} n-grams, {arrays['idf'].shape} idf, weights of shape {codes.shape}")
        if (np.diff(buckets) <= 0).any() or not (arrays["idf"] > 0).all():
            raise ValueError("n-grams that are not ascending, or whose idf is not positive")
        return cls(Lexicon(buckets, arrays["idf"]), codes, levels, scale)


def _bits(levels: Float32) -> int:
    return len(levels).bit_length() - 1
