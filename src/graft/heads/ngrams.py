"""How often word and character n-grams stand in texts: hashed, sparse, whole blocks of texts at once in numpy."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from graft.contracts import Array, Bool, Float32, Int
from graft.executors import checkpoint

Int32 = NDArray[np.int32]
_UInt64 = NDArray[np.uint64]

BUCKETS = 1 << 22
"""Hashed n-grams of one kind fall into so many buckets: of 60,000 different ones about 1 % share theirs."""
KINDS = ("words", "characters")
"""Words and pairs of neighbouring words; n-grams of characters within a word. The first kind fills the buckets from 0
on, the second those from ``BUCKETS`` on."""
WORD_SIZES = (1, 2)
CHARACTER_SIZES = (3, 4, 5)
LONGEST = 20_000
"""Characters of a text that are counted, from its beginning."""

_BLOCK = 1 << 20
"""Characters that are counted at once."""
_BASE = 0x9E3779B97F4A7C15
SPACE, MARK, IDEOGRAPH, LETTER, DIGIT = range(5)
"""Classes of characters: marks are punctuation and symbols, ideographs stand for whole words (Han, kana)."""


@dataclass(frozen=True, slots=True, eq=False)
class Sparse:
    """A matrix ``(n, width) float32`` of mostly zeros, row by row.

    Attributes:
        starts: ``(n + 1,) int64``: row ``i`` holds the entries from ``starts[i]`` up to ``starts[i + 1]``.
        columns: ``(m,)`` whole numbers of any type, ascending within a row.
        values: ``(m,) float32``.
        width: Number of columns.
    """

    starts: Int
    columns: Array
    values: Float32
    width: int

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def sizes(self) -> Int:
        """How many entries each row has ``(n,) int64``."""
        return np.diff(self.starts)

    @property
    def rows(self) -> Int:
        """The row of each entry ``(m,) int64``."""
        return np.repeat(np.arange(len(self)), self.sizes)

    def take(self, rows: Int) -> Sparse:
        """Some of the rows, in the order given."""
        lengths = self.sizes[rows]
        starts = np.concatenate([[0], np.cumsum(lengths)])
        places = np.arange(starts[-1]) + np.repeat(self.starts[rows] - starts[:-1], lengths)
        return Sparse(starts, self.columns[places], self.values[places], self.width)

    def dot(self, dense: Float32) -> Float32:
        """The product ``(n, r) float32`` with ``(width, r) float32``.

        A loop over rows: what a row picks from ``dense`` stays in the processor's cache.
        """
        product = np.zeros((len(self), dense.shape[1]), np.float32)
        bounds = self.starts.tolist()
        for row, (start, stop) in enumerate(pairwise(bounds)):
            checkpoint()
            if start < stop:
                np.dot(self.values[start:stop], dense[self.columns[start:stop]], out=product[row])
        return product

    def transposed(self) -> Sparse:
        """The same matrix, column by column."""
        order = np.argsort(self.columns, kind="stable")
        starts = np.concatenate([[0], np.cumsum(np.bincount(self.columns, minlength=self.width))])
        return Sparse(starts, self.rows[order], self.values[order], len(self))

    def dense(self) -> Float32:
        """``(n, width) float32``."""
        full = np.zeros((len(self), self.width), np.float32)
        full[self.rows, self.columns] = self.values
        return full


def count(texts: Sequence[str], kinds: Sequence[str] = KINDS) -> Sparse:
    """Count the n-grams of every text.

    Texts are compared without regard to case and to Unicode's compatible forms (NFKC, then case folding). A word is a
    run of letters, marks and digits; punctuation marks, symbols and characters of scripts that write whole words in
    one (Han, kana) are words of their own. Character n-grams take in the space before and after a word and never reach
    beyond it, as scikit-learn's ``char_wb``.

    Args:
        texts: ``n`` texts; of long ones the first ``LONGEST`` characters count.
        kinds: Which of ``KINDS`` to count.

    Returns:
        Counts in ``n`` rows, in columns that are buckets ``int32``; the same text gives the same row on every machine.
    """
    parts = [_count_block(block, kinds) for block in blocks(texts)] or [_count_block([], kinds)]
    starts = np.concatenate([[0], np.cumsum(np.concatenate([lengths for lengths, _, _ in parts]))])
    buckets = np.concatenate([buckets for _, buckets, _ in parts])
    counts = np.concatenate([counts for _, _, counts in parts])
    return Sparse(starts, buckets, counts, len(KINDS) * BUCKETS)


def folded(text: str, longest: int | None = LONGEST) -> str:
    """The text in compatible characters, case folded, without characters that cannot be encoded; its beginning."""
    text = text[:longest]
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).casefold()[:longest]
        return text.encode("utf-8", "ignore").decode()
    return text.lower()


def classes(codes: Array) -> Int:
    """The class of each character ``(c,) int64``: ``SPACE``, ``MARK``, ``IDEOGRAPH``, ``LETTER`` or ``DIGIT``."""
    used = np.flatnonzero(np.bincount(codes))
    lookup = np.zeros(int(used.max(initial=0)) + 1, np.int64)
    lookup[used] = [class_of(chr(code)) for code in used.tolist()]
    return lookup[codes]


def code_points(texts: Iterable[str]) -> Array:
    """The characters of all texts, one after another ``(c,) uint32``."""
    return np.frombuffer("".join(texts).encode("utf-32-le"), np.uint32)


def hashes(codes: Array, starts: Int, ends: Int) -> _UInt64:
    """A 64-bit hash of each piece ``codes[start:end]``, which depends on nothing but the piece."""
    with np.errstate(over="ignore"):
        power = np.full(len(codes) + 1, _BASE, np.uint64)
        power[0] = 1
        np.cumprod(power, out=power)
        inverse = np.full(len(codes) + 1, pow(_BASE, -1, 1 << 64), np.uint64)
        inverse[0] = 1
        np.cumprod(inverse, out=inverse)
        sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(mixed(codes.astype(np.uint64)) * power[:-1])])
        return mixed((sums[ends] - sums[starts]) * inverse[starts])


def mixed(values: _UInt64) -> _UInt64:
    """Spread the bits of each number over all 64 (the finaliser of splitmix64, Steele, Lea and Flood, 2014)."""
    with np.errstate(over="ignore"):
        values = (values + np.uint64(_BASE)).astype(np.uint64)
        values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.asarray(values ^ (values >> np.uint64(31)), dtype=np.uint64)


def blocks(texts: Sequence[str]) -> Iterator[list[str]]:
    """The texts folded, in lists of about a million characters each."""
    block: list[str] = []
    size = 0
    for text in texts:
        block.append(folded(text))
        size += len(block[-1]) + 1
        if size >= _BLOCK:
            yield block
            block, size = [], 0
    if block:
        yield block


def _count_block(block: list[str], kinds: Sequence[str]) -> tuple[Int, Int32, Float32]:
    """Entries in each row, their buckets, their counts."""
    codes = code_points(" " + text for text in [*block, ""])  # a space before, between and after the texts
    row = np.repeat(np.arange(len(block) + 1), [len(text) + 1 for text in [*block, ""]])
    kind = classes(codes)
    found: list[tuple[Int, Int]] = []
    if "words" in kinds:
        found += [(rows, _buckets(values, 0)) for rows, values in _word_ngrams(codes, kind, row)]
    if "characters" in kinds:
        found += [(rows, _buckets(values, 1)) for rows, values in _character_ngrams(codes, kind, row)]
    keys = np.sort(np.concatenate([np.empty(0, np.int64), *((rows << 32) | buckets for rows, buckets in found)]))
    first = np.flatnonzero(np.diff(keys, prepend=-1))
    counts = np.diff(first, append=len(keys)).astype(np.float32)
    keys = keys[first]
    return np.bincount(keys >> 32, minlength=len(block)), (keys & 0xFFFFFFFF).astype(np.int32), counts


def _buckets(values: _UInt64, kind: int) -> Int:
    checkpoint()
    return (values % np.uint64(BUCKETS)).astype(np.int64) + kind * BUCKETS


def _word_ngrams(codes: Array, kind: Int, row: Int) -> Iterator[tuple[Int, _UInt64]]:
    """Row and hash of each."""
    starts, ends = _words(kind)
    rows = row[starts]
    single = hashes(codes, starts, ends)
    ngram = single
    for size in range(1, max(WORD_SIZES) + 1):
        if size > 1:
            with np.errstate(over="ignore"):
                ngram = mixed(ngram[:-1] * np.uint64(_BASE) + single[size - 1 :])
        if size in WORD_SIZES:
            same = rows[: len(ngram)] == rows[size - 1 :]
            yield rows[: len(ngram)][same], ngram[same]


def _character_ngrams(codes: Array, kind: Int, row: Int) -> Iterator[tuple[Int, _UInt64]]:
    """Row and hash of each."""
    space = kind == SPACE
    kept = ~space | np.concatenate([[True], ~space[:-1]])
    codes = np.where(space[kept], np.uint32(32), codes[kept])
    row, space = row[kept], space[kept]
    letters = mixed(codes.astype(np.uint64))
    ngram = letters
    for size in range(1, max(CHARACTER_SIZES) + 1):
        if size > 1:
            if len(letters) < size:
                return
            with np.errstate(over="ignore"):
                ngram = ngram[:-1] * np.uint64(_BASE) + letters[size - 1 :]
        if size in CHARACTER_SIZES:
            inside = _without(space, size)
            yield row[1 : len(inside) + 1][inside], mixed(ngram[inside] + np.uint64(size))


def _without(space: Bool, size: int) -> Bool:
    """For each stretch of ``size`` characters whether there is no space in it other than at its ends."""
    sums = np.concatenate([[0], np.cumsum(space)])
    return np.asarray(sums[size - 1 : -1] == sums[1 : len(sums) - size + 1], dtype=np.bool_)


def _words(kind: Int) -> tuple[Int, Int]:
    """First character and end of each word, two ``(w,) int64``."""
    run = kind >= LETTER
    alone = (kind == MARK) | (kind == IDEOGRAPH)
    before, after = np.concatenate([[False], run[:-1]]), np.concatenate([run[1:], [False]])
    return np.flatnonzero(run & ~before | alone), np.flatnonzero(run & ~after | alone) + 1


def class_of(character: str) -> int:
    """The class of one character."""
    category = unicodedata.category(character)
    if category[0] in "ZC":
        return SPACE
    if category[0] in "PS":
        return MARK
    if category[0] == "N":
        return DIGIT
    return IDEOGRAPH if unicodedata.name(character, "").startswith(("CJK ", "HIRAGANA", "KATAKANA")) else LETTER
