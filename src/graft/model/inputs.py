"""What may be given: data sets and paths to them, caches and none."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from graft.data.dataset import Dataset, Skipped
from graft.data.read import read
from graft.encoders.cache import Cache
from graft.errors import NothingToRead

Source = Dataset | str | Path
CacheChoice = Cache | Literal["default"] | None


def as_dataset(data: Source, min_classes: int = 2) -> Dataset:
    """The data set itself, or the one at a path."""
    return read(data, min_classes=min_classes)


def as_cache(choice: CacheChoice) -> Cache | None:
    """The cache that was chosen."""
    return Cache() if choice == "default" else choice


def nothing_readable(skipped: Sequence[Skipped]) -> NothingToRead:
    """The error for data of which every item had to be skipped."""
    first = f"; the first, {skipped[0].path}: {skipped[0].reason.rstrip('.')}" if skipped else ""
    return NothingToRead(
        f"None of the {len(skipped)} items can be read{first}.", "Check that the files open in a picture viewer."
    )
