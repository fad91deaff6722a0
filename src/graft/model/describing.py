"""What a page or a program that shows a model's answers has to know of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from graft.model.model import Model
from graft.results.facts import plain
from graft.results.figures import Interval

SCHEMA = 1


def described(model: Model) -> dict[str, Any]:
    """JSON-able: what an export's ``labels.json`` and the page of ``graft app`` say alike.

    Args:
        model: A model with an encoder.
    """
    head, encoder, report = model.classifier, model.encoder, model.report
    assert encoder is not None
    found = {
        "schema": SCHEMA,
        "name": report.name,
        "modality": encoder.modality,
        "task": head.task,
        "classes": list(model.classes),
        # As float32, in which the score is compared: whoever compares in float64 then finds the same.
        "unknown_threshold": float(np.float32(head.unknown.threshold)),
        "encoder": {"name": encoder.name, "version": encoder.version},
        "n_items": report.n_train,
    }
    if isinstance(report.score, Interval):
        found["accuracy"] = plain(report.score)
    else:
        found["mean_absolute_error"] = plain(report.score.mae)
    return found
