"""From a data set's address to tables and files in the cache. Needs datasets.

::

    hub-data/<owner>--<name>/<hash of commit, configuration and split>/doors/train.jsonl
                                                                            /test.jsonl
                                                                            /files/train-00000000-image.png

Pictures and recordings are taken as the bytes that they are, and never decoded here: our own readers do that, so one
bad item is one named item. Nothing of the data set's repository is run.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from graft.decoding.formats import HEAD, KNOWN_SUFFIXES, sniff
from graft.errors import AddressError, UsageError, needing
from graft.files import cache_folder, folder_beside, take_place
from graft.hub_data.addresses import HubDataAddress
from graft.hub_data.failures import explained
from graft.run import PLAIN, Run

MARGIN = 256 * 1024 * 1024
"""Bytes that are left free on the disk."""
SPLITS = {"train": "train", "validation": "val", "valid": "val", "val": "val", "dev": "val", "test": "test"}
"""Names of splits whose meaning is known; data with others are read a split at a time."""
_COMMIT = re.compile(r"[0-9a-f]{40}")
_BATCH = 32
_MEDIA = ("Image", "Audio")
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class BroughtDataset:
    """A data set that was brought.

    Attributes:
        path: Its table, or the folder of a table for each split.
        files: The folder of its pictures or recordings, if it has any.
    """

    path: Path
    files: Path | None


def bring_dataset(address: str, run: Run = PLAIN) -> BroughtDataset:
    """Bring a data set into the cache; a commit that is there already is not fetched again.

    Raises:
        UsageError: It is no address, or does not say which of several configurations or splits is meant.
        NothingToRead: There is no such data set.
        AddressError: It cannot be had.
        MissingExtra: The library datasets is not installed.
        Cancelled: The work was stopped.
    """
    place = HubDataAddress.of(address)
    if _COMMIT.fullmatch(place.revision) and (found := _there(place, place.revision)):
        return found
    library = _library(place)
    with explained(place.name):
        commit = _commit(place)
    if found := _there(place, commit):
        return found
    with explained(place.name), _quiet(library):
        return _DatasetDownload(library, place, commit, run).bring()


def _library(place: HubDataAddress) -> Any:
    with needing("datasets", message="Data sets of the hub need the library datasets, which is not installed."):
        import datasets
    if Path(place.name).exists():  # the library would read that, whatever is on the hub
        raise UsageError(
            f"There is something called {place.name} in the present folder, which datasets would read instead.",
            f"Run this from another folder; or give ./{place.name} to read what is there.",
        )
    return datasets


def _commit(place: HubDataAddress) -> str:
    from huggingface_hub import HfApi

    found = str(HfApi().dataset_info(place.name, revision=place.revision, timeout=30).sha)
    if not _COMMIT.fullmatch(found):
        raise AddressError(f"The hub names no commit of {place.name}.", "Run the same command later.")
    return found


def _there(place: HubDataAddress, commit: str) -> BroughtDataset | None:
    """What was brought before, if it was."""
    name = place.name.split("/")[1]
    folder = _home(place, commit) / name
    if not folder.is_dir():
        return None
    table, files = folder / f"{name}.jsonl", folder / "files"
    return BroughtDataset(table if table.is_file() else folder, files if files.is_dir() else None)


def _home(place: HubDataAddress, commit: str) -> Path:
    digest = hashlib.sha256("\0".join((commit, place.config, place.split)).encode()).hexdigest()[:24]
    return cache_folder() / "hub-data" / place.name.replace("/", "--") / digest


@contextmanager
def _quiet(library: Any) -> Iterator[None]:
    """Without the bars of the libraries: ours says how far it is."""
    from huggingface_hub import utils as hub

    ours = not library.is_progress_bar_enabled(), hub.are_progress_bars_disabled()
    library.disable_progress_bars()
    hub.disable_progress_bars()
    try:
        yield
    finally:
        if not ours[0]:
            library.enable_progress_bars()
        if not ours[1]:
            hub.enable_progress_bars()


class _DatasetDownload:
    """One data set, on its way into the cache."""

    def __init__(self, library: Any, place: HubDataAddress, commit: str, run: Run) -> None:
        self.library, self.place, self.commit, self.run = library, place, commit, run
        self.home = _home(place, commit)

    def bring(self) -> BroughtDataset:
        """Fetch it and write it down."""
        with folder_beside(self.home) as made:
            splits = self._load(made / "library")
            name = self.place.name.split("/")[1]
            folder = made / name
            folder.mkdir()
            total, done = sum(len(rows) for rows in splits.values()), 0
            for split, rows in splits.items():
                file = folder / f"{name if len(splits) == 1 else SPLITS[split]}.jsonl"
                done = self._write(rows, split, file, made / "library", done, total)
            shutil.rmtree(made / "library")
            take_place(made, self.home)
        found = _there(self.place, self.commit)
        assert found is not None
        return found

    def _load(self, cache: Path) -> dict[str, Any]:
        """The rows of each split, items undecoded."""
        place = self.place
        config = self._config()
        self.run.tell("fetch", 0, 0)
        builder = self.library.load_dataset_builder(
            place.name, config, revision=self.commit, cache_dir=str(cache), download_mode="reuse_dataset_if_exists"
        )
        chosen = self._splits(list(builder.info.splits or builder.config.data_files or ()))
        needed = sum(filter(None, (builder.info.download_size, builder.info.dataset_size)))
        if needed + MARGIN > (free := shutil.disk_usage(cache.parent).free):
            raise AddressError(
                f"{place} takes {needed / 1e9:,.1f} GB, and the disk of the cache has {free / 1e9:,.1f} GB left.",
                "Make room, or set GRAFT_CACHE to a folder on another disk.",
            )
        files = builder.config.data_files
        if files and chosen:  # what is not asked for is not fetched
            builder.config.data_files = type(files)({split: files[split] for split in chosen if split in files})
        builder.download_and_prepare(verification_mode="no_checks")
        self.run.check()
        return {split: self._undecoded(builder.as_dataset(split=split)) for split in chosen}

    def _config(self) -> str:
        names = list(self.library.get_dataset_config_names(self.place.name, revision=self.commit))
        if self.place.config in names:
            return self.place.config
        if self.place.config:
            found = f"{self.place.name} has no configuration {self.place.config}"
        elif len(names) == 1:
            return str(names[0])
        else:
            found = f"{self.place.name} has {len(names)} configurations"
        raise UsageError(
            f"{found}: {_joined(names)}.",
            f"Say which one is meant: hf:{self.place.name}:{names[0] if names else '...'}.",
        )

    def _splits(self, names: Sequence[str]) -> list[str]:
        """Those that are read: the one that was named, or all where their meaning is known."""
        config = f":{self.place.config}" if self.place.config else ""
        split = self.place.split
        if split in names:
            return [split]
        meanings = [SPLITS.get(name) for name in names]
        if not split and (len(names) == 1 or (None not in meanings and len(set(meanings)) == len(names))):
            return list(names)
        found = f"{self.place.name} has no split {split}" if split else f"{self.place.name} has {len(names)} splits"
        raise UsageError(
            f"{found}: {_joined(names)}.",
            f"Say which one is meant: hf:{self.place.name}{config}/{names[0] if names else '...'}.",
        )

    def _undecoded(self, rows: Any) -> Any:
        for column, feature in rows.features.items():
            if type(feature).__name__ in _MEDIA:
                rows = rows.cast_column(column, getattr(self.library, type(feature).__name__)(decode=False))
        return rows

    def _write(self, rows: Any, split: str, file: Path, library: Path, done: int, total: int) -> int:
        """Write a split's table, and its pictures and recordings beside it; how many rows are done then."""
        features = {name: feature for name, feature in rows.features.items() if _is_kept(feature)}
        if not features:
            raise AddressError(
                f"{self.place} has no column of pictures, recordings, texts or labels.", "Take another configuration."
            )
        with file.open("x", encoding="utf-8") as table:
            for batch in rows.select_columns(list(features)).iter(batch_size=_BATCH):
                self.run.tell("fetch", done, total)
                for at in range(len(batch[next(iter(features))])):
                    row = {}
                    for name, feature in features.items():
                        value = batch[name][at]
                        if type(feature).__name__ in _MEDIA:
                            stem = f"{split}-{done:08d}-{_plain(name)}"
                            row[name] = self._save(value, file.parent, stem, library)
                        else:
                            row[name] = _named(value, feature)
                    table.write(json.dumps(row, ensure_ascii=False, allow_nan=False, default=str) + "\n")
                    done += 1
        return done

    def _save(self, value: Any, folder: Path, stem: str, library: Path) -> str:
        """Write an item's bytes as they are; its path from the table. What holds none becomes an empty file."""
        given = str(value.get("path") or "") if isinstance(value, Mapping) else ""
        content = value.get("bytes") if isinstance(value, Mapping) else None
        if content is None and given:
            content = self._content(Path(given), library)
        content = content or b""
        kind = sniff(content[:HEAD])
        suffix = PurePosixPath(given.split("::")[0]).suffix.lower()
        suffix = suffix if suffix in KNOWN_SUFFIXES else f".{kind}" if kind else ""
        place = folder / "files" / f"{stem}{suffix}"
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(content)
        return f"files/{place.name}"

    def _content(self, path: Path, library: Path) -> bytes | None:
        """A file that the library fetched for this data set; a row that names any other file has no content."""
        from huggingface_hub import constants

        own = Path(constants.HF_HUB_CACHE) / f"datasets--{self.place.name.replace('/', '--')}"
        try:
            real = path.resolve()
            if any(real.is_relative_to(root.resolve()) for root in (own, library)) and real.is_file():
                return real.read_bytes()
        except OSError:
            pass
        return None


def _is_kept(feature: Any) -> bool:
    """Whether a column is an item, a label or something plain that may be one."""
    kind, inner = type(feature).__name__, getattr(feature, "feature", None)
    if kind in (*_MEDIA, "ClassLabel"):
        return True
    if kind == "Value":
        return not str(feature.dtype).startswith(("binary", "large_binary"))
    return inner is not None and type(inner).__name__ in ("ClassLabel", "Value") and _is_kept(inner)


def _named(value: Any, feature: Any) -> Any:
    """A cell, with the names of classes instead of their numbers."""
    if isinstance(value, list | tuple):
        return [_named(one, getattr(feature, "feature", feature)) for one in value]
    if type(feature).__name__ == "ClassLabel":
        return feature.names[value] if isinstance(value, int) and 0 <= value < len(feature.names) else None
    return None if isinstance(value, float) and value - value != 0 else value


def _plain(column: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "_", column)[:40]


def _joined(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{', '.join(map(str, names[:_SHOWN]))}{more}"
