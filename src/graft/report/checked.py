"""Whether a report that was read from a file holds what its fields promise: a changed one must not fail when shown."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from graft.results.facts import hints_of


def check_fields(value: Any, where: str = "report") -> None:
    """Compare every field of a dataclass, and of those in it, with its annotation.

    A number may be missing (``None`` or NaN); none that counts something is below 0.

    Args:
        value: An instance of a dataclass.
        where: How it is called in the error.

    Raises:
        ValueError: A field holds something else.
    """
    for name, hint in hints_of(value.__class__).items():
        _check(getattr(value, name), hint, f"{where}.{name}")


def _check(value: Any, hint: Any, where: str) -> None:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        _check_any(value, [one for one in arguments if not (one is type(None) and value is not None)], where)
    elif origin is tuple:
        _require(isinstance(value, tuple | list), value, "a list", where)
        of = arguments[0] if arguments[1:] == (Ellipsis,) else None
        hints = [of] * len(value) if of is not None else list(arguments)
        _require(len(hints) == len(value), value, f"{len(hints)} entries", where)
        for position, (entry, own) in enumerate(zip(value, hints, strict=True)):
            _check(entry, own, f"{where}[{position}]")
    elif origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        _require(isinstance(value, Mapping), value, "an object", where)
        for key, entry in value.items():
            _require(isinstance(key, str), key, "a text", where)
            _check(entry, arguments[1], f"{where}.{key}")
    elif dataclasses.is_dataclass(hint):
        _require(dataclasses.is_dataclass(value), value, "an object", where)
        check_fields(value, where)
    elif hint in _KINDS:
        what, fits = _KINDS[hint]
        _require(fits(value), value, what, where)


def _check_any(value: Any, hints: Sequence[Any], where: str) -> None:
    """Whether one of several annotations fits; the error is that of the first."""
    errors = []
    for hint in hints:
        if hint is type(None):
            return
        try:
            _check(value, hint, where)
            return
        except ValueError as error:
            errors.append(error)
    raise errors[0]


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


_KINDS: Mapping[Any, tuple[str, Callable[[Any], bool]]] = {
    str: ("a text", lambda value: isinstance(value, str)),
    bool: ("true or false", lambda value: isinstance(value, bool)),
    float: ("a number", _is_number),
    int: (
        "a whole number from 0 on",
        lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= 0,
    ),
}


def _require(holds: bool, value: Any, what: str, where: str) -> None:
    if not holds:
        raise ValueError(f"{where} is {str(value)[:60]!r} and not {what}")
