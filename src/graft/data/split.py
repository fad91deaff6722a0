"""Splits that cannot leak: near-duplicates and given groups never straddle a split that Graft makes."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np

from graft.contracts import Bool, Int


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
    """The fold of each item ``(n,) int64``; -1 for those that are fixed, and for groups that no fold can take."""
    k = int(y.max(initial=-1)) + 1
    class_size = np.bincount(y[~fixed], minlength=k)
    counts = np.zeros((k_folds, k), dtype=np.int64)
    folds = np.full(len(y), -1, dtype=np.int64)
    single = np.bincount(groups)[groups] == 1

    # Groups of several items, each to the fold with least of its classes, then with fewest items.
    waiting = np.flatnonzero(~fixed & ~single)
    waiting = waiting[np.argsort(groups[waiting], kind="stable")]
    members = [part for part in np.split(waiting, np.flatnonzero(np.diff(groups[waiting])) + 1) if len(part)]
    rarity = [int(class_size[y[part]].min()) for part in members]
    chance = rng.permutation(len(members))
    for i in sorted(range(len(members)), key=lambda i: (-len(members[i]), rarity[i], chance[i])):
        classes, n = np.unique(y[members[i]], return_counts=True)
        have = counts[:, classes]  # (k_folds, c)
        whole = (have + n == class_size[classes]).any(axis=1)
        if whole.all():  # it stays in training, so that no class is held out as a whole
            continue
        load = (have / class_size[classes]).sum(axis=1)
        fold = np.lexsort((rng.random(k_folds), counts.sum(axis=1), load, whole))[0]
        folds[members[i]] = fold
        counts[fold, classes] += n

    # Items that stand alone, class by class, always to the fold with least of the class.
    for label in np.unique(y[~fixed & single]):
        waiting = rng.permutation(np.flatnonzero(~fixed & single & (y == label)))
        level = counts[:, label]
        # The j-th item of a fold stands on level + j: the lowest places of all are filled.
        places = level[:, None] + np.arange(-(-len(waiting) // k_folds) + int(np.ptp(level)))  # (k_folds, places)
        fold_of = np.repeat(np.arange(k_folds), places.shape[1])
        total = np.repeat(counts.sum(axis=1), places.shape[1])
        order = np.lexsort((rng.permutation(k_folds)[fold_of], total, places.reshape(-1)))[: len(waiting)]
        folds[waiting] = fold_of[order]
        counts[:, label] += np.bincount(fold_of[order], minlength=k_folds)
    used = np.unique(folds[folds >= 0])
    return np.where(folds >= 0, np.searchsorted(used, folds), -1)


def _rank_in_class(y: Int) -> tuple[Int, Int]:
    """For each row its position among the rows of its class, and how many there are: two ``(n,) int64``."""
    order = np.argsort(y, kind="stable")
    _, start, count = np.unique(y[order], return_index=True, return_counts=True)
    rank = np.empty(len(y), dtype=np.int64)
    rank[order] = np.arange(len(y)) - np.repeat(start, count)
    return rank, np.repeat(count, count)[np.argsort(order)]
