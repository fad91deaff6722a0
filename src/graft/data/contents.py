"""What the files of a data set are: which can be read, and as what."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path, PurePosixPath

from graft.data.arrangement import Labelled
from graft.data.items import Item, Skipped, Text
from graft.data.kinds import can_be, count_modalities, kind_or_reason, settle
from graft.decoding.formats import EXTENSIONS, NOT_OF_THE_KIND, NOUNS, belongs_to, describe_kind, remedy


@dataclass(slots=True)
class Contents:
    """A data set's files, judged by their first bytes.

    Attributes:
        modality: What they are.
        rows: What can be read, with clean labels.
        skipped: What cannot, and why.
        misnamed: Names that promise another kind.
        remedy: What to do about the kind that is most frequent among what cannot be read; ``""`` for nothing special.
    """

    modality: str
    rows: list[Labelled] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    misnamed: list[str] = field(default_factory=list)
    remedy: str = ""


def look_into(rows: Iterable[Labelled], place: Path, asked: str | None, *, multi_label: bool) -> Contents:
    """Judge every file by its first bytes, never by its name, and find the modality of most.

    Args:
        rows: The items.
        place: Where they come from.
        asked: The modality that was asked for; files of others are skipped then, however many they are.
        multi_label: An item may have no label.

    Raises:
        MixedModalities: There are more than a few of a second modality, and none was asked for.
    """
    judged = [(row, *kind_or_reason(row.item)) for row in rows]
    modality = asked or settle(
        _count([(row.item, kind) for row, kind, _ in judged]),
        f"{place} holds",
        "Give one kind, or say which is meant: --modality image, text or audio (in Python modality='image') skips the "
        "others.",
    )
    contents = Contents(modality)
    declined: Counter[str] = Counter()
    for row, kind, problem in judged:
        label = clean_label(row.label)
        reason, code = (problem, "unreadable") if problem else _objection(row.item, kind, modality)
        if not reason and not label and not multi_label:
            reason, code = "It has no label.", "no_label"
        if reason:
            contents.skipped.append(Skipped(row.item.name, reason, code))
            declined.update([kind] if code == NOT_OF_THE_KIND[modality] else [])
            continue
        contents.rows.append(row if label == row.label else row._replace(label=label))
        if not isinstance(row.item, Text) and _is_misnamed(row.item.name, kind, modality):
            contents.misnamed.append(f"{row.item.name} ({kind.upper()})")
    for kind, _ in declined.most_common(1):
        contents.remedy = remedy(kind, asked or belongs_to(kind))
    return contents


_UNSEEN = {0x200B: None, 0x2060: None, 0xFEFF: None, 0x00AD: None, 0x00A0: " ", 0x202F: " "}
"""Zero-width spaces and soft hyphens, which nobody sees, and spaces that do not break."""
_AROUND = " \t\n\r\v\f\x1c\x1d\x1e\x1f\x85\u200c\u200d\u200e\u200f\u2028\u2029\u3000"


@lru_cache(maxsize=10_000)
def clean_label(label: str) -> str:
    """Without white space around and what is not seen, and of one spelling: macOS writes names otherwise than it reads.

    Zero-width joiners stand inside words of some scripts and stay there; around a label they are nothing.
    """
    return unicodedata.normalize("NFC", label.translate(_UNSEEN).strip(_AROUND))


def label_set(labels: Iterable[str]) -> tuple[str, ...]:
    """Clean labels, sorted, none twice and none empty."""
    return tuple(sorted({clean_label(label) for label in labels} - {""}))


def count_files(items: Iterable[Item]) -> Counter[str]:
    """How many files speak for each modality."""
    return _count([(item, kind_or_reason(item)[0]) for item in items])


def _count(kinds: Sequence[tuple[Item, str]]) -> Counter[str]:
    files = [(item.name, kind) for item, kind in kinds if not isinstance(item, Text)]
    return count_modalities(files) + Counter(text=len(kinds) - len(files))


def _objection(item: Item, kind: str, modality: str) -> tuple[str, str]:
    """Why an item cannot be used, and the code for it; nothing where it can."""
    if kind == "empty":
        return "The file is empty.", "empty"
    if can_be(modality, kind, item.name):
        return "", ""
    reason = f"It is not a {NOUNS[modality][0]} that can be read: it is {describe_kind(kind, modality)[0]}."
    return f"{reason} {remedy(kind, modality)}".rstrip(), NOT_OF_THE_KIND[modality]


def _is_misnamed(name: str, kind: str, modality: str) -> bool:
    suffix = PurePosixPath(name).suffix.lower()
    if modality == "text":  # texts have any extension
        return suffix in EXTENSIONS
    return suffix[1:].isalnum() and EXTENSIONS.get(suffix) != kind
