"""Decisions about items of a data set: which item is meant, and what somebody decided about it."""

from __future__ import annotations

import getpass
import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

from graft.errors import DataError

MAX_NAME = 300
"""So many characters of an item's name are kept."""

ACTIONS = ("relabel", "drop", "keep", "merge", "unsure", "undo")
_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class ItemKey:
    """Which item of the data is meant: by its content, and by what tells apart items of the same content.

    Attributes:
        digest: Hash of the content, 32 hexadecimal digits, as ``graft.encoders.embed.content_digest`` has it.
        name: The item's name, its first ``MAX_NAME`` characters.
        label: The label that the data give it; several are joined by ``|``.
        copy: Its running number among the items that agree in all three; 0 for nearly all.
        copies: How many items had its content and label when it was decided on, itself included; not compared.

    Raises:
        DataError: The parts are no item.
    """

    digest: str
    name: str
    label: str
    copy: int = 0
    copies: int = field(default=1, compare=False)

    def __post_init__(self) -> None:
        texts = isinstance(self.digest, str) and isinstance(self.name, str) and isinstance(self.label, str)
        numbers = isinstance(self.copy, int) and isinstance(self.copies, int) and self.copy >= 0 and self.copies > 0
        if not texts or not numbers or not _ID.fullmatch(self.digest):
            raise DataError(
                f"{str(self.digest)[:40]!r}, name {str(self.name)[:40]!r}, label {str(self.label)[:40]!r}, "
                f"copy {str(self.copy)[:20]} of {str(self.copies)[:20]}, is no item.",
                "Give 32 hexadecimal digits, two texts, and whole numbers from 0 and from 1.",
            )
        object.__setattr__(self, "name", self.name[:MAX_NAME])


def new_id() -> str:
    """32 hexadecimal digits that nobody else has."""
    return uuid.uuid4().hex


def login() -> str:
    """The name of the user at this machine, ``""`` where it has none."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What somebody decided.

    Attributes:
        action: One of ``ACTIONS``. ``keep``: the item is right as it is. ``merge``: the items are copies; the first is
            kept and the others are dropped. ``undo``: another decision counts as if it had never been made.
        items: What it is about; nothing for ``undo``.
        to: The new label, for ``relabel``; several joined by ``|``.
        undoes: The ``id`` of the other decision, for ``undo``.
        who: Who decided.
        at: When, ISO 8601 in UTC.
        id: 32 hexadecimal digits.
        batch: What decisions that were made with one click have in common, 32 hexadecimal digits; they are taken back
            together.

    Raises:
        DataError: The parts do not fit together.
    """

    action: str
    items: tuple[ItemKey, ...] = ()
    to: str | None = None
    undoes: str | None = None
    who: str = field(default_factory=login)
    at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="milliseconds"))
    id: str = field(default_factory=new_id)
    batch: str | None = None

    def __post_init__(self) -> None:
        self._check_types()
        wanted = {"undo": 0, "merge": 2}.get(self.action, 1)
        _refuse(
            self.action,
            {
                f"there is no action {self.action[:40]!r}": self.action in ACTIONS,
                f"it has {len(self.items)} items": len(self.items) >= wanted and (wanted > 0 or not self.items),
                f"it leads to the label {self.to!r}": (self.to is not None) == (self.action == "relabel"),
                f"it undoes {self.undoes!r}": (self.undoes is not None) == (self.action == "undo"),
                f"its id is {self.id[:40]!r}": bool(_ID.fullmatch(self.id)),
                f"its batch is {str(self.batch)[:40]!r}": self.batch is None or bool(_ID.fullmatch(self.batch)),
                f"its time is {self.at[:40]!r}": _is_time(self.at),
            },
        )

    def _check_types(self) -> None:
        """What is written to a journal must be what can be read from it."""
        values = {name: getattr(self, name) for name in ("action", "who", "at", "id", "to", "undoes", "batch")}
        checks = {
            f"{name} is {str(value)[:40]}, no text": isinstance(value, str)
            or (value is None and name in ("to", "undoes", "batch"))
            for name, value in values.items()
        }
        keys = isinstance(self.items, tuple) and all(isinstance(key, ItemKey) for key in self.items)
        _refuse(str(self.action), checks | {"its items are no tuple of item keys": keys})

    def to_line(self) -> bytes:
        """The decision as a line of the journal: ASCII, so that no byte of it can be taken for the end of a line."""
        values: dict[str, Any] = {"id": self.id, "at": self.at, "who": self.who, "action": self.action}
        if self.items:
            values["items"] = [_key_to_dict(key) for key in self.items]
        values |= {name: value for name in ("to", "undoes", "batch") if (value := getattr(self, name)) is not None}
        return json.dumps(values, separators=(",", ":")).encode() + b"\n"

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The decision that a line holds; keys that are not known are left alone.

        Raises:
            ValueError: It holds none (``DataError`` is one too).
            KeyError, TypeError: The same.
        """
        texts = {name: values[name] for name in ("id", "at", "who", "action")}
        items = tuple(_key_from_dict(row) for row in values.get("items", ()))
        rest: dict[str, Any] = {name: values.get(name) for name in ("to", "undoes", "batch")}
        return cls(items=items, **rest, **texts)


def _refuse(action: str, checks: Mapping[str, bool]) -> None:
    """Raise an error that names each check that fails."""
    if wrong := [found for found, right in checks.items() if not right]:
        raise DataError(
            f"The decision {action[:40]!r} cannot be: {'; '.join(wrong)}.",
            "A relabel names the new label in to, an undo the other decision in undoes; all others name items. "
            "Times are ISO 8601.",
        )


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _key_to_dict(key: ItemKey) -> dict[str, Any]:
    values: dict[str, Any] = {"digest": key.digest, "name": key.name, "label": key.label}
    values |= {"copy": key.copy} if key.copy else {}
    return values | ({"copies": key.copies} if key.copies > 1 else {})


def _key_from_dict(row: Mapping[str, Any]) -> ItemKey:
    return ItemKey(row["digest"], row["name"], row["label"], row.get("copy", 0), row.get("copies", 1))
