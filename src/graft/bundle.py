"""The saved model: a folder of JSON and named arrays that a person can look into and that cannot run code.

::

    name.graft/
    |-- arrays.safetensors      float16 or float32 arrays
    |-- report.json, ...        documents
    `-- manifest.json           what the model is, and size and sha256 of every file; written last

The checksums catch damage. They are no signature: who can change a file can change its checksum as well, so a bundle
says nothing about who made it. The same contents give the same bytes: no times or machine names stand in a bundle.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import math
import os
import re
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeGuard

import numpy as np

from graft.contracts import Array
from graft.errors import BundleError, DamagedBundle, NewerBundle, NotABundle, OutputExists
from graft.files import beside, beside_already, did_you_mean, sync_folder, try_place, write_synced

SCHEMA = 1
"""Version of the layout; a bundle with a larger one is refused."""

MANIFEST, ARRAYS = "manifest.json", "arrays.safetensors"

MAX_MANIFEST_BYTES = 64 * 1024 * 1024
MAX_FILE_BYTES = 4 * 1024**3
"""Nothing larger is written, nor read whatever a manifest says."""

OVERWRITE_ADVICE = "Give another name, or overwrite it (--overwrite; in Python overwrite=True)."
GIVE_BUNDLE = "Give the folder NAME.graft that graft fit has written."

_FORMAT = "graft-bundle"
_OWN_KEYS = frozenset({"format", "schema", "files", "arrays", "checksum"})
_DOCUMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_DTYPES = ("float16", "float32", "int32", "uint8")
_LITTER = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})
_REPLACED_WHILE_READ = 5
_CUT_OFF_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a bundle holds.

    Attributes:
        manifest: What ``write`` was given as its manifest, e.g. encoder, recipe and classes.
        arrays: Named arrays, float16 or float32.
        documents: JSON values by their name, e.g. ``"report"``.
    """

    manifest: Mapping[str, Any]
    arrays: Mapping[str, Array]
    documents: Mapping[str, Any]


def write(
    folder: str | Path,
    *,
    manifest: Mapping[str, Any],
    arrays: Mapping[str, Array],
    documents: Mapping[str, Any],
    overwrite: bool = False,
) -> None:
    """Write a bundle, wholly or not at all, even if the process is killed.

    It is written under a temporary name beside ``folder`` and then renamed. An old bundle is moved aside before and
    deleted after; killed between the two, it is still found by ``read`` under its temporary name.

    Args:
        folder: Where to; its parents are made.
        manifest: JSON-able; the keys ``format, schema, files, arrays, checksum`` are the bundle's own.
        arrays: Finite float16 or float32 arrays of any shape.
        documents: JSON-able values; each becomes ``<name>.json``.
        overwrite: Whether a bundle that is already there may be replaced.

    Raises:
        OutputExists: Something is there, and ``overwrite`` is false or it is not a bundle or holds files of others.
        BundleError: The contents cannot be kept in a bundle, or the disk refuses.
    """
    given, folder = Path(folder), Path(folder).resolve()
    contents = _contents(manifest, arrays, documents)
    temporary = beside(folder, "new")
    try:
        check_free(given, overwrite)
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary.mkdir()
        for name, data in contents.items():
            write_synced(temporary / name, data)
        sync_folder(temporary)
        _put_in_place(temporary, given, overwrite)
    except OSError as error:
        raise _cannot_be_saved(given, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def read(folder: str | Path) -> Bundle:
    """Read a bundle and check every byte of it; files that it does not name are left alone.

    Raises:
        NotABundle: There is nothing, a file, or a folder without a manifest.
        DamagedBundle: Something is missing, cut short, changed, or not what the manifest says.
        NewerBundle: A newer Graft wrote it.
    """
    given, folder = Path(folder), Path(folder).resolve()
    for _ in range(_REPLACED_WHILE_READ):
        place = _place(folder)
        identity = _identity(place)
        try:
            return _read(place, given)
        except (NotABundle, DamagedBundle):
            if _identity(_place(folder)) == identity:
                raise
        # Another process has replaced the bundle between two files; the new one is as good.
    return _read(_place(folder), given)


def _contents(
    manifest: Mapping[str, Any], arrays: Mapping[str, Array], documents: Mapping[str, Any]
) -> dict[str, bytes]:
    """The bytes of each file by its name, the manifest last."""
    from safetensors.numpy import save

    if taken := sorted(_OWN_KEYS & set(manifest)):
        raise BundleError(f"The manifest's keys {', '.join(taken)} are the bundle's own.", "Use other keys.")
    contents = {ARRAYS: save({name: _checked(name, arrays[name]) for name in sorted(arrays)})}
    for name, value in sorted(documents.items()):
        if not _DOCUMENT.fullmatch(name) or f"{name}.json" == MANIFEST:
            raise BundleError(f"A document cannot be called {name!r}.", "Use letters, digits, - and _.")
        contents[f"{name}.json"] = _to_json(value, f"document {name}")
    head = {
        **manifest,
        "format": _FORMAT,
        "schema": SCHEMA,
        "files": {name: {"sha256": _sha256(data), "size": len(data)} for name, data in contents.items()},
        "arrays": {name: _describe(array) for name, array in arrays.items()},
    }
    contents[MANIFEST] = _to_json({**head, "checksum": _sha256(_to_json(head, "manifest"))}, "manifest")
    for name, data in contents.items():
        if len(data) > (limit := MAX_MANIFEST_BYTES if name == MANIFEST else MAX_FILE_BYTES):
            raise BundleError(f"{name} would have {len(data):,} bytes; the limit is {limit:,}.", "Keep less in it.")
    return contents


def _checked(name: str, array: Array) -> Array:
    if array.dtype.name not in _DTYPES:
        raise BundleError(f"The array {name} is {array.dtype}.", f"A bundle keeps {', '.join(_DTYPES)}.")
    if not np.isfinite(array).all():
        raise BundleError(f"The array {name} holds numbers that are not finite.", "Check the data of the fit.")
    return np.asarray(array, dtype=np.dtype(array.dtype.name), order="C")  # own byte order, rows together


def check_free(folder: str | Path, overwrite: bool) -> None:
    """Whether a bundle may be written there; ask before the work, not after it.

    Raises:
        OutputExists: Something is there, and ``overwrite`` is false or it is not a bundle or holds files of others.
        BundleError: Nothing can be written there.
    """
    given, folder = Path(folder), Path(folder).resolve()
    place = _place(folder)
    if os.path.lexists(place):
        _check_replaceable(place, given, overwrite)
    try:
        try_place(folder)
    except OSError as error:
        raise _cannot_be_saved(given, error) from error


def _check_replaceable(place: Path, folder: Path, overwrite: bool) -> None:
    try:
        known = {MANIFEST, *_files(_parse_manifest(_read_manifest(place, folder), folder), folder)}
    except NotABundle:
        raise OutputExists(
            f"{folder} is already there; it is no saved model and was not touched.", "Give another name."
        ) from None
    except BundleError as error:
        raise OutputExists(
            f"{folder} is already there and is no bundle that could be replaced: {error.message}",
            "Move it away, or give another name.",
        ) from None
    if not overwrite:
        raise OutputExists(f"{folder} is already there.", OVERWRITE_ADVICE)
    if foreign := sorted({entry.name for entry in place.iterdir()} - known - _LITTER):
        raise OutputExists(
            f"{folder} also holds files that are no part of the bundle: {', '.join(foreign[:5])}.",
            "Move them away first.",
        )


def _cannot_be_saved(folder: Path, error: OSError) -> BundleError:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return BundleError(
        f"The model cannot be saved as {folder}: {error.strerror or error}.",
        "Choose another place, or make room." if full else "Choose another place.",
    )


def _put_in_place(temporary: Path, given: Path, overwrite: bool) -> None:
    folder = given.resolve()
    while True:
        try:
            temporary.rename(folder)
            break
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
                raise
        check_free(given, overwrite)  # another process may have been faster
        with contextlib.suppress(FileNotFoundError):
            folder.rename(beside(folder, "old"))
    sync_folder(folder.parent)
    for old in beside_already(folder, "old"):
        shutil.rmtree(old, ignore_errors=True)
    with contextlib.suppress(FileNotFoundError):
        for unfinished in beside_already(folder, "new"):  # of writers that were killed; younger ones may be at work
            if unfinished.stat().st_mtime < time.time() - _CUT_OFF_SECONDS:
                shutil.rmtree(unfinished, ignore_errors=True)


def _place(folder: Path) -> Path:
    """Where the bundle lies: usually ``folder``; beside it where an overwriting was cut off between its two renames."""
    if not os.path.lexists(folder):
        for old in beside_already(folder, "old"):
            if (old / MANIFEST).is_file():
                return old
    return folder


def _read_manifest(place: Path, folder: Path) -> bytes:
    if not os.path.lexists(place):
        raise NotABundle(
            f"There is nothing at {folder}.",
            _meant(folder) or did_you_mean(folder) or "Check the path, or fit a model first.",
        )
    if not place.is_dir():
        raise NotABundle(f"{folder} is not a saved model but a file.", _meant(folder) or GIVE_BUNDLE)
    if not (place / MANIFEST).is_file():
        raise NotABundle(f"{folder} is not a saved model: it has no {MANIFEST}.", _meant(folder) or GIVE_BUNDLE)
    return _read_file(place, MANIFEST, MAX_MANIFEST_BYTES, folder)


def _meant(folder: Path) -> str:
    """Which bundle beside it may be meant; nothing where none is called alike."""
    from difflib import get_close_matches

    try:
        there = sorted(manifest.parent.name for manifest in folder.parent.glob(f"*.graft/{MANIFEST}"))
    except OSError:
        return ""
    exact = [name for name in there if name == f"{folder.name}.graft"]
    likely = exact or get_close_matches(folder.name, there, n=1)
    return f"Did you mean {folder.parent / likely[0]}?" if likely else ""


def _read(place: Path, folder: Path) -> Bundle:
    manifest = _parse_manifest(_read_manifest(place, folder), folder)
    contents: dict[str, bytes] = {}
    for name, (size, sha256) in _files(manifest, folder).items():
        contents[name] = _read_file(place, name, size, folder)
        if len(contents[name]) != size:
            _damaged(folder, f"{name} has {len(contents[name]):,} bytes instead of {size:,}")
        if _sha256(contents[name]) != sha256:
            _damaged(folder, f"{name} was changed: its checksum is another one")
    return Bundle(
        manifest={key: value for key, value in manifest.items() if key not in _OWN_KEYS},
        arrays=_parse_arrays(contents.pop(ARRAYS), manifest["arrays"], folder),
        documents={name.removesuffix(".json"): _from_json(data, name, folder) for name, data in contents.items()},
    )


def _parse_manifest(raw: bytes, folder: Path) -> dict[str, Any]:
    manifest = _from_json(raw, MANIFEST, folder)
    if not isinstance(manifest, dict) or manifest.get("format") != _FORMAT:
        _damaged(folder, f"{MANIFEST} is not the manifest of a saved model")
    schema = manifest.get("schema")
    if not (_is_count(schema) and schema >= 1):
        _damaged(folder, f"{MANIFEST} says schema {schema!r}")
    if schema > SCHEMA:
        raise NewerBundle(
            f"{folder} was saved by a newer Graft: its schema is {schema}, and this Graft knows up to {SCHEMA}.",
            "Install a newer Graft.",
        )
    head = {key: value for key, value in manifest.items() if key != "checksum"}
    if manifest.get("checksum") != _sha256(_to_json(head, "manifest")):
        _damaged(folder, f"{MANIFEST} was changed: its checksum is another one")
    return manifest


def _files(manifest: Mapping[str, Any], folder: Path) -> dict[str, tuple[int, str]]:
    """Size and sha256 of each file by its name; no name reaches outside the folder."""
    files = manifest.get("files")
    sizes: dict[str, tuple[int, str]] = {}
    if not isinstance(files, dict) or ARRAYS not in files or not isinstance(manifest.get("arrays"), dict):
        _damaged(folder, f"{MANIFEST} does not say which files there are")
    for name, entry in files.items():
        document = name.endswith(".json") and name != MANIFEST and _DOCUMENT.fullmatch(name.removesuffix(".json"))
        if name != ARRAYS and not document:
            _damaged(folder, f"{MANIFEST} names a file that no bundle has: {name[:100]!r}")
        size, sha256 = (entry.get("size"), entry.get("sha256")) if isinstance(entry, dict) else (None, None)
        if not (_is_count(size) and size <= MAX_FILE_BYTES and isinstance(sha256, str)):
            _damaged(folder, f"{MANIFEST} gives {name} an impossible size or checksum")
        sizes[name] = (size, sha256)
    return sizes


def _parse_arrays(data: bytes, described: Mapping[str, Any], folder: Path) -> dict[str, Array]:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        arrays: dict[str, Array] = load(data)
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        _damaged(folder, f"{ARRAYS} cannot be read: {error}")
    if {name: _describe(array) for name, array in arrays.items()} != described:
        _damaged(folder, f"{ARRAYS} does not hold the arrays that {MANIFEST} describes")
    for name, array in arrays.items():
        if array.dtype.name not in _DTYPES or not np.isfinite(array).all():
            _damaged(folder, f"the array {name} holds what no bundle keeps, or numbers that are not finite")
    return arrays


def _read_file(place: Path, name: str, limit: int, folder: Path) -> bytes:
    """At most one byte more than ``limit``."""
    path = place / name
    try:
        if not path.is_file():  # a FIFO or a device would hang the read, or never end
            _damaged(folder, f"{name} is missing")
        with path.open("rb") as file:
            data = file.read(min(limit, os.fstat(file.fileno()).st_size) + 1)
    except OSError as error:
        _damaged(folder, f"{name} cannot be read: {error.strerror or error}")
    if len(data) > limit:
        _damaged(folder, f"{name} is longer than it should be")
    return data


def _damaged(folder: Path, what: str) -> NoReturn:
    raise DamagedBundle(
        f"The saved model {folder} is damaged: {what}.", "Copy it again, or fit and save the model again."
    )


def _describe(array: Array) -> dict[str, Any]:
    return {"dtype": array.dtype.name, "shape": list(array.shape)}


def _is_count(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _to_json(value: Any, what: str) -> bytes:
    try:
        text = json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False)
        return (text + "\n").encode(errors="backslashreplace")  # half a surrogate, from an odd file name, as \\udcff
    except (TypeError, ValueError, RecursionError) as error:
        raise BundleError(f"The {what} cannot be written as JSON: {error}.", "Use plain, finite values.") from error


def _from_json(data: bytes, name: str, folder: Path) -> Any:
    def refuse(constant: str) -> NoReturn:
        raise ValueError(f"{constant} is not JSON")

    def finite(number: str) -> float:
        if not math.isfinite(value := float(number)):
            refuse(number)
        return value

    try:
        return json.loads(data.decode(), parse_constant=refuse, parse_float=finite)
    except (ValueError, RecursionError) as error:
        _damaged(folder, f"{name} is not JSON: {error}")


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _identity(place: Path) -> tuple[object, ...]:
    """Changes whenever another folder takes the place; inodes alone are used again."""
    try:
        found = place.stat()
    except OSError:
        return ()
    return place, found.st_dev, found.st_ino, found.st_ctime_ns
