"""Which column of a table is which: by the names in use, by what was asked for, and proposals by content."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import PurePosixPath
from typing import Any, Self

from graft.data.arrangement import SPLITS
from graft.data.kinds import spread
from graft.data.listing import shortened
from graft.decoding.formats import KNOWN_SUFFIXES
from graft.errors import DataError, MissingColumn
from graft.job import Reading
from graft.reading.table import Record, Table

PATH_COLUMNS = (
    "path",
    "file_name",
    "filename",
    "file",
    "filepath",
    "file_path",
    "audio",
    "datei",
    "dateiname",
    "fichier",
)
TEXT_COLUMNS = (
    "text", "sentence", "utterance", "message", "content", "body", "review", "comment", "tweet", "question", "query",
    "description", "anfrage", "nachricht", "texte", "texto",
)  # fmt: skip
PICTURE_COLUMNS = ("image", "img", "image_path", "image_id", "image_name", "photo", "picture", "bild")
LABEL_COLUMNS = (
    "label", "target", "category", "labels", "class", "class_name", "label_name", "intent", "topic", "sentiment",
    "species", "tags", "kategorie", "klasse", "etiquette", "etiqueta", "categoria",
)  # fmt: skip
ITEM_COLUMNS = {
    None: (*PATH_COLUMNS, *TEXT_COLUMNS, *PICTURE_COLUMNS),
    "image": (*PATH_COLUMNS, *PICTURE_COLUMNS, *TEXT_COLUMNS),
    "text": (*TEXT_COLUMNS, *PATH_COLUMNS),
    "audio": ("audio", *(name for name in PATH_COLUMNS if name != "audio"), "recording", "wav", *TEXT_COLUMNS),
}
"""By the modality that was asked for: names of the column of items, the best first."""

SPLIT_COLUMNS = ("split", "set", "subset", "partition", "data_split", "dataset", "usage", "fold")
"""Columns of splits; but for the first they count only where every cell names a split."""
GROUP_COLUMN = "group"
FLAG_COLUMNS = {"is_valid": "val", "is_val": "val", "is_test": "test", "is_train": "train"}
"""Columns of yes and no, and the split that yes means; fastai writes the first."""

SPLIT_WORDS = {**SPLITS, "trn": "train", "tst": "test", "eval": "val", "holdout": "test", "hold-out": "test",
               "publictest": "val", "privatetest": "test"}  # fmt: skip
_FLAGS = {**dict.fromkeys(("true", "1", "1.0", "yes"), True), **dict.fromkeys(("false", "0", "0.0", "no", ""), False)}
_INVISIBLE = dict.fromkeys((0x200B, 0x2060, 0xFEFF), None)
_LOOKED_AT = 1000
_LONGEST_LABEL = 60
_SHOWN = 30
_BELOW = 5

Cells = Sequence[Record]

USUAL = Reading()
"""Nothing was asked for."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The columns of a table that are read; ``""`` where there is none.

    Attributes:
        item: That of paths or texts.
        label: That of labels.
        split: That of splits.
        group: That of groups.
        splits: Which split each of its cells means, in lower case, where its name is not ``split``.
    """

    item: str
    label: str
    split: str
    group: str
    splits: Mapping[str, str]

    def to_dict(self) -> dict[str, str]:
        """The arguments of ``read`` that choose the same columns again."""
        return {"item_column": self.item, "label_column": self.label}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a caller asked for, by the arguments of ``read`` that name columns.

    Attributes:
        asked: The columns that were named.
        usual: What each is called where it was not named, the best first.
        labelled: Whether there must be labels.
    """

    asked: Mapping[str, str]
    usual: Mapping[str, Sequence[str]]
    labelled: bool

    @classmethod
    def of(cls, reading: Reading, labelled: bool = True) -> Self:
        """What counts by what was asked of a reading; columns that it remembers come before those of usual names."""
        usual = {
            "item_column": ITEM_COLUMNS[reading.modality] if labelled else TEXT_COLUMNS,
            "label_column": LABEL_COLUMNS,
            "group_column": (GROUP_COLUMN,),
        }
        asked = {what: column for what in usual if (column := getattr(reading, what)) is not None}
        known = {what: [column] for what, column in (reading.remembered or {}).items() if column}
        return cls(asked, {what: (*known.get(what, ()), *names) for what, names in usual.items()}, labelled)

    @property
    def names(self) -> frozenset[str]:
        """Every name that would be understood, in lower case."""
        usual = (*chain(*self.usual.values()), *SPLIT_COLUMNS, *FLAG_COLUMNS)
        return frozenset(map(spelled, (*usual, *filter(None, self.asked.values()))))


def spelled(column: str) -> str:
    """A column's name without what is not seen, in lower case."""
    return column.translate(_INVISIBLE).strip().lower()


def choose(table: Table, wanted: Wanted, name: str) -> Chosen:
    """The columns that were asked for, or else those of usual names.

    Raises:
        MissingColumn: One is not there; the error proposes others by what they hold.
        DataError: Two columns have the name.
    """
    asked, columns = wanted.asked, table.columns
    found = {what: find(columns, asked.get(what), names) for what, names in wanted.usual.items()}
    if not wanted.labelled:
        found["label_column"] = ""
    gone = [what for what, column in found.items() if column is None and (what != "group_column" or what in asked)]
    if gone:
        raise _missing(table, wanted, name, gone, found)
    item, label, group = (column or "" for column in found.values())
    split = find(columns, None, SPLIT_COLUMNS[:1]) or ""
    for column in filter(None, (item, label, split, group)):
        if (n := columns.count(column)) > 1:  # nobody knows which is meant
            raise DataError(f"{name} has {n} columns called {column!r}.", "Rename or remove all but one.")
    splits: dict[str, str] = {}
    if wanted.labelled and not split:
        split, splits = _split_column([column for column in columns if column not in (item, label)], table.cells)
    return Chosen(item, label, split, group, splits)


def find(columns: Sequence[str], asked: str | None, usual: Iterable[str]) -> str | None:
    """The column's name as the table spells it; neither case nor zero-width characters matter."""
    there = {spelled(column): column for column in reversed(columns)}
    for candidate in (asked,) if asked else usual:
        if candidate in columns:
            return candidate
        if spelled(candidate) in there:
            return there[spelled(candidate)]
    return None


def propose(
    columns: Sequence[str], cells: Cells, item: str | None = None, label: str | None = None
) -> tuple[str | None, str | None]:
    """The columns of items and of labels by what they hold: names of files or long texts; few values that repeat.

    Args:
        columns: The names.
        cells: Rows, of which a sample is looked at.
        item: The column of items, where it was found.
        label: That of labels, where it was found.
    """
    sample = spread(cells, _LOOKED_AT)
    values = {column: _strings(sample, column) for column in columns if column and column not in (item, label)}
    if label is None:
        repeats = {column: len(set(cells)) for column, cells in values.items() if _repeat(cells)}
        named = [column for column in repeats if not _are_numbers(values[column])]
        label = min(named or repeats, key=lambda column: (repeats[column], -columns.index(column)), default=None)
    if item is None:
        rest = {column: cells for column, cells in values.items() if column != label and cells}
        files = [column for column, cells in rest.items() if _are_files(cells)]
        texts = [column for column, cells in rest.items() if not _are_numbers(cells)]
        length = {column: sum(map(len, cells)) / len(cells) for column, cells in rest.items()}
        item = next(iter(files), None) or max(texts, key=lambda column: length[column], default=None)
    return item, label


def _split_column(columns: Sequence[str], cells: Cells) -> tuple[str, dict[str, str]]:
    """A column of splits under another name than ``split``, and the split that each of its cells means.

    It counts only where it says of every row where it belongs, and does not put all in one place.
    """
    for usual in (*FLAG_COLUMNS, *SPLIT_COLUMNS[1:]):
        column = find(columns, None, (usual,))
        if column is None or columns.count(column) > 1:
            continue
        values = Counter(spelled(plain(record.get(column))) for record in cells)
        if usual in FLAG_COLUMNS:
            yes = FLAG_COLUMNS[usual]
            no = "test" if yes == "train" else "train"
            meaning = {value: yes if _FLAGS[value] else no for value in values if value in _FLAGS}
        else:
            meaning = {value: SPLIT_WORDS[value] for value in values if value in SPLIT_WORDS}
        if len(meaning) == len(values) and len(set(meaning.values())) > 1 and "train" in meaning.values():
            return column, meaning
    return "", {}


def looks_like_a_row(columns: Sequence[str], rows: Cells) -> bool:
    """Whether what stands in the place of the header is a row: long cells, files, or values that come again below."""
    if any(len(column) > _LONGEST_LABEL or _are_files([column]) for column in columns):
        return True
    sample = spread(rows, _LOOKED_AT)
    return any(column and _strings(sample, column).count(column) >= 2 for column in columns)


def plain(value: Any) -> str:
    """A cell's value as text; ``1.0`` is ``1``, whatever wrote it, and nothing is ``""``."""
    if isinstance(value, str):
        return value
    if value is None or value != value:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1 << 53:
        return str(int(value))
    return str(value)


def _missing(
    table: Table, wanted: Wanted, name: str, gone: Sequence[str], there: Mapping[str, str | None]
) -> MissingColumn:
    columns, cells = table.columns, table.cells
    nouns = {"item_column": "items" if wanted.labelled else "texts", "label_column": "labels", "group_column": "groups"}
    asked = wanted.asked
    found = ", ".join(repr(shortened(column, 40)) for column in columns[:_SHOWN]) or "none"
    if not any(asked.values()) and (not columns or looks_like_a_row(columns, cells)):
        header = ",".join(filter(None, ("text", "label" if wanted.labelled else "")))
        return MissingColumn(
            f"{name} has no header row: its first line is {found}.",
            f"Add a first line that names the columns, such as: {header}",
        )
    if not any(asked.values()) and (names := _names_below(columns, cells, wanted)):
        return MissingColumn(
            f"The first line of {name} is no header: it is {found}, and columns are named below it: {names}.",
            "Delete what stands above the line that names the columns.",
        )
    parts = []
    for what in gone:
        called = repr(asked[what]) if asked.get(what) else f"any of {', '.join(wanted.usual[what][:8])}, ..."
        parts.append(f"no column of {nouns[what]} called {called}")
    item, label = propose(columns, cells, there["item_column"], there["label_column"])
    guess = {"item_column": item, "label_column": label if wanted.labelled else None}
    proposal = {what: column for what in gone if (column := guess.get(what))}
    flags = " ".join(f"--{what.replace('_', '-')} {shlex.quote(column)}" for what, column in proposal.items())
    python = ", ".join(f"{what}={column!r}" for what, column in proposal.items())
    advice = f"By what they hold it may be: {flags} (in Python {python})." if proposal else (
        "Name the right ones: " + ", ".join(f"--{what.replace('_', '-')}" for what in gone) + " (in Python "
        + ", ".join(f"{what}=" for what in gone) + "), or rename them."
    )  # fmt: skip
    return MissingColumn(f"{name} has {' and '.join(parts)}; its columns are {found}.", advice, proposal)


def _names_below(columns: Sequence[str], cells: Cells, wanted: Wanted) -> str:
    """Names of columns in one of the first rows, where a title stands above them; ``""`` where there are none."""
    for row in cells[:_BELOW]:
        values = [text for value in row.values() if (text := plain(value).strip())]
        there = {*map(spelled, values)}
        kinds = [what for what in ("item_column", "label_column") if there & {*wanted.usual[what]}]
        if len(kinds) == 2 or (kinds and len(list(filter(None, columns))) == 1):
            return ", ".join(repr(shortened(value, 40)) for value in values[:_SHOWN])
    return ""


def _strings(cells: Cells, column: str) -> list[str]:
    return [text for record in cells if (text := plain(record.get(column)).strip())]


def _repeat(values: Sequence[str]) -> bool:
    """Whether they could be labels: short, at least two of them, and most come again."""
    kinds = len(set(values))
    return 2 <= kinds <= max(2, len(values) // 2) and max(map(len, values)) <= _LONGEST_LABEL


def _are_numbers(values: Iterable[str]) -> bool:
    return all(value.lstrip("-+").replace(".", "", 1).isdigit() for value in values)


def _are_files(values: Sequence[str]) -> bool:
    known = sum(
        PurePosixPath(value[-200:]).suffix.lower() in KNOWN_SUFFIXES and " " not in value[-6:] for value in values
    )
    return 2 * known > len(values)
