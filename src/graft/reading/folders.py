"""Labels and splits that folders say: a folder for each class, splits above or inside them, lists beside them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from graft.data.arrangement import SPLITS, Arrangement, Labelled
from graft.data.items import Skipped
from graft.data.kinds import UNREADABLE
from graft.data.listing import FileEntry, Listing, printable
from graft.reading.columns import SPLIT_WORDS
from graft.reading.patterns import MAX_STARS

_NAMES = "|".join(SPLITS)
_LOOSE = re.compile(
    rf"(?:(?:data|images?|imgs?|photos?|x)[ _-]?)?({_NAMES})"
    r"(?:[ _-]?(?:set|data|dataset|split|images?|imgs?|photos?|pictures?|audio|sounds?|texts?|files))?[ _-]?\d*"
)
"""``training_set``, ``train_images``, ``test1``, ``val2017``: names of splits, where all folders are called so."""

_SPLIT_NAMES = {
    **SPLIT_WORDS, "evaluation": "val", "trainingsdaten": "train", "trainingsbilder": "train", "testdaten": "test",
    "testbilder": "test", "validierung": "val", "validierungsdaten": "val",
}  # fmt: skip
_WORD = re.compile(r"[^\W\d_]+")

_LIST = re.compile(rf"({_NAMES})(?:[ _-]?(?:list|files|set|split))?\.txt")
_LISTED = 0.9
"""A text file is a list of a split if so many of its lines name files of the data."""
_EXAMPLES = 3


def inside_of_one(listing: Listing) -> Listing | None:
    """The listing inside, where everything lies in one folder that is not called as a split is."""
    tops = {entry.parts[0] if len(entry.parts) > 1 else "" for entry in listing.entries}
    if len(tops) != 1 or any(not top or top.lower() in SPLITS for top in tops):
        return None
    inside = [FileEntry(entry.parts[1:], entry.item) for entry in listing.entries]
    folders = {entry.parts[0] for entry in inside if len(entry.parts) > 1}
    return Listing(inside, folders, listing.strays, listing.skipped)


def splits_of(folders: Collection[str]) -> dict[str, str]:
    """The folders that are called as splits are, and the split of each, a value of ``SPLITS``.

    ``train_images`` and its like count where all folders are called so and there is more than one split: a class may be
    called ``test2`` too. So do ``seg_train``, ``1. train`` and ``trainingsdaten``, where what else stands in their
    names is the same in all: ``crash test`` and ``express train`` are classes.
    """
    exact = {folder: SPLITS[folder.lower()] for folder in folders if folder.lower() in SPLITS}
    loose = {folder: SPLITS[found[1]] for folder in folders if (found := _LOOSE.fullmatch(folder.lower()))}
    for whole in (loose, _split_by_a_word(folders)):
        if len(whole) == len(folders) and len(set(whole.values())) > 1:
            return whole
    return exact


def _split_by_a_word(folders: Collection[str]) -> dict[str, str]:
    """The split that one word of each name says; nothing where the names differ in other words too."""
    named, others = {}, set()
    for folder in folders:
        words = _WORD.findall(folder.lower())
        said = [word for word in words if word in _SPLIT_NAMES]
        if len(said) == 1:
            named[folder] = _SPLIT_NAMES[said[0]]
            others.add(tuple(word for word in words if word not in said))
    return named if len(others) == 1 else {}


def from_folders(listing: Listing, elsewhere: Collection[str] = ()) -> Arrangement:
    """Label every file by the folder that it lies in.

    Args:
        listing: The files.
        elsewhere: Split folders that are read by a manifest of their own.
    """
    entries = [entry for entry in listing.entries if entry.parts[0] not in elsewhere]
    tops = {entry.parts[0] for entry in listing.entries if len(entry.parts) > 1}
    named = splits_of(tops)
    splits = _holding_classes(entries, named, tops)
    if splits or elsewhere:
        return _from_split_folders(entries, named, splits)
    if named and len(named) == len(tops) and len(tops) > 1:
        return _without_classes(entries, named)
    result = _from_class_folders(entries, "")
    if len(set(named.values())) > 1:
        result.warnings.append(
            f"{_both(named)} are called as splits are, hold no class folders, and were read as classes. If the names "
            "of files say the labels: --pattern (in Python pattern=)."
        )
    result.empty_folders = sorted(map(printable, listing.folders - tops))
    if result.empty_folders:
        result.warnings.append(f"Folders without any file are no classes: {', '.join(result.empty_folders[:5])}.")
    return result


def split_by_paths(found: Arrangement, name: str) -> None:
    """Take the splits from the folders that a table's paths begin with, where the table says none."""
    tops = {row.inside.partition("/")[0] if "/" in row.inside else "" for row in found.rows}
    named = splits_of(tops)
    if len(named) < len(tops) or len(set(named.values())) < 2 or any(row.split for row in found.rows):
        return
    found.rows = [row._replace(split=named[row.inside.partition("/")[0]]) for row in found.rows]
    found.warnings.append(f"The splits are those of the folders {_both(named)} in which the files of {name} lie.")


def _holding_classes(entries: Iterable[FileEntry], named: dict[str, str], tops: Collection[str]) -> dict[str, str]:
    """The split folders that hold folders; none beside other folders, unless there are two splits."""
    deep = {entry.parts[0] for entry in entries if len(entry.parts) > 2}
    splits = {folder: split for folder, split in sorted(named.items()) if folder in deep}
    return {} if len(named) < len(tops) and len(set(splits.values())) < 2 else splits


def _from_split_folders(entries: Iterable[FileEntry], named: dict[str, str], splits: dict[str, str]) -> Arrangement:
    result = Arrangement()
    inside: dict[str, list[FileEntry]] = {folder: [] for folder in splits}
    flat: dict[str, None] = {}
    for entry in entries:
        top = entry.parts[0]
        if top in inside:
            inside[top].append(FileEntry(entry.parts[1:], entry.item))
        elif len(entry.parts) > 1 and top in named:
            flat[top] = None
            reason = f"It lies in {printable(top)}/ without a class folder, so it has no label."
            result.skipped.append(_beside(entry, reason))
        else:
            result.skipped.append(_beside(entry, "It lies beside the split folders."))
    for folder in flat:
        purpose = "learned from it" if named[folder] == "train" else "tested"
        result.warnings.append(f"{printable(folder)}/ has no class folders: nothing was {purpose}.")
    for folder, files in inside.items():
        result.add(_from_class_folders(files, splits[folder], above=1))
    return result


def _without_classes(entries: Iterable[FileEntry], named: dict[str, str]) -> Arrangement:
    """Split folders that hold files and no class folders: nothing in them is a label."""
    result = Arrangement(flat_splits=sorted(map(printable, named)))
    for entry in sorted(entries, key=lambda entry: named.get(entry.parts[0]) != "train"):
        result.unlabelled.append(entry.item)
        result.skipped.append(_beside(entry, "It lies in no class folder, so it has no label."))
    return result


def _unmarked(folder: str) -> tuple[str, bool]:
    """The class of a folder, and whether a ``-`` marks it as none of the others; ``-1`` is a number."""
    name = folder[1:].lstrip() if folder.startswith("-") else ""
    return (name, True) if name and (name[0].isalpha() or name[0] == "_") else (folder, False)


def _from_class_folders(entries: Sequence[FileEntry], split: str, above: int = 0) -> Arrangement:
    """By the first folder of each path; ``above`` says how many folders stand above it in the source."""
    result = Arrangement()
    inner = {} if split else _splits_inside(entries)
    lists = {} if split or inner else _lists(entries)
    split_of = {path: part for part, paths in lists.values() for path in paths}
    for entry in entries:
        if len(entry.parts) > 1:
            own = inner.get(entry.parts[1], "") or split_of.get(entry.parts) or ("train" if split_of else split)
            inside = printable("/".join(entry.parts[2 if inner else 1 :]))
            label, is_negative = _unmarked(printable(entry.parts[0]))
            if is_negative and label not in result.negatives:
                result.negatives.append(label)
            result.rows.append(Labelled(entry.item, label, own, inside=inside))
        elif entry.parts[-1] not in lists:
            result.unlabelled.append(entry.item)
            result.skipped.append(_beside(entry, "It lies beside the class folders, so it has no label."))
    if lists:
        counts = ", ".join(f"{printable(name)} ({len(paths):,} files)" for name, (_, paths) in lists.items())
        result.warnings.append(f"The splits are those of {counts}; what stands in none of these was learned from.")
    if not inner:
        result.nested = _nesting(entries, above)
    return result


def _splits_inside(entries: Iterable[FileEntry]) -> dict[str, str]:
    """The split folders inside each class folder; none unless every class has nothing else."""
    below = [(entry.parts[0], entry.parts[1] if len(entry.parts) > 2 else "") for entry in entries if entry.parts[1:]]
    inner = {folder for _, folder in below}
    named = splits_of(inner)
    classes = {label for label, _ in below}
    return named if len(named) == len(inner) and len(set(named.values())) > 1 and len(classes) > 1 else {}


def _lists(entries: Sequence[FileEntry]) -> dict[str, tuple[str, list[tuple[str, ...]]]]:
    """Text files beside the class folders that list the files of a split, as Speech Commands has them.

    Returns:
        Of each file by its name: the split, and the files that it lists.
    """
    found: dict[str, tuple[str, list[tuple[str, ...]]]] = {}
    known: dict[str, tuple[str, ...]] = {}
    for entry in entries:
        named = _LIST.fullmatch(entry.parts[-1].lower()) if len(entry.parts) == 1 else None
        if named is None:
            continue
        if not known:
            for other in entries:
                path = "/".join(other.parts)
                known |= {path.rpartition(".")[0]: other.parts, path: other.parts} if len(other.parts) > 1 else {}
        try:
            lines = entry.item.read().decode("utf-8", "surrogateescape").splitlines()
        except UNREADABLE:
            continue
        asked = [line.strip().replace("\\", "/").removeprefix("./") for line in lines if line.strip()]
        paths = [known[line] for line in asked if line in known]
        if paths and len(paths) >= _LISTED * len(asked):
            found[entry.parts[0]] = SPLITS[named[1]], paths
    return found


def _nesting(entries: Iterable[FileEntry], above: int) -> str:
    """What to say where class folders hold folders, which may be classes or groups; ``""`` where they hold none."""
    inner: dict[str, dict[str, None]] = {}
    depths: Counter[int] = Counter()
    for entry in entries:
        if len(entry.parts) > 2:
            inner.setdefault(entry.parts[0], {})[entry.parts[-2]] = None
            depths[len(entry.parts)] += 1
    several = {label: list(names) for label, names in inner.items() if len(names) > 1}
    if not several:
        return ""
    label, names = next(iter(several.items()))
    higher = above + depths.most_common(1)[0][0] - 2
    stars = ["*"] * higher if higher < MAX_STARS else [f"{{level{number}}}" for number in range(higher)]
    return (
        f"Class folders hold folders, such as {printable(label)}/ with {printable(', '.join(names[:_EXAMPLES]))}: "
        f"every file was given the class of the folder at the top. If the inner folders are the classes: --pattern "
        f"'{'/'.join([*stars, '{label}', '*'])}'; if they are groups, such as speakers: --pattern '{{group}}/*' (in "
        "Python pattern=)."
    )


def _beside(entry: FileEntry, reason: str) -> Skipped:
    return Skipped(entry.item.name, reason, "no_label")


def _both(folders: Iterable[str]) -> str:
    return " and ".join(f"{printable(folder)}/" for folder in sorted(folders)[:_EXAMPLES])
