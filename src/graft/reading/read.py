"""From a path to a ``Dataset``: folders, manifests, zips; nothing is ever written."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from graft.bundle import is_bundle, is_export, is_index
from graft.contracts import Progress, silent
from graft.data.arrangement import Arrangement
from graft.data.contents import count_files, look_into
from graft.data.dataset import Dataset
from graft.data.guard import named_by
from graft.data.items import File
from graft.data.kinds import check_modality
from graft.data.listing import FileEntry, Listing, peek, printable
from graft.data.lists import is_frame
from graft.decoding.containers import SHEETS, container_at
from graft.decoding.formats import (
    NOUNS,
    PICTURES,
    RECORDINGS,
    bare_name,
    describe,
    describe_kind,
    is_tabular,
    is_text,
    remedy,
    sniff,
)
from graft.errors import DataError, MixedModalities, NothingToRead, UsageError, refused_as
from graft.files import did_you_mean, expanded
from graft.job import Reading
from graft.reading import notices
from graft.reading.frames import read_frame
from graft.reading.inputs import list_files, renamed
from graft.reading.labels import merge_labels
from graft.reading.layout import arrange
from graft.reading.naming import apply_pattern
from graft.reading.patterns import compile_pattern
from graft.reading.remote import bring_data, is_address
from graft.reading.tables import label_table
from graft.run import NEVER, Flag, Run

SWITCHED_ON = "Rows have lists of several labels, so the data are read as multi-label."
_WHOLE = "Give a folder of pictures, texts or recordings, a manifest or a zip."


def read(
    source: Any,
    *,
    test: str | os.PathLike[str] | Dataset | None = None,
    label_column: str | None = None,
    item_column: str | None = None,
    group_column: str | None = None,
    pattern: str | None = None,
    modality: str | None = None,
    multi_label: bool = False,
    min_classes: int = 2,
    root: str | os.PathLike[str] | None = None,
    remembered: Mapping[str, str] | None = None,
    fetch: bool = False,
    progress: Progress = silent,
    cancelled: Flag = NEVER,
) -> Dataset:
    """Read labelled pictures, texts or recordings.

    Args:
        source: A folder per class, split folders above them, a manifest (CSV, TSV, JSON, Parquet, a spreadsheet), a
            folder of ``train|val|test`` manifests, a zip of any of these, a data frame (of pandas or polars), or a
            ``Dataset``. Paths may be addresses such as ``s3://bucket/photos/``.
        test: Other labelled data, which join as the split ``"test"``.
        label_column: The manifest's column of labels, where it has an unusual name.
        item_column: The manifest's column of paths or texts, where it has an unusual name.
        group_column: The manifest's column of groups (speaker, patient), where it is not called ``group``.
        pattern: What the names of files say, such as ``"{label}_{group}_{index}.wav"``: the fields are ``{label}``,
            ``{group}`` and ``{split}``, any other and ``*`` stand for anything. With a slash it is held against the
            path inside the class folder, or with ``{label}`` inside the source. Files that do not fit are skipped.
        modality: ``"image"``, ``"text"`` or ``"audio"``, found out if not given; files of other kinds are skipped
            then, however many they are.
        multi_label: Items have any number of labels: cells like ``a|b``, one file in several class folders. Cells that
            are lists of several labels say so themselves.
        min_classes: How many classes there must be; scoring does with 1.
        root: The folder that the manifest's paths are relative to, if not its own.
        remembered: Columns that another table was read by (``Dataset.columns``); where this one has them too they count
            before those of usual names.
        fetch: Bring the files into the cache whose addresses (``https://``, ``s3://``, ...) a manifest holds; only
            public addresses, each file once.
        progress: Told how far it has come with what lies at an address.
        cancelled: Ends that once it is set, such as a ``threading.Event``.

    Returns:
        The data set. A given split stands; ``val`` without ``test`` becomes ``test``, with ``test`` it joins ``train``.

    Raises:
        NothingToRead: There is nothing at the path, or no item in it that can be read.
        TooFewClasses: There are fewer than ``min_classes`` classes.
        MissingColumn: A manifest lacks a column.
        UnsafeArchive: A zip is broken, encrypted, a bomb, or reaches outside itself.
        MixedModalities: Pictures, texts or recordings stand together.
        MissingExtra: A Parquet file is given, and pyarrow is not installed.
        UsageError: The pattern or the modality is none.
        DataError: A manifest cannot be read, or no file fits the pattern.
        AddressError: What lies at an address cannot be had.
        Cancelled: ``cancelled`` was set.
    """
    check_modality(modality)
    if pattern is not None and "group" in compile_pattern(pattern).fields and group_column:
        raise UsageError("A column and a pattern of groups were asked for.", "Give one of the two.")
    reading = Reading(
        source=_path_of(source),
        test=_path_of(test),
        label_column=label_column,
        item_column=item_column,
        group_column=group_column,
        pattern=pattern,
        modality=modality,
        multi_label=multi_label,
        root=None if root is None else os.fsdecode(root),
        remembered=dict(remembered) if remembered else None,
        fetch=fetch,
    )
    if (folder := _root_of(reading)) and not folder.is_dir():
        raise NothingToRead(f"There is no folder {folder} to find files in.", "Check the spelling of --root (root=).")
    run = Run(progress=progress, cancelled=cancelled)
    dataset, found = _read_source(source, reading, run)
    for_test = replace(reading, multi_label=True) if dataset.tags else reading
    others = None if test is None else _read_source(test, for_test, run)[0]
    dataset = _settle_splits(dataset, has_test=others is not None)
    if others is not None:
        dataset = _join_test(dataset, others)
    if dataset is not source and len(dataset.classes) < min_classes:
        raise notices.too_few_classes(dataset, found)
    if isinstance(source, Dataset) and test is None:
        return dataset
    from_memory = reading.source is None or (test is not None and reading.test is None)
    return replace(dataset, reading=None if from_memory else reading)


def _path_of(source: Any) -> str | None:
    return os.fsdecode(source) if isinstance(source, str | os.PathLike) else None


def _root_of(reading: Reading) -> Path | None:
    return None if reading.root is None else expanded(reading.root)


def _read_source(source: Any, reading: Reading, run: Run) -> tuple[Dataset, Arrangement]:
    """The data set without a word on its classes, and how its source is laid out."""
    if isinstance(source, Dataset):
        return source, Arrangement()
    if is_frame(source):
        return read_frame(source, reading), Arrangement()
    if not isinstance(source, str | os.PathLike):
        raise UsageError(
            f"Data are a path, a data frame or a Dataset, and this is of type {type(source).__name__}.",
            "From lists: graft.fit(items, labels), or graft.Dataset.from_lists(items, labels).",
        )
    if not os.fspath(source).strip():
        raise UsageError("The path of the data is empty.", "Name a folder or file; the present folder is '.'.")
    if is_address(source):
        remote = bring_data(source, run)
        with remote.speaking_of_it():
            dataset, found = _read_path(remote.path, reading, run)
        return replace(dataset, skipped=(*dataset.skipped, *remote.skipped)), found
    path = expanded(source)
    if "://" in os.fspath(source) and not path.exists():
        raise NothingToRead(f"{os.fspath(source)} is a web address.", "Download it first.")
    return _read_path(path, reading, run)


def _read_path(path: Path, reading: Reading, run: Run) -> tuple[Dataset, Arrangement]:
    """The data set at a path on this machine."""
    found = _arrange(path, reading, run)
    if not reading.multi_label and any(len(row.tags or ()) > 1 for row in found.rows):
        dataset, found = _read_path(path, replace(reading, multi_label=True), run)
        return replace(dataset, warnings=(*dataset.warnings, SWITCHED_ON)), found
    contents = look_into(found.rows, path, reading.modality, multi_label=reading.multi_label)
    skipped = [*found.skipped, *contents.skipped]
    if not contents.rows:
        modality = reading.modality or _modality_of_the_rest(found)
        raise notices.nothing_labelled(path, modality, skipped, found, contents.remedy)
    rows = merge_labels(contents.rows) if reading.multi_label else contents.rows
    dataset = Dataset(
        items=tuple(row.item for row in rows),
        labels=tuple(row.label for row in rows),
        splits=tuple(row.split for row in rows),
        groups=tuple(row.group for row in rows),
        modality=contents.modality,
        skipped=tuple(skipped),
        name=printable(path.resolve().name if path.is_dir() else bare_name(path.name)) or "model",
        tags=tuple(row.tags or () for row in rows) if reading.multi_label else (),
        columns=found.columns,
        sources=(path, *named_by(filter(None, (_root_of(reading),)), (entry.path for entry in skipped))),
        negatives=tuple(dict.fromkeys(found.negatives)),
    )
    return replace(dataset, warnings=tuple(notices.warn_of_the_reading(found, contents, dataset))), found


def _modality_of_the_rest(found: Arrangement) -> str:
    """What an error is to speak of where nothing has a label and can be read."""
    counts = count_files([*found.unlabelled, *(row.item for row in found.rows)])
    return max(NOUNS, key=lambda modality: counts[modality])


def _arrange(path: Path, reading: Reading, run: Run) -> Arrangement:
    """How the source is laid out, whatever it is."""
    with refused_as(NothingToRead, f"{path} cannot be read", "Check its permissions."):
        _refuse_what_was_saved(path)
        if listing := list_files(path):
            return arrange(listing, reading, run)
        _require_manifest(path)
        found = label_table(FileEntry((path.name,), File(path, path.name)), Listing(), "", reading, run)
        if reading.pattern is not None:
            apply_pattern(found, compile_pattern(reading.pattern))
    return found


def _refuse_what_was_saved(folder: Path) -> None:
    give = "Give labelled data: graft fit DATA"
    for is_one, what, advice in (
        (is_bundle, "a saved model", f"{give}; to score a model: graft evaluate MODEL DATA."),
        (is_index, "an index", "Search it: graft search INDEX QUERY; or give the data."),
        (is_export, "an exported model", f"{give}; to check an export: graft verify DIR."),
    ):
        if is_one(folder):
            raise DataError(f"{folder} is {what}, not data.", advice)


def _require_manifest(path: Path) -> None:
    """Say what a path is that is neither folder nor zip nor manifest."""
    if not path.exists():
        hint = did_you_mean(path) or "Check the spelling; relative paths start where you are."
        raise NothingToRead(f"There is nothing at {path}.", hint)
    if not path.is_file():
        raise NothingToRead(f"{path} is not a regular file.", "Give a folder, an archive or a table.")
    head = peek(File(path, path.name))
    if not head:
        raise NothingToRead(f"{path} is empty.", _WHOLE)
    if container := container_at(path):
        what, advice = describe_kind(container, "text")
        if container not in SHEETS:
            raise NothingToRead(f"{path} is {what}.", advice)
        return
    kind = sniff(head)
    if kind == "gzip" and is_tabular(path.name):
        return
    for modality, kinds in (("image", PICTURES), ("audio", RECORDINGS)):
        if kind in kinds:
            raise NothingToRead(f"{path} is a single {NOUNS[modality][0]}.", notices.LAYOUT_ADVICE[modality])
    if kind != "parquet" and (kind or not is_text(head)) and not is_tabular(path.name):
        raise NothingToRead(f"{path} is {describe(head)[0]}.", " ".join(filter(None, (remedy(kind or "", ""), _WHOLE))))


def _settle_splits(dataset: Dataset, *, has_test: bool) -> Dataset:
    """``val`` is the held-out test where there is none; else it joins ``train``, and so does what names no split."""
    given = set(dataset.splits) - {""}
    if not given:
        return dataset
    meaning = {"val": "train" if has_test or "test" in given else "test", "": "train"}
    splits = tuple(meaning.get(split, split) for split in dataset.splits)
    return dataset if splits == dataset.splits else replace(dataset, splits=splits)


def _join_test(dataset: Dataset, others: Dataset) -> Dataset:
    """Both as one, the others as its test split.

    Raises:
        MixedModalities: They are of different modalities.
    """
    if dataset.modality != others.modality:
        raise MixedModalities(
            f"{dataset.name} holds {NOUNS[dataset.modality][1]}, and the test data {others.name} hold "
            f"{NOUNS[others.modality][1]}.",
            "Give test data of the same kind.",
        )
    joined = dataset.joined(
        replace(
            others,
            items=tuple(renamed(item, f"{others.name}/{item.name}") for item in others.items),
            splits=("test",) * len(others),
            skipped=tuple(replace(one, path=f"{others.name}/{one.path}") for one in others.skipped),
        )
    )
    if not (own := dataset.splits.count("test")):
        return joined
    told = f"{dataset.name} has a test split of its own: its {own} items are tested on too."
    return replace(joined, warnings=(*joined.warnings, told))
