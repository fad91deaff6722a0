"""Data that lie at an address: brought into the cache, and read there like any others."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from graft.buckets import BucketAddress, bring, is_bucket_address
from graft.data.items import Skipped
from graft.data.listing import printable
from graft.errors import GraftError
from graft.hub_data import HubDataAddress, bring_dataset, is_hub_data_address
from graft.run import Run

ODD_KEY = "odd_key"
"""The code of what was left out at an address."""


@dataclass(frozen=True, slots=True)
class Remote:
    """Data that were brought.

    Attributes:
        address: As it was given.
        path: Where they lie now.
        skipped: What was left there.
        files: The folder of the files among them, where they lie apart from their tables.
    """

    address: str
    path: Path
    skipped: tuple[Skipped, ...] = ()
    files: Path | None = None

    def shown(self, text: str) -> str:
        """A text that names the place in the cache, with the address instead."""
        folder = f"{self.address.rstrip('/')}/"
        text = text.replace(f"{self.path}{os.sep}", folder).replace(str(self.path), self.address)
        return text if self.files is None else text.replace(f"{self.files.parent}{os.sep}", folder)

    @contextmanager
    def speaking_of_it(self) -> Iterator[None]:
        """Errors name the address, not the place in the cache."""
        try:
            yield
        except GraftError as error:
            error.message, error.hint = self.shown(error.message), self.shown(error.hint)
            raise


def is_address(source: Any) -> TypeGuard[str]:
    """Whether data are said to lie in a store of a cloud, or to be a data set of the hub."""
    return isinstance(source, str) and (is_bucket_address(source) or is_hub_data_address(source))


def name_at(address: str) -> str:
    """What data at an address are called: the last part of a key, or the data set's name.

    Raises:
        UsageError: It is no address.
    """
    if is_hub_data_address(address):
        return HubDataAddress.of(address).name.split("/")[1]
    return BucketAddress.of(address).name


def bring_data(address: str, run: Run) -> Remote:
    """Bring what lies at an address; what is in the cache already is not fetched again.

    Raises:
        NothingToRead: There is nothing.
        AddressError: It cannot be had.
        UsageError: It is no address.
        MissingExtra: The library for it is not installed.
    """
    if is_hub_data_address(address):
        found = bring_dataset(address, run)
        return Remote(address, found.path, files=found.files)
    brought = bring(address, run)
    skipped = (Skipped(printable(key), f"{why}.", ODD_KEY) for key, why in sorted(brought.skipped.items()))
    return Remote(address, brought.path, tuple(skipped))
