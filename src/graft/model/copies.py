"""Copies of a picture among others, found by what the pictures show where, whichever encoder there is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from graft.contracts import Float32, Float64, Int
from graft.data.near_pictures import LIKELY, SAME_PRINT, aligned_likeness, outlines
from graft.data.split import Forest, largest_cluster
from graft.executors import map_on_cores, one_thread_each

_BLOCK = 1024
"""Rows whose outlines are compared with so many others at once."""
_PARTNERS = 3
"""Of an item's likely copies so many are laid upon it."""
_PAIRS = 256


class Copies(NamedTuple):
    """What is a copy of what.

    Attributes:
        clusters: Cluster of each row ``(n,) int64``, numbered from 0 in order of appearance.
        likeness: Of each row to the one that is most like it ``(n,) float32``: 1 for equal content, 0 for none.
    """

    clusters: Int
    likeness: Float32


def copies_among(digests: Sequence[str], prints: Float32) -> Copies:
    """Clusters of pictures that are the same but for saving, size, a mirror, light and a cropped border.

    Args:
        digests: ``n`` content hashes; equal ones always join.
        prints: ``(n, 1024) float32`` from ``near_pictures.picture_print``; zeros for a picture that is not at hand.
    """
    forest = Forest(len(digests))
    likeness = np.zeros(len(digests), np.float32)
    first: dict[str, int] = {}
    for row, digest in enumerate(digests):
        known = first.setdefault(digest, row)
        if known != row:
            likeness[[known, row]] = 1
            forest.join(known, row)
    rows = np.fromiter(first.values(), dtype=np.int64, count=len(first))  # one for each content
    pairs, alike = similar_pictures(prints[rows])
    limit = largest_cluster(len(digests))
    for pair in np.argsort(-alike, kind="stable"):
        members = rows[pairs[pair]]
        likeness[members] = np.maximum(likeness[members], alike[pair])
        forest.join(int(members[0]), int(members[1]), limit)
    clusters = forest.labels()
    equal = {digest: likeness[row] for digest, row in first.items()}
    return Copies(clusters, np.array([equal[digest] for digest in digests], np.float32))


def similar_pictures(prints: Float32) -> tuple[Int, Float32]:
    """Pairs of rows ``(p, 2) int64`` that show the same picture, and how alike they are ``(p,) float32``."""
    if len(prints) < 2:
        return np.empty((0, 2), np.int64), np.empty(0, np.float32)
    with one_thread_each():
        whole, middle = outlines(prints)
    starts = range(0, len(prints), _BLOCK)
    tiles = [(top, left) for top in starts for left in starts if left >= top]
    likely = _closest(np.concatenate(map_on_cores(lambda tile: _likely(whole, middle, *tile), tiles)))

    def check(start: int) -> Float32:
        a, b, mirrored, zoom = likely[start : start + _PAIRS].T
        return aligned_likeness(prints[a], prints[b], mirrored, zoom)

    alike = np.concatenate([np.empty(0, np.float32), *map_on_cores(check, range(0, len(likely), _PAIRS))])
    same = alike >= SAME_PRINT
    return likely[same, :2], alike[same].clip(max=1)


def _likely(whole: Float32, middle: Float32, top: int, left: int) -> Float64:
    """Pairs of a row from ``top`` on and a later one from ``left`` on that may be copies.

    Returns:
        ``(c, 5) float64``: both rows, whether one is mirrored, which is a part of which, cosine.
    """
    h = whole.shape[1] // 2
    rows, columns = slice(top, top + _BLOCK), slice(left, left + _BLOCK)
    found = []
    for zoom, mine, others in ((0, whole, whole), (1, middle, whole), (-1, whole, middle)):
        even = mine[rows, :h] @ others[columns, :h].T
        odd = mine[rows, h:] @ others[columns, h:].T
        cosine = even + np.abs(odd)
        if top == left:
            cosine[np.tril_indices(len(cosine))] = -1
        close = cosine >= LIKELY
        for row in np.flatnonzero(close.sum(axis=1) > _PARTNERS):
            close[row] = False
            close[row, np.argpartition(-cosine[row], _PARTNERS)[:_PARTNERS]] = True
        a, b = np.nonzero(close)
        found.append(np.stack([top + a, left + b, odd[a, b] < 0, np.full(len(a), zoom), cosine[a, b]], axis=1))
    return np.concatenate(found)


def _closest(likely: Float64) -> Int:
    """Of each pair the likeliest way, of each row the likeliest partners ``(c, 4) int64``, the likeliest first."""
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
    return likely[rank < _PARTNERS, :4].astype(np.int64)
