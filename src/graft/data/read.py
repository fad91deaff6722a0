"""From a path to a ``Dataset``: folders, manifests, zips; nothing is ever written."""

from __future__ import annotations

import contextlib
import os
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from graft.data.archive import READ_ERRORS
from graft.data.dataset import Dataset, File, Item, Member, Memory, Skipped, as_item
from graft.data.formats import EXTENSIONS, HEAD, PICTURES, RECORDINGS, TABULAR, describe, is_text, sniff
from graft.data.layout import Arrangement, Labelled, arrange, label_rows, resolve_in_folder
from graft.data.listing import Entry, Listing, list_folder, list_zip, peek, printable, walk
from graft.data.manifest import Manifest, parse_manifest
from graft.data.notices import (
    LAYOUT_ADVICE,
    is_mixed,
    mixed,
    no_pictures,
    too_few_classes,
    unsupported,
    warn_of_case,
    warn_of_names,
    warn_of_strays,
    warn_of_two_labels,
)
from graft.errors import DataError, ItemError, NothingToRead

SUPPORTED = ("image",)
"""Modalities that this version can embed."""

UNREADABLE: tuple[type[Exception], ...] = (ItemError, *READ_ERRORS)
Columns = tuple[str | None, str | None]


def read(
    source: str | os.PathLike[str] | Dataset,
    *,
    test: str | os.PathLike[str] | Dataset | None = None,
    label_column: str | None = None,
    item_column: str | None = None,
    modality: str | None = None,
    min_classes: int = 2,
) -> Dataset:
    """Read labelled pictures.

    Args:
        source: A folder per class, split folders above them, a manifest (CSV, TSV, JSONL, Parquet), a folder of
            ``train|val|test`` manifests, a zip of any of these, or a ``Dataset``.
        test: Other labelled data, which join as the split ``"test"``.
        label_column: The manifest's column of labels, where it has an unusual name.
        item_column: The manifest's column of paths, where it has an unusual name.
        modality: ``"image"``; files of other kinds are skipped then, however many they are.
        min_classes: How many classes there must be; scoring does with 1.

    Returns:
        The data set. A given split stands; ``val`` without ``test`` becomes ``test``, with ``test`` it joins ``train``.

    Raises:
        NothingToRead: There is nothing at the path, or no picture in it.
        TooFewClasses: There are fewer than ``min_classes`` classes.
        MissingColumn: A manifest lacks a column.
        UnsafeArchive: A zip is broken, encrypted, a bomb, or reaches outside itself.
        MixedModalities: Pictures and recordings stand together.
        MissingExtra: A Parquet file is given, and pyarrow is not installed.
        DataError: The data are of a modality that this version does not know, or a manifest cannot be read.
    """
    if modality is not None and modality not in SUPPORTED:
        raise unsupported(modality, f"modality={modality!r} was asked for.")
    columns = (label_column, item_column)
    dataset, found = _read_source(source, columns, modality)
    others = None if test is None else _read_source(test, columns, modality)[0]
    dataset = _settle_splits(dataset, has_test=others is not None)
    if others is not None:
        dataset = _join_test(dataset, others)
    if dataset is not source and len(dataset.classes) < min_classes:
        raise too_few_classes(dataset, found)
    return dataset


def gather(inputs: Iterable[str | os.PathLike[str] | Any]) -> Iterator[Item]:
    """The items to predict, lazily and in order: files, the files of folders and zips, or values in memory.

    What is missing or broken comes out too; its ``read`` raises ``ItemError``, so that it is answered in its place.

    Raises:
        DataError: A value is of a type that Graft cannot read.
        UnsafeArchive: A zip is broken, encrypted, a bomb, or reaches outside itself.
    """
    for position, value in enumerate(inputs):
        if not isinstance(value, str | os.PathLike):
            yield as_item(value, position)
            continue
        path = Path(value)
        if path.is_dir():
            yield from _below(path)
        elif _is_zip(path):
            for entry in list_zip(path).entries:
                yield _renamed(entry.item, f"{path}/{entry.item.name}")
        else:
            yield File(path, printable(os.fspath(value)))  # not str(path): it would lose a slash of a web address


def _below(folder: Path) -> Iterator[Item]:
    notes = Listing()
    for entry in walk(folder, notes):
        yield _renamed(entry.item, f"{folder}/{entry.item.name}")
    for skipped in notes.skipped:
        if skipped.code == "unreadable":  # a folder that cannot be opened: reading it says so
            yield File(folder / skipped.path, f"{folder}/{skipped.path}")


def _read_source(
    source: str | os.PathLike[str] | Dataset, columns: Columns, modality: str | None
) -> tuple[Dataset, Arrangement]:
    """The data set without a word on its classes, and how its source is laid out."""
    if isinstance(source, Dataset):
        return source, Arrangement()
    path = Path(source).expanduser()
    if "://" in os.fspath(source) and not path.exists():
        raise NothingToRead(f"{os.fspath(source)} is a web address.", "Download it first.")
    name = path.resolve().name if path.is_dir() else path.stem
    found, strays = _arrange(path, columns)
    rows, skipped, kinds, misnamed = _look_into(found.rows)
    skipped = [*found.skipped, *skipped]
    if modality is None and is_mixed(kinds):
        raise mixed(path, kinds)
    if not rows:
        raise no_pictures(path, skipped, kinds + _count_kinds(found.unlabelled), strays, found)
    warnings = [
        *warn_of_strays(strays), *warn_of_names(misnamed), *found.warnings,
        *warn_of_two_labels(rows), *warn_of_case(rows),
    ]  # fmt: skip
    dataset = Dataset(
        items=tuple(row.item for row in rows),
        labels=tuple(row.label for row in rows),
        splits=tuple(row.split for row in rows),
        groups=tuple(row.group for row in rows),
        skipped=tuple(skipped),
        warnings=tuple(warnings),
        name=printable(name) or "model",
    )
    return dataset, found


def _arrange(path: Path, columns: Columns) -> tuple[Arrangement, Counter[str]]:
    """How the source is laid out, whatever it is, and the strays in it."""
    label_column, item_column = columns

    def parse(entry: Entry) -> Manifest:
        try:
            content = entry.item.read()
        except ItemError as error:
            raise DataError(error.message, error.hint) from None
        manifest = parse_manifest(content, entry.item.name, label_column=label_column, item_column=item_column)
        if manifest.holds_texts:
            raise unsupported("text", f"{entry.item.name} holds texts, in its column {manifest.item_column!r}.")
        return manifest

    try:
        if path.is_dir():
            _refuse_saved_model(path)
            listing = list_folder(path)
        elif _is_zip(path):
            listing = list_zip(path)
        else:
            entry = Entry((path.name,), File(path, path.name))
            _require_manifest(path)
            return label_rows(parse(entry), path.name, resolve_in_folder(path.parent)), Counter()
    except OSError as error:
        raise NothingToRead(f"{path} cannot be read: {error.strerror or error}.", "Check its permissions.") from None
    found = arrange(listing, parse, must_be_manifest=any(columns))
    found.skipped = [*listing.skipped, *found.skipped]
    return found, listing.strays


def _refuse_saved_model(folder: Path) -> None:
    if all((folder / name).is_file() for name in ("manifest.json", "arrays.safetensors")):  # as graft.bundle writes it
        raise DataError(
            f"{folder} is a saved model, not data.",
            "Give the photos: graft fit PHOTOS; to score a model: graft evaluate MODEL PHOTOS.",
        )


def _require_manifest(path: Path) -> None:
    """Say what a path is that is neither folder nor zip nor manifest."""
    if not path.exists():
        raise NothingToRead(f"There is nothing at {path}.", "Check the spelling; relative paths start where you are.")
    head = peek(File(path, path.name))
    if not head:
        raise NothingToRead(f"{path} is empty.", "Give a folder of pictures, a manifest or a zip.")
    kind = sniff(head)
    if kind in PICTURES:
        raise NothingToRead(f"{path} is a single picture.", LAYOUT_ADVICE)
    if kind != "parquet" and (kind or not is_text(head)) and path.suffix.lower() not in TABULAR:
        raise NothingToRead(f"{path} is {describe(head)[0]}.", "Give a folder of pictures, a manifest or a zip.")


def _look_into(rows: Iterable[Labelled]) -> tuple[list[Labelled], list[Skipped], Counter[str], list[str]]:
    """Judge every file by its first bytes.

    Returns:
        The pictures, with clean labels; what is none, and why; how many of each kind; names that promise another kind.
    """
    pictures: list[Labelled] = []
    skipped: list[Skipped] = []
    kinds: Counter[str] = Counter()
    misnamed: list[str] = []
    for row in rows:
        name = row.item.name
        try:
            head = peek(row.item)
        except UNREADABLE as error:
            reason = error.message if isinstance(error, ItemError) else f"It cannot be read: {_words(error)}."
            skipped.append(Skipped(name, reason, "unreadable"))
            continue
        kind = sniff(head)
        label = unicodedata.normalize("NFC", row.label.strip())  # macOS writes names in another form than it reads
        if not head:
            skipped.append(Skipped(name, "The file is empty.", "empty"))
        elif kind not in PICTURES:
            kinds[_kind_of(head)] += 1
            skipped.append(
                Skipped(name, f"It is not a picture that can be read: it is {describe(head)[0]}.", "not_a_picture")
            )
        elif not label:
            skipped.append(Skipped(name, "It has no label.", "no_label"))
        else:
            kinds[_kind_of(head)] += 1
            pictures.append(row._replace(label=label))
            suffix = PurePosixPath(name).suffix.lower()
            if suffix and EXTENSIONS.get(suffix) != kind:
                misnamed.append(f"{name} ({kind.upper()})")
    return pictures, skipped, kinds, misnamed


def _count_kinds(items: Iterable[Item]) -> Counter[str]:
    """How many files of each kind there are among those without a label."""
    kinds: Counter[str] = Counter()
    for item in items:
        with contextlib.suppress(*UNREADABLE):
            kinds[_kind_of(peek(item))] += 1
    return kinds


def _kind_of(head: bytes) -> str:
    kind = sniff(head)
    if kind in PICTURES:
        return "picture"
    if kind in RECORDINGS:
        return "recording"
    return "text" if kind is None and is_text(head) else "other"


def _settle_splits(dataset: Dataset, *, has_test: bool) -> Dataset:
    """``val`` is the held-out test where there is none; else it joins ``train``, and so does what names no split."""
    given = set(dataset.splits) - {""}
    if not given:
        return dataset
    meaning = {"val": "train" if has_test or "test" in given else "test", "": "train"}
    splits = tuple(meaning.get(split, split) for split in dataset.splits)
    return dataset if splits == dataset.splits else replace(dataset, splits=splits)


def _join_test(dataset: Dataset, others: Dataset) -> Dataset:
    """Both as one, the others as its test split."""
    warnings = [*dataset.warnings, *others.warnings]
    if own := dataset.splits.count("test"):
        warnings.append(f"{dataset.name} has a test split of its own: its {own} items are tested on too.")
    return replace(
        dataset,
        items=(*dataset.items, *(_renamed(item, f"{others.name}/{item.name}") for item in others.items)),
        labels=(*dataset.labels, *others.labels),
        splits=(*(split or "train" for split in dataset.splits), *("test" for _ in others.items)),
        groups=(*dataset.groups, *others.groups),
        skipped=(*dataset.skipped, *(replace(one, path=f"{others.name}/{one.path}") for one in others.skipped)),
        warnings=tuple(dict.fromkeys(warnings)),
    )


def _renamed(item: Item, name: str) -> Item:
    if isinstance(item, File | Member | Memory):
        return replace(item, name=printable(name))
    return item


def _is_zip(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            head = file.read(HEAD) if path.is_file() else b""
    except OSError:
        return False
    return sniff(head) == "zip" or (bool(head) and path.suffix.lower() == ".zip")


def _words(error: BaseException) -> str:
    return str(getattr(error, "strerror", None) or error or type(error).__name__)
