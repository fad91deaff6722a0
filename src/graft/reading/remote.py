"""Data that lie at an address: brought into the cache, and read there like any others."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from graft.buckets import bring, is_bucket_address
from graft.data.items import Skipped
from graft.data.listing import printable
from graft.errors import GraftError
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
    """

    address: str
    path: Path
    skipped: tuple[Skipped, ...] = ()

    def shown(self, text: str) -> str:
        """A text that names the place in the cache, with the address instead."""
        return text.replace(f"{self.path}{os.sep}", f"{self.address.rstrip('/')}/").replace(
            str(self.path), self.address
        )

    @contextmanager
    def speaking_of_it(self) -> Iterator[None]:
        """Errors name the address, not the place in the cache."""
        try:
            yield
        except GraftError as error:
            error.message, error.hint = self.shown(error.message), self.shown(error.hint)
            raise


def is_address(source: Any) -> TypeGuard[str]:
    """Whether data are said to lie in a store of a cloud; no folder on this machine is called so."""
    return isinstance(source, str) and is_bucket_address(source)


def bring_data(address: str, run: Run) -> Remote:
    """Bring what lies at an address; what is in the cache already is not fetched again.

    Raises:
        NothingToRead: There is nothing.
        AddressError: It cannot be had.
        UsageError: It is no address.
        MissingExtra: The library for it is not installed.
    """
    brought = bring(address, run)
    skipped = (Skipped(printable(key), f"{why}.", ODD_KEY) for key, why in sorted(brought.skipped.items()))
    return Remote(address, brought.path, tuple(skipped))
