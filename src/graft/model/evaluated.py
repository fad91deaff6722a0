"""What an evaluation looks like as a report: the figures, and the items behind its mistakes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from graft.contracts import Array
from graft.data.dataset import Dataset
from graft.data.guard import Inputs
from graft.evaluation.judging import calibration, hardest, mistakes
from graft.report import Report
from graft.results.figures import Calibration, Judged
from graft.results.scores import Scores

Kept = dict[str, Any]


def as_report(fitted: Report, found: Scores, dataset: Dataset, p: Array) -> Report:
    """The report of an evaluation; what only a fit can tell is left out.

    Args:
        fitted: Of the model's fit.
        found: The figures.
        dataset: What was scored.
        p: What the model said ``(n, k) float32``.
    """
    return replace(
        fitted,
        name=dataset.name,
        n_items=len(dataset),
        n_train=0,
        n_test=len(dataset),
        n_skipped=len(found.skipped),
        skipped=found.skipped,
        classes=found.classes,
        accuracy=found.accuracy,
        macro_f1=found.macro_f1,
        baselines={},
        per_class=found.per_class,
        confusion=found.confusion,
        judged_on=f"{len(dataset):,} items ({found.split})",
        overfit_gap=float("nan"),
        learning_curve=(),
        forecast=(),
        sets=None,
        typical=(),
        seconds={},
        cache={},
        warnings=found.warnings,
        test=None,
        report=None,
        multi=found.multi,
        groups=None,
        false_alarms=None,
        added=None,
        journal=None,
        tuning=None,
        items={item.name: item for item in dataset.items},
        inputs=Inputs.of(fitted.inputs, dataset),
        **(_tagged(found, dataset, p) if dataset.tags else _behind(found, dataset, p)),
    )


def _behind(found: Scores, dataset: Dataset, p: Array) -> Kept:
    """The mistakes; to a class that the model does not know it gives no probability."""
    k = p.shape[1]
    index = {label: position for position, label in enumerate(found.classes)}
    y = np.array([index[label] for label in dataset.labels], np.int64)
    known = y < k
    all_of_them = np.hstack([p, np.zeros((len(p), len(found.classes) - k), p.dtype)])
    return {
        "calibration": calibration(p[known], y[known]) if known.any() else Calibration(float("nan")),
        "hardest": hardest(dataset.items, all_of_them, y, found.classes),
        "mistakes": mistakes(dataset.items, all_of_them, y, found.classes),
    }


def _tagged(found: Scores, dataset: Dataset, p: Array) -> Kept:
    """Of items with any number of labels, nothing but the figures."""
    none: tuple[Judged, ...] = ()
    return {"calibration": Calibration(found.ece), "hardest": none, "mistakes": none}
