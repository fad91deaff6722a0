"""The saved model: a folder of JSON and named arrays that a person can look into and that cannot run code.

::

    name.graft/
    |-- head.safetensors        what answers: nothing more is needed to predict
    |-- record.safetensors      what it was trained on
    |-- encoder.safetensors     weights of its encoder that were tuned, where there are any
    |-- report.json             what the fit found
    |-- job.json                what the fit was told, where it was told by a command
    `-- manifest.json           the recipe, and size and sha256 of every file; written last

The checksums catch damage. They are no signature: who can change a file can change its checksum as well, so a bundle
says nothing about who made it. The same contents give the same bytes: no times or machine names stand in a bundle.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NoReturn, TypeGuard

from graft import older, tensors
from graft.errors import BundleError, DamagedBundle, NewerBundle, NotABundle, OutputExists
from graft.files import beside, beside_already, clear_unfinished, did_you_mean, sync_folder, try_place, write_synced
from graft.tensors import Tensors, from_json, to_json

SCHEMA = 2
"""Version of the layout; a bundle with a larger one is refused."""

MANIFEST = "manifest.json"
HEAD, INDEX = "head.safetensors", "index.safetensors"
"""One of them every bundle has: a model the first, an index of a collection the second."""
CERTIFICATE, LABELS = "certificate.json", "labels.json"
"""Both every export has."""

Kind = Literal["model", "index"]

MAX_MANIFEST_BYTES = 64 * 1024 * 1024
MAX_FILE_BYTES = 4 * 1024**3
"""Nothing larger is written, nor read whatever a manifest says."""

OVERWRITE_ADVICE = "Give another name, or overwrite it (--overwrite; in Python overwrite=True)."
GIVE_BUNDLE = "Give the folder NAME.graft that graft fit has written."

_FORMAT = "graft-bundle"
_OWN_KEYS = frozenset({"format", "schema", "files", "checksum"})
_FILE = re.compile(r"([A-Za-z0-9][A-Za-z0-9_-]{0,63})\.(json|safetensors)")
_LITTER = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})
_REPLACED_WHILE_READ = 5


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a bundle holds.

    Attributes:
        manifest: What ``write`` was given as its manifest, e.g. the recipe.
        tensors: Arrays and their settings by the name of their file, e.g. ``"head"``.
        documents: JSON values by their name, e.g. ``"report"``.
    """

    manifest: Mapping[str, Any]
    tensors: Mapping[str, Tensors]
    documents: Mapping[str, Any]


def write(
    folder: str | Path,
    *,
    manifest: Mapping[str, Any],
    tensors: Mapping[str, Tensors],
    documents: Mapping[str, Any],
    overwrite: bool = False,
) -> None:
    """Write a bundle, wholly or not at all, even if the process is killed.

    It is written under a temporary name beside ``folder`` and then renamed. An old bundle is moved aside before and
    deleted after; killed between the two, it is still found by ``read`` under its temporary name.

    Args:
        folder: Where to; its parents are made.
        manifest: JSON-able; the keys ``format, schema, files, checksum`` are the bundle's own.
        tensors: Finite arrays with their settings; each becomes ``<name>.safetensors``.
        documents: JSON-able values; each becomes ``<name>.json``.
        overwrite: Whether a bundle of the same kind that is already there may be replaced.

    Raises:
        OutputExists: Something is there, and ``overwrite`` is false or it is no such bundle or holds files of others.
        BundleError: The contents cannot be kept in a bundle, or the disk refuses.
    """
    given, folder = Path(folder), Path(folder).resolve()
    contents = _contents(manifest, tensors, documents)
    kind: Kind = "index" if INDEX in contents else "model"
    temporary = beside(folder, "new")
    try:
        check_free(given, overwrite, kind)
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary.mkdir()
        for name, data in contents.items():
            write_synced(temporary / name, data)
        sync_folder(temporary)
        _put_in_place(temporary, given, overwrite, kind)
    except OSError as error:
        raise _cannot_be_saved(given, error, kind) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def read(folder: str | Path, names: Collection[str] | None = None) -> Bundle:
    """Read a bundle and check every byte that is read; files that it does not name are left alone.

    Args:
        folder: Where it is.
        names: Of its files, those that are wanted, such as ``report.json``; by default all.

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
            return _read(place, given, names)
        except (NotABundle, DamagedBundle):
            if _identity(_place(folder)) == identity:
                raise
        # Another process has replaced the bundle between two files; the new one is as good.
    return _read(_place(folder), given, names)


def version_of(folder: str | Path) -> str:
    """A digest of the manifest, which holds those of all files: 12 hexadecimal digits; nothing else is read.

    Raises:
        NotABundle: There is none.
        DamagedBundle: It cannot be read.
    """
    given, folder = Path(folder), Path(folder).resolve()
    return _sha256(_read_manifest(_place(folder), given))[:12]


def is_bundle(folder: Path) -> bool:
    """Whether a folder looks like a saved model; nothing of it is read."""
    return (folder / MANIFEST).is_file() and any((folder / name).is_file() for name in (HEAD, older.ARRAYS))


def is_index(folder: Path) -> bool:
    """Whether a folder looks like a saved index; nothing of it is read."""
    return (folder / MANIFEST).is_file() and (folder / INDEX).is_file()


def is_export(folder: Path) -> bool:
    """Whether a folder looks like an exported model; nothing of it is read."""
    return (folder / CERTIFICATE).is_file() and (folder / LABELS).is_file()


def is_saved(folder: Path) -> bool:
    """Whether a folder looks like one of the three, and so like no data: an export's golden items are none."""
    return is_bundle(folder) or is_index(folder) or is_export(folder)


def _contents(
    manifest: Mapping[str, Any], named: Mapping[str, Tensors], documents: Mapping[str, Any]
) -> dict[str, bytes]:
    """The bytes of each file by its name, the manifest last."""
    if taken := sorted(_OWN_KEYS & set(manifest)):
        raise BundleError(f"The manifest's keys {', '.join(taken)} are the bundle's own.", "Use other keys.")
    contents = {f"{name}.safetensors": tensors.dump(own) for name, own in sorted(named.items())}
    contents |= {f"{name}.json": to_json(value, f"document {name}") for name, value in sorted(documents.items())}
    if strange := [name for name in contents if not _FILE.fullmatch(name) or name == MANIFEST]:
        raise BundleError(f"A file of a bundle cannot be called {strange[0]!r}.", "Use letters, digits, - and _.")
    head = {
        **manifest,
        "format": _FORMAT,
        "schema": SCHEMA,
        "files": {name: {"sha256": _sha256(data), "size": len(data)} for name, data in contents.items()},
    }
    contents[MANIFEST] = to_json({**head, "checksum": _sha256(to_json(head, "manifest"))}, "manifest")
    for name, data in contents.items():
        if len(data) > (limit := MAX_MANIFEST_BYTES if name == MANIFEST else MAX_FILE_BYTES):
            raise BundleError(f"{name} would have {len(data):,} bytes; the limit is {limit:,}.", "Keep less in it.")
    return contents


def check_free(folder: str | Path, overwrite: bool, kind: Kind = "model") -> None:
    """Whether a bundle may be written there; ask before the work, not after it. No model gives way to an index.

    Raises:
        OutputExists: Something is there, and ``overwrite`` is false or it is no such bundle or holds files of others.
        BundleError: Nothing can be written there.
    """
    given, folder = Path(folder), Path(folder).resolve()
    place = _place(folder)
    if os.path.lexists(place):
        _check_replaceable(place, given, overwrite, kind)
    try:
        try_place(folder)
    except OSError as error:
        raise _cannot_be_saved(given, error, kind) from error


def _check_replaceable(place: Path, folder: Path, overwrite: bool, kind: Kind) -> None:
    try:
        known = {MANIFEST, *_files(_parse_manifest(_read_manifest(place, folder), folder), folder)}
        if (INDEX in known) != (kind == "index"):
            raise NotABundle(f"{folder} is of another kind.", "")
    except NotABundle:
        raise OutputExists(
            f"{folder} is already there; it is no saved {kind} and was not touched.", "Give another name."
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


def _cannot_be_saved(folder: Path, error: OSError, kind: Kind) -> BundleError:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return BundleError(
        f"The {kind} cannot be saved as {folder}: {error.strerror or error}.",
        "Choose another place, or make room." if full else "Choose another place.",
    )


def _put_in_place(temporary: Path, given: Path, overwrite: bool, kind: Kind) -> None:
    folder = given.resolve()
    while True:
        try:
            temporary.rename(folder)
            break
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
                raise
        check_free(given, overwrite, kind)  # another process may have been faster
        with contextlib.suppress(FileNotFoundError):
            folder.rename(beside(folder, "old"))
    sync_folder(folder.parent)
    for old in beside_already(folder, "old"):
        shutil.rmtree(old, ignore_errors=True)
    clear_unfinished(folder)


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


def _read(place: Path, folder: Path, names: Collection[str] | None) -> Bundle:
    manifest = _parse_manifest(_read_manifest(place, folder), folder)
    files = _files(manifest, folder)
    old = manifest["schema"] == older.SCHEMA
    documents: dict[str, Any] = {}
    found: dict[str, Tensors] = {}
    for name, (size, sha256) in files.items():
        if names is not None and name not in names and not old:
            continue
        data = _read_file(place, name, size, folder)
        if len(data) != size:
            _damaged(folder, f"{name} has {len(data):,} bytes instead of {size:,}")
        if _sha256(data) != sha256:
            _damaged(folder, f"{name} was changed: its checksum is another one")
        stem, kind = name.rsplit(".", 1)
        if kind == "json":
            documents[stem] = _from_json(data, name, folder)
        else:
            found[stem] = _parse(data, name, folder, bare=old)
    rest = {key: value for key, value in manifest.items() if key not in _OWN_KEYS}
    if old:
        try:
            rest, found = older.upgraded(rest, found["arrays"].arrays)
        except ValueError as error:
            _damaged(folder, str(error))
    return Bundle(rest, found, documents)


def _parse(data: bytes, name: str, folder: Path, *, bare: bool) -> Tensors:
    try:
        return tensors.parse(data, bare)
    except (LookupError, TypeError, ValueError) as error:
        _damaged(folder, f"{name} cannot be read: {error}")


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
    if manifest.get("checksum") != _sha256(to_json(head, "manifest")):
        _damaged(folder, f"{MANIFEST} was changed: its checksum is another one")
    return manifest


def _files(manifest: Mapping[str, Any], folder: Path) -> dict[str, tuple[int, str]]:
    """Size and sha256 of each file by its name; no name reaches outside the folder."""
    files = manifest.get("files")
    sizes: dict[str, tuple[int, str]] = {}
    if not isinstance(files, dict) or not ({HEAD, INDEX, older.ARRAYS} & files.keys()):
        _damaged(folder, f"{MANIFEST} does not say which files there are")
    for name, entry in files.items():
        if not _FILE.fullmatch(name) or name == MANIFEST:
            _damaged(folder, f"{MANIFEST} names a file that no bundle has: {name[:100]!r}")
        size, sha256 = (entry.get("size"), entry.get("sha256")) if isinstance(entry, dict) else (None, None)
        if not (_is_count(size) and size <= MAX_FILE_BYTES and isinstance(sha256, str)):
            _damaged(folder, f"{MANIFEST} gives {name} an impossible size or checksum")
        sizes[name] = (size, sha256)
    return sizes


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


def _is_count(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _from_json(data: bytes, name: str, folder: Path) -> Any:
    try:
        return from_json(data)
    except ValueError as error:
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
