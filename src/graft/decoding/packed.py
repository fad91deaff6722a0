"""Tables packed by gzip, unpacked in memory and never beyond a bound."""

from __future__ import annotations

import gzip
import io
import zlib

from graft.errors import DataError


def unpack(content: bytes, name: str, limit: int) -> bytes:
    """What a gzip file holds.

    Args:
        content: The file.
        name: How it is called in errors.
        limit: How many bytes it may unpack to.

    Raises:
        DataError: It is damaged or cut short, an archive of several files, or larger.
    """
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            unpacked = file.read(limit + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{name} cannot be unpacked: {error}.", "Copy or download it again.") from None
    if len(unpacked) > limit:
        raise DataError(
            f"{name} grows from {len(content) / 1e6:.1f} MB to more than {limit / 1e6:,.0f} MB when it is unpacked.",
            "Unpack it yourself if you trust it, and give a part of it.",
        )
    if unpacked[257:262] == b"ustar":
        raise DataError(f"{name} is a tar archive, and no table.", "Call it .tar.gz, or unpack it and give the folder.")
    return unpacked
