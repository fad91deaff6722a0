"""From a log to a verdict: what an alarm of the inputs means for the accuracy."""

import numpy as np

from graft.monitoring.monitoring import _is_explained
from graft.monitoring.reference import Reference
from graft.monitoring.watching import watch


def classes(n: int, seed: int, first: float) -> tuple[np.ndarray, np.ndarray]:
    """Items of two classes, of which the first scatters three times as widely."""
    chance = np.random.default_rng(seed)
    y = (chance.random(n) >= first).astype(np.int64)
    x = chance.standard_normal((n, 12)) * np.where(y, 1.0, 3.0)[:, None] + 6 * y[:, None]
    return x.astype(np.float32), y


def test_what_the_mix_of_classes_explains_is_no_other_input() -> None:
    x, y = classes(300, 0, 0.2)
    reference = Reference.of(x, [str(one) for one in y])
    confusion = np.diag(np.bincount(y)).astype(np.float64)
    new, given = classes(400, 1, 0.8)
    mixed = watch(reference, new)
    counts = np.bincount(given, minlength=2).astype(np.float64)
    assert mixed.answers.changed
    assert mixed.unknown.changed
    assert _is_explained(reference, mixed.unknown, confusion, counts)
    usual, given = classes(400, 2, 0.2)
    other = watch(reference, usual + np.float32(1))
    counts = np.bincount(given, minlength=2).astype(np.float64)
    assert other.input.changed
    assert not _is_explained(reference, other.input, confusion, counts)
