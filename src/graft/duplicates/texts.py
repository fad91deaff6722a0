"""Texts that are the same but for a typing error, a word or a number: they must not straddle a split."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from graft.contracts import Array, Bool, Int
from graft.duplicates.clusters import Alike, Growing
from graft.executors import checkpoint
from graft.heads.ngrams import DIGIT, LONGEST, MARK, Sparse, blocks, classes, code_points, folded, hashes, mixed

SAME_TEXT = 0.75
"""Share of common trigrams (Jaccard) from which on two texts are near-duplicates.

Measured on the training texts of Banking77, TREC, SMS messages and Hausa headlines with altered copies of 300 of each
mixed in. Found were all in capitals, 99 % or more of those with other punctuation or another number, 94 to 100 % of
those with a typing error, 93 to 100 % with a word more and 84 to 99 % with a word less. Of the originals, 1,441 of
10,003 banking queries stand in clusters, of which 31 of 562 hold several intents (some of them noise of the
labels); 290 of 5,452 questions (1 of 131 clusters of several classes); 765 of 4,466 messages and 5 of 2,045 headlines
(none). Embeddings cannot do this: 943 of Banking77's 3,080 test queries have a training neighbour above cosine 0.95,
and are different questions.
"""
SHORTEST = 20
"""Characters below which texts must be equal but for case, space and punctuation: "yes" and "yet" are not alike."""

_SPACE, _ZERO = 32, 48
_SKETCH = 256
"""Trigrams that are kept of a long text: those with the least hashes, which are the same in texts that are alike."""
_N_BANDS, _BAND = 16, 4
"""Texts are candidates when they agree in all least hashes of some band: of those with a Jaccard index of 0.75 all but
0.2 %, of those with 0.2 one in forty."""
_FOLLOWED = 32
"""Texts that agree in a band are compared with so many of the next in length."""
_PIECE = 1 << 20
"""Characters of a long text that are hashed at once."""
_BITS = 512
_PAIRS = 4096
"""Pairs that are compared at once."""
_SET_BITS = np.array([value.bit_count() for value in range(1 << 16)], np.uint8)


def near_duplicate_texts(texts: Sequence[str]) -> Alike:
    """Clusters of texts that are the same or nearly so.

    Texts that are equal without regard to case, white space and punctuation join. So do texts of at least
    ``SHORTEST`` characters that share ``SAME_TEXT`` of their character trigrams, where every number counts as the same
    number. Candidates are found by their least hashes (MinHash: Broder, 1997; banding: Leskovec, Rajaraman and Ullman,
    Mining of Massive Datasets, chapter 3), so that the time grows with the number of texts, not with that of pairs.

    Args:
        texts: ``n`` texts; long ones are alike by a sample of the trigrams of their beginning, and equal as a whole.

    Returns:
        Cluster of each text, numbered from 0 in order of appearance.
    """
    growth = Growing(len(texts))
    if not texts:
        return growth.found()
    equal, alike, sets = _described(texts)
    for row, text in enumerate(texts):
        if len(text) > LONGEST and (whole := _hash_whole(text)) is not None:
            equal[row] = whole
    growth.join_equal(equal.tolist())
    rows = np.flatnonzero(np.diff(sets.starts) > 0)
    first: dict[int, int] = {}
    for row, key in zip(rows.tolist(), alike[rows].tolist(), strict=True):
        growth.join(first.setdefault(key, row), row)
    rows = rows[np.sort(np.unique(alike[rows], return_index=True)[1])]
    for a, b in _close_pairs(sets.take(rows)).tolist():
        growth.join(int(rows[a]), int(rows[b]))
    return growth.found()


def _hash_whole(text: str) -> np.uint64 | None:
    """Hash of the words of a long text; ``None`` where all of them stand in the beginning that is looked at anyway."""
    whole = folded(text, None)
    digest = hashlib.blake2b(digest_size=8)
    before, words_end = True, 0  # whether a space stands before the next character
    for start in range(0, len(whole), _PIECE):
        codes = code_points([whole[start : start + _PIECE]])
        space = classes(codes) <= MARK
        begins = ~space & np.concatenate([[before], space[:-1]])
        digest.update(np.where(begins, codes | np.uint32(1 << 31), codes)[~space].astype("<u4").tobytes())
        before = bool(space[-1])
        if not space.all():
            words_end = start + int(np.flatnonzero(~space)[-1]) + 1
    return np.frombuffer(digest.digest(), "<u8")[0] if words_end > LONGEST else None


def _described(texts: Sequence[str]) -> tuple[Array, Array, Sparse]:
    """Hash of each text, hash with every number the same, and a 1 in the column of each trigram; none for a short text.

    Columns are hashes of trigrams ``uint32``.
    """
    parts = [_described_block(block) for block in blocks(texts)]
    equal, alike, sizes, members = (np.concatenate([part[i] for part in parts]) for i in range(4))
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    return equal, alike, Sparse(starts, members, np.broadcast_to(np.float32(1), len(members)), 1 << 32)


def _described_block(block: list[str]) -> tuple[Array, Array, Int, NDArray[np.uint32]]:
    """The same of one block; the trigrams by their number in each text."""
    checkpoint()
    codes = code_points(" " + text for text in [*block, ""])  # a space before, between and after the texts
    start = np.cumsum([0, *(len(text) + 1 for text in block)])  # of each text, and of what comes after the last
    kind = classes(codes)
    exactly = hashes(codes, start[:-1], start[1:])
    codes, kind, start = _spaced(np.where(kind <= MARK, np.uint32(_SPACE), codes), kind, start)
    equal = np.where(
        np.diff(start) == 1, exactly, hashes(codes, start[:-1], start[1:])
    )  # nothing but marks stays as it is

    codes = np.where(kind == DIGIT, np.uint32(_ZERO), codes)
    kept = (kind != DIGIT) | ~_before(kind == DIGIT)
    codes, start = codes[kept], _moved(start, kept)
    alike = hashes(codes, start[:-1], start[1:])
    lengths = np.diff(start)
    row = np.repeat(np.arange(len(block)), lengths)
    wanted = (lengths > SHORTEST)[row]
    wanted[start[1:] - 1] = False  # a trigram would reach into the next text
    keys = _distinct((row[wanted].astype(np.uint64) << np.uint64(32)) | _trigrams(codes)[wanted[: len(codes) - 2]])
    row = (keys >> np.uint64(32)).astype(np.int64)
    kept = np.arange(len(keys)) - np.searchsorted(row, row) < _SKETCH
    return equal, alike, np.bincount(row[kept], minlength=len(block)), keys[kept].astype(np.uint32)


def _spaced(codes: Array, kind: Int, start: Int) -> tuple[Array, Int, Int]:
    """Texts with one space before each word and none at the end."""
    space = codes == _SPACE
    first = np.zeros(len(codes), np.bool_)
    first[start] = True
    kept = ~space | first | ~_before(space)  # the first of several
    codes, kind, space, first = codes[kept], kind[kept], space[kept], first[kept]
    kept = ~space | first | ~np.concatenate([first[1:], [False]])
    return codes[kept], kind[kept], _moved(np.flatnonzero(first), kept)


def _before(flags: Bool) -> Bool:
    """The flag of the character before."""
    return np.concatenate([[False], flags[:-1]])


def _moved(start: Int, kept: Bool) -> Int:
    """Where texts start when only some characters are kept."""
    return np.asarray(np.cumsum(kept)[start] - 1, dtype=np.int64)


def _trigrams(codes: Array) -> Array:
    """A 32-bit hash of each three characters in a row, as ``uint64``."""
    wide = codes.astype(np.uint64)
    packed = (wide[:-2] << np.uint64(42)) | (wide[1:-1] << np.uint64(21)) | wide[2:]
    return mixed(packed) >> np.uint64(32)


def _candidates(sets: Sparse) -> Int:
    """Pairs of rows ``(p, 2) int64`` that agree in all least hashes of some band and differ in few bits."""
    sizes, signatures = sets.sizes, _signatures(sets)
    found = [np.empty(0, np.int64)]
    for band in _bands(sets):
        checkpoint()
        order = np.lexsort((sizes, band))
        band = band[order]
        place = np.arange(len(band))
        for ahead in range(1, _FOLLOWED + 1):
            place = place[place + ahead < len(band)]
            place = place[band[place] == band[place + ahead]]
            if not len(place):
                break
            pairs = np.sort(np.stack([order[place], order[place + ahead]], axis=1), axis=1)
            pairs = pairs[_few_bits_differ(pairs, sizes, signatures)]
            found.append(pairs[:, 0] * len(sizes) + pairs[:, 1])
    keys = _distinct(np.concatenate(found))
    return np.stack([keys // len(sizes), keys % len(sizes)], axis=1)


def _bands(sets: Sparse) -> Iterator[Array]:
    """For each band a number for each row ``(n,) uint64``, the same where all its least hashes are the same."""
    rng = np.random.default_rng(0)
    for _ in range(_N_BANDS):
        band = np.zeros(len(sets.sizes), np.uint64)
        for factor, term in rng.integers(1 << 32, size=(_BAND, 2), dtype=np.uint32):
            with np.errstate(over="ignore"):
                least = np.minimum.reduceat((sets.columns ^ term) * (factor | np.uint32(1)), sets.starts[:-1])
                band = mixed(band + least)
        yield band


def _distinct(values: Array) -> Array:
    """The different values, ascending."""
    values = np.sort(values)
    return values[np.concatenate([[True], values[1:] != values[:-1]])] if len(values) else values


def _signatures(sets: Sparse) -> NDArray[np.uint16]:
    """One of ``_BITS`` bits for each member ``(n, _BITS / 16) uint16``."""
    bits = np.zeros((len(sets.sizes), _BITS), np.uint8)
    bits[sets.rows, sets.columns % _BITS] = 1
    return np.packbits(bits, axis=1).view(np.uint16)


def _few_bits_differ(pairs: Int, sizes: Int, signatures: NDArray[np.uint16]) -> Bool:
    """Which differ in no more bits ``(p,) bool`` than sets as alike as ``SAME_TEXT`` have different members."""
    a, b = pairs[:, 0], pairs[:, 1]
    different = _SET_BITS[signatures[a] ^ signatures[b]].sum(axis=1, dtype=np.int64)
    return np.asarray(different <= (1 - SAME_TEXT) / (1 + SAME_TEXT) * (sizes[a] + sizes[b]), dtype=np.bool_)


def _close_pairs(sets: Sparse) -> Int:
    """Pairs of rows ``(p, 2) int64`` with a Jaccard index of at least ``SAME_TEXT``, the most alike first."""
    pairs = _candidates(sets)
    sizes, keys = sets.sizes, (sets.rows << 32) | sets.columns.astype(np.int64)  # ascending
    index = np.empty(len(pairs))
    for start in range(0, len(pairs), _PAIRS):
        checkpoint()
        a, b = pairs[start : start + _PAIRS].T
        mine = sets.take(a)
        wanted = (b[mine.rows] << 32) | mine.columns.astype(np.int64)
        place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        common = np.bincount(mine.rows, keys[place] == wanted, minlength=len(a))
        index[start : start + len(a)] = common / (sizes[a] + sizes[b] - common)
    order = np.argsort(-index, kind="stable")
    return pairs[order[index[order] >= SAME_TEXT]]
