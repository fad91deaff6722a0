"""The settings of a job: texts, however often they were quoted on their way, and the names that submitters add.

A platform hands every setting on as a text. Its own interface sends ``image``, its SDK the JSON of the same value,
``"image"`` with the quotes, and a command line may quote that once more. All of these mean the same here, and a name
that nobody knows is an error before any work.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Self

from graft.errors import UsageError
from graft.recipe import Recipe
from graft.tasks import READING_FLAGS

SDK_PREFIX = "sagemaker_"
"""Begins the names that SageMaker's SDK adds for its own use."""
SDK_NAMES = frozenset({"_tuning_objective_metric", "model_dir"})
"""Others that a submitter adds: SageMaker's search over settings, and its estimators of frameworks."""
_QUOTED = 3
"""So often a text may have been quoted."""
_TRUE, _FALSE = frozenset({"true", "1", "yes", "on"}), frozenset({"false", "0", "no", "off"})
_LEFT_OUT = frozenset({"", "null", "None"})


@dataclass(frozen=True, slots=True)
class JobSettings:
    """What a job was told.

    Attributes:
        recipe: How to fit.
        reading: Arguments of ``graft.read``.
        table: The file of the training data that names the items; ``""`` where it is found out.
        why: Whether the report says what speaks for the answers to the hardest items.
        tune: Whether the encoder is fine-tuned after the fit, which ships only if it is better.
        tuning: Arguments of ``graft.tune``.
        skipped: Names that belong to a submitter's SDK.
    """

    recipe: Recipe = field(default_factory=Recipe)
    reading: Mapping[str, Any] = field(default_factory=dict)
    table: str = ""
    why: bool = False
    tune: bool = False
    tuning: Mapping[str, Any] = field(default_factory=dict)
    skipped: tuple[str, ...] = ()

    @classmethod
    def from_texts(cls, given: Mapping[str, Any]) -> Self:
        """The settings that these texts mean.

        Args:
            given: By name, with ``-`` or ``_``: texts as a platform has them, or values of JSON.

        Raises:
            UsageError: A name is unknown or stands there twice, or a value is none that the setting can have.
        """
        values: dict[str, Any] = {}
        names: dict[str, str] = {}
        skipped = []
        for written, value in given.items():
            name = written.strip().replace("-", "_")
            if name.startswith(SDK_PREFIX) or name in SDK_NAMES:
                skipped.append(written)
                continue
            if name not in _KINDS:
                raise _unknown(written)
            if name in names:
                raise UsageError(f"{names[name]} and {written} are one setting.", "Give it once.")
            names[name] = written
            if (plain := _unquoted(value)) is not None and not (isinstance(plain, str) and plain in _LEFT_OUT):
                values[name] = _KINDS[name](written, plain)
        tuning = {name: values.pop(name) for name in _TUNING if name in values}
        if tuning and not values.get("tune"):
            raise UsageError(f"{names[next(iter(tuning))]} is for tuning, and tune is not set.", "Set tune to true.")
        return cls(
            Recipe(**{name: values.pop(name) for name in _RECIPE if name in values}),
            {name: values.pop(name) for name in _READING if name in values},
            **values,
            tuning=tuning,
            skipped=tuple(skipped),
        )


def _unquoted(value: Any) -> Any:
    """A value without the quotes that JSON put around its text; lists as lists, null as ``None``."""
    for _ in range(_QUOTED):
        if not isinstance(value, str):
            break
        text = value.strip()
        if not (text[:1] == '"' == text[-1:] and len(text) > 1) and not (text[:1] == "[" and text[-1:] == "]"):
            break
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            break
    return value


def _text(name: str, value: Any) -> str:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, bool | int | float):
        value = json.dumps(value)
    if not isinstance(value, str):
        raise _unfit(name, value, "one text")
    return value


def _encoder(name: str, value: Any) -> str:
    """Several joined, where a list of them was given."""
    if isinstance(value, list) and value and all(isinstance(one, str) for one in value):
        return "+".join(value)
    return _text(name, value)


def _truth(name: str, value: Any) -> bool:
    text = str(value).strip().lower()
    if not isinstance(value, list | dict) and text in _TRUE | _FALSE:
        return text in _TRUE
    raise _unfit(name, value, "true or false")


def _number(name: str, value: Any) -> float:
    try:
        number = math.nan if isinstance(value, bool | list | dict) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise _unfit(name, value, "a number")
    return number


def _whole(name: str, value: Any) -> int:
    text = str(value).strip()
    if not isinstance(value, bool) and text.isascii() and text.removeprefix("-").isdigit() and len(text) < 20:
        return int(text)
    number = _number(name, value)
    if number != int(number):
        raise _unfit(name, value, "a whole number")
    return int(number)


def _at_least_one(name: str, value: Any) -> int:
    if (number := _whole(name, value)) < 1:
        raise _unfit(name, value, "1 or more")
    return number


def _seconds(name: str, value: Any) -> float:
    if (number := _number(name, value)) <= 0:
        raise _unfit(name, value, "more than 0")
    return number


def _unfit(name: str, value: Any, what: str) -> UsageError:
    return UsageError(f"The setting {name} must be {what}, and is {str(value)[:60]!r}.", f"Give {what}.")


def _unknown(name: str) -> UsageError:
    close = get_close_matches(name.replace("-", "_"), _KINDS, n=1)
    hint = f"Did you mean {close[0]}?" if close else f"Known are {', '.join(sorted(_KINDS))}."
    return UsageError(f"A job has no setting {name[:60]!r}; nothing was done.", hint)


_Kind = Callable[[str, Any], Any]
_RECIPE: Mapping[str, _Kind] = {
    "encoder": _encoder,
    "prompt": _text,
    "task": _text,
    "head": _text,
    "backend": _text,
    "seed": _whole,
    "set_level": _number,
    "unknown_rate": _number,
}
_READING: Mapping[str, _Kind] = {
    **dict.fromkeys(("label_column", "item_column", "group_column", "pattern", "modality"), _text),
    **dict.fromkeys(READING_FLAGS, _truth),
}
_TUNING: Mapping[str, _Kind] = {
    "method": _text,
    "flips": _truth,
    "epochs": _at_least_one,
    "time_limit": _seconds,
    "force": _truth,
}
_KINDS: Mapping[str, _Kind] = {**_RECIPE, **_READING, **_TUNING, "table": _text, "why": _truth, "tune": _truth}
