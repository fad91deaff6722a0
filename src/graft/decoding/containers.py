"""Files that are a zip inside, or Microsoft's older container, and mean something of their own: documents, programs."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

from graft.decoding.archive import READ_ERRORS, directory_of_zip
from graft.decoding.formats import HEAD, sniff

SHEETS = frozenset({"xlsx", "xls", "ods"})
"""Documents of which a sheet can be read."""

_MARKS: tuple[tuple[str, Callable[[frozenset[str]], bool]], ...] = (
    ("xlsb", lambda names: "xl/workbook.bin" in names),
    ("xlsx", lambda names: "[content_types].xml" in names and _below(names, "xl/")),
    ("docx", lambda names: "[content_types].xml" in names and _below(names, "word/")),
    ("pptx", lambda names: "[content_types].xml" in names and _below(names, "ppt/")),
    ("visio", lambda names: "[content_types].xml" in names and _below(names, "visio/")),
    ("apk", lambda names: "androidmanifest.xml" in names),
    ("epub", lambda names: "meta-inf/container.xml" in names),
    ("jar", lambda names: "meta-inf/manifest.mf" in names),
    ("iwork", lambda names: any(name.endswith(".iwa") for name in names)),
    ("wheel", lambda names: any(name.endswith(".dist-info/wheel") for name in names)),
    ("torch", lambda names: any(name.endswith("/data.pkl") for name in names)),
    ("keras", lambda names: {"config.json", "model.weights.h5"} <= names),
    ("kmz", lambda names: "doc.kml" in names),
    ("npz", lambda names: bool(names) and all(name.endswith(".npy") for name in names)),
    ("ooxml", lambda names: "[content_types].xml" in names and _below(names, "_rels/")),
)
"""What a zip is by the names of its members, in lower case."""

_MIMETYPES = {
    b"application/epub+zip": "epub",
    b"application/vnd.oasis.opendocument.spreadsheet": "ods",
    b"application/vnd.oasis.opendocument.text": "odt",
    b"application/vnd.oasis.opendocument.presentation": "odp",
    b"application/vnd.oasis.opendocument": "opendocument",
}
"""How what stands in the first member begins, called ``mimetype``; the first that fits counts."""

_STREAMS = (
    ("EncryptedPackage", "encrypted"),
    ("Workbook", "xls"),
    ("Book", "xls"),
    ("WordDocument", "doc"),
    ("PowerPoint Document", "ppt"),
)
"""Entries of the directory of Microsoft's older container."""
_OLDER_SEARCHED = 1 << 24
_LARGEST_DIRECTORY = 1 << 23
"""Bytes of a document's list of members."""


def container_at(path: Path) -> str:
    """What a file is, as ``container_in`` has it; ``""`` where it is no container, or cannot be read."""
    try:
        with path.open("rb") as file:
            return _kind(file, file.read(HEAD))
    except OSError:
        return ""


def container_in(content: bytes) -> str:
    """``"xlsx"``, ``"docx"``, ``"jar"``, ...; ``""`` for a plain zip of files and whatever is no container."""
    return _kind(io.BytesIO(content), content[:HEAD])


def _kind(file: BinaryIO, head: bytes) -> str:
    kind = sniff(head)
    if kind == "ole":
        return _older(file)
    directory = directory_of_zip(file) if kind == "zip" else None
    # Documents have few members; ``zipfile`` makes an object of each, however many there are.
    if kind != "zip" or (directory and directory[1] > _LARGEST_DIRECTORY):
        return ""
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
            if "mimetype" in names and archive.getinfo("mimetype").file_size < 200:
                said = archive.read("mimetype").strip()
                if known := next((kind for mark, kind in _MIMETYPES.items() if said.startswith(mark)), ""):
                    return known
    except READ_ERRORS:
        return ""
    lowered = frozenset(name.replace("\\", "/").lower() for name in names)
    return next((known for known, fits_in in _MARKS if fits_in(lowered)), "")


def _older(file: BinaryIO) -> str:
    file.seek(0)
    content = file.read(_OLDER_SEARCHED)
    return next((kind for stream, kind in _STREAMS if f"{stream}\0".encode("utf-16-le") in content), "ole")


def _below(names: Sequence[str] | frozenset[str], folder: str) -> bool:
    return any(name.startswith(folder) for name in names)
