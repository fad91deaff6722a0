"""What is to be predicted: files, the files of folders and zips, texts, and values in memory."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from graft.data.items import Broken, File, Item, Member, Memory, Text, as_item
from graft.data.kinds import can_be, check_modality, first_bytes, is_there, kind_or_reason, looks_like_a_path
from graft.data.listing import Listing, list_archive, list_folder, printable, walk
from graft.decoding.containers import SHEETS, container_at
from graft.decoding.formats import NOT_OF_THE_KIND, describe_kind, is_tabular, sniff
from graft.decoding.tars import is_tar
from graft.errors import GraftError, ItemError
from graft.job import Reading
from graft.reading.item_locator import ItemLocator, locate_from
from graft.reading.manifest import Row, parse_texts
from graft.reading.remote import bring_data, is_address
from graft.reading.table import Record
from graft.reading.tables import holds_paths
from graft.run import PLAIN, Run

_TABLES = frozenset({"parquet", *SHEETS})


def gather(
    inputs: Iterable[str | os.PathLike[str] | Any],
    modality: str = "image",
    *,
    item_column: str | None = None,
    remembered: Mapping[str, str] | None = None,
    run: Run = PLAIN,
) -> Iterator[Item]:
    """The items to predict, lazily and in order: files, the files of folders and zips, texts, or values in memory.

    What is missing or broken comes out too; its ``read`` raises ``ItemError``, so that it is answered in its place.

    Args:
        inputs: Paths and values. Where texts are wanted, a ``str`` that is no path is a text, and each row of a table
            (CSV, TSV, JSON, Parquet, a spreadsheet) is one; a word with a slash or a known extension is a
            file that is missing.
        modality: ``"image"``, ``"text"`` or ``"audio"``: what the model takes.
        item_column: The tables' column of texts, where it has an unusual name.
        remembered: The columns of the table that a model was fitted to (``Dataset.columns``).
        run: Told how far it has come with what lies at an address, and ends that.

    Raises:
        AddressError: What lies at an address cannot be had.
        DataError: A value is of a type that Graft cannot read.
        UnsafeArchive: A zip is broken, encrypted, a bomb, or reaches outside itself.
    """
    columns = Reading(item_column=item_column, remembered=dict(remembered or {}))
    return (item for item, _ in gather_rows(inputs, modality, columns, run))


def gather_rows(
    inputs: Iterable[str | os.PathLike[str] | Any], modality: str, columns: Reading, run: Run = PLAIN
) -> Iterator[tuple[Item, Record]]:
    """As ``gather``, each item with the cells of its row by their columns; without any where it is in no table.

    Args:
        inputs: As for ``gather``.
        modality: The same.
        columns: Names the tables' column of texts, or remembers it.
        run: As for ``gather``.
    """
    check_modality(modality)
    for position, value in enumerate(inputs):
        if not isinstance(value, str | os.PathLike):
            yield as_item(value, position, modality), {}
        elif modality == "text" and isinstance(value, str) and _is_a_text(value):
            yield Text(value), {}
        else:
            for item in _found_at(value, run, modality):
                yield from _texts_of(item, columns) if modality == "text" else ((item, {}),)


def is_archive(path: Path) -> bool:
    """Whether a file is a zip or tar of files, by its content, or says so by its extension; a document is none."""
    head = first_bytes(File(path, path.name))
    kind = sniff(head)
    if kind == "zip":
        return not container_at(path)
    if kind == "gzip":
        return is_tar(path)
    return bool(head) and not kind and (path.suffix.lower() == ".zip" or is_tar(path))


def list_files(path: Path) -> Listing | None:
    """What lies in a folder, zip or tar; ``None`` for any other file, and where there is none."""
    if path.is_dir():
        return list_folder(path)
    return list_archive(path) if is_archive(path) else None


def renamed(item: Item, name: str) -> Item:
    """The same under another name; a text has no name but itself."""
    if isinstance(item, File | Member | Memory):
        return replace(item, name=printable(name))
    return item


def _is_a_text(value: str) -> bool:
    return not (is_address(value) or is_there(value) or looks_like_a_path(value))


def _found_at(value: str | os.PathLike[str], run: Run, modality: str) -> Iterator[Item]:
    if is_address(value):
        yield from _brought(value, run, modality)
        return
    path = Path(value)
    if path.is_dir():
        yield from _below(path)
    elif is_archive(path):
        for entry in list_archive(path).entries:
            yield renamed(entry.item, f"{path}/{entry.item.name}")
    else:  # not str(path): it would lose a slash of a web address
        yield File(path, printable(os.fspath(value)))


def _brought(address: str, run: Run, modality: str) -> Iterator[Item]:
    """The items at an address, under their names there."""
    remote = bring_data(address, run)
    with remote.speaking_of_it():
        place = remote.path if modality == "text" else remote.files or remote.path
        for item in _found_at(place, run, modality):
            name = remote.shown(item.name)  # what a table is, its extension says
            table = place.is_file() and not is_tabular(name) and is_tabular(place.name)
            yield renamed(item, f"{name}{place.suffix}" if table else name)
    for skipped in remote.skipped:
        yield Broken(skipped.path, skipped.code, f"{skipped.path}: {skipped.reason}", "Give the object another key.")


def _below(folder: Path) -> Iterator[Item]:
    notes = Listing()
    for entry in walk(folder, notes):
        yield renamed(entry.item, f"{folder}/{entry.item.name}")
    for skipped in notes.skipped:
        if skipped.code == "unreadable":  # a folder that cannot be opened: reading it says so
            yield File(folder / skipped.path, f"{folder}/{skipped.path}")


def _texts_of(item: Item, columns: Reading) -> Iterator[tuple[Item, Record]]:
    """The rows of a table, or the file itself, if it is a text."""
    kind, problem = kind_or_reason(item)
    if kind in _TABLES or (is_tabular(item.name) and kind != "empty"):
        yield from _rows_of(item, columns)
    elif problem or kind == "empty" or can_be("text", kind, item.name):  # reading it says what is the matter
        yield item, {}
    else:
        what, advice = describe_kind(kind, "text")
        message = f"{item.name} is not a text that can be read: it is {what}."
        yield Broken(item.name, NOT_OF_THE_KIND["text"], message, advice), {}


def _rows_of(item: Item, columns: Reading) -> Iterator[tuple[Item, Record]]:
    try:
        manifest = parse_texts(item.read(), item.name, columns)
    except GraftError as error:
        reason = error.reason if isinstance(error, ItemError) else "unreadable"
        yield Broken(item.name, reason, error.message, error.hint), {}
        return
    files = locate_from(item)
    names_files = holds_paths(manifest, files, "text")
    for row in manifest.rows:
        name = f"{item.name}, row {row.number}"
        yield _item_of(row, name, files if names_files else None), row.cells or {}
    for skipped in manifest.skipped:
        advice = "Put the text in quotes." if skipped.code == "columns" else "Write one object a line (JSONL)."
        yield Broken(skipped.path, skipped.code, f"{skipped.path}: {skipped.reason}", advice), {}


def _item_of(row: Row, name: str, files: ItemLocator | None) -> Item:
    """What a row is about: a text, or the file that its cell holds or, where it is told how to find it, names."""
    if not row.item.strip():
        return Broken(name, "empty", f"{name} has no text.", "Write something, or leave the row out.")
    if row.content is not None:
        return Memory(row.content, name)
    if files is None:
        return Text(row.item)
    path = row.item.strip()
    return files.at(path) or Broken(name, "missing", f"{name}: there is no file {path}.", "Check that it is there.")
