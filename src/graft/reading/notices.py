"""What ``read`` has to say: warnings about the data, and the errors that end the reading."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from graft.cells import as_number
from graft.contracts import SEPARATOR
from graft.data.arrangement import Arrangement, Labelled
from graft.data.contents import Contents
from graft.data.dataset import Dataset
from graft.data.items import Item, Skipped, Text
from graft.data.kinds import A_FEW, counted, how_many, some_of
from graft.data.listing import printable, shortened
from graft.decoding.formats import NOUNS, OPEN_ADVICE, is_tabular
from graft.errors import DataError, NothingToRead, TooFewClasses
from graft.reading.labels import place_of
from graft.reading.patterns import suggest_pattern

LAYOUT_ADVICE = {
    "image": "Make one folder for each class and put its pictures inside: photos/cat/1.jpg, photos/dog/2.jpg.",
    "text": "Make a table with the columns text and label, or one folder for each class and put its texts inside: "
    "texts/spam/1.txt, texts/ham/2.txt.",
    "audio": "Make one folder for each class and put its recordings inside: sounds/yes/1.wav, sounds/no/2.wav.",
}

MEASURED = 20
"""Labels that are more different numbers than this were perhaps measured, and are no classes."""
TO_PREDICT = 'To predict the number itself: --task regression (in Python task="regression").'
_EXAMPLES = 3
_BETWEEN = re.compile(r"(?<=\w)[\s_\-]+(?=[^\W\d])")
"""What stands between words; ``level-1`` and ``level 1`` stay apart, for the sign may be one of a number."""
_SHORT = 60

_NOTHING = frozenset(
    {
        "nan", "NaN", "NAN", "None", "null", "NULL", "N/A", "n/a", "#N/A", "<NA>", "NaT", "#REF!", "#VALUE!", "#NAME?",
        "#DIV/0!",
    }
)  # fmt: skip
"""What pandas, Python, SQL and spreadsheets write for nothing, and for a formula that has failed."""


def warn_of_the_reading(found: Arrangement, contents: Contents, dataset: Dataset) -> Iterator[str]:
    """All that a user should know of data that were read.

    Args:
        found: How the source is laid out.
        contents: What its files are.
        dataset: What came of them.
    """
    if found.strays:
        number = counted(found.strays.total(), "stray file or folder", "stray files and folders")
        yield f"Ignored {number}: {printable(some_of(sorted(found.strays)))}."
    if names := contents.misnamed:
        verb = "carries the extension" if len(names) == 1 else "carry the extension"
        number, examples = how_many(len(names), contents.modality), some_of(names)
        yield f"{number} {verb} of another kind; read all the same: {examples}."
    yield from found.warnings
    if not dataset.tags:
        yield from _warn_of_two_labels(contents.rows)
        yield from _warn_of_separators(dataset.labels)
    elif joined := len(contents.rows) - len(dataset):
        number = counted(joined, "row or file", "rows and files")
        yield f"{number} joined another of the same content with other labels."
    yield from warn_of_spellings(dataset.every_label, found.columns.get("label_column", ""))
    yield from _warn_of_missing(dataset.every_label)
    if dataset.modality == "text":
        yield from _warn_of_tables(dataset.items)


def _warn_of_two_labels(rows: Sequence[Labelled]) -> Iterator[str]:
    """The same path or text twice; the same content under two paths is found when it is embedded."""
    places = [place_of(row.item) for row in rows]
    labels: defaultdict[str, set[str]] = defaultdict(set)
    for place, row in zip(places, rows, strict=True):
        labels[place].add(row.label)
    torn = {place: row.item.name for place, row in zip(places, rows, strict=True) if len(labels[place]) > 1}
    if torn:
        examples = ", ".join(
            f"{shortened(name, _SHORT)} ({', '.join(sorted(labels[place]))})"
            for place, name in list(torn.items())[:_EXAMPLES]
        )
        yield f"{counted(len(torn), 'item stands', 'items stand')} under more than one label: {examples}."


def warn_of_spellings(labels: Sequence[str], column: str = "") -> Iterator[str]:
    """Classes that are perhaps one in two spellings: they differ in case, in blanks, ``_`` or ``-``, or in a last dot.

    Args:
        labels: The label of each item, or all that there are.
        column: The column that they stand in; ``""`` where they are names of folders.
    """
    counts = Counter(labels)
    spellings: defaultdict[str, list[str]] = defaultdict(list)
    for label in sorted(counts):
        spellings[_BETWEEN.sub(" ", label.casefold()).rstrip(" .:;!") or label].append(label)
    where = f"in the column {column!r}" if column else "in the data (with folders: put their files into one)"
    for alike in spellings.values():
        if len(alike) > 1:
            most = max(alike, key=lambda label: counts[label])
            others = ", ".join(label for label in alike if label != most)
            yield (
                "These labels differ only in how they are written, and are separate classes: "
                f"{_with_counts(alike, counts)}. If they are one, write {most} for {others} {where}."
            )


def _warn_of_missing(labels: Sequence[str]) -> Iterator[str]:
    """Labels that other programs write where there is none. ``none`` in small letters is the name of a class."""
    if counts := Counter(label for label in labels if label in _NOTHING):
        yield (
            "These labels are written where a value is missing, and were taken as classes: "
            f"{_with_counts(sorted(counts), counts)}. If they are none, leave the cells empty; such items are skipped."
        )


def _with_counts(labels: Iterable[str], counts: Counter[str]) -> str:
    return ", ".join(f"{label} ({counts[label]:,})" for label in labels)


def warn_of_numbers(labels: Iterable[str]) -> list[str]:
    """Labels that are numbers, and too many for classes."""
    different = set(labels)
    if len(different) <= MEASURED or any(as_number(label) is None for label in different):
        return []
    return [f"The labels are {len(different):,} different numbers, each taken as a class. {TO_PREDICT}"]


def _warn_of_tables(items: Iterable[Item]) -> Iterator[str]:
    """Tables that lie in class folders, where a file is an item, though each row may have been meant."""
    tables = [item.name for item in items if not isinstance(item, Text) and is_tabular(item.name)]
    if tables:
        yield (
            f"{counted(len(tables), 'table was', 'tables were')} read as one text each, for a file in a class folder "
            f"is an item: {', '.join(tables[:_EXAMPLES])}. If each row is one, make one table of them, with a column "
            "of labels."
        )


def _warn_of_separators(labels: Sequence[str]) -> Iterator[str]:
    """Labels that look like several."""
    several = [label for label in labels if SEPARATOR in label]
    if len(several) > A_FEW * len(labels):
        taken = "and is taken as one class" if len(several) == 1 else "and each of them is taken as one class"
        yield (
            f"{counted(len(several), 'label holds', 'labels hold')} a {SEPARATOR!r}, such as {several[0]!r}, {taken}. "
            "If they are several: --multi-label (in Python multi_label=True)."
        )


def nothing_labelled(
    path: Path, modality: str, skipped: Sequence[Skipped], found: Arrangement, remedy: str = ""
) -> DataError:
    """There is not one labelled item of the modality."""
    if found.flat_splits:
        names = " and ".join(f"{name}/" for name in found.flat_splits[:_EXAMPLES])
        return TooFewClasses(
            f"{path} holds {names}, which are called as splits are and hold no class folders: nothing says the labels.",
            f"{_layout_advice(modality, _most(found))} A table in each (metadata.csv with the columns file_name and "
            "label) says them too. If these folders are the classes, give them other names.",
        )
    if found.unlabelled:
        files = counted(len(found.unlabelled), "file lies", "files lie")
        return TooFewClasses(
            f"{files} in no class folder of {path}.", _layout_advice(modality, [item.name for item in found.unlabelled])
        )
    if found.missing and len(found.missing) == len(skipped):
        named = f"None of the {len(skipped):,} files that {', '.join(found.manifests)} names is there"
        other = f" Or read its column {found.text_columns[0]!r}: --modality text." if found.text_columns else ""
        return NothingToRead(
            f"{named}; the first is {found.missing[0]}.",
            "Paths are relative to the manifest's folder, or to another: --root FOLDER (in Python root=)." + other,
        )
    if found.manifests and not skipped:
        return NothingToRead(f"{', '.join(found.manifests)} has a header and no rows.", "Add a row for each item.")
    if not skipped and found.empty_folders:
        return NothingToRead(
            f"{path} holds no files: {_emptiness(found.empty_folders)}.",
            f"Put the {NOUNS['image'][1]}, {NOUNS['text'][1]} or {NOUNS['audio'][1]} of each class into its folder.",
        )
    if not skipped:
        ignored = f", but for {found.strays.total()} stray files" if found.strays else ""
        return NothingToRead(f"{path} is empty{ignored}.", LAYOUT_ADVICE[modality])
    reasons = "; ".join(f"{shortened(one.path)}: {one.reason.rstrip('.')}" for one in skipped[:_EXAMPLES])
    more = f"; and {len(skipped) - _EXAMPLES:,} more." if len(skipped) > _EXAMPLES else ""
    flat = [one.path for one in skipped if one.code == "no_label"]
    return NothingToRead(
        f"No labelled {NOUNS[modality][0]} in {path} can be read. {reasons.rstrip('.')}{more or '.'}",
        _layout_advice(modality, flat) if flat else remedy or OPEN_ADVICE[modality],
    )


def too_few_classes(dataset: Dataset, found: Arrangement) -> TooFewClasses:
    """One class is none."""
    advice = (
        f"A classifier needs at least two classes. {_layout_advice(dataset.modality, [i.name for i in dataset.items])}"
    )
    if not dataset.classes:
        return TooFewClasses("No item has a label.", advice)
    only = f"There is only one class, {dataset.classes[0]!r}, with {counted(len(dataset), 'item', 'items')}"
    beside = ""
    if found.unlabelled:
        beside += f", and {counted(len(found.unlabelled), 'file lies', 'files lie')} in no class folder"
    if found.empty_folders:
        beside += f"; {_emptiness(found.empty_folders)}"
    if dataset.skipped and not beside:
        one = dataset.skipped[0]
        beside = (
            f"; {counted(len(dataset.skipped), 'other was', 'others were')} skipped, such as {one.path}: {one.reason}"
        )
    return TooFewClasses(f"{only}{beside.rstrip('.')}.", f"{found.nested} {advice}".lstrip())


def _most(found: Arrangement) -> list[str]:
    """The names of files in the folder that has most of them: those of a test part may say nothing."""
    names = [item.name for item in found.unlabelled]
    most = Counter(name.rpartition("/")[0] for name in names).most_common(1)[0][0]
    return [name for name in names if name.rpartition("/")[0] == most]


def _emptiness(folders: Sequence[str]) -> str:
    names = some_of(folders)
    return f"the folder {names} is empty" if len(folders) == 1 else f"the folders {names} are empty"


def _layout_advice(modality: str, names: Sequence[str]) -> str:
    """How to lay data out; or how to say what the names of files say, where they look as if they said something."""
    if modality != "text" and (pattern := suggest_pattern(names)):
        return f"{LAYOUT_ADVICE[modality]} If the names say the labels: --pattern '{pattern}' (in Python pattern=...)."
    return LAYOUT_ADVICE[modality]
