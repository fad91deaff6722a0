"""Tables whose cells are addresses: the files there, brought into the cache where that was asked for."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from graft.buckets import bring, is_bucket_address
from graft.errors import DataError, GraftError
from graft.fetching.web import fetch_files, is_web_address, shown
from graft.reading.manifest import ManifestRows, Row
from graft.run import Run

AT_ONCE = 16
"""Objects of buckets at a time."""


def address_of(row: Row) -> str:
    """The address that a row's item is, "" if it is none."""
    cell = row.item.strip() if row.content is None else ""
    return cell if is_web_address(cell) or (is_bucket_address(cell) and not cell.lower().startswith("file:")) else ""


def refuse_addresses(manifest: ManifestRows, name: str) -> None:
    """Whether most items of a table are files that lie elsewhere.

    Raises:
        DataError: They are.
    """
    found = [address for row in manifest.rows if (address := address_of(row))]
    if 2 * len(found) > len(manifest.rows):
        raise DataError(
            f"The column {manifest.columns.item!r} of {name} holds addresses such as {shown(found[0])[:100]}, and "
            "nothing is fetched that was not asked for.",
            "Add --fetch (in Python fetch=True) to have these files fetched into the cache, or download them first.",
        )


def fetch_named(manifest: ManifestRows, run: Run) -> dict[str, Path | str]:
    """By the addresses among a manifest's items the files that these lead to, or why there is none.

    Raises:
        GraftError: Not one of the objects of buckets can be had.
        MissingExtra: A library that fetches is not installed.
        Cancelled: The work was stopped; what was fetched is kept.
    """
    found = list(dict.fromkeys(filter(None, map(address_of, manifest.rows))))
    web = fetch_files([address for address in found if is_web_address(address)], run)
    files = web | _from_buckets([address for address in found if address not in web], run)
    return {address: place if isinstance(place, Path) else place.message for address, place in files.items()}


def _from_buckets(addresses: list[str], run: Run) -> dict[str, Path | GraftError]:
    files: dict[str, Path | GraftError] = {}
    quiet = Run(cancelled=run.cancelled)

    def one(address: str) -> Path | GraftError:
        try:
            path = bring(address, quiet).path
        except GraftError as error:
            return error
        return path if path.is_file() else DataError("It is a folder, and no file.")

    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="fetch") as pool:
        for address, place in zip(addresses, pool.map(one, addresses), strict=True):
            run.tell("fetch", len(files), len(addresses))
            files[address] = place
    errors = [place for place in files.values() if isinstance(place, GraftError)]
    if errors and len(errors) == len(files):
        raise errors[0]
    return files
