"""Which keys can be names of files, on every system alike."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable

_MAX_PART = 255
"""Bytes that a file's name may have."""
_WINDOWS = re.compile(r'[<>:"|?*]|[. ]$|^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)', re.IGNORECASE)


def why_odd(name: str) -> str:
    """Why a name, of parts between slashes, is not taken as a file's; "" if it is."""
    parts = name.split("/")
    if any(part in ("", ".", "..") for part in parts):
        return "its key has an empty or dot part"
    if any(unicodedata.category(letter) in ("Cc", "Cs") or letter in "\ufffd\\" for letter in name):
        return "its key holds a control character or a backslash"
    if any(len(part.encode()) > _MAX_PART for part in parts):
        return f"a part of its key has more than {_MAX_PART} bytes"
    if os.name == "nt" and any(_WINDOWS.search(part) for part in parts):
        return "Windows has no such file names"
    return ""


def sort_out(names: Iterable[str]) -> tuple[list[str], dict[str, str]]:
    """The names that can lie side by side in a folder, and why the others cannot.

    Of two that differ only in case or in how a letter is composed, the first is kept: many disks take them for one,
    and a data set should be the same everywhere.

    Args:
        names: Sorted, parts between slashes.
    """
    odd: dict[str, str] = {}
    fine = []
    for name in names:
        if why := why_odd(name):
            odd[name] = why
        else:
            fine.append(name)
    folders = {_alike(name[:at]) for name in fine for at, letter in enumerate(name) if letter == "/"}
    kept: dict[str, str] = {}
    for name in fine:
        alike = _alike(name)
        if alike in folders:
            odd[name] = "another key uses its name as a folder"
        elif alike in kept:
            odd[name] = f"its key differs from {kept[alike]} only in case or in how letters are composed"
        else:
            kept[alike] = name
    return list(kept.values()), odd


def _alike(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
