"""What the items of each class look like that a model names rightly."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from graft.evaluation.rows import Rows
from graft.learning.classifier import OutOfFold
from graft.results.figures import Judged

PER_CLASS = 4
IN_ALL = 60


def typical(rows: Rows, out_of_fold: OutOfFold, classes: Sequence[str]) -> tuple[Judged, ...]:
    """Items that were named rightly out of fold and lie nearest to the mean of their class, class by class.

    At most ``PER_CLASS`` of each and ``IN_ALL`` together, of copies one: they are for people to look at.

    Args:
        rows: What the model was fitted to.
        out_of_fold: What heads that had not seen the rows said of them.
        classes: Names of the classes.
    """
    each = max(1, min(PER_CLASS, IN_ALL // max(1, len(classes))))
    right = out_of_fold.scored.copy()
    right[right] = out_of_fold.p[right].argmax(axis=1) == rows.y[right]
    found: list[Judged] = []
    for index, label in enumerate(classes):
        own = np.flatnonzero(right & (rows.y == index))
        if not len(own):
            continue
        mean = (right & (rows.y == index)).astype(np.float32) @ rows.x / len(own)  # without a copy of the rows
        order = own[np.argsort(-(rows.x @ mean)[own], kind="stable")]
        _, first = np.unique(rows.copies[order], return_index=True)
        for row in order[np.sort(first)[:each]].tolist():
            sure = float(out_of_fold.p[row, index])
            found.append(Judged(rows.items[row].name, label, label, sure, sure))
    return tuple(found[:IN_ALL])
