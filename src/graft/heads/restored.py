"""Values of a saved head, read with care: whoever can change a file can change its checksum as well."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from graft.contracts import Array, Linear, Stages
from graft.heads.features import DESCRIPTIONS, FEATURES


def number(values: Mapping[str, Any], key: str, *, above: float = -math.inf, below: float = math.inf) -> float:
    """A finite number strictly between two others.

    Raises:
        ValueError: It is none, or lies outside.
    """
    return checked_number(values[key], key, above=above, below=below)


def checked_number(value: Any, name: str, *, above: float = -math.inf, below: float = math.inf) -> float:
    """The same of a value that is called ``name`` in the error."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{name} is {value!r} and no finite number")
    if not above < value < below:
        bounds = [f"above {above:g}"] * (above > -math.inf) + [f"below {below:g}"] * (below < math.inf)
        raise ValueError(f"{name} must be {' and '.join(bounds)}, and is {value!r}")
    return float(value)


def count(value: Any, name: str, least: int = 0) -> int:
    """A whole number from ``least`` on.

    Raises:
        ValueError: It is none, or smaller.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"{name} must be a whole number from {least} on, and is {value!r}")
    return value


def text(value: Any, name: str) -> str:
    """A text.

    Raises:
        ValueError: It is none.
    """
    if not isinstance(value, str):
        raise ValueError(f"{name} is {value!r:.100} and no text")
    return value


def pair(values: Mapping[str, Any], key: str) -> tuple[float, float]:
    """A mean, and a standard deviation above 0."""
    mean, spread = values[key]
    return checked_number(mean, f"the mean of {key}"), checked_number(spread, f"the spread of {key}", above=0)


def stages(values: Mapping[str, Any]) -> Stages:
    """Widths of an encoder's stages."""
    return tuple(tuple(count(width, "a stage", 1) for width in network) for network in values["stages"])


def features(values: Mapping[str, Any], *, words: bool) -> str:
    """A key of ``FEATURES``, with words where there is a part for them.

    Raises:
        ValueError: It is none.
    """
    name = values["features"]
    if not isinstance(name, str) or name not in DESCRIPTIONS:
        raise ValueError(f"there are no features called {name!r}")
    if name in FEATURES and bool(FEATURES[name].words) != words:
        raise ValueError(f"the features {name!r} {'have no' if words else 'want'} weights of words")
    return name


def linear(arrays: Mapping[str, Array]) -> Linear:
    """The linear part of a head, its weights in the type in which they are kept.

    Raises:
        ValueError: Weights and bias do not belong together.
    """
    weights, bias = np.asarray(arrays["head.weights"]), np.asarray(arrays["head.bias"])
    if weights.ndim != 2 or bias.shape != weights.shape[1:] or weights.dtype.kind != "f":
        raise ValueError(f"a head of shape {weights.shape} with a bias of shape {bias.shape}")
    return Linear(weights, bias.astype(np.float32, copy=False))
