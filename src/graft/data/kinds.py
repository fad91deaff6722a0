"""Which modality data are of: judged by the contents of files, and by the types of values in Python."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import Any, TypeVar

from graft.contracts import MODALITIES
from graft.data.items import Item, Text, as_item
from graft.data.listing import peek
from graft.decoding.archive import READ_ERRORS
from graft.decoding.containers import container_in
from graft.decoding.formats import (
    KNOWN_SUFFIXES,
    MARKUP,
    NOUNS,
    PICTURES,
    RECORDINGS,
    belongs_to,
    is_own_page,
    kind_of,
    promised,
)
from graft.errors import ItemError, MixedModalities, UsageError

T = TypeVar("T")

A_FEW = 0.1
"""Files of another modality, up to this share, are skipped; beyond it the data set is mixed."""

A_FEW_TEXTS = 3
"""So many text files (a licence, a list of sources) are skipped in however small a data set."""

UNREADABLE: tuple[type[Exception], ...] = (ItemError, *READ_ERRORS)
"""What looking at the first bytes of an item can raise."""

_SAMPLE = 50


def check_modality(modality: str | None) -> None:
    """``None``, or one of the three.

    Raises:
        UsageError: It is none of them.
    """
    if modality is not None and modality not in MODALITIES:
        raise UsageError(f"There is no modality {modality!r}.", 'Use "image", "text" or "audio".')


def look_at(item: Item) -> str:
    """The kind of a file, as ``kind_of`` has it; ``"empty"``, and ``"blank"`` for one that begins with white space.

    Raises:
        UNREADABLE: It cannot be read.
    """
    if isinstance(item, Text):
        return "text"
    head = peek(item)
    if not head:
        return "empty"
    kind = kind_of(head) if head.strip() else "blank"
    if kind == "html" and is_own_page(item.read()):
        return "graft"
    return (container_in(item.read()) or kind) if kind in ("zip", "ole") else kind


def first_bytes(item: Item) -> bytes:
    """As ``peek`` has them; none where the item cannot be read, or is nothing at all."""
    try:
        return peek(item)
    except UNREADABLE:
        return b""


def kind_or_reason(item: Item) -> tuple[str, str]:
    """The kind of a file, as ``look_at`` has it; or ``""``, and why it cannot be read."""
    try:
        return look_at(item), ""
    except UNREADABLE as error:
        why = getattr(error, "strerror", None) or error
        return "", error.message if isinstance(error, ItemError) else f"It cannot be read: {why}."


def can_be(modality: str, kind: str, name: str) -> bool:
    """Whether a file of this kind and name can be read as an item of the modality."""
    if modality == "image":
        return kind in PICTURES
    if modality == "audio":
        return kind in RECORDINGS
    return kind in ("text", "blank") or (kind in MARKUP and promised(name) in ("", "text"))


def count_modalities(kinds: Iterable[tuple[str, str]]) -> Counter[str]:
    """How many files speak for each modality.

    Texts beside a picture or recording of the same name (captions, boxes, transcripts) do not count; markup does where
    there is nothing else.

    Args:
        kinds: Name and kind of each file.
    """
    kinds = list(kinds)
    media = {_stem(name) for name, kind in kinds if belongs_to(kind) in ("image", "audio")}
    counts = Counter(
        modality
        for name, kind in kinds
        if (modality := belongs_to(kind)) and not (media and modality == "text" and _stem(name) in media)
    )
    if not counts:
        counts["text"] = sum(can_be("text", kind, name) for name, kind in kinds)
    if not counts.total():
        counts["audio"] = sum(kind == "matroska" for _, kind in kinds)
    return +counts


def settle(counts: Counter[str], place: str, what_to_do: str, few_texts: int = A_FEW_TEXTS) -> str:
    """The modality that most files speak for; ``"image"`` where none do.

    Raises:
        MixedModalities: There are more than a few of a second one.
    """
    ranked = sorted(MODALITIES, key=lambda modality: -counts[modality])
    for modality in ranked[1:]:
        tolerated = max(A_FEW * counts.total(), few_texts if modality == "text" else 0)
        if counts[modality] > tolerated:
            raise MixedModalities(f"{place} {spell(counts)}.", what_to_do)
    return ranked[0]


def spell(counts: Counter[str]) -> str:
    """``4 pictures and 2 recordings``."""
    words = [how_many(counts[modality], modality) for modality in MODALITIES if counts[modality]]
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def how_many(n: int, modality: str) -> str:
    """``1 picture``, ``2 texts``."""
    return counted(n, *NOUNS[modality])


def counted(n: int, one: str, many: str) -> str:
    """How many there are, in words for one or for several."""
    return f"{n:,} {one if n == 1 else many}"


def some_of(names: Sequence[str], most: int = 3) -> str:
    """The first few of them, and how many more there are."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def modality_of_values(values: Sequence[Any]) -> tuple[str, bool]:
    """The modality that paths, strings, the bytes of files and items speak for; and whether most strings are paths.

    Raises:
        MixedModalities: There are more than a few of a second modality.
    """
    strings = [value for value in values if isinstance(value, str)]
    sample = spread(strings, _SAMPLE)
    paths = 2 * sum(map(is_path, sample)) > len(sample)
    texts = 0 if paths else len(strings)
    files = [value for value in values if paths or not isinstance(value, str)]
    found = _modalities_of(spread(files, _SAMPLE))
    if len(found) + bool(texts) > 1:  # not of one mind: then all of them count
        found = _modalities_of(files)
    advice = "Give one kind, or say which is meant: modality='image', 'text' or 'audio'."
    return settle(found + Counter(text=texts), "The list holds", advice, few_texts=0 if texts else A_FEW_TEXTS), paths


def is_path(text: str) -> bool:
    """Whether there is a file or folder of this name, or a word ends as files do; "yes/no" is a text."""
    return is_there(text) or (looks_like_a_path(text) and _has_known_suffix(text))


def is_there(text: str) -> bool:
    """Whether there is a file or folder of this name."""
    # Unlike ``Path.exists`` it raises nothing where a text is no path: too long, or holding a NUL.
    return bool(text.strip()) and len(text) <= 4096 and os.path.exists(text)  # noqa: PTH110


def looks_like_a_path(text: str) -> bool:
    """No white space, and either an extension that is known or a slash."""
    if not text or len(text) > 4096 or text.split(None, 1) != [text]:
        return False
    return "/" in text or "\\" in text or _has_known_suffix(text)


def _has_known_suffix(text: str) -> bool:
    return PurePosixPath(text).suffix.lower() in KNOWN_SUFFIXES


def spread(values: Sequence[T], n: int) -> Sequence[T]:
    """At most ``n`` of the values, evenly spread."""
    return values if len(values) <= n else [values[i * len(values) // n] for i in range(n)]


def _modalities_of(values: Iterable[Any]) -> Counter[str]:
    """What paths, bytes and items speak for; a file that cannot be read speaks by its extension."""
    counts: Counter[str] = Counter()
    for value in values:
        try:
            item = as_item(value)
            name, kind = item.name, look_at(item)
        except UNREADABLE:
            name, kind = (value if isinstance(value, str) else getattr(value, "name", "")), ""
        if modality := belongs_to(kind) or ("" if kind else promised(name)):
            counts[modality] += 1
    return counts


def _stem(name: str) -> str:
    return name.rpartition(".")[0] or name
