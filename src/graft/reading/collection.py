"""Items with or without labels: what is searched, and what is still to be labelled."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from graft.contracts import Progress, silent
from graft.data.arrangement import Labelled
from graft.data.contents import look_into
from graft.data.dataset import Dataset
from graft.data.items import Broken, File, Item, Skipped, Text
from graft.data.kinds import check_modality, first_bytes
from graft.data.listing import printable
from graft.data.lists import items_of
from graft.decoding.encoding import decode_text
from graft.decoding.formats import bare_name, is_tabular, is_text, sniff
from graft.errors import DataError, ItemError, MissingColumn, NothingToRead, TooFewClasses
from graft.files import expanded
from graft.reading.inputs import gather, list_files, renamed
from graft.reading.labels import place_of
from graft.reading.read import read
from graft.reading.remote import bring_data, is_address
from graft.run import NEVER, Flag, Run

Collection = str | os.PathLike[str] | Dataset | Sequence[Any]
"""A path, a data set, or a list of values."""

_NO_LABELS = (MissingColumn, NothingToRead, TooFewClasses)
"""What labelled reading says of data that have none."""


def read_collection(
    source: Collection,
    *,
    modality: str | None = None,
    item_column: str | None = None,
    progress: Progress = silent,
    cancelled: Flag = NEVER,
    **labelled: Any,
) -> Dataset:
    """Read items, with their labels where the data give them; the label of any other item is ``""``.

    Labelled data are read as ``graft.read`` does, and what it leaves out for want of a label joins them. Where nothing
    has a label, all files below a folder or in a zip are items, all rows of a table's column of texts, and all lines of
    a plain text.

    Args:
        source: A path, a data set, or a list of values as ``Dataset.from_lists`` takes them.
        modality: ``"image"``, ``"text"`` or ``"audio"``, found out if not given.
        item_column: A table's column of items, where it has an unusual name.
        progress: Told how far it has come with what lies at an address.
        cancelled: Ends that once it is set.
        labelled: How labels are read: the other arguments of ``graft.read``. What cannot be read so is an error then.

    Raises:
        NothingToRead: There is nothing at the path, or nothing in it that can be read.
        UnsafeArchive: A zip is broken, encrypted, a bomb, or reaches outside itself.
        MixedModalities: Pictures, texts or recordings stand together.
        DataError: A table cannot be read.
    """
    if isinstance(source, Dataset):
        return source
    if not isinstance(source, str | os.PathLike):
        check_modality(modality)
        items, found = items_of(source, modality)
        return Dataset(items, ("",) * len(items), modality=found)
    if is_address(source):
        remote = bring_data(source, Run(progress=progress, cancelled=cancelled))
        with remote.speaking_of_it():
            dataset = _read_collection(remote.path, modality, item_column, labelled)
        return replace(dataset, skipped=(*dataset.skipped, *remote.skipped))
    return _read_collection(source, modality, item_column, labelled)


def _read_collection(
    source: str | os.PathLike[str], modality: str | None, item_column: str | None, labelled: dict[str, Any]
) -> Dataset:
    path = expanded(source)
    plain = modality in (None, "text") and _is_plain_text(path)
    as_asked = any(labelled.values())
    dataset = None
    try:
        dataset = read(source, modality=modality, item_column=item_column, **{**labelled, "min_classes": 1})
        if plain or as_asked or all(one.code != "no_label" for one in dataset.skipped):
            return dataset
    except DataError as error:
        if as_asked or not path.exists() or not (plain or isinstance(error, _NO_LABELS)):
            raise
        if plain:
            return _lines(path)
    return _with_the_unlabelled(path, dataset, modality, item_column)


def _with_the_unlabelled(path: Path, dataset: Dataset | None, modality: str | None, item_column: str | None) -> Dataset:
    """All items at the path, with the labels that the labelled reading found."""
    modality = modality or (dataset.modality if dataset else None)
    listing = list_files(path)
    if listing is None:
        rows = list(gather([path], "text", item_column=item_column))
        if len(rows) == 1 and isinstance(rows[0], Broken):  # a table that cannot be read as a whole, or none of texts
            raise NothingToRead(rows[0].message, rows[0].hint)
        return _labelled_as(dataset, rows, path, "text", ())
    contents = look_into([Labelled(entry.item, "") for entry in listing.entries], path, modality, multi_label=True)
    items: list[Item] = [row.item for row in contents.rows]
    if contents.modality == "text" and any(is_tabular(item.name) for item in items):
        items = [renamed(item, item.name.removeprefix(f"{path}/")) for item in gather([path], "text")]
        contents.skipped.clear()
    return _labelled_as(dataset, items, path, contents.modality, (*listing.skipped, *contents.skipped))


def _labelled_as(
    dataset: Dataset | None, items: Sequence[Item], path: Path, modality: str, skipped: Sequence[Skipped]
) -> Dataset:
    usable = [item for item in items if not isinstance(item, Broken)]
    broken = [Skipped(item.name, item.message, item.reason) for item in items if isinstance(item, Broken)]
    skipped = (*skipped, *broken)
    if not usable:
        first = f"; the first, {skipped[0].path}: {skipped[0].reason}" if skipped else ""
        raise NothingToRead(
            f"{path} holds nothing that can be read{first.rstrip('.')}.",
            "Give a folder or zip of pictures, texts or recordings, or a table with a column called text.",
        )
    known = {} if dataset is None else dict(zip(map(place_of, dataset.items), dataset.labels, strict=True))
    return Dataset(
        items=tuple(usable),
        labels=tuple(known.get(place_of(item), "") for item in usable),
        modality=modality,
        skipped=tuple(skipped),
        name=printable(path.resolve().name if path.is_dir() else bare_name(path.name)) or "data",
        sources=(path,),
    )


def _lines(path: Path) -> Dataset:
    """A plain text, of which every line that holds something is an item."""
    try:
        lines = decode_text(File(path, str(path)).read()).splitlines()
    except ItemError as error:
        raise NothingToRead(error.message, error.hint) from None
    return _labelled_as(None, [Text(line.strip()) for line in lines if line.strip()], path, "text", ())


def _is_plain_text(path: Path) -> bool:
    """A single file of text that is no table."""
    head = first_bytes(File(path, path.name))
    return bool(head) and not is_tabular(path.name) and not sniff(head) and is_text(head)
