"""The real data sets: what lies in their folders, as examples with label, split and group."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

DATA = Path(__file__).parents[2] / "shared" / "data"
"""Where the real data sets lie: beside the project."""
SPLITS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
TAKE = re.compile(r"(?P<digit>\d)_(?P<speaker>[a-z]+)_(?P<index>\d+)\.wav")
"""A recording of the Free Spoken Digit Dataset."""
TEST_TAKES = 5
"""Its own split: of each speaker and digit the takes 0 to 4 are the test."""


@dataclass(frozen=True, slots=True)
class Example:
    """A file or a text, and its label.

    Attributes:
        item: Where the file lies, or the text itself.
        label: What it is.
        split: ``"train"``, ``"val"``, ``"test"`` or ``""``.
        group: Who or what it comes from, or ``""``.
    """

    item: Path | str
    label: str
    split: str = ""
    group: str = ""


def read_folders(folder: Path) -> list[Example]:
    """The photos of a folder per class, or of split folders above such folders, in a fixed order.

    Raises:
        FileNotFoundError: There is no such folder.
    """
    _check(folder)
    inside = [entry for entry in sorted(folder.iterdir()) if entry.is_dir()]
    if inside and all(entry.name.lower() in SPLITS for entry in inside):
        return [replace(photo, split=SPLITS[entry.name.lower()]) for entry in inside for photo in _classes(entry)]
    return list(_classes(folder))


def read_tables(folder: Path) -> list[Example]:
    """The texts of ``train.csv`` and ``test.csv`` (columns ``text`` and ``label``).

    Raises:
        FileNotFoundError: There is no such folder, or one of them is missing.
    """
    _check(folder)
    texts = []
    for split in ("train", "test"):
        with (folder / f"{split}.csv").open(newline="", encoding="utf-8") as file:
            texts += [Example(row["text"], row["label"], split) for row in csv.DictReader(file)]
    return texts


def read_takes(folder: Path) -> list[Example]:
    """The recordings of the Free Spoken Digit Dataset with their own split; the speaker is the group.

    Raises:
        FileNotFoundError: There is no such folder, or no such recording in it.
    """
    _check(folder)
    takes = [(file, found) for file in sorted(folder.iterdir()) if (found := TAKE.fullmatch(file.name))]
    if not takes:
        raise FileNotFoundError(f"there are no recordings in {folder}")
    return [
        Example(file, found["digit"], "test" if int(found["index"]) < TEST_TAKES else "train", found["speaker"])
        for file, found in takes
    ]


def _check(folder: Path) -> None:
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder}")


def _classes(folder: Path) -> Iterator[Example]:
    for entry in sorted(folder.iterdir()):
        if entry.is_dir():
            yield from (Example(file, entry.name) for file in sorted(entry.iterdir()) if file.is_file())
