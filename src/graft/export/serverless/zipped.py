"""A folder as a zip that any other user can read, whatever the modes and dates of its files are, the same each time."""

from __future__ import annotations

import io
import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path

_DATE = (1980, 1, 1, 0, 0, 0)
"""The first that a zip can hold."""


def zipped(files: Mapping[str, Path]) -> bytes:
    """A zip of files by their places in it.

    Args:
        files: Places with ``/``; shared libraries among them may be run, the others be read.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, path in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _DATE)
            mode = 0o755 if name.endswith(".so") or ".so." in name else 0o644
            entry.create_system, entry.external_attr = 3, (stat.S_IFREG | mode) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())
    return packed.getvalue()
