"""What is true of any fit whatever its task, and how it is written as JSON and read again."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Self

from graft.data.dataset import Item, Skipped
from graft.data.guard import Inputs
from graft.results.history import Tuning

_ALWAYS = frozenset({"model", "report", "journal"})
"""Fields that are written although they are ``None``; any other is left out then."""


@dataclass(frozen=True, slots=True)
class HeadChoice:
    """The head that was taken: its kind, the stages it sees (a key of ``FEATURES``), its strength, and why."""

    kind: str
    features: str
    strength: float
    why: str = ""
    bytes: int = 0
    """Size of the fitted part of the model; 0 where it is not known."""


@dataclass(frozen=True, slots=True)
class JournalEffect:
    """What a journal of decisions did to the data before the fit."""

    name: str
    """The file's name, without its folder."""
    digest: str
    """The first 128 bits of the SHA-256 of the decisions, as 32 hexadecimal digits."""
    relabelled: int
    dropped: int
    kept: int
    """How many items were found right."""
    unsure: int
    """How many nobody could judge; they stayed as they were."""
    unmatched: int
    """How many the data do not have."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What was fitted, to what, with what and in what time; a report adds the figures of its task."""

    encoder: str
    modality: str
    backend: str
    n_items: int
    n_train: int
    n_test: int
    n_skipped: int
    skipped: tuple[Skipped, ...]
    head: HeadChoice
    seconds: Mapping[str, float]
    cache: Mapping[str, int]
    warnings: tuple[str, ...]
    recipe: Mapping[str, Any]
    fingerprint: str
    name: str = "model"
    version: str = ""
    model: str | None = None
    report: str | None = None
    journal: JournalEffect | None = None
    tuning: Tuning | None = None
    columns: Mapping[str, str] | None = None
    """The columns of the table that the data came from, as arguments of ``graft.read``; ``None`` for other data."""
    items: Mapping[str, Item] = field(default_factory=dict, repr=False, compare=False)
    """The items behind single predictions by their path, to show and to play them; not saved."""
    whys: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    """What speaks for the answers to some items by their path, where that was asked for: a
    ``graft.explanation.Explanation`` each; not saved."""
    inputs: Inputs = field(default=Inputs(), repr=False, compare=False)
    """What was read, over which nothing is written; not saved."""

    def to_dict(self) -> dict[str, Any]:
        """JSON-able values; the keys keep their meaning once released, and what was not asked is left out."""
        values = {entry.name: getattr(self, entry.name) for entry in dataclasses.fields(self) if entry.compare}
        return {name: plain(value) for name, value in values.items() if value is not None or name in _ALWAYS}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """What ``to_dict`` wrote (without the items themselves)."""
        found: Self = restored(cls, values)
        return found


@lru_cache(maxsize=64)
def hints_of(kind: type) -> Mapping[str, Any]:
    """The type of every field of a dataclass that is saved: of those that count where two are compared."""
    hints = typing.get_type_hints(kind)
    return {entry.name: hints[entry.name] for entry in dataclasses.fields(kind) if entry.compare}


def plain(value: Any) -> Any:
    """A dataclass and all in it as JSON-able values; a figure that does not exist (NaN) becomes ``None``."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {entry.name: plain(getattr(value, entry.name)) for entry in dataclasses.fields(value) if entry.compare}
    if isinstance(value, Mapping):
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def restored(kind: Any, value: Any, where: str = "report") -> Any:
    """What ``plain`` wrote of a value of the type ``kind``; a figure that did not exist becomes NaN again.

    A record that was written otherwise in earlier versions has a method ``of_today`` that brings it up to date. What
    was read from a file may be changed, and must not fail when it is shown: every value is compared with its type. A
    number may be missing; none that counts something is below 0.

    Args:
        kind: The type; a union is one with ``None``.
        value: What was written.
        where: How it is called in the error.

    Raises:
        ValueError: A value is of another type.
        LookupError, TypeError, AttributeError: A record lacks a field, or has one too many.
    """
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        return None if value is None else restored(arguments[0], value, where)
    if origin is tuple:
        _require(isinstance(value, tuple | list), value, "a list", where)
        kinds = arguments[:1] * len(value) if arguments[1:] == (Ellipsis,) else arguments
        _require(len(kinds) == len(value), value, f"{len(kinds)} entries", where)
        return tuple(restored(kinds[at], entry, f"{where}[{at}]") for at, entry in enumerate(value))
    if origin is Mapping:
        _require(isinstance(value, Mapping), value, "an object", where)
        return {key: restored(arguments[1], entry, f"{where}.{key}") for key, entry in value.items()}
    if dataclasses.is_dataclass(kind):
        _require(isinstance(value, Mapping), value, "an object", where)
        hints, values = hints_of(kind), getattr(kind, "of_today", dict)(value)  # type: ignore[arg-type]
        fields = {name: restored(hints.get(name), entry, f"{where}.{name}") for name, entry in values.items()}
        return kind(**fields)  # type: ignore[operator]
    if kind in _KINDS:
        what, fits = _KINDS[kind]
        _require(fits(value), value, what, where)
    return math.nan if kind is float and value is None else value


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


_KINDS: Mapping[Any, tuple[str, Callable[[Any], bool]]] = {
    str: ("a text", lambda value: isinstance(value, str)),
    bool: ("true or false", lambda value: isinstance(value, bool)),
    float: ("a number", _is_number),
    int: ("a whole number from 0 on", _is_count),
}


def _require(holds: bool, value: Any, what: str, where: str) -> None:
    if not holds:
        raise ValueError(f"{where} is {str(value)[:60]!r} and not {what}")
