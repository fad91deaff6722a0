"""What the names of classes say: of each a text, from which its class can be learned as from one more item."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

_CAMEL = re.compile(r"(?<=[A-Za-z][a-z])(?=[A-Z][a-z])")
_KEPT = ("L", "M", "N")
"""Kinds of characters that words and numbers are made of: vowel signs of many scripts are marks."""


def spelled(classes: Sequence[str]) -> list[str] | None:
    """Every name as a text, its parts set apart: ``"card_arrival"`` and ``"cardArrival"`` as ``"card arrival"``.

    A classifier whose only knowledge are names of classes is far better than chance (Chang, Ratinov, Roth and Srikumar,
    Importance of Semantic Representation: Dataless Classification, AAAI 2008). With few items of each class they add to
    what these tell.

    Args:
        classes: Names of all classes.

    Returns:
        A text for each; ``None`` where names are codes: where one has no word in it, such as ``"3"`` or ``"b"``, or two
        are the same but for figures, such as ``"class 1"`` and ``"class 2"``.
    """
    texts = [_spelled(name) for name in classes]
    words = ["".join(c for c in text.casefold() if c.isalpha()) for text in texts]
    told = all(map(_says_something, words)) and len(set(words)) == len(words)
    return texts if told else None


def _spelled(name: str) -> str:
    marked = _CAMEL.sub(" ", unicodedata.normalize("NFC", name))
    return " ".join("".join(c if unicodedata.category(c)[0] in _KEPT else " " for c in marked).split())


def _says_something(letters: str) -> bool:
    # a single Han character is a word
    return len(letters) > 1 or unicodedata.category(letters or " ") == "Lo"
