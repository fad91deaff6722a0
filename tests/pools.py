"""Pools of drawn points instead of items: clouds that lie more or less apart, some labels wrong."""

from collections.abc import Sequence

import numpy as np

from graft.cleaning.pool import Pool
from graft.data.dataset import Dataset
from graft.data.split import choose_folds, merge, stratified_group_folds
from graft.duplicates.copies import Copies
from graft.encoders import encoder_for
from graft.encoders.embed import Embedded, content_digest
from graft.heads.features import GIVEN
from graft.learning.classifier import fit_classifier
from graft.recipe import Recipe


def clouds(sizes: Sequence[int], apart: float = 3.0, seed: int = 0, dim: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Points ``(n, dim) float32`` of about unit length around one centre for each class, and their classes."""
    chance = np.random.default_rng(seed)
    y = np.repeat(np.arange(len(sizes)), sizes)
    centres = apart * np.eye(len(sizes), dim)
    x = (centres[y] + chance.normal(size=(len(y), dim))) / np.sqrt(dim + apart**2)
    return x.astype(np.float32), y


def flipped(y: np.ndarray, rate: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """The classes with a share of them changed to another, and which rows these are."""
    chance = np.random.default_rng(seed)
    k = int(y.max()) + 1
    rows = chance.choice(len(y), round(rate * len(y)), replace=False)
    changed = y.copy()
    changed[rows] = (y[rows] + chance.integers(1, k, len(rows))) % k
    return changed, np.sort(rows)


def pool_of(x, y, *, splits=None, groups=None, clusters=None, head="auto") -> Pool:
    """The pool that ``gather`` would make of items with these embeddings; classes are called a, b, c, ..."""
    contents = [row.tobytes() for row in x]
    labels = ["abcdefghij"[label] for label in y]
    dataset = Dataset.from_lists(contents, labels, splits=splits, groups=groups, modality="image")
    digests = tuple(map(content_digest, contents))
    embedded = Embedded(x, np.arange(len(x)), digests, {}, {}, 0, len(x))
    clusters = np.arange(len(x)) if clusters is None else np.asarray(clusters)
    copies = Copies(clusters, np.zeros(len(x), np.float32))
    units, recipe = merge(clusters, dataset.groups), Recipe(head=head)
    n_folds, repeats = choose_folds(dataset.y, units)
    folds = stratified_group_folds(dataset.y, units, n_folds, 0, repeats) if n_folds else []
    k, out_of_fold = len(dataset.classes), None
    if folds:
        out_of_fold = fit_classifier(x, dataset.y, k, GIVEN, folds, recipe, units)[1]
    encoder = encoder_for("auto", "image")
    return Pool(dataset, embedded, encoder, recipe, dataset.classes, dataset.y, copies, units, folds, out_of_fold, None)
