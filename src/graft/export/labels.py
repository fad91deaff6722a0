"""``labels.json``: what an exported graph's answers mean, and what has to be done before it is asked."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Any

from graft.export.front import Front
from graft.export.heads import label_thresholds
from graft.model import Model
from graft.model.describing import described
from graft.version import __version__


def labels_of(model: Model, front: Front, precision: str) -> dict[str, Any]:
    """What stands in ``labels.json``, and as texts in the graph's own metadata.

    Args:
        model: What is exported.
        front: How its graph begins.
        precision: In which kind of numbers the graph keeps its weights.
    """
    labels = described(model) | {
        "precision": precision,
        "input": dict(front.host),
        "versions": {
            "graft": __version__,
            **{package: found for package in ("onnx", "onnxruntime") if (found := _version(package))},
        },
    }
    if model.classes and not model.classifier.exclusive:
        labels["thresholds"] = label_thresholds(model.classifier).tolist()
    return labels


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
