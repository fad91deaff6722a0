"""The most memory that a fit of a large matrix holds, the matrix itself counted."""

from __future__ import annotations

import sys

from benchmarks.goals import Goal, plain_goals, show_goals
from benchmarks.processes import finish
from benchmarks.results import keep, progress

ROWS, COLUMNS, CLASSES = 100_000, 1752, 10
MOST = 3.0
"""Times the matrix."""
FIT = """
import json, sys
import numpy as np
from graft.model import fit_embeddings
n, d, k = map(int, sys.argv[1:])
random, y = np.random.default_rng(0), np.arange(n) % k
x, means = np.empty((n, d), np.float32), random.standard_normal((k, d), np.float32) * np.float32(0.05)
for start in range(0, n, 4096):
    part = x[start:start + 4096]
    part[:] = random.standard_normal(part.shape, np.float32) / np.sqrt(1 + np.arange(d, dtype=np.float32) / 20)
    part += means[y[start:start + 4096]]
    part /= np.linalg.norm(part, axis=1, keepdims=True)
report = fit_embeddings(x, [f"class {label}" for label in y]).report
print(json.dumps({"bytes": x.nbytes, "accuracy": report.accuracy.value}))
"""


def measure(rows: int = ROWS, columns: int = COLUMNS, classes: int = CLASSES) -> None:
    """Fit in a process of its own; print what it held and write ``results/memory.json``."""
    progress.print(f"fitting {rows:,} x {columns:,} numbers of {classes} classes")
    done = finish([sys.executable, "-c", FIT, *map(str, (rows, columns, classes))])
    held = done.answer["bytes"]
    goals = [
        Goal(f"peak of a fit of {rows:,} x {columns:,}, in matrices", done.peak / held, "at most", MOST),
    ]
    show_goals(
        f"Memory: {done.peak / 1e9:.2f} GB of a matrix of {held / 1e9:.2f} GB, {done.wall:.0f} s, accuracy "
        f"{done.answer['accuracy']:.3f}",
        goals,
    )
    keep("memory", {"peak": done.peak, "matrix": held, "seconds": done.wall, "goals": plain_goals(goals)})
