"""Clusters of what is nearly a copy of what: by equal contents, and by embeddings that are more alike than chance."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from graft.contracts import Bool, Float32, Int
from graft.data.split import Forest, merge
from graft.executors import map_on_cores, one_thread_each

_Cosines = Callable[[int, int], Float32]
"""Of the rows from the one place to the other, to all rows from the one place on ``(stop - start, n - start)``."""

SAME_PICTURE = 0.45
"""Whitened cosine (see ``near_duplicates``) above which two pictures show the same thing.

Measured on signed square roots of EfficientNet-Lite0's last stage, of unit length, among 3,279 photos of furniture,
insects, bears and potato leaves, with altered copies of 90 mixed in. On furniture, insects and bears at least 98 % of
the copies of each kind were found: JPEG quality 40, brightened, mirrored, cropped by 5 or 10 %, half the size. On the
leaves (256 pixels, and neighbours that look alike): 100 % of the re-saved, brightened and mirrored, 96 % of those
cropped by 5 %, 93 % of the halved, 67 % of those cropped by 10 %. Of 1.8 million pairs of originals 35 were joined; all
show the same leaf, animal, toy or series of product shots. On the plain cosine no threshold does this: different leaves
reach 0.94, and half of the copies lie below. Vectors of far fewer dimensions (say 64) need a higher threshold.
"""

_FLOOR = 0.8
"""Plain cosine below which a pair is not looked at; re-encoded copies of photos stay above 0.84."""

FEW, _FEW_COSINE = 12, 0.95
"""Below so many different items there is no covariance to whiten with: the plain cosine has to decide."""

_LARGEST_SHARE, _LARGEST_COUNT = 0.1, 12
"""No cluster grows by likeness beyond this share of the data (or this count, if larger), so that chains of look-alikes
cannot swallow the data set, unless ``settled`` finds that it is a burst; equal contents always join."""

_CROWD = 6
"""From a cluster of so many on, look-alikes are looked for again among one item of each, another one each time: many
copies of few items are what most of the covariance comes from, which then takes out what they have in common."""
_ROUNDS = 5

_SMALL = 64
"""A matrix up to this size is inverted as a whole."""
_PARTNERS = 16
"""Of an item's look-alikes in one block, so many are followed."""

_BLOCK = 4_000_000
"""Similarities that are held at once (16 MB)."""


class Alike(NamedTuple):
    """What is nearly a copy of what.

    Attributes:
        clusters: Cluster of each item ``(n,) int64``, none grown by likeness beyond ``largest_cluster``.
        whole: The same without that limit: unions of ``clusters``.
    """

    clusters: Int
    whole: Int


class Clusters(NamedTuple):
    """What must not straddle a split.

    Attributes:
        clusters: Cluster of each item ``(n,) int64``, numbered from 0 in order of appearance.
        doubtful: Items that stand in pieces of what may be one burst ``(n,) bool``.
        whole: Clusters without a limit ``(n,) int64``: what seems to be copies where a split is given.
    """

    clusters: Int
    doubtful: Bool
    whole: Int


def near_duplicates(
    digests: Sequence[str],
    x: Float32,
    threshold: float = SAME_PICTURE,
    known: Iterable[tuple[int, int]] = (),
    apart: Bool | None = None,
) -> Alike:
    """Clusters of items with the same content or nearly so.

    Items of equal digest join; so do pairs whose *whitened* cosine is at least ``threshold``. Whitening (Mahalanobis,
    with the covariance of these very items, shrunk towards a multiple of the identity) takes out what the items have in
    common: in lab photos everything is alike in the plain cosine, and only the rest tells leaf from leaf. All pairs
    are compared, by blocks of a matrix product: ``O(n^2 d)`` time, ``O(n d + d^2)`` memory. Where many copies of few
    items were found, that is repeated with one of each.

    Args:
        digests: ``n`` content hashes.
        x: ``(n, d) float32`` rows of unit length.
        threshold: Whitened cosine in (0, 1]; it carries over between data sets far better than a plain one.
        known: Pairs of rows that are known to be copies, the most alike first.
        apart: Rows that show nothing to compare ``(n,) bool``: among very few they stand for themselves.

    Returns:
        Clusters numbered from 0 in order of appearance.
    """
    growth = Growing(len(digests))
    growth.join_equal(digests)
    for a, b in known:
        growth.join(a, b)
    while growth.goes_on():
        rows = growth.representatives()
        if len(rows) < FEW:
            if growth.rounds > 1:
                break
            rows = rows if apart is None else rows[~apart[rows]]
        for a, b in _alike(x[rows], threshold):
            growth.join(int(rows[a]), int(rows[b]))
    return growth.found()


def with_partner(x: Float32, least: float) -> Bool:
    """Which rows have another within the plain cosine ``least`` ``(n,) bool``. ``x`` is ``(n, d)``, of unit length."""
    found = np.zeros(len(x), np.bool_)
    for pair in _close_pairs(x, least):
        found[list(pair)] = True
    return found


class Growing:
    """Clusters that grow by likeness, as far as ``largest_cluster`` lets them and without a limit, round by round."""

    def __init__(self, n: int) -> None:
        self.rounds = 0
        self._limited, self._whole, self._limit = Forest(n), Forest(n), largest_cluster(n)

    def join_equal(self, digests: Sequence[Hashable]) -> None:
        """Join what is the same, whatever the number."""
        first: dict[Hashable, int] = {}
        for row, digest in enumerate(digests):
            known = first.setdefault(digest, row)
            self._limited.join(known, row)
            self._whole.join(known, row)

    def join(self, a: int, b: int) -> None:
        """Join what is alike."""
        self._limited.join(a, b, self._limit)
        self._whole.join(a, b)

    def goes_on(self) -> bool:
        """Begin another round: the first, or one where there is a crowd."""
        self.rounds += 1
        return self.rounds == 1 or (self.rounds <= _ROUNDS and max(self._whole.size, default=0) >= _CROWD)

    def representatives(self) -> Int:
        """A row of each cluster, ascending ``(c,) int64``: the first in the first round, then others."""
        labels = self._whole.labels()
        order = np.argsort(labels, kind="stable")
        _, start, size = np.unique(labels[order], return_index=True, return_counts=True)
        return np.sort(order[start + size * (self.rounds - 1) // _ROUNDS]).astype(np.int64)

    def found(self) -> Alike:
        """The clusters as they are now."""
        return Alike(self._limited.labels(), self._whole.labels())


def largest_cluster(n: int) -> int:
    """How many of ``n`` items a cluster may come to by likeness, unless it is a burst."""
    return max(_LARGEST_COUNT, int(_LARGEST_SHARE * n))


def settled(alike: Alike, y: Int) -> Clusters:
    """Bursts as a whole, and chains of look-alikes in pieces.

    What was cut by ``largest_cluster`` is a burst if other items of its classes are the larger part of them. If not, it
    may as well be what a class looks like before one camera, and nothing would be left to judge the class by.

    Args:
        alike: From ``near_duplicates``.
        y: Class of each item ``(n,) int64``.
    """
    whole = alike.whole
    cut = np.bincount(np.unique(np.stack([whole, alike.clusters]), axis=1)[0]) > 1
    of_class = np.bincount(y)
    pairs, counts = np.unique(np.stack([whole, y]), axis=1, return_counts=True)
    fills = np.unique(pairs[0][2 * counts > of_class[pairs[1]]])
    doubtful = cut & np.isin(np.arange(len(cut)), fills)
    rows = doubtful[whole]
    names = np.where(rows, alike.clusters, len(whole) + whole).tolist()
    return Clusters(merge(np.arange(len(whole)), names), rows, whole)


def _alike(x: Float32, threshold: float) -> Iterator[tuple[int, int]]:
    """Pairs of rows that show the same thing, in each block from the most alike to the least."""
    n, d = x.shape
    if n < FEW:
        yield from _close_pairs(x, _FEW_COSINE)
    # A set of fewer items than dimensions is mostly free of look-alikes: then there is nothing to whiten.
    elif n > d or _any_close(x, _FLOOR):
        for a, b in _pairs_within(n, whitened_cosines(x), threshold):
            if x[a] @ x[b] >= _FLOOR:
                yield a, b


def _close_pairs(x: Float32, threshold: float) -> Iterator[tuple[int, int]]:
    return _pairs_within(len(x), lambda start, stop: x[start:stop] @ x[start:].T, threshold)


def _any_close(x: Float32, threshold: float) -> bool:
    with one_thread_each():
        cosine = x @ x.T
    return bool((cosine[np.triu_indices(len(x), 1)] >= threshold).any())


def _pairs_within(n: int, cosines: _Cosines, threshold: float) -> Iterator[tuple[int, int]]:
    bounds = [0]
    while bounds[-1] < n:
        bounds.append(min(n, bounds[-1] + max(1, _BLOCK // (n - bounds[-1]))))

    def find(block: tuple[int, int]) -> Int:
        start, stop = block
        cosine = cosines(start, stop)
        cosine[np.tril_indices(stop - start, m=n - start)] = -1
        a, b = best_above(cosine, threshold, _PARTNERS)
        order = np.lexsort((b, a, -cosine[a, b]))
        return start + np.stack([a, b], axis=1)[order]

    for pairs in map_on_cores(find, itertools.pairwise(bounds)):
        yield from map(tuple, pairs.tolist())


def best_above(cosine: Float32, threshold: float, most: int) -> tuple[Int, Int]:
    """Rows and columns where ``cosine`` ``(n, m)`` reaches a threshold, of each row ``most`` at the most."""
    a, b = np.divmod(np.flatnonzero(cosine >= threshold), cosine.shape[1])
    crowded = np.flatnonzero(np.bincount(a, minlength=len(cosine)) > most)
    if len(crowded):
        best = np.argpartition(-cosine[crowded], most, axis=1)[:, :most]
        few = ~np.isin(a, crowded)
        a = np.concatenate([a[few], np.repeat(crowded, most)])
        b = np.concatenate([b[few], best.ravel()])
    return a, b


def whitened_cosines(x: Float32) -> _Cosines:
    """Cosines in proportion to ``x_i' (C + l I)^-1 x_j``, x ``(n, d)`` centred.

    ``C`` is the covariance and ``l`` its mean eigenvalue, the scale of a typical direction. With fewer items than
    dimensions the same inner products follow from the ``(n, n)`` matrix of inner products (Woodbury's identity). No
    eigenvalue is larger than the sum of all, so that nothing here is conditioned worse than by ``min(n, d) + 1``.
    """
    n, d = x.shape
    with one_thread_each():
        x = x - x.mean(axis=0)
        inner: Float32 = (x @ x.T if n <= d else x.T @ x) / np.float32(n)
        mean_eigenvalue = np.float32(np.trace(inner, dtype=np.float64) / min(n - 1, d))
        if mean_eigenvalue < np.finfo(np.float32).eps ** 2:  # all rows are the same
            return lambda start, stop: np.ones((stop - start, n - start), np.float32)
        inner[np.diag_indices(len(inner))] += mean_eigenvalue
        if n > d:
            white = x @ _inverse(inner)
            scales = np.float32(1) / np.sqrt(np.einsum("nd,nd->n", white, x).clip(1e-12))[:, None]
            white, x = white * scales, x * scales
            return lambda start, stop: white[start:stop] @ x[start:].T
        products = -mean_eigenvalue * _inverse(inner)
        # Of a row in the middle of all others nothing is left but rounding: a little more, and it is like none of them.
        products[np.diag_indices(n)] += np.float32(1 + 1e-4)
        scale: Float32 = 1 / np.sqrt(np.diag(products).clip(1e-6))
        return lambda start, stop: products[start:stop, start:] * scale[start:stop, None] * scale[start:]


def _inverse(matrix: Float32) -> Float32:
    """Of a symmetric positive definite matrix, by halves (Schur complements): products of matrices do all the work.

    That takes a sixth of the time of a general inverse.
    """
    n = len(matrix)
    if n <= _SMALL:
        return np.asarray(np.linalg.inv(matrix), np.float32)
    half = n // 2
    first, across = _inverse(matrix[:half, :half]), matrix[:half, half:]
    mixed = first @ across
    last = _inverse(matrix[half:, half:] - across.T @ mixed)
    corner = mixed @ last
    return np.block([[first + corner @ mixed.T, -corner], [-corner.T, last]])
