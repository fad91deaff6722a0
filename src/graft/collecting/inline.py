"""Pictures that need no network: saved beside their page, or within it."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from urllib.parse import unquote_to_bytes

from graft.data.items import File
from graft.errors import ItemError
from graft.fetching.bounds import too_large


def read_file(path: Path, most: int) -> bytes:
    """The content of a file that was saved with its page.

    Raises:
        ItemError: ``too_large`` or ``unreadable``.
    """
    if path.is_file() and (size := path.stat().st_size) > most:
        raise too_large(size, most)
    return File(path, path.name).read()


def read_inline(url: str, most: int) -> bytes:
    """The content of a ``data`` address.

    Raises:
        ItemError: ``bad_url`` or ``too_large``.
    """
    head, comma, body = url.partition(",")
    if len(body) > 4 * most:
        raise too_large(len(body) // 3, most)  # three characters of an address hold at least one byte
    try:
        content = unquote_to_bytes(body)
        if head.lower().endswith(";base64"):
            content = base64.b64decode(b"".join(content.split()), validate=True)
    except (binascii.Error, ValueError):
        comma = ""
    if not comma:
        raise ItemError("bad_url", "The data address cannot be read.")
    if len(content) > most:
        raise too_large(len(content), most)
    return content
