"""What every page for a terminal is made of: headings with bodies beside them, and texts cut to a width."""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Self

from rich.cells import cell_len, set_cell_size
from rich.console import Console, Group, RenderableType
from rich.table import Table

from graft.data import items
from graft.data.dataset import Skipped
from graft.report import words

NARROWEST, WIDEST = 60, 100
WIDEST_LABEL = 24
"""Columns that the labels of a list have, at most; on a terminal never more than a quarter of its own."""
_MARGIN = 13
Lines = Iterable[RenderableType]
"""What stands beside a heading: texts, which are broken where they have to be, and tables."""
# Rich breaks lines at no-break spaces too; a private-use character stands in for them until it has.
_UNBROKEN = str.maketrans(words.NBSP, "\ue000")


def page_width(width: int | None = None) -> int:
    """Columns of a page: 60 to 100, by default what the terminal has."""
    return bounded(width or shutil.get_terminal_size().columns, NARROWEST, WIDEST)


@dataclass(frozen=True, slots=True)
class RowLayout:
    """How a list is laid out on stdout, an item in each row.

    A terminal gets rows that it can show, in which long labels, names and notes are shortened. A pipe or a file gets
    all of them in full.

    Attributes:
        label: Columns of the labels.
        width: Columns of a row; ``None`` for any number.
    """

    label: int
    width: int | None

    @classmethod
    def of(cls, labels: Iterable[str], least: int = 0) -> Self:
        """The layout for these labels, which have ``least`` columns at least."""
        width = page_width() if sys.stdout.isatty() else None
        widest = max((cell_len(words.clean(label)) for label in labels), default=0)
        return cls(bounded(widest, least, WIDEST_LABEL if width is None else min(WIDEST_LABEL, width // 4)), width)

    def named(self, label: str) -> str:
        """A label, safe to show, in its column."""
        label = words.clean(label)
        if self.width is not None:
            label = shorten_middle(label, self.label)
        return label + " " * (self.label - cell_len(label))

    def rest(self, before: str, item: items.Item, name: str, note: str) -> tuple[str, str]:
        """A name and a note, safe to show, for what is left of a row; a note has two thirds of it at most.

        Args:
            before: What stands before them, as it is shown.
            item: Of a text the beginning is kept, of a path the end.
            name: What it is called.
            note: What is said of it.
        """
        name, note = words.clean(name), words.clean(note)
        if self.width is None:
            return name, note
        room = self.width - cell_len(before)
        note = shorten(note, max(room - cell_len(name), 2 * room // 3))
        cut = shorten if isinstance(item, items.Text) else shorten_front
        return cut(name, room - cell_len(note)), note


def room_of(width: int) -> int:
    """Columns beside the headings."""
    return width - _MARGIN - 2


def draw(title: Lines, sections: Iterable[tuple[str, Lines]], width: int) -> str:
    """A page as lines of at most ``width`` columns.

    Args:
        title: Stands above.
        sections: Headings and what stands beside them.
        width: Columns.
    """
    console = Console(
        file=io.StringIO(),
        width=width,
        force_terminal=False,
        force_jupyter=False,  # there it would show what is captured too
        color_system=None,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )
    with console.capture() as capture:
        console.print(Group(*map(unbroken, title)))
        console.print()
        for heading, lines in sections:
            entry = Table.grid(padding=0)
            entry.add_column(width=_MARGIN, no_wrap=True)
            entry.add_column(overflow="fold")
            entry.add_row(f" {heading}", Group(*map(unbroken, lines)))
            console.print(entry)
    shown = capture.get().replace("\ue000", " ").split("\n")
    return "\n".join(line.rstrip() for line in shown).rstrip() + "\n"


def grid(
    sides: Sequence[Literal["left", "right", "fold"]],
    rows: Iterable[Sequence[RenderableType]],
    heads: Sequence[str] = (),
) -> Table:
    """A table without lines.

    Args:
        sides: Where the cells of each column stand; in one that folds, what is too long is broken anywhere.
        rows: The cells.
        heads: What the columns are called.
    """
    table = Table.grid(padding=(0, 2))
    for side in sides:
        if side == "fold":
            table.add_column(overflow="fold")
        else:
            table.add_column(justify=side, no_wrap=True)
    for row in (heads, *rows) if heads else rows:
        table.add_row(*map(unbroken, row))
    return table


def unbroken(line: RenderableType) -> RenderableType:
    """A line whose no-break spaces hold."""
    return line.translate(_UNBROKEN) if isinstance(line, str) else line


def shorten(text: str, width: int) -> str:
    """The beginning of the text, ended by an ellipsis where it had to be cut; double-width characters count as two."""
    return text if cell_len(text) <= width else set_cell_size(text, width - 1).rstrip() + "…"


def shorten_middle(label: str, width: int) -> str:
    """Both ends of a label: those of many classes often differ in their last word only."""
    if cell_len(label) <= width:
        return label
    tail = ""
    for character in reversed(label):
        if cell_len(tail) + cell_len(character) > width // 3:
            break
        tail = character + tail
    return set_cell_size(label, width - 1 - cell_len(tail)).rstrip() + "…" + tail


def shorten_front(path: str, width: int) -> str:
    """The end of a path, which tells files apart better than its beginning."""
    if cell_len(path) <= width:
        return path
    while cell_len(path) > width - 1:
        path = path[1:]
    return "…" + path


def item_name(path: str, modality: str, width: int) -> str:
    """What an item is called: the beginning of a text, the end of a path."""
    if modality == "text":
        return shorten(words.excerpt(path) or "(blank)", width)
    return shorten_front(words.clean(path), width)


def skipped_lines(entries: Sequence[Skipped], modality: str, room: int, n: int | None = None) -> Iterator[str]:
    """How many items could not be used, of which kinds, and the first ones with the reason.

    Args:
        entries: Those that are known by name.
        modality: Of the items.
        room: Columns.
        n: How many there are in all, where some are not known by name.
    """
    n = len(entries) if n is None else n
    yield words.unusable(n, entries, modality)
    shown = entries[:3]
    for entry in shown:
        yield f"{item_name(entry.path, modality, room // 2)}  {words.clean(entry.reason)}"
    if n > len(shown) > 0:
        yield f"and {n - len(shown):,} more"


def bounded(value: int, low: int, high: int) -> int:
    """The nearest number from ``low`` to ``high``."""
    return min(max(value, low), high)
