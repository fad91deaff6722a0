"""``labels.json``: what an exported graph's answers mean, and what has to be done before it is asked."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from graft.export.front import Front
from graft.export.heads import label_thresholds
from graft.model import Model
from graft.results.facts import plain
from graft.results.figures import Interval
from graft.version import __version__

SCHEMA = 1


def labels_of(model: Model, front: Front, precision: str) -> dict[str, Any]:
    """What stands in ``labels.json``, and as texts in the graph's own metadata.

    Args:
        model: What is exported.
        front: How its graph begins.
        precision: In which kind of numbers the graph keeps its weights.
    """
    head, encoder, report = model.classifier, model.encoder, model.report
    assert encoder is not None
    labels: dict[str, Any] = {
        "schema": SCHEMA,
        "name": report.name,
        "modality": encoder.modality,
        "task": head.task,
        "classes": list(model.classes),
        # As float32, in which the score is compared: whoever compares in float64 then finds the same.
        "unknown_threshold": float(np.float32(head.unknown.threshold)),
        "encoder": {"name": encoder.name, "version": encoder.version},
        "precision": precision,
        "input": dict(front.host),
        "versions": {
            "graft": __version__,
            **{package: found for package in ("onnx", "onnxruntime") if (found := _version(package))},
        },
        "n_items": report.n_train,
    }
    if model.classes and not head.exclusive:
        labels["thresholds"] = label_thresholds(head).tolist()
    score = report.score
    if isinstance(score, Interval):
        labels["accuracy"] = plain(score)
    else:
        labels["mean_absolute_error"] = plain(score.mae)
    return labels


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
