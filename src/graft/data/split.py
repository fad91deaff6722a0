"""Splits that cannot leak: near-duplicates and given groups never straddle a split that Graft makes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from graft.contracts import Array, Bool, Float32, Int

_Block = tuple[int, int]
Map = Callable[[Callable[[_Block], Int], Iterable[_Block]], Iterable[Int]]
"""``map``, or a way to do the same on several cores."""

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


class Straddling(NamedTuple):
    """What stands on both sides of a split, counted in items.

    Attributes:
        copies: Held-out items that have a copy on the other side.
        groups: Given groups that stand on both sides.
        of_groups: Held-out items of these groups.
    """

    copies: int
    groups: int
    of_groups: int


def near_duplicates(
    digests: Sequence[str],
    x: Float32,
    threshold: float = SAME_PICTURE,
    map_blocks: Map = map,
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
        map_blocks: Does the blocks of the product; they do not depend on each other.
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
        for a, b in _alike(x[rows], threshold, map_blocks):
            growth.join(int(rows[a]), int(rows[b]))
    return growth.found()


def with_partner(x: Float32, least: float, map_blocks: Map = map) -> Bool:
    """Which rows have another within the plain cosine ``least`` ``(n,) bool``. ``x`` is ``(n, d)``, of unit length."""
    found = np.zeros(len(x), np.bool_)
    for pair in _close_pairs(x, least, map_blocks):
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
    cut = np.zeros(int(whole.max(initial=-1)) + 1, np.bool_)
    pieces = np.unique(np.stack([whole, alike.clusters]), axis=1)[0]
    cut[np.flatnonzero(np.bincount(pieces, minlength=len(cut)) > 1)] = True
    of_class = np.bincount(y)
    pairs, counts = np.unique(np.stack([whole, y]), axis=1, return_counts=True)
    fills = np.unique(pairs[0][2 * counts > of_class[pairs[1]]])
    doubtful = cut & np.isin(np.arange(len(cut)), fills)
    rows = doubtful[whole]
    names = [("piece", piece) if torn else ("whole", all_of) for torn, piece, all_of in
             zip(rows.tolist(), alike.clusters.tolist(), whole.tolist(), strict=True)]  # fmt: skip
    return Clusters(merge(np.arange(len(whole)), names), rows, whole)


def merge(clusters: Int, groups: Sequence[Hashable]) -> Int:
    """What has to stay together: connected components of clusters and given groups.

    Args:
        clusters: ``(n,) int64``, from ``near_duplicates``.
        groups: One for each item; ``""`` where none was given.

    Returns:
        ``(n,) int64`` component of each item, numbered from 0 in order of appearance.
    """
    forest = Forest(len(clusters))
    first: dict[tuple[str, Hashable], int] = {}
    for row, (cluster, group) in enumerate(zip(clusters.tolist(), groups, strict=True)):
        forest.join(first.setdefault(("cluster", cluster), row), row)
        if group != "":
            forest.join(first.setdefault(("group", group), row), row)
    return forest.labels()


def straddling(held_out: Sequence[bool] | Bool, clusters: Int, groups: Sequence[Hashable]) -> Straddling:
    """What stands on both sides of a split that was given.

    Args:
        held_out: Whether each item is held out ``(n,)``.
        clusters: ``(n,) int64``, from ``near_duplicates``.
        groups: One for each item; ``""`` where none was given.
    """
    _, copies = _on_both_sides(held_out, clusters.tolist())
    torn, of_groups = _on_both_sides(held_out, groups)
    return Straddling(copies, torn, of_groups)


def _on_both_sides(held_out: Sequence[bool] | Bool, names: Sequence[Hashable]) -> tuple[int, int]:
    """How many names stand on both sides, and how many held-out items bear them."""
    sides: dict[Hashable, list[int]] = {}
    for name, out in zip(names, held_out, strict=True):
        if name != "":
            sides.setdefault(name, [0, 0])[bool(out)] += 1
    torn = [tested for learned, tested in sides.values() if learned and tested]
    return len(torn), sum(torn)


def choose_folds(y: Int, groups: Int) -> tuple[int, int]:
    """How many folds, and how many times over: the fewer items, the more. Repeats average out the luck of the split.

    Never more folds than a typical class has groups, so that every fold takes about as much of each class. Where
    classes are small, a class that alone has lost an item to the fold is at a disadvantage in exactly that fold, and
    leaving out one item at a time makes the score far too low.

    Args:
        y: ``(n,) int64`` class of each item.
        groups: ``(n,) int64`` what has to stay together.

    Returns:
        ``(k_folds, repeats)`` for ``stratified_group_folds``; ``(0, 0)`` where nothing can be scored.
    """
    scored = ~_unscorable(y, groups)
    n = len(np.unique(groups[scored]))
    if not n:
        return 0, 0
    per_class = np.unique(np.unique(np.stack([y, groups])[:, scored], axis=1)[0], return_counts=True)[1]
    typical = int(np.median(np.repeat(per_class, per_class)))  # size of the class of a typical item, at least 2
    for fewer_than, k_folds, repeats in ((50, 10, 5), (100, 10, 3), (400, 5, 3), (700, 5, 2)):
        if n < fewer_than:
            return min(k_folds, typical), repeats
    return min(5 if n < 5000 else 3, typical), 1


def stratified_group_folds(y: Int, groups: Int, k_folds: int, seed: int, repeats: int = 1) -> list[Int]:
    """Folds that keep groups whole and spread classes as evenly as groups allow.

    Groups of several items are dealt greedily, largest and rarest first, to the fold that has least of their classes
    (much as in scikit-learn's ``StratifiedGroupKFold``); single items then fill the folds up, class by class, so that
    without groups each class and each fold is balanced to within one item. Chance breaks the ties.

    Args:
        y: ``(n,) int64`` class of each item.
        groups: ``(n,) int64`` what has to stay together.
        k_folds: Number of folds >= 2; those that would stay empty are left out.
        seed: Every random choice follows from it.
        repeats: How many independent sets of folds.

    Returns:
        For each repeat ``(n,) int64``: the fold in which an item is held out, or -1 for one that is always trained on
        and never scored, because all of its class stands in one group. A class that is scored in a fold has items
        outside of it.
    """
    group_of = np.unique(groups, return_inverse=True)[1].reshape(-1)
    y = np.unique(y, return_inverse=True)[1].reshape(-1)
    fixed = _unscorable(y, group_of)
    return [_deal(y, group_of, fixed, k_folds, np.random.default_rng([seed, repeat])) for repeat in range(repeats)]


def learning_curve_subsets(y: Int, folds: Int, sizes: Sequence[int], seed: int) -> Bool:
    """Which rows to train on, for each training size and each fold.

    Within a fold the subsets are nested, and each is stratified: every class enters with one item first, then in
    proportion. Groups are respected because the folds respect them.

    Args:
        y: ``(n,) int64`` class of each item.
        folds: ``(n,) int64`` from ``stratified_group_folds``.
        sizes: Training sizes; one beyond what a fold's training part holds means all of it.
        seed: Every random choice follows from it.

    Returns:
        ``(s, k, n) bool``: ``[i, f]`` has ``sizes[i]`` rows, all outside fold ``f``; as 0 and 1 they serve as weights.
    """
    order = np.random.default_rng(seed).permutation(len(y))  # one order for all folds, so that their subsets are alike
    k_folds = int(folds.max(initial=-1)) + 1
    chosen = np.zeros((len(sizes), k_folds, len(y)), dtype=np.bool_)
    for fold in range(k_folds):
        rows = order[folds[order] != fold]
        rank, count = _rank_in_class(y[rows])
        rows = rows[np.argsort(np.where(rank == 0, -1.0, (rank + 0.5) / count), kind="stable")]
        for i, size in enumerate(sizes):
            chosen[i, fold, rows[:size]] = True
    return chosen


class Forest:
    """Disjoint sets of ``n`` items, with sizes (union by size, path halving)."""

    def __init__(self, n: int) -> None:
        self.parent = list(range(n))
        self.size = [1] * n

    def find(self, item: int) -> int:
        """The item that stands for the set of ``item``."""
        while self.parent[item] != item:
            self.parent[item] = item = self.parent[self.parent[item]]
        return item

    def join(self, a: int, b: int, limit: int | None = None) -> None:
        """Make one set of two, unless it would have more than ``limit`` items."""
        a, b = self.find(a), self.find(b)
        if a == b or (limit is not None and self.size[a] + self.size[b] > limit):
            return
        if self.size[a] < self.size[b]:
            a, b = b, a
        self.parent[b] = a
        self.size[a] += self.size[b]

    def labels(self) -> Int:
        """The set of each item ``(n,) int64``, numbered from 0 in order of appearance."""
        numbers: dict[int, int] = {}
        roots = (self.find(item) for item in range(len(self.parent)))
        return np.array([numbers.setdefault(root, len(numbers)) for root in roots], dtype=np.int64)


def _alike(x: Float32, threshold: float, map_blocks: Map) -> Iterator[tuple[int, int]]:
    """Pairs of rows that show the same thing, in each block from the most alike to the least."""
    n, d = x.shape
    if n < FEW:
        yield from _close_pairs(x, _FEW_COSINE)
    # A set of fewer items than dimensions is mostly free of look-alikes: then there is nothing to whiten.
    elif n > d or next(_close_pairs(x, _FLOOR), None):
        for a, b in _close_pairs(_whitened(x), threshold, map_blocks):
            if x[a] @ x[b] >= _FLOOR:
                yield a, b


def _close_pairs(x: Float32, threshold: float, map_blocks: Map = map) -> Iterator[tuple[int, int]]:
    n = len(x)
    bounds = [0]
    while bounds[-1] < n:
        bounds.append(min(n, bounds[-1] + max(1, _BLOCK // (n - bounds[-1]))))

    def find(block: _Block) -> Int:
        start, stop = block
        cosine = x[start:stop] @ x[start:].T
        cosine[np.tril_indices(stop - start, m=n - start)] = -1
        a, b = np.divmod(np.flatnonzero(cosine >= threshold), n - start)
        crowded = np.flatnonzero(np.bincount(a, minlength=stop - start) > _PARTNERS)
        if len(crowded):
            best = np.argpartition(-cosine[crowded], _PARTNERS, axis=1)[:, :_PARTNERS]
            few = ~np.isin(a, crowded)
            a = np.concatenate([a[few], np.repeat(crowded, _PARTNERS)])
            b = np.concatenate([b[few], best.ravel()])
        order = np.lexsort((b, a, -cosine[a, b]))
        return start + np.stack([a, b], axis=1)[order]

    for pairs in map_blocks(find, itertools.pairwise(bounds)):
        yield from map(tuple, pairs.tolist())


def _whitened(x: Float32) -> Float32:
    """Unit rows ``(n, min(n, d)) float32`` with ``z_i . z_j`` in proportion to ``x_i' (C + l I)^-1 x_j``, x centred.

    ``C`` is the covariance and ``l`` its mean eigenvalue, the scale of a typical direction. With fewer items than
    dimensions the same inner products follow from the ``(n, n)`` matrix of inner products (Woodbury's identity).
    """
    n, d = x.shape
    x = x - x.mean(axis=0)
    inner = (x @ x.T if n <= d else x.T @ x).astype(np.float64) / n
    mean_eigenvalue = float(np.trace(inner)) / min(n - 1, d)
    if mean_eigenvalue < np.finfo(np.float32).eps ** 2:  # all rows are the same
        return np.ones((n, 1), dtype=np.float32)
    shrunk = inner + mean_eigenvalue * np.eye(len(inner))
    if n <= d:
        # The centred rows leave one eigenvalue at 0; a little more keeps it positive in spite of rounding.
        products = np.eye(n) * (1 + 1e-4) - mean_eigenvalue * np.linalg.inv(shrunk)
        z: Array = np.linalg.cholesky(products)
    else:
        z = x @ np.linalg.inv(np.linalg.cholesky(shrunk)).T.astype(np.float32)
    unit: Float32 = (z / np.linalg.norm(z, axis=1, keepdims=True).clip(min=1e-12)).astype(np.float32)
    return unit


def _unscorable(y: Int, groups: Int) -> Bool:
    """``(n,) bool``: items of groups that hold all that can be scored of some class."""
    fixed = np.zeros(len(y), dtype=np.bool_)
    while True:
        pairs = np.unique(np.stack([y[~fixed], groups[~fixed]]), axis=1)
        classes, n_groups = np.unique(pairs[0], return_counts=True)
        lonely = pairs[1][np.isin(pairs[0], classes[n_groups == 1])]
        if not len(lonely):
            return fixed
        # The whole group stays in training, which may leave another class with one group: look again.
        fixed |= np.isin(groups, lonely)


def _deal(y: Int, groups: Int, fixed: Bool, k_folds: int, rng: np.random.Generator) -> Int:
    k = int(y.max(initial=-1)) + 1
    class_size = np.bincount(y[~fixed], minlength=k)
    counts = np.zeros((k_folds, k), dtype=np.int64)
    folds = np.full(len(y), -1, dtype=np.int64)
    single = np.bincount(groups)[groups] == 1
    _deal_groups(y, groups, ~fixed & ~single, class_size, counts, folds, rng)
    _deal_singles(y, ~fixed & single, counts, folds, rng)
    used = np.unique(folds[folds >= 0])
    return np.where(folds >= 0, np.searchsorted(used, folds), -1)


def _deal_groups(
    y: Int, groups: Int, rows: Bool, class_size: Int, counts: Int, folds: Int, rng: np.random.Generator
) -> None:
    """Deal groups of several items; ``counts`` ``(k_folds, k)`` and ``folds`` ``(n,)`` are filled in."""
    waiting = np.flatnonzero(rows)
    waiting = waiting[np.argsort(groups[waiting], kind="stable")]
    members = [part for part in np.split(waiting, np.flatnonzero(np.diff(groups[waiting])) + 1) if len(part)]
    rarity = [int(class_size[y[part]].min()) for part in members]
    chance = rng.permutation(len(members))
    for i in sorted(range(len(members)), key=lambda i: (-len(members[i]), rarity[i], chance[i])):
        classes, n = np.unique(y[members[i]], return_counts=True)
        fold = _best_fold(classes, n, class_size, counts, rng)
        if fold >= 0:  # else it stays in training, so that no class is held out as a whole
            folds[members[i]] = fold
            counts[fold, classes] += n


def _best_fold(classes: Int, n: Int, class_size: Int, counts: Int, rng: np.random.Generator) -> int:
    """The fold with least of these classes, then with fewest items; -1 where each would hold the whole of a class."""
    have = counts[:, classes]  # (k_folds, c)
    whole = (have + n == class_size[classes]).any(axis=1)
    if whole.all():
        return -1
    load = (have / class_size[classes]).sum(axis=1)
    order = np.lexsort((rng.random(len(counts)), counts.sum(axis=1), load, whole))
    return int(order[0])


def _deal_singles(y: Int, rows: Bool, counts: Int, folds: Int, rng: np.random.Generator) -> None:
    """Deal items that stand alone, class by class, always to the fold with least of the class."""
    for label in np.unique(y[rows]):
        waiting = rng.permutation(np.flatnonzero(rows & (y == label)))
        level = counts[:, label]
        # The j-th item of a fold stands on level + j: the lowest places of all are filled.
        places = level[:, None] + np.arange(-(-len(waiting) // len(level)) + int(np.ptp(level)))  # (k_folds, places)
        fold = np.repeat(np.arange(len(level)), places.shape[1])
        total = np.repeat(counts.sum(axis=1), places.shape[1])
        order = np.lexsort((rng.permutation(len(level))[fold], total, places.reshape(-1)))[: len(waiting)]
        folds[waiting] = fold[order]
        counts[:, label] += np.bincount(fold[order], minlength=len(level))


def _rank_in_class(y: Int) -> tuple[Int, Int]:
    """For each row its position among the rows of its class, and how many there are: two ``(n,) int64``."""
    order = np.argsort(y, kind="stable")
    _, start, count = np.unique(y[order], return_index=True, return_counts=True)
    rank = np.empty(len(y), dtype=np.int64)
    rank[order] = np.arange(len(y)) - np.repeat(start, count)
    return rank, np.repeat(count, count)[np.argsort(order)]
