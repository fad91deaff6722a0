"""Lets torchvision be imported where its compiled operators do not fit the torch that is installed.

PyPI's torchvision for Linux is compiled for CUDA. Beside a torch for CPU its operators cannot be loaded, and the import
then stops at those that it expects to be declared. fastai's image classification uses none of them, so that declaring
them without an implementation is enough. Where the operators can be loaded, nothing is done here.
"""

from __future__ import annotations

import torch

DECLARED_IN_PYTHON = ("nms", "qnms")  # what torchvision expects to find when it is imported
SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"


def declare() -> None:
    """Declare what torchvision's import looks for, unless torchvision brings it."""
    try:
        import torchvision  # noqa: F401
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
        for name in DECLARED_IN_PYTHON:
            torch.library.define(f"torchvision::{name}", SCHEMA)


declare()
