"""An entry of the manifest, a line of it, and whether what stands in one may be believed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from graft.data.names import safe_name
from graft.decoding.formats import PICTURES, USUAL_EXTENSION
from graft.results.facts import hints_of, restored

STATES = ("kept", "duplicate", "refused", "failed")

ENDS = "|".join(re.escape(USUAL_EXTENSION[kind]) for kind in sorted(PICTURES))
"""How the name of a picture ends, as a pattern."""

_FILE = re.compile(rf"[0-9]{{4,9}}(?:{ENDS})")
_REASON = re.compile(r"[a-z0-9_]{1,40}")


@dataclass(frozen=True, slots=True)
class ManifestEntry:
    """What became of a picture.

    Attributes:
        state: ``kept``; ``duplicate`` of another one; ``refused`` for good; ``failed``, to be tried again.
        label: The class.
        query: What was searched for.
        provider: Where it was found.
        url: The picture's own address.
        time: When, in UTC.
        page: The address of its page.
        final_url: The address after redirects.
        title: What it is called on its page.
        licence: What is said of its licence.
        file: Its file, below the folder: ``label/0001.jpg``.
        sha256: Of the file.
        bytes: Of the file.
        width: In pixels; ``height`` likewise.
        look: By which near copies of it are found.
        of: The file that it is a duplicate of.
        reason: A stable word that says why it is not kept.
        message: The same in a sentence.
    """

    state: str
    label: str
    query: str
    provider: str
    url: str
    time: str
    page: str = ""
    final_url: str = ""
    title: str = ""
    licence: str = ""
    file: str = ""
    sha256: str = ""
    bytes: int = 0
    width: int = 0
    height: int = 0
    look: str = ""
    of: str = ""
    reason: str = ""
    message: str = ""


def read_entry(record: Any) -> ManifestEntry | None:
    """A line of the manifest, if it is one.

    A folder may come from others: the names lead to files, and states and reasons are printed.
    """
    try:
        known = {key: record[key] for key in hints_of(ManifestEntry).keys() & record}
        line: ManifestEntry = restored(ManifestEntry, known)
    except (ValueError, LookupError, TypeError):
        return None
    label, slash, name = line.file.partition("/")
    named = slash and label == line.label and _FILE.fullmatch(name)
    believed = line.state in STATES and line.label and line.label == safe_name(line.label)
    kept = line.state == "kept"
    return line if believed and (named if kept else not line.file and _REASON.fullmatch(line.reason)) else None
