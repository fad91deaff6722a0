"""What was read, by path and sha256, as a job keeps it."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from graft.data.dataset import Dataset, File, Item, Member
from graft.files import expanded, sha256_of
from graft.job import Input, sha256_of_items

MOST_FOLDERS = 1000
"""From more folders on, what lies in them counts as one."""


def inputs_of(dataset: Dataset, digests: Sequence[str], *files: str | os.PathLike[str] | None) -> tuple[Input, ...]:
    """The files and folders that a data set came from, and others that were read beside it.

    A folder is known by the items that lie in it, with their labels, splits and groups: what cannot be used, or is no
    item, does not count.

    Args:
        dataset: The items that can be used.
        digests: Hash of the content of each.
        files: Other files; where a path is that of a saved model, its manifest stands for all of it.
    """
    given = [path for path in (dataset.reading.source, dataset.reading.test) if path] if dataset.reading else []
    named = dict(zip(dataset.sources, given, strict=False))
    places: dict[str, list[int]] = defaultdict(list)
    whole: dict[str, Path] = {}
    for row, item in enumerate(dataset.items):
        place, archive = _place_of(item, named)
        if archive is not None:
            whole[place] = archive
        elif place or any(expanded(path).is_dir() for path in given):
            places[place or given[0]].append(row)
    if len(places) > MOST_FOLDERS:
        places = defaultdict(list, {given[0]: sorted(row for rows in places.values() for row in rows)})
    columns = list(zip(digests, dataset.labels, dataset.splits, dataset.groups, strict=True))
    inputs = {
        place: sha256_of_items((_name_of(dataset.items[row]), "\0".join(columns[row])) for row in rows)
        for place, rows in places.items()
    }
    whole |= {path: expanded(path) for path in (*given, *map(str, filter(None, files)))}
    whole |= {path: source for source, path in named.items() if not whole[path].exists()}  # what lies at an address
    for path, file in whole.items():
        manifest = file / "manifest.json"
        if file.is_file() or (path not in given and manifest.is_file()):
            inputs[path] = sha256_of(file if file.is_file() else manifest)
    return tuple(Input(path, sha256) for path, sha256 in sorted(inputs.items()))


def _place_of(item: Item, named: dict[Path, str]) -> tuple[str, Path | None]:
    """The folder that an item lies in, or its archive, as the user would write it; nothing for one in a table."""
    match item:
        case Member(archive=path):
            return _as_given(path, named), path
        case File(path=path, name=name):
            if "://" in name:  # it was fetched
                return "/".join(name.split("/")[:3]), None
            return _as_given(path.parent, named), None
    return "", None


def _as_given(path: Path, named: dict[Path, str]) -> str:
    for source, given in named.items():
        base, own = (source, given) if source.is_dir() else (source.parent, os.path.dirname(given))  # noqa: PTH120
        if path == source:
            return given
        if path.is_relative_to(base):
            return os.path.join(own, os.fspath(path.relative_to(base))) if path != base else own or "."  # noqa: PTH118
    return os.fspath(path)


def _name_of(item: Item) -> str:
    return item.path.name if isinstance(item, File) else item.name
