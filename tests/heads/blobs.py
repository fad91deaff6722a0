"""Data that look like embeddings: classes around random centres, all stages of unit length or not."""

import numpy as np


def blobs(n, k, d, *, spread=1.0, seed=0):
    """``n`` rows of ``k`` Gaussian classes in ``d`` dimensions: ``(x, y)``."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(k, d))
    y = np.arange(n) % k
    x = centres[y] + spread * rng.normal(size=(n, d)) * np.sqrt(d / 8)
    return (x / np.sqrt(d)).astype(np.float32), y.astype(np.int64)


def folds(y, count=5, repetitions=1, seed=0):
    """Stratified folds; a class with one row is never scored."""
    out = []
    for r in range(repetitions):
        rng = np.random.default_rng([seed, r])
        fold = np.full(len(y), -1, np.int64)
        for label in np.unique(y):
            rows = rng.permutation(np.flatnonzero(y == label))
            if len(rows) > 1:
                fold[rows] = (np.arange(len(rows)) + label) % count
        out.append(fold)
    return out


def masks_of(fold):
    """One row of weights per fold: 0 for those held out."""
    return np.stack([(fold != f).astype(np.float32) for f in np.unique(fold[fold >= 0])])


def close(found, expected, share):
    """Whether no entry is further off than ``share`` of the largest expected one."""
    return np.abs(found - expected).max() <= share * np.abs(expected).max()
