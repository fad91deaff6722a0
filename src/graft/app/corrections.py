"""Corrections: items that were answered wrongly, kept with the right label as data that ``graft fit`` reads.

::

    corrections/
    |-- corrections.jsonl       a line for each item: path or text, label, what was said of it, and a name of the line
    `-- items/                  pictures and recordings, byte for byte as they were given, named by their content

A line without a label says that the item is none of the classes: ``fit`` leaves it out and says so. The manifest is
written anew and renamed, under a lock, so that any number of pages may write into one folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from graft.data.contents import clean_label
from graft.data.listing import CORRECTIONS
from graft.decoding.encoding import read_text
from graft.decoding.formats import HEAD, USUAL_EXTENSION, sniff
from graft.errors import DataError, GraftError, ItemError, UsageError, refused_as
from graft.files import expanded, sync_folder, write_atomically
from graft.journal import appending

MANIFEST = CORRECTIONS
ITEMS = "items"
MAX_FILE = 256 << 20
"""Bytes of a manifest."""
MAX_LABEL = 200
"""Characters of a label."""
_LOCK = f".{MANIFEST}.lock"
_PATH = re.compile(rf"{ITEMS}/[0-9a-f]{{32}}\.[a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Correction:
    """One line of the manifest.

    Attributes:
        id: Names the line.
        label: The right one: a class, old or new; several of them; a number; ``None``: none of the classes.
        predicted: What the model said.
        path: Of the item, within the folder; or
        text: the item itself.
    """

    id: str
    label: str | list[str] | float | None
    predicted: str = ""
    path: str = ""
    text: str = ""

    @property
    def item(self) -> tuple[str, str]:
        """What tells items apart."""
        return self.path, self.text

    def to_dict(self) -> dict[str, Any]:
        """JSON-able; of path and text there is the one that it has."""
        return {name: value for name, value in asdict(self).items() if name not in ("path", "text") or value}


class CorrectionFolder:
    """A folder of corrections for one model. It is made by the first of them.

    Attributes:
        path: The folder.
    """

    def __init__(self, path: str | os.PathLike[str], modality: str, *, numbers: bool = False) -> None:
        """Look at what is there already.

        Args:
            path: Where the folder is, or will be.
            modality: What the items are.
            numbers: Whether labels are numbers.

        Raises:
            DataError: Something else is there.
        """
        self.path = expanded(path).resolve()
        self._modality, self._numbers = modality, numbers
        self._lock = threading.Lock()
        self._before: dict[str, Correction] = {}  # what a correction of this run took the place of
        if os.path.lexists(self.path) and not self.path.is_dir():
            raise DataError(f"{self.path} is no folder.", "Name another for the corrections.")
        if self.path.is_dir() and not (self.path / MANIFEST).is_file() and any(self.path.iterdir()):
            raise DataError(
                f"{self.path} holds something else than corrections: it has no {MANIFEST}.",
                "Name another folder: --corrections DIR.",
            )
        self._check(self.read())

    def read(self) -> list[Correction]:
        """All corrections, in the order in which they were made.

        Raises:
            DataError: The manifest is damaged, or too large.
        """
        place = self.path / MANIFEST
        try:
            with place.open("rb") as file:
                content = file.read(MAX_FILE + 1)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise DataError(f"{place} cannot be read: {error.strerror or error}.", "Check its permissions.") from None
        if len(content) > MAX_FILE:
            raise DataError(f"{place} has more than {MAX_FILE >> 20} MB.", "Name another folder for the corrections.")
        found = []
        for number, line in enumerate(content.split(b"\n"), 1):
            if line.strip():
                try:
                    found.append(_restored(json.loads(line)))
                except (ValueError, TypeError, RecursionError):
                    raise DataError(
                        f"Line {number} of {place} is no correction.", "Mend it, or name another folder."
                    ) from None
        return found

    def save(self, content: bytes, labels: Sequence[str] | None, predicted: str = "", *, several: bool = False) -> str:
        """Keep an item with its right label, on the disk before this returns; the name of the line.

        The same item with the same label is kept once. With another label it takes the place of the earlier one.

        Args:
            content: A file's bytes as they were given, or a text in UTF-8.
            labels: The right label, or several of them; ``None``: none of the classes.
            predicted: What the model said.
            several: Whether items bear any number of labels.

        Raises:
            UsageError: The label is none.
            ItemError: The item is none of the modality.
            GraftError: The disk refuses.
        """
        label = self._label(labels, several=several)
        path, text = self._named(content)
        with self._changing() as corrections:
            own = next((one for one in corrections if one.item == (path, text)), None)
            if own is not None and own.label == label:
                return own.id
            made = Correction(secrets.token_hex(8), label, predicted, path, text)
            if path and not (self.path / path).is_file():
                (self.path / ITEMS).mkdir(exist_ok=True)
                write_atomically(self.path / path, content)
            if own is None:
                corrections.append(made)
            else:
                self._before[made.id] = own
                corrections[corrections.index(own)] = made
        return made.id

    def undo(self, name: str) -> bool:
        """Take a correction back; what it took the place of is there again. Whether there was one of this name.

        Raises:
            GraftError: The disk refuses.
        """
        with self._changing() as corrections:
            own = next((one for one in corrections if one.id == name), None)
            if own is None:
                return False
            place, earlier = corrections.index(own), self._before.pop(name, None)
            corrections[place : place + 1] = [earlier] if earlier else []
        return True

    @contextlib.contextmanager
    def _changing(self) -> Iterator[list[Correction]]:
        """The corrections, to be changed while nobody else does; they are written if they were."""
        with (
            refused_as(
                GraftError,
                f"The correction was not saved: {self.path} cannot be written",
                "Make room on the disk, or name another folder: --corrections DIR.",
            ),
            self._lock,
        ):
            self.path.mkdir(parents=True, exist_ok=True)
            with appending.opened(self.path / _LOCK):
                corrections = self.read()
                before = list(corrections)
                yield corrections
                if corrections != before:
                    lines = [json.dumps(one.to_dict(), ensure_ascii=True) for one in corrections]
                    write_atomically(self.path / MANIFEST, "".join(f"{line}\n" for line in lines).encode())
                    for path in {one.path for one in before} - {one.path for one in corrections} - {""}:
                        (self.path / path).unlink(missing_ok=True)
                with contextlib.suppress(OSError):  # where an open file cannot be removed, it stays
                    (self.path / _LOCK).unlink()
                    sync_folder(self.path)

    def _named(self, content: bytes) -> tuple[str, str]:
        """The path that an item has, or its text."""
        if self._modality == "text":
            return "", read_text(content)
        kind = sniff(content[:HEAD]) or ""
        if kind not in USUAL_EXTENSION:
            raise ItemError("unreadable", "This file is of no known kind.", "Give it in another format.")
        return f"{ITEMS}/{hashlib.sha256(content).hexdigest()[:32]}{USUAL_EXTENSION[kind]}", ""

    def _label(self, labels: Sequence[str] | None, *, several: bool) -> str | list[str] | float | None:
        if labels is None:
            return None
        cleaned = [clean_label(label) for label in labels]
        if several:
            cleaned = sorted(set(cleaned))
        if not all(cleaned) or max(map(len, cleaned), default=0) > MAX_LABEL or (len(cleaned) != 1 and not several):
            raise UsageError("This is no label.", f"Write a name of at most {MAX_LABEL} characters.")
        if not self._numbers:
            return cleaned if several else cleaned[0]
        from graft.cells import as_number

        if (number := as_number(cleaned[0])) is None:
            raise UsageError(f"{cleaned[0]!r} is no number.", "Write it in digits, with a point before decimals.")
        return number

    def _check(self, corrections: Sequence[Correction]) -> None:
        """Whether a model of this kind may go on with them."""
        texts = {bool(one.text) for one in corrections}
        if texts - {self._modality == "text"}:
            raise DataError(
                f"{self.path} holds corrections of a model of another kind.", "Name another folder: --corrections DIR."
            )


def _restored(values: Mapping[str, Any]) -> Correction:
    """A line of the manifest; its path leads nowhere but to the folder's own items.

    Raises:
        ValueError: It is no correction; a ``TypeError`` where it is something else altogether.
    """
    found = Correction(**values)
    texts = (found.id, found.predicted, found.path, found.text)
    if not all(isinstance(one, str) for one in texts) or bool(found.path) == bool(found.text):
        raise ValueError("no correction")
    if found.path and not _PATH.fullmatch(found.path):
        raise ValueError("a path of somebody else")
    return found


def as_labels(query: Mapping[str, Sequence[str]]) -> Sequence[str] | None:
    """The labels that a request names; ``None``: none of the classes.

    Raises:
        UsageError: It names none.
    """
    if query.get("unknown") == ["1"]:
        return None
    if not query.get("label"):
        raise UsageError("There is no label.", "Name a class.")
    return query["label"]
