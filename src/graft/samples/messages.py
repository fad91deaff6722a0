"""The data set that ``graft demo text`` learns from: messages to the customer service of a shop that does not exist.

They stand in ``messages.tsv``: the label that each is filed under, what it truly is, and the text. A few carry the
wrong label and a few are no customer's message, as in any mailbox that people sort by hand; the file tells which, so
that a search for them can be checked. ``new_messages.tsv`` holds others, of which a model has seen none.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np

from graft.errors import OutputExists, UsageError

JUNK = "-"
"""What stands in ``messages.tsv`` in place of the truth of a message that belongs to no class."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the sample.

    Attributes:
        text: What it says, on one line.
        label: The class that it is filed under.
        true_label: The class that it belongs to; None for junk.
    """

    text: str
    label: str
    true_label: str | None


@dataclass(frozen=True, slots=True)
class MessageSample:
    """A data set that was written.

    Attributes:
        path: The CSV, with the columns ``text`` and ``label``.
        messages: All messages, in the order of its rows.
    """

    path: Path
    messages: tuple[Message, ...]

    @property
    def wrong_labels(self) -> tuple[Message, ...]:
        """The messages that are filed under another class than theirs."""
        return tuple(m for m in self.messages if m.true_label not in (m.label, None))

    @property
    def junk(self) -> tuple[Message, ...]:
        """Automatic replies, advertisements and tests, filed under some class."""
        return tuple(m for m in self.messages if m.true_label is None)


def write_messages(path: Path, seed: int = 0) -> MessageSample:
    """Write the 240 messages to a CSV, shuffled; the same seed gives the same bytes.

    Args:
        path: Where to; must be absent.
        seed: The order of the rows follows from it.

    Raises:
        OutputExists: There is something at the path.
        UsageError: The seed is negative.
    """
    if seed < 0:
        raise UsageError(f"The seed must not be negative, and is {seed}.", "Take 0 or any larger number.")
    messages = [Message(text, label, None if truth == JUNK else truth) for label, truth, text in _rows("messages.tsv")]
    order = np.random.default_rng(seed).permutation(len(messages)).tolist()
    sample = MessageSample(path, tuple(messages[row] for row in order))
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["text", "label"])
    writer.writerows([message.text, message.label] for message in sample.messages)
    _write_new(path, table.getvalue())
    return sample


def write_new_messages(folder: Path) -> list[tuple[Path, Message]]:
    """Write eight messages that the data set does not hold to a file each, with their true labels.

    Args:
        folder: Where to; must be absent or empty.

    Raises:
        OutputExists: There is something in the folder.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputExists(f"{folder} is there already, and not an empty folder.", "Name another folder, or remove it.")
    written = []
    for number, (truth, text) in enumerate(_rows("new_messages.tsv"), 1):
        path = folder / f"new_{number}.txt"
        _write_new(path, f"{text}\n")
        written.append((path, Message(text, truth, truth)))
    return written


def _rows(name: str) -> Iterator[list[str]]:
    """The cells of each line but the first, which names the columns; nothing is quoted."""
    lines = resources.files("graft.samples").joinpath(name).read_text(encoding="utf-8").splitlines()
    return (line.split("\t") for line in lines[1:])


def _write_new(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(content)
    except FileExistsError:
        raise OutputExists(f"{path} is there already.", "Name another file, or remove it.") from None
