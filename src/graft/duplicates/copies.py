"""Copies of a picture among others, found by what the pictures show where, whichever encoder there is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from graft.contracts import Bool, Float32, Float64, Int
from graft.duplicates.clusters import Alike, Growing, best_above
from graft.duplicates.pictures import HOPEFUL, LIKELY, SAME_PRINT, Outlines, aligned_likeness, outlines, whitened
from graft.executors import map_on_cores, one_thread_each

AGREED = 0.925
"""Mean of two pictures' likeness and of the cosine of their embeddings from which on a split keeps them together.

Six photos saved again thirty times each, cropped by up to 5 % a side, brightened, made smaller and saved at once, are 7
units on potato leaves and 8 on insects: a stray copy or two. Of 450 drawn shapes of three forms, of which thousands of
pairs can be laid upon one another, 391 units are left; at 0.91 it is 6, 6 and 229.
"""
USUAL = 0.8
"""Cosine of different items, at a quarter of the pairs, up to which embeddings are believed as they are: 0.76 on potato
leaves; more is a property of the encoder."""
PARTNER = 2 * AGREED - 1
"""Cosine of the embeddings below which two pictures cannot be such copies."""

_BLOCK = 512
"""Rows whose outlines are compared with so many others at once."""
_PARTNERS = 3
"""Of an item's likely copies so many are laid upon it."""
_PAIRS = 256
_ZOOMS = (0, 1, -1)


class Copies(NamedTuple):
    """What is a copy of what.

    Attributes:
        clusters: Cluster of each row ``(n,) int64``, numbered from 0 in order of appearance.
        likeness: Of each row to the one that is most like it ``(n,) float32``: 1 for equal content, 0 for none.
    """

    clusters: Int
    likeness: Float32


class UnsettledCopies(NamedTuple):
    """Copies before it is settled what is a burst.

    Attributes:
        alike: The clusters, limited and whole.
        likeness: As in ``Copies``.
        pairs: Rows that are alike ``(p, 2) int64``, the most alike first; of many copies of one picture only some.
    """

    alike: Alike
    likeness: Float32
    pairs: Int


def copies_among(digests: Sequence[str], prints: Float32, x: Float32 | None = None) -> UnsettledCopies:
    """Clusters of pictures that are the same but for saving, size, a mirror, light and a cropped border.

    Simple drawings are laid upon one another as well as copies are: two circles of different colours, say. Where that
    would do harm, the embeddings have to agree.

    Args:
        digests: ``n`` content hashes; equal ones always join.
        prints: ``(n, 1024) float32`` from ``pictures.picture_print``; zeros for a picture that is not at hand.
        x: Embeddings ``(n, d) float32`` of unit length that have to agree (``AGREED``).
    """
    growth = Growing(len(digests))
    growth.join_equal(digests)
    spread = 1.0 if x is None else _spread(x)
    _, first, content, times = np.unique(
        np.asarray(digests, np.str_), return_index=True, return_inverse=True, return_counts=True
    )
    likeness = (times > 1)[content].astype(np.float32)
    found = [np.empty((0, 2), np.int64)]
    while growth.goes_on():
        rows = growth.representatives()

        def agree(pairs: Int, rows: Int = rows) -> Float32:
            if x is None:
                return np.ones(len(pairs), np.float32)
            cosine = np.einsum("pd,pd->p", *(x[rows[side]] for side in pairs.T))
            return np.asarray(1 - (1 - cosine) * spread, np.float32)

        pairs, alike = similar_pictures(prints[rows], agree)
        if x is not None:
            agreed = (alike + agree(pairs)) / 2 >= AGREED
            pairs, alike = pairs[agreed], alike[agreed]
        order = np.argsort(-alike, kind="stable")
        found.append(rows[pairs[order]])
        for members, value in zip(found[-1].tolist(), alike[order].tolist(), strict=True):
            likeness[members] = np.maximum(likeness[members], np.float32(value))
            growth.join(*members)
    return UnsettledCopies(growth.found(), likeness[first][content], np.concatenate(found))


def _spread(x: Float32) -> float:
    """By what distances are multiplied where an encoder finds everything alike, so that its agreement tells something.

    Two different items are then ``1 - USUAL`` apart, as they are to an encoder that tells them apart.
    """
    sample = x[:: max(1, len(x) // 500)]
    if len(sample) < 2:
        return 1.0
    usual = float(np.quantile((sample @ sample.T)[np.triu_indices(len(sample), 1)], 0.25))
    return max(1.0, (1 - USUAL) / max(1 - usual, 1e-6))


def similar_pictures(prints: Float32, agree: Callable[[Int], Float32]) -> tuple[Int, Float32]:
    """Pairs of rows ``(p, 2) int64`` that show the same picture, and how alike they are ``(p,) float32``.

    Args:
        prints: ``(n, 1024) float32``.
        agree: How far embeddings agree on pairs of rows ``(p,) float32``. A pair that even prints without a difference
            could not make copies of (``AGREED``) is not laid upon one another, which is most of the work.
    """
    if len(prints) < 2:
        return np.empty((0, 2), np.int64), np.empty(0, np.float32)
    with one_thread_each():
        plain = outlines(prints)
        white = whitened(plain)
    starts = range(0, len(prints), _BLOCK)
    tiles = [(top, left) for top in starts for left in starts if left >= top]
    found = _closest(np.concatenate(map_on_cores(lambda tile: _likely(white, *tile), tiles)))
    likely = found[_hopeful(plain, found), :4].astype(np.int64)
    likely = likely[(1 + agree(likely[:, :2])) / 2 >= AGREED]

    def check(start: int) -> Float32:
        a, b, mirrored, zoom = likely[start : start + _PAIRS].T
        return aligned_likeness(prints[a], prints[b], mirrored, zoom)

    alike = np.concatenate([np.empty(0, np.float32), *map_on_cores(check, range(0, len(likely), _PAIRS))])
    same = alike >= SAME_PRINT
    return likely[same, :2], alike[same].clip(max=1)


def _likely(white: Outlines, top: int, left: int) -> Float64:
    """Pairs of a row from ``top`` on and a later one from ``left`` on that may be copies.

    Returns:
        ``(c, 5) float64``: both rows, whether one is mirrored, which is a part of which, cosine.
    """
    h = white.whole.shape[1] // 2
    found = []
    for zoom in _ZOOMS:
        mine, others = _views(white, zoom)
        mine, others = mine[top : top + _BLOCK], others[left : left + _BLOCK]
        cosine = mine[:, h:] @ others[:, h:].T
        np.abs(cosine, out=cosine)
        cosine += mine[:, :h] @ others[:, :h].T
        if top == left:
            cosine[np.tril_indices(len(cosine))] = -1
        a, b = best_above(cosine, LIKELY, _PARTNERS)
        mirrored = np.einsum("ph,ph->p", mine[a, h:], others[b, h:]) < 0
        found.append(np.stack([top + a, left + b, mirrored, np.full(len(a), zoom), cosine[a, b]], axis=1))
    return np.concatenate(found)


def _hopeful(plain: Outlines, likely: Float64) -> Bool:
    """Which pairs are alike without whitening too ``(c,) bool``: most that are not copies are not."""
    h = plain.whole.shape[1] // 2
    a, b, mirrored, zooms = likely[:, :4].astype(np.int64).T
    cosine = np.zeros(len(likely), np.float32)
    for zoom in _ZOOMS:
        rows = np.flatnonzero(zooms == zoom)
        mine, others = _views(plain, zoom)
        product = mine[a[rows]] * others[b[rows]]
        even, odd = product[:, :h].sum(axis=1), product[:, h:].sum(axis=1)
        cosine[rows] = np.where(mirrored[rows] != 0, even - odd, even + odd)
    return np.asarray((cosine + likely[:, 4]) / 2 >= HOPEFUL)


def _views(found: Outlines, zoom: int) -> tuple[Float32, Float32]:
    """What is compared of a pair: 1 where the other is a part of the one, -1 where the one is a part of the other."""
    return (found.middle if zoom > 0 else found.whole), (found.middle if zoom < 0 else found.whole)


def _closest(likely: Float64) -> Float64:
    """Of each pair the likeliest way, of each row the likeliest partners ``(c, 5)``, the likeliest first."""
    likely = likely[np.lexsort((*likely[:, 3::-1].T, -likely[:, 4]))]
    keys = likely[:, 0] * (likely[:, :2].max(initial=0) + 1) + likely[:, 1]
    likely = likely[np.sort(np.unique(keys, return_index=True)[1])]
    rank = np.zeros(len(likely), np.int64)
    for side in (0, 1):  # as a copy has one original, what neither of the two is close to is left out
        order = np.argsort(likely[:, side], kind="stable")
        values = likely[order, side]
        own = np.empty(len(likely), np.int64)
        own[order] = np.arange(len(values)) - np.searchsorted(values, values)
        rank = own if side == 0 else np.minimum(rank, own)
    return likely[rank < _PARTNERS]
