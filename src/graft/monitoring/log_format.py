"""The lines of a prediction log.

::

    {"graft": "prediction log", "format": 1, "salt": "9c...", "max_bytes": 67108864}          the first line
    {"model": "0f3a...", "task": "classification", "classes": ["closed", "open"], "dim": 1280}  of each model
    {"at": "2026-03-01T08:15:02.113Z", "of": "0f3a...", "key": "71c4...", "x": "...", ...}     of each item

``x`` is the embedding as base64 of little-endian float16; ``scores`` those of all classes as base64 of float32. ``key``
is a hash of the content with the log's own ``salt``: equal items are known by it, and nothing else of them. The item
itself is not in it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np

from graft.bundle import version_of
from graft.contracts import SEPARATOR, Float32
from graft.errors import DataError
from graft.heads.protocols import Answering
from graft.tensors import from_json

MARK, FORMAT = "prediction log", 1
SMALLEST, LARGEST = 64 << 10, 1 << 30
"""Bytes of a log."""
_DIGEST = re.compile(r"[0-9a-f]{12}")
_KEY = re.compile(r"[0-9a-f]{32}")
_ROUNDED = 1e-4
"""By so much a probability may lie above 1, as float32 adds up."""
FULL = 24
"""At 2 to the power of this an item is kept so rarely that the log counts as full."""


class LoggedModel(NamedTuple):
    """Whose answers a line holds.

    Attributes:
        digest: Of the bundle's manifest, and so of all that it holds: 12 hexadecimal digits.
        task: What it answers to, as heads call it.
        classes: Columns of the scores; none where numbers are predicted.
        dim: Length of an embedding.
    """

    digest: str
    task: str
    classes: tuple[str, ...]
    dim: int

    @classmethod
    def of(cls, folder: Path, classes: Sequence[str], head: Answering) -> Self:
        """The model of a bundle, with its classes and its head."""
        return cls(version_of(folder), head.task, tuple(classes), sum(map(sum, head.stages)))

    @property
    def line(self) -> bytes:
        """What a log says of it once."""
        return _line({"model": self.digest, "task": self.task, "classes": list(self.classes), "dim": self.dim})


class LogHeader(NamedTuple):
    """The first line of a log."""

    salt: bytes
    max_bytes: int

    @classmethod
    def parse(cls, line: bytes, path: Path) -> Self:
        """What the first line says.

        Raises:
            DataError: It is none of a prediction log.
        """
        try:
            found = from_json(line)
            mark, made, salt, limit = found["graft"], found["format"], bytes.fromhex(found["salt"]), found["max_bytes"]
            if mark != MARK or len(salt) != 16 or type(limit) is not int or type(made) is not int:
                raise ValueError
        except (ValueError, LookupError, TypeError):
            raise DataError(
                f"{path} is no prediction log, and is left as it is.",
                "Name another file, which graft predict --log FILE or graft serve --log FILE began.",
            ) from None
        if made > FORMAT:
            raise DataError(f"{path} was begun by a newer Graft: its format is {made}.", "Install a newer Graft.")
        return cls(salt, min(max(limit, SMALLEST), LARGEST))

    @property
    def line(self) -> bytes:
        """The line itself."""
        return _line({"graft": MARK, "format": FORMAT, "salt": self.salt.hex(), "max_bytes": self.max_bytes})

    def key_of(self, digest: str) -> str:
        """What an item with this digest of its content is called in the log: 32 hexadecimal digits."""
        return hashlib.blake2b(digest.encode(), key=self.salt, digest_size=16).hexdigest()


class LoggedLine(NamedTuple):
    """The line of one item, checked."""

    of: str
    key: str
    time: float
    x: Float32
    label: str
    tags: tuple[str, ...]
    scores: Float32
    value: tuple[float, float, float] | None
    unknown: bool
    unknown_score: float
    batch: str = ""

    @classmethod
    def parse(cls, found: Mapping[str, Any], model: LoggedModel) -> Self:
        """The line of an item.

        Raises:
            ValueError: A value is not what it can be; where one is missing, a ``LookupError`` or ``TypeError``.
        """
        numbers = not model.classes
        x = _array(found["x"], "<f2", model.dim)
        scores = _array("" if numbers else found["scores"], "<f4", len(model.classes))
        value = tuple(map(_number, found["value"])) if numbers else None
        label, tags = "" if numbers else found["label"], found.get("labels", [])
        batch, unknown = found.get("batch", ""), found["unknown"]
        if not (isinstance(batch, str) and isinstance(tags, list) and isinstance(unknown, bool)):
            raise ValueError("a value of another type")
        known = label in ("", *model.classes) or set(label.split(SEPARATOR)) == set(tags)  # where items have several
        if not _KEY.fullmatch(found["key"]) or not known or not set(tags) <= set(model.classes):
            raise ValueError("a key that is none, or a class that the model does not have")
        if len(value or "abc") != 3 or not ((scores >= 0) & (scores <= 1 + _ROUNDED)).all():
            raise ValueError("an interval without ends, or scores that are no probabilities")
        return cls(
            model.digest,
            found["key"],
            datetime.fromisoformat(found["at"]).timestamp(),
            x,
            label,
            tuple(tags),
            scores,
            value,  # type: ignore[arg-type] # its length was looked at
            unknown,
            math.nan if numbers else _number(found["unknown_score"]),
            batch,
        )


def one_in(size: int, max_bytes: int) -> int:
    """Of how many items one is kept while a log has this size: 1, 2, 4, ..."""
    left = 1 - size / max_bytes
    return 1 << min(max(math.ceil(-math.log2(left)) - 1, 0), FULL) if left > 0 else 1 << FULL


def model_of(found: Mapping[str, Any]) -> LoggedModel:
    """The model that a line names.

    Raises:
        ValueError: It names none; where something is missing, a ``LookupError``.
    """
    digest, task, classes, dim = found["model"], found["task"], found["classes"], found["dim"]
    texts = isinstance(classes, list) and all(isinstance(one, str) for one in (digest, task, *classes))
    if not texts or not _DIGEST.fullmatch(digest) or type(dim) is not int or not 0 < dim <= 1 << 16:
        raise ValueError("no line of a model")
    return LoggedModel(digest, task, tuple(classes), dim)


def _number(value: Any) -> float:
    """A finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("no number")
    try:
        return float(value)  # the reader of JSON knows no infinities, but whole numbers of any length
    except OverflowError:
        raise ValueError("a number that is too large") from None


def _array(text: str, kind: str, n: int) -> Float32:
    """Finite numbers that base64 holds ``(n,) float32``."""
    found = np.frombuffer(base64.b64decode(text, validate=True), kind).astype(np.float32)
    if len(found) != n or not np.isfinite(found).all():
        raise ValueError("numbers that are not those of an item")
    return found


def item_line(model: LoggedModel, key: str, row: Float32, answer: Any, batch: str = "") -> bytes:
    """The line of an item that is answered now.

    Args:
        model: Which answered.
        key: What the item is known by.
        row: Its embedding ``(d,) float32``.
        answer: The prediction.
        batch: Names what it was given with, where that has no order of its own, as a folder or a table has none.
    """
    told = {"batch": batch} if batch else {}
    return _line({"at": _now(), "of": model.digest, "key": key, **told, **_answered(row, answer)})


def repeat_line(model: LoggedModel, key: str, n: int) -> bytes:
    """The line that says that an item came again so many times."""
    return _line({"at": _now(), "of": model.digest, "key": key, "again": n})


def repeats_of(found: Mapping[str, Any]) -> int:
    """What such a line says.

    Raises:
        ValueError: It says nothing that can be; where something is missing, a ``LookupError``.
    """
    n = found["again"]
    if type(n) is not int or not 0 < n <= 1 << 53 or not isinstance(found["of"], str):
        raise ValueError("no number of repeats")
    return n


def _answered(row: Float32, answer: Any) -> dict[str, Any]:
    """What a line says of one item."""
    largest = np.finfo(np.float16).max
    found: dict[str, Any] = {"x": _base64(np.clip(row, -largest, largest), "<f2"), "unknown": answer.unknown}
    if hasattr(answer, "value"):
        return {**found, "value": [answer.value, answer.low, answer.high]}
    found["label"] = answer.label
    if answer.labels is not None:
        found["labels"] = list(answer.labels)
    return {
        **found,
        "unknown_score": round(answer.unknown_score, 6),
        "scores": _base64(np.fromiter(answer.scores.values(), np.float32), "<f4"),
    }


def _base64(values: Any, kind: str) -> str:
    return base64.b64encode(np.asarray(values).astype(kind).tobytes()).decode()


def _line(values: dict[str, Any]) -> bytes:
    return f"{json.dumps(values, separators=(',', ':'))}\n".encode()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
