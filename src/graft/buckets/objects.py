"""Objects: listed, read, written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from graft.buckets.access import Access, with_access
from graft.buckets.addresses import BucketAddress
from graft.buckets.odd_keys import list_by_hand
from graft.errors import AddressError, NothingToRead, UsageError
from graft.run import PLAIN, Run

MAX_OBJECTS = 2_000_000


@dataclass(frozen=True, slots=True)
class BucketObject:
    """An object that was listed.

    Attributes:
        key: From the bucket's root.
        size: Bytes.
        etag: Changes with the content.
    """

    key: str
    size: int
    etag: str


@dataclass(frozen=True, slots=True)
class BucketListing:
    """What lies in a folder of a bucket, however deep.

    Attributes:
        access: How the store was opened for it.
        objects: In the order of their keys; markers of folders are none.
        odd: Keys that no path can have.
    """

    access: Access
    objects: tuple[BucketObject, ...]
    odd: tuple[str, ...] = field(default=())


def list_objects(address: str | BucketAddress, run: Run = PLAIN) -> BucketListing:
    """All objects whose keys begin with the address and a slash, in the order of their keys.

    Raises:
        AddressError: The store refuses, or cannot be reached; or there are more than ``MAX_OBJECTS``.
        NothingToRead: There is no such bucket.
        UsageError: It is no address.
    """
    place = BucketAddress.of(address) if isinstance(address, str) else address
    return with_access(place, lambda access: _list(access, run))


def _list(access: Access, run: Run) -> BucketListing:
    import obstore
    from obstore.exceptions import InvalidPathError

    prefix = access.address.key.removesuffix("/")
    found: list[BucketObject] = []
    odd: list[str] = []
    try:
        for chunk in obstore.list(access.store, prefix or None, chunk_size=1000):
            run.tell("list", len(found), 0)
            found += (_object(entry) for entry in chunk)
            _check_number(found, access)
    except InvalidPathError:  # one such key, and obstore lists none
        found = []
        for key, size, etag in list_by_hand(access, run):
            if any(part in ("", ".", "..") for part in key.removesuffix("/").split("/")):
                odd.append(key)
            else:
                found.append(BucketObject(key, size, etag))
            _check_number(found, access)
    run.tell("list", len(found), len(found))
    found.sort(key=lambda one: one.key)
    folders = {one.key[:at] for one in found for at, letter in enumerate(one.key) if letter == "/"}
    objects = [
        one
        for one in found
        if not (one.key.endswith("/") or (not one.size and (one.key in folders or one.key == prefix)))
    ]
    return BucketListing(access, tuple(objects), tuple(odd))


def _check_number(found: list[BucketObject], access: Access) -> None:
    if len(found) > MAX_OBJECTS:
        raise AddressError(f"{access.address} holds more than {MAX_OBJECTS:,} objects.", "Name a folder inside it.")


def _object(entry: Any) -> BucketObject:
    return BucketObject(entry["path"], entry["size"], entry["e_tag"] or str(entry["last_modified"]))


def look_at(access: Access) -> BucketObject:
    """The object at an address.

    Raises:
        obstore.exceptions.BaseError: There is none, or the store refuses.
    """
    import obstore

    return _object(obstore.head(access.store, access.address.key))


def read_bytes(address: str, limit: int) -> bytes:
    """What lies at an address.

    Args:
        address: Of an object.
        limit: Bytes that it may have.

    Raises:
        NothingToRead: There is nothing there.
        AddressError: It is larger; or the store refuses, or cannot be reached.
        UsageError: It is no address of an object.
    """
    place = _of_object(address)

    def read(access: Access) -> bytes:
        import obstore

        found = obstore.get(access.store, place.key)
        if found.meta["size"] > limit:
            raise AddressError(
                f"{place} has {found.meta['size']:,} bytes; the limit is {limit:,}.", "Give a smaller object."
            )
        return bytes(found.bytes())

    return with_access(place, read)


def write_bytes(address: str, data: bytes, *, create: bool = False) -> None:
    """Write an object whole: whoever reads it meets the old one or the new one.

    Args:
        address: Of an object.
        data: What is to lie there.
        create: Only if there is nothing there; of several who try this at once, one succeeds.

    Raises:
        OutputExists: There is something already, and ``create`` was asked for.
        AddressError: The store refuses, or cannot be reached.
        UsageError: It is no address of an object.
    """
    place = _of_object(address)

    def write(access: Access) -> None:
        import obstore

        obstore.put(access.store, place.key, data, mode="create" if create else "overwrite")

    try:
        with_access(place, write)
    except NothingToRead as error:
        raise AddressError(error.message, "Make it first, or check the spelling.") from None


def _of_object(address: str) -> BucketAddress:
    place = BucketAddress.of(address)
    if place.is_folder:
        raise UsageError(f"{place} is the address of a folder.", "Name an object, without / at the end.")
    return place
