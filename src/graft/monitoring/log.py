"""The prediction log: a bounded sample of what a model answered, one line of JSON for each item (``log_format``).

Several processes append, each line with one write under a lock. A line is never changed. As the file fills, fewer items
are kept: every one in its first half, every second one in the next quarter, every fourth in the next eighth, and so on,
chosen by the key, so that the file never passes its limit; it ends when less than a line is left. Which item is kept
depends on nothing that is in it, so that what is kept is a fair sample.
"""

from __future__ import annotations

import os
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any, Self

import numpy as np

from graft.contracts import Bool, Float32, Float64
from graft.decoding.formats import HEAD, USUAL_EXTENSION, sniff
from graft.errors import DataError
from graft.files import write_atomically
from graft.journal.appending import opened, read_at, read_lines, write_whole
from graft.monitoring.log_format import (
    FULL,
    LARGEST,
    SMALLEST,
    LoggedLine,
    LoggedModel,
    LogHeader,
    item_line,
    model_of,
    one_in,
    repeat_line,
    repeats_of,
)
from graft.tensors import from_json

MAX_BYTES = 64 << 20
"""A new log stays below this unless told otherwise."""
MAX_LINE = 4 << 20
"""No line is longer: 4,096 numbers of an embedding and 10,000 classes are 64 KB."""
MAX_ITEM_BYTES = 8 << 20
"""Items that are larger are not kept, where items are kept at all."""
ITEMS_BYTES = 4
"""So many times the log's own limit all kept items take together."""
_PART, _HEAD = 8 << 20, 200
"""Bytes that are looked through at a time, and of a line those in which its key stands."""
_DIGITS = 20
"""So many there never are of the bytes that items take."""
_NAMED = 20
"""So many broken lines are named."""


@dataclass
class PredictionLog:
    """Appends to a log that others may append to as well.

    Attributes:
        path: The file; it and its first line are made with the first item.
        model: Whose answers they are.
        max_bytes: Of a log that is begun; ``None``: ``MAX_BYTES``, or what the log itself says.
        items: Whether the items are kept too, in ``FILE.items`` beside it.
        batch: Names what is given together and in no order of its own, such as a folder; ``""`` where the order counts.
    """

    path: Path
    model: LoggedModel
    max_bytes: int | None = None
    items: bool = False
    batch: str = ""
    _file: tuple[int, int] = field(default=(0, 0), init=False, repr=False)
    _looked_at: int = field(default=0, init=False, repr=False)
    _named: bool = field(default=False, init=False, repr=False)
    _keys: set[str] = field(default_factory=set, init=False, repr=False)
    _repeats: Counter[str] = field(default_factory=Counter, init=False, repr=False)

    def __post_init__(self) -> None:
        """Look at the limit."""
        if self.max_bytes is not None and not SMALLEST <= self.max_bytes <= LARGEST:
            raise DataError(
                f"A log of {self.max_bytes:,} bytes was asked for.",
                f"Give a limit from {SMALLEST:,} to {LARGEST:,} bytes.",
            )

    def check(self) -> None:
        """Whether it can be appended to; asked before the work. A file that is not there yet is begun.

        Raises:
            DataError: There is something else, no folder for it, or it has another limit than was asked for.
            OSError: It cannot be written.
        """
        if self.path.exists() and not self.path.is_file():
            raise DataError(f"{self.path} is no file.", "Name a file: --log FILE.")
        if not self.path.parent.is_dir():
            raise DataError(f"There is no folder {self.path.parent} for the log.", "Make it, or name another file.")
        with opened(self.path) as descriptor:
            self._begun(descriptor)

    def append(
        self,
        rows: Float32,
        predictions: Sequence[Any],
        keys: Sequence[str],
        contents: Sequence[bytes] | None = None,
    ) -> None:
        """Append what was answered.

        Args:
            rows: Embeddings ``(n, d) float32``.
            predictions: The answer to each.
            keys: Digest of the content of each: ``graft.encoders.embed.content_digest``.
            contents: The items, which are kept where ``items`` says so.

        Raises:
            DataError: The file is another one by now.
            OSError: The disk is full, or refuses; then no line is left in part.
        """
        with opened(self.path) as descriptor:
            header = self._begun(descriptor)
            for place, (row, answer, digest) in enumerate(zip(rows, predictions, keys, strict=True)):
                key = header.key_of(digest)
                size = os.fstat(descriptor).st_size
                known = key in self._keys
                if known:
                    line = self._repeated(key)
                elif _is_kept(key, size, header.max_bytes):
                    line = item_line(self.model, key, row, answer, self.batch)
                else:
                    continue
                if not line or size + len(line) > header.max_bytes or len(line) > MAX_LINE:
                    continue
                write_whole(descriptor, line)
                self._looked_at = size + len(line)
                self._keys.add(key)
                if not known and self.items and contents is not None:
                    self._keep(key, contents[place], ITEMS_BYTES * header.max_bytes)

    def _begun(self, descriptor: int) -> LogHeader:
        """The first line, made where there is none, with a line of this model after it."""
        size = os.fstat(descriptor).st_size
        if not size:
            if hasattr(os, "fchmod"):  # which Windows has not
                os.fchmod(descriptor, 0o600)
            header = LogHeader(secrets.token_bytes(16), self.max_bytes or MAX_BYTES)
            write_whole(descriptor, header.line)
            size = len(header.line)
        header = LogHeader.parse(read_at(descriptor, 4096, 0).split(b"\n", 1)[0], self.path)
        if self.max_bytes not in (None, header.max_bytes):
            raise DataError(
                f"{self.path} was begun with a limit of {header.max_bytes:,} bytes, and {self.max_bytes:,} were asked "
                "for.",
                "Leave the limit out, or begin another log.",
            )
        if read_at(descriptor, 1, size - 1) != b"\n":  # a writer was killed in the middle of a line, which ends here
            write_whole(descriptor, b"\n")
        self._look(descriptor)
        if not self._named:
            write_whole(descriptor, self.model.line)
            self._look(descriptor)
        return header

    def _look(self, descriptor: int) -> None:
        """Look at what others have appended since: whether the model is named, and which items are there."""
        if self._file != (identity := _identity(descriptor)):
            self._file, self._looked_at, self._named = identity, 0, False
            self._keys, self._repeats = set(), Counter()
        size, own = os.fstat(descriptor).st_size, f'"of":"{self.model.digest}","key":"'.encode()
        while self._looked_at < size:
            if not (part := read_at(descriptor, _PART, self._looked_at)):  # another program has cut it
                break
            end = part.rfind(b"\n") + 1
            for line in part[:end].split(b"\n"):
                if own in line[:_HEAD] and line.endswith(b"}"):
                    self._keys.add(line.partition(own)[2].partition(b'"')[0].decode("latin-1"))  # whatever stands there
                self._named |= line + b"\n" == self.model.line
            self._looked_at += end or len(part)

    def _repeated(self, key: str) -> bytes:
        """A line for the 1st, 2nd, 4th, 8th, ... repeat of an item, so that a probe does not fill the log."""
        self._repeats[key] += 1
        n = self._repeats[key]
        return b"" if n & (n - 1) else repeat_line(self.model, key, n - n // 2)

    def _keep(self, key: str, content: bytes, limit: int) -> None:
        """Keep an item once, while all of them together take no more than ``limit`` bytes. The log is locked."""
        folder = items_of(self.path)
        name = f"{key}{USUAL_EXTENSION.get(sniff(content[:HEAD]) or '', '.txt')}"
        if len(content) > MAX_ITEM_BYTES or (folder / name).exists():
            return
        folder.mkdir(mode=0o700, exist_ok=True)
        counter = folder / "bytes"
        small = counter.is_file() and not counter.is_symlink() and counter.stat().st_size < _DIGITS
        counted = counter.read_bytes() if small else b"" if os.path.lexists(counter) else b"0"
        taken = int(counted) if counted.isdigit() else limit  # a counter that is broken counts as full
        if taken + len(content) > limit:
            return
        write_atomically(counter, str(taken + len(content)).encode())
        write_atomically(folder / name, content)


@dataclass(frozen=True, slots=True, eq=False)
class LoggedItems:
    """What a log holds of one model: each item once, in the order of the log, those of one batch by their keys.

    Attributes:
        model: Whose answers they are.
        x: Embeddings ``(n, d) float32``, as float16 kept them.
        labels: The answers; ``""`` for numbers.
        tags: Of models of any number of labels: those of each.
        scores: Probabilities ``(n, k) float32`` of ``model.classes``; ``(n, 0)`` for numbers.
        values: Numbers with their intervals ``(n, 3) float64``; ``(0, 3)`` for classes.
        unknown: Whether each is like none of the classes ``(n,) bool``.
        unknown_scores: How much so ``(n,) float32``; NaN for numbers.
        times: When each was answered, in seconds since 1970 ``(n,) float64``, by the clock of who wrote it: they may
            jump or lie ahead, and say nothing of the order.
        keys: What each is known by.
        n_repeats: So often at least an item came again that is there already.
        n_broken: So many lines cannot be read.
        broken: The numbers of the first of them.
        waiting: Whether a last line is there in part, and will be read once it is whole.
        others: Items of other models, by their digest.
        header: The log's own first line.
    """

    model: LoggedModel
    x: Float32
    labels: tuple[str, ...]
    tags: tuple[tuple[str, ...], ...]
    scores: Float32
    values: Float64
    unknown: Bool
    unknown_scores: Float32
    times: Float64
    keys: tuple[str, ...]
    n_repeats: int
    n_broken: int
    broken: tuple[int, ...]
    waiting: bool
    others: Mapping[str, int]
    header: LogHeader

    def __len__(self) -> int:
        return len(self.keys)

    def without(self, digests: Iterable[str]) -> Self:
        """All but the items with these digests of their content."""
        known = {self.header.key_of(digest) for digest in digests}
        rows = [row for row, key in enumerate(self.keys) if key not in known]
        return replace(
            self,
            x=self.x[rows],
            labels=tuple(self.labels[row] for row in rows),
            tags=tuple(self.tags[row] for row in rows),
            scores=self.scores[rows],
            values=self.values[rows] if len(self.values) else self.values,
            unknown=self.unknown[rows],
            unknown_scores=self.unknown_scores[rows],
            times=self.times[rows],
            keys=tuple(self.keys[row] for row in rows),
        )


def read_log(path: Path, digest: str = "") -> LoggedItems:
    """What a log holds of a model, also while others write it.

    Args:
        path: The log.
        digest: Of the model: ``LoggedModel.digest``; by default the one that was named last.

    Raises:
        DataError: There is no log, or nothing in it of this model.
    """
    models: dict[str, LoggedModel] = {}
    parsed: dict[str, list[LoggedLine]] = {}
    seen: set[tuple[str, str]] = set()
    repeats: Counter[str] = Counter()
    broken: list[int] = []
    n_broken, waiting, header = 0, False, None
    for number, line in _lines(path):
        if line is None:
            waiting = True
            continue
        if header is None:
            header = LogHeader.parse(line, path)
            continue
        try:
            found = from_json(line)
            if "model" in found:
                model = model_of(found)
                if models.get(model.digest, model) != model:
                    raise ValueError("another model of this digest")
                models.pop(model.digest, None)
                models[model.digest] = model
                continue
            if "again" in found:
                repeats[found["of"]] += repeats_of(found)
                continue
            one = LoggedLine.parse(found, models[found["of"]])
        except (ValueError, LookupError, TypeError):
            n_broken += 1
            broken += [number] if len(broken) < _NAMED else []
            continue
        if (one.of, one.key) in seen:
            repeats[one.of] += 1
            continue
        seen.add((one.of, one.key))
        parsed.setdefault(one.of, []).append(one)
    if header is None:
        raise DataError(f"{path} is empty.", "Keep predictions in it first: graft predict --log FILE.")
    wanted = digest or next(reversed(models), "")
    if wanted not in models:
        named = ", ".join(models) or "none"
        raise DataError(
            f"{path} holds nothing of the model {wanted or 'that was asked for'}; it holds answers of {named}.",
            "Name the model that wrote it.",
        )
    own = list(_without_order(parsed.pop(wanted, [])))
    others = {name: len(lines) for name, lines in parsed.items()}
    found = (repeats[wanted], n_broken, tuple(broken), waiting, others, header)
    return _gathered(models[wanted], own, *found)


def _without_order(lines: Sequence[LoggedLine]) -> Iterator[LoggedLine]:
    """The same lines, those of one batch by their keys: a folder that is sorted by class is no stream that changes."""
    for batch, group in groupby(lines, attrgetter("batch")):
        own = list(group)
        yield from sorted(own, key=attrgetter("key")) if batch else own


def _gathered(model: LoggedModel, own: Sequence[LoggedLine], *rest: Any) -> LoggedItems:
    values = [one.value for one in own if one.value is not None]
    return LoggedItems(
        model,
        np.array([one.x for one in own], np.float32).reshape(len(own), model.dim),
        tuple(one.label for one in own),
        tuple(one.tags for one in own),
        np.array([one.scores for one in own], np.float32).reshape(len(own), len(model.classes)),
        np.array(values, np.float64).reshape(len(values), 3),
        np.array([one.unknown for one in own], np.bool_),
        np.array([one.unknown_score for one in own], np.float32),
        np.array([one.time for one in own], np.float64),
        tuple(one.key for one in own),
        *rest,
    )


def _lines(path: Path) -> Iterator[tuple[int, bytes | None]]:
    """The lines with their numbers from 1 on; ``None`` for a last one that is there in part.

    Raises:
        DataError: There is no such file, or it is longer than any log.
    """
    if not path.is_file():
        raise DataError(f"There is no log at {path}.", "Keep predictions in it first: graft predict --log FILE.")
    if (size := path.stat().st_size) > LARGEST:
        raise DataError(
            f"{path} has {size:,} bytes, and no log grows beyond {LARGEST:,}; it was not read.",
            "Give the file that graft predict --log or graft serve --log wrote.",
        )
    with path.open("rb") as file:
        for number, (line, length) in enumerate(read_lines(file, MAX_LINE), 1):
            if line.endswith(b"\n"):
                yield number, line
            else:
                yield number, b"" if length > MAX_LINE else None


def items_of(path: Path) -> Path:
    """The folder in which the items of a log lie, where they are kept."""
    return path.with_name(f"{path.name}.items")


def _is_kept(key: str, size: int, max_bytes: int) -> bool:
    every = one_in(size, max_bytes)
    return every < 1 << FULL and int(key[:8], 16) % every == 0


def _identity(descriptor: int) -> tuple[int, int]:
    found = os.fstat(descriptor)
    return found.st_dev, found.st_ino
