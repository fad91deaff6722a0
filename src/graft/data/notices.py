"""What ``read`` has to say: warnings about the data, and the errors that end the reading."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from pathlib import Path

from graft.data.dataset import Dataset, File, Item, Skipped
from graft.data.layout import Arrangement, Labelled
from graft.data.listing import printable
from graft.errors import DataError, MixedModalities, NothingToRead, TooFewClasses

LAYOUT_ADVICE = "Make one folder for each class and put its pictures inside: photos/cat/1.jpg, photos/dog/2.jpg."

OPEN_ADVICE = "Check that the files open in a picture viewer."

A_FEW = 0.1
"""Files of another modality, up to this share, are strangers to skip; beyond it the data set is mixed."""

_EXAMPLES = 3


def is_mixed(kinds: Counter[str]) -> bool:
    """Whether there are more than a few of both pictures and recordings."""
    return min(kinds["picture"], kinds["recording"]) > A_FEW * (kinds["picture"] + kinds["recording"])


def mixed(path: Path, kinds: Counter[str]) -> MixedModalities:
    """Pictures and recordings stand together."""
    return MixedModalities(
        f"{path} holds {_count(kinds['picture'], 'picture', 'pictures')} and "
        f"{_count(kinds['recording'], 'recording', 'recordings')}.",
        "Give one kind, or give --modality image (in Python modality='image') to skip the recordings.",
    )


def warn_of_strays(strays: Counter[str]) -> list[str]:
    """What operating systems left behind was ignored."""
    if not strays:
        return []
    names = ", ".join(sorted(strays)[:_EXAMPLES])
    return [f"Ignored {_count(strays.total(), 'stray file or folder', 'stray files and folders')}: {printable(names)}."]


def warn_of_names(misnamed: list[str]) -> list[str]:
    """Extensions that promise another kind of file."""
    if not misnamed:
        return []
    verb = "carries the extension" if len(misnamed) == 1 else "carry the extension"
    examples = ", ".join(misnamed[:_EXAMPLES])
    return [f"{_count(len(misnamed), 'picture', 'pictures')} {verb} of another kind; read all the same: {examples}."]


def warn_of_two_labels(rows: list[Labelled]) -> list[str]:
    """The same path twice; the same content under two paths is found when it is embedded."""
    labels: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows:
        labels[_place(row.item)].add(row.label)
    torn = {_place(row.item): row.item.name for row in rows if len(labels[_place(row.item)]) > 1}
    if not torn:
        return []
    examples = ", ".join(
        f"{name} ({', '.join(sorted(labels[place]))})" for place, name in list(torn.items())[:_EXAMPLES]
    )
    return [f"{_count(len(torn), 'item stands', 'items stand')} under more than one label: {examples}."]


def warn_of_case(rows: list[Labelled]) -> list[str]:
    """Labels that differ in nothing but case."""
    spellings: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows:
        spellings[row.label.casefold()].add(row.label)
    return [
        f"These labels differ in nothing but case, and are separate classes: {', '.join(sorted(labels))}."
        for labels in spellings.values()
        if len(labels) > 1
    ]


def _place(item: Item) -> str:
    return os.path.normpath(item.path) if isinstance(item, File) else item.name


def _count(n: int, one: str, many: str) -> str:
    return f"{n:,} {one if n == 1 else many}"


def no_pictures(
    path: Path, skipped: list[Skipped], kinds: Counter[str], strays: Counter[str], found: Arrangement
) -> DataError:
    """There is not one labelled picture; ``kinds`` are those of all files, whether they have a label or not."""
    if kinds["recording"] and not kinds["picture"]:
        return unsupported("audio", f"{path} holds {_count(kinds['recording'], 'recording', 'recordings')}.")
    if kinds["text"] and kinds["text"] == len(skipped):
        texts = _count(kinds["text"], "text file", "text files")
        return NothingToRead(f"{path} holds {texts} and no picture.", "This version classifies pictures.")
    if found.unlabelled:
        files = _count(len(found.unlabelled), "file lies", "files lie")
        return TooFewClasses(f"{files} in no class folder of {path}.", LAYOUT_ADVICE)
    if found.missing and len(found.missing) == len(skipped):
        named = f"None of the {len(skipped):,} files that {', '.join(found.manifests)} names is there"
        return NothingToRead(
            f"{named}; the first is {found.missing[0]}.", "Paths are relative to the manifest's folder."
        )
    if found.manifests and not skipped:
        return NothingToRead(f"{', '.join(found.manifests)} has a header and no rows.", "Add a row for each item.")
    if not skipped:
        ignored = f", but for {strays.total()} stray files" if strays else ""
        return NothingToRead(f"{path} is empty{ignored}.", LAYOUT_ADVICE)
    reasons = "; ".join(f"{one.path}: {one.reason.rstrip('.')}" for one in skipped[:_EXAMPLES])
    more = f"; and {len(skipped) - _EXAMPLES:,} more" if len(skipped) > _EXAMPLES else ""
    return NothingToRead(
        f"No labelled picture in {path} can be read. {reasons}{more}.".replace("..", "."),
        LAYOUT_ADVICE if any(one.code == "no_label" for one in skipped) else OPEN_ADVICE,
    )


def too_few_classes(dataset: Dataset, found: Arrangement) -> TooFewClasses:
    """One class is none."""
    only = f"There is only one class, {dataset.classes[0]!r}, with {_count(len(dataset), 'item', 'items')}"
    beside = ""
    if found.unlabelled:
        beside += f", and {_count(len(found.unlabelled), 'file lies', 'files lie')} in no class folder"
    if empty := found.empty_folders:
        names = ", ".join(empty[:_EXAMPLES])
        beside += f"; the folder {names} is empty" if len(empty) == 1 else f"; the folders {names} are empty"
    return TooFewClasses(f"{only}{beside}.", f"A classifier needs at least two classes. {LAYOUT_ADVICE}")


def unsupported(modality: str, found: str) -> DataError:
    """The modality is one that this version does not know."""
    kinds = {"text": "Texts", "audio": "Recordings"}.get(modality, repr(modality))
    return DataError(f"{found} {kinds} are not supported by this version of Graft.", "It classifies pictures.")
