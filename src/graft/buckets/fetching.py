"""Objects brought into the cache: each once for its ETag, and the folder that they form beside them.

::

    addresses/<hash of the address>/objects/<hash of key, ETag and size>   what was fetched
                                   /<hash of all of these>/photos/...      a folder of links to it, never changed

A folder is made under another name and renamed, so several processes may bring the same address at once. What was
fetched before the work was stopped is not fetched again. Folders that nobody used for a day go when a newer one comes.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from graft.buckets.access import Access, store_errors, with_access
from graft.buckets.addresses import BucketAddress
from graft.buckets.failures import in_words
from graft.buckets.keys import sort_out, why_odd
from graft.buckets.objects import BucketObject, list_objects, look_at
from graft.errors import AddressError, NothingToRead, refused_as
from graft.executors import map_waiting
from graft.files import beside, cache_folder, folder_beside, take_place
from graft.run import PLAIN, Run

AT_ONCE = 16
"""Objects fetched at a time."""
MARGIN = 256 * 1024 * 1024
"""Bytes that are left free on the disk."""
BY_BYTES = 50_000_000
"""From so many bytes on, progress is told in MB."""
KEPT = 24 * 3600.0
"""Seconds that a folder is left though nobody uses it and there is a newer one."""
_MARKERS = ("application/x-directory", "httpd/unix-directory")


@dataclass(frozen=True, slots=True)
class Brought:
    """What was brought from an address.

    Attributes:
        path: The file or folder in the cache; nobody writes into it.
        skipped: By key, why an object was not brought.
        n_fetched: Objects that were not there already.
        n_bytes: Of those.
    """

    path: Path
    skipped: dict[str, str]
    n_fetched: int
    n_bytes: int


def fetch(address: str, run: Run = PLAIN) -> Path:
    """The file or folder for an address; ``bring`` says what was left out.

    Raises:
        NothingToRead: There is nothing at the address.
        AddressError: The store refuses, or cannot be reached; or the disk has no room.
        UsageError: It is no address.
        Cancelled: The work was stopped; what was fetched is kept.
    """
    return bring(address, run).path


def bring(address: str, run: Run = PLAIN) -> Brought:
    """Bring the object at an address, or all that lies in the folder there, into the cache.

    Objects that were there already, by their ETags, are not fetched again. Keys that no file can have, and objects that
    cannot be read one by one, are left out and named; markers of folders are left out.

    Raises:
        As ``fetch``.
    """
    place = BucketAddress.of(address)
    if place.scheme == "file":  # it lies here already
        return Brought(Path("/", place.key), {}, 0, 0)
    if not place.is_folder:
        try:
            access, found = with_access(place, lambda access: (access, look_at(access)))
        except NothingToRead:
            pass
        else:
            if why := why_odd(place.name):
                raise AddressError(f"{place} cannot be brought: {why}.", "Give the object another key.")
            return _Download(access, run).object(found)
    listing = list_objects(place, run)
    if not listing.objects and not listing.odd:
        raise NothingToRead(
            f"There is nothing at {place}.", "Check the spelling; see what is there with the vendor's CLI."
        )
    return _Download(listing.access, run).folder(listing.objects, listing.odd)


class _Download:
    """One address, on its way into the cache."""

    def __init__(self, access: Access, run: Run) -> None:
        self.access, self.run = access, run
        self.place = access.address
        store = (str(self.place), access.endpoint, repr(access.store))  # two stores may have buckets of one name
        self.home = cache_folder() / "addresses" / _digest(store)[:24]
        self.stopped = threading.Event()
        self.n_bytes = self.n_come = 0
        self.lock = threading.Lock()

    def object(self, found: BucketObject) -> Brought:
        """A single object."""
        new, failed = self._get([found])
        for why in failed.values():
            raise AddressError(f"{self.place} cannot be read: {why}.", "Check the object.")
        return Brought(self._tree({self.place.name: found}) / self.place.name, {}, new, self.n_bytes)

    def folder(self, objects: Sequence[BucketObject], odd: Sequence[str]) -> Brought:
        """All objects of a folder."""
        prefix = self.place.key.removesuffix("/")
        start = len(prefix) + 1 if prefix else 0
        by_name = {one.key[start:]: one for one in objects}
        names, strange = sort_out(by_name)
        skipped = {f"{prefix}/{name}" if prefix else name: why for name, why in strange.items()}
        skipped |= dict.fromkeys(odd, "its key has an empty or dot part")
        new, failed = self._get([by_name[name] for name in names])
        skipped |= {key: why for key, why in failed.items() if why}
        taken = {name: by_name[name] for name in names if by_name[name].key not in failed}
        if not taken:
            key, why = next(iter(skipped.items()), ("", "there are markers of folders only"))
            raise NothingToRead(
                f"Nothing at {self.place} can be read{f': of {key}, ' if key else ': '}{why}.", "Check the folder."
            )
        return Brought(self._tree(taken) / self._name(), skipped, new, self.n_bytes)

    def _name(self) -> str:
        return self.place.name if not why_odd(self.place.name) else "data"

    def _get(self, objects: Sequence[BucketObject]) -> tuple[int, dict[str, str]]:
        """Fetch what is not there; how many that were, and by key why one could not be ("": it is a marker)."""
        store = self.home / "objects"
        with refused_as(AddressError, f"The cache {store} cannot be written to", "Set GRAFT_CACHE to another folder."):
            store.mkdir(parents=True, exist_ok=True)
            there = {entry.name for entry in os.scandir(store)}
            new = [one for one in objects if _blob(one) not in there]
            self._check_room(sum(one.size for one in new))
        failed: dict[str, str] = {}
        total = sum(one.size for one in new)

        def tell(done: int) -> None:
            """How far it is: in objects, or in MB where these are many, for one object may be all of them."""
            if total < BY_BYTES:
                self.run.tell("fetch", done, len(new))
            else:
                self.run.tell("fetch_mb", -(-self.n_come // 1_000_000), -(-total // 1_000_000))

        map_waiting(partial(self._one, store=store, failed=failed), new, AT_ONCE, tell, self.stopped.set)
        return len(new) - len(failed), failed

    def _check_room(self, needed: int) -> None:
        free = shutil.disk_usage(self.home).free
        if needed + MARGIN > free:
            raise AddressError(
                f"{self.place} takes {needed / 1e9:,.1f} GB, and the disk of the cache has {free / 1e9:,.1f} GB left.",
                "Make room, or set GRAFT_CACHE to a folder on another disk.",
            )

    def _one(self, one: BucketObject, store: Path, failed: dict[str, str]) -> None:
        """Fetch an object as it was listed."""
        temporary = beside(store / _blob(one), "new")
        try:
            if self._write(one, temporary):
                temporary.replace(store / _blob(one))
            else:
                failed[one.key] = ""
        except store_errors() as error:
            kind = type(error).__name__
            if kind in ("NotFoundError", "FileNotFoundError"):
                failed[one.key] = "it is gone since it was listed" if one.size else ""
            elif kind == "PreconditionError":
                failed[one.key] = "it changed while it was read"
            elif kind in ("PermissionDeniedError", "UnauthenticatedError"):
                failed[one.key] = "the store does not let it be read"
            elif kind == "InvalidPathError":
                failed[one.key] = "its key is no path"
            else:
                raise in_words(error, self.place, signed=self.access.signed) from None
        except OSError as error:
            raise AddressError(
                f"{self.place} cannot be kept: {error.strerror or error}.",
                "Make room, or set GRAFT_CACHE to a folder on another disk.",
            ) from None
        finally:
            temporary.unlink(missing_ok=True)

    def _write(self, one: BucketObject, path: Path) -> bool:
        """Write an object to a new file; whether it is one, and no marker."""
        import obstore

        if self.stopped.is_set():
            return False
        options: Any = {"if_match": one.etag} if one.etag.startswith('"') else None
        found = obstore.get(self.access.store, one.key, options=options)
        if not one.size and _is_marker(found.attributes):
            return False
        n = 0
        with path.open("xb") as file:
            for chunk in found.stream(1 << 20):
                n += len(chunk)
                with self.lock:
                    self.n_come += len(chunk)
                if n > one.size or self.stopped.is_set():
                    break
                file.write(chunk)
        if n != one.size and not self.stopped.is_set():
            raise AddressError(
                f"Of {one.key} at {self.place}, {n:,} bytes came and {one.size:,} were listed.",
                "Run the same command again; what came whole is kept.",
            )
        with self.lock:
            self.n_bytes += n
        return n == one.size

    def _tree(self, objects: dict[str, BucketObject]) -> Path:
        """The folder in which these lie under their names."""
        digest = _digest(f"{name}\0{_blob(one)}" for name, one in sorted(objects.items()))[:24]
        tree = self.home / digest
        if not tree.is_dir():
            alone = not self.place.is_folder and len(objects) == 1 and self.place.name in objects
            with (
                refused_as(
                    AddressError, f"The cache {self.home} cannot be written to", "Set GRAFT_CACHE to another folder."
                ),
                folder_beside(tree) as made,
            ):
                for name, one in objects.items():
                    place = made / ("" if alone else self._name()) / name
                    place.parent.mkdir(parents=True, exist_ok=True)
                    _link(self.home / "objects" / _blob(one), place)
                take_place(made, tree)
            self._forget(tree)
        os.utime(tree)
        return tree

    def _forget(self, newest: Path) -> None:
        """Remove folders that were not used for long, and what only they had."""
        old = time.time() - KEPT
        for entry in list(self.home.iterdir()):
            if entry not in (newest, self.home / "objects") and _stat(entry, "st_mtime") < old:
                shutil.rmtree(entry, ignore_errors=True)
        for blob in list((self.home / "objects").iterdir()):
            if _stat(blob, "st_nlink") == 1 and _stat(blob, "st_mtime") < old:
                blob.unlink(missing_ok=True)


def _stat(path: Path, name: str) -> float:
    try:
        return float(getattr(path.stat(), name))
    except OSError:  # another process removed it
        return float("inf")


def _link(source: Path, target: Path) -> None:
    """The same file under another name; a copy where the disk knows no links."""
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copyfile(source, target)


def _is_marker(attributes: Any) -> bool:
    """Whether a store says of an empty object that it stands for a folder."""
    found = {str(name).lower(): str(value).lower() for name, value in dict(attributes).items()}
    return found.get("hdi_isfolder") == "true" or found.get("content-type", "").startswith(_MARKERS)


def _blob(one: BucketObject) -> str:
    return _digest([one.key, one.etag, str(one.size)])[:40]


def _digest(parts: Iterable[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
