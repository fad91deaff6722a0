"""Names of files and folders that every system takes."""

from __future__ import annotations

import re
import unicodedata

from graft.data.listing import is_stray

LONGEST = 120
"""Bytes of a name in UTF-8; file systems take 255, and a number may be added."""
FORBIDDEN = re.compile(r'[\x00-\x1f\x7f-\x9f<>:"/\\|?*\u2028-\u202e\u2066-\u2069\ud800-\udfff]')
"""Characters that some system does not take, or that are not shown as they are."""
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9\u00b9\u00b2\u00b3])(\..*)?", re.IGNORECASE)


def is_safe(name: str) -> bool:
    """Whether a file or folder can be called so everywhere, and is not taken for a stray when it is read."""
    return (
        bool(name.strip())
        and not FORBIDDEN.search(name)
        and len(name.encode()) <= LONGEST
        and name == name.strip()
        and not name.endswith(".")
        and not _means_something(name)
    )


def safe_name(label: str) -> str:
    """A class as the name of a folder on any system: ``open door`` stays, ``../a`` is ``a``; ``""`` if none is left."""
    name = " ".join(FORBIDDEN.sub(" ", unicodedata.normalize("NFC", label)).split()).strip(". ")
    name = name.encode()[:LONGEST].decode("utf-8", "ignore").strip(". ")
    return f"{name}_" if name and _means_something(name) else name


def _means_something(name: str) -> bool:
    """Whether it is a device to Windows, or left behind by a system or a program."""
    return bool(_RESERVED.fullmatch(name)) or is_stray(name)
