"""Names of folders that any system takes."""

from __future__ import annotations

import re
import unicodedata

from graft.data.listing import is_stray

_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff/\\:*?"<>|]+')
_RESERVED = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?", re.IGNORECASE)
_LONGEST_NAME = 120


def safe_name(label: str) -> str:
    """A class as the name of a folder on any system: ``open door`` stays, ``../a`` is ``a``; ``""`` if none is left."""
    name = " ".join(_FORBIDDEN.sub(" ", unicodedata.normalize("NFC", label)).split()).strip(". ")
    name = name.encode()[:_LONGEST_NAME].decode("utf-8", "ignore").strip(". ")
    if name and (_RESERVED.fullmatch(name) or is_stray(name)):
        name += "_"
    return name
