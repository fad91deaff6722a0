"""Texts that say nothing: without a word, placeholders, and what is said under every label alike."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from graft.contracts import Float64

PLACEHOLDERS = frozenset({
    "n a", "na", "none", "null", "nil", "nan", "undefined", "unknown", "empty", "blank", "test", "testing", "test test",
    "tbd", "todo", "tba", "xxx", "asdf", "foo", "foo bar", "see attachment", "see attached", "please see attached",
    "see attached file", "see below", "see above", "no text", "no comment", "no content", "no message",
    "no description", "no subject", "deleted", "removed", "redacted", "placeholder", "sample text", "your text here",
    "insert text here", "click here",
})  # fmt: skip
"""What is written where nothing was to be written, in lower case and without punctuation."""
OFTEN = 5
"""Items in which a line stands at least to be boilerplate."""
ONE_LABEL = 0.8
"""Share of those items under one label from which on the line says something about it after all."""

_LOREM = "lorem ipsum"
_TAG = re.compile(r"<[^<>]{0,500}>|&[a-z#0-9]{1,8};", re.IGNORECASE)
_LINK = re.compile(r"(https?://|www\.)\S+", re.IGNORECASE)
_MARKS = re.compile(r"[\W_]+")
_NUMBER = re.compile(r"\d+")
_LONGEST = 20_000
"""Characters of a text that are looked at."""


def emptiness(texts: Sequence[str]) -> Float64:
    """1 for each of ``n`` texts that is punctuation and white space only, else 0: ``(n,) float64``."""
    return np.array([0.0 if _says_something(text) else 1.0 for text in texts])


def repetition(texts: Sequence[str], labels: Sequence[str]) -> Float64:
    """Share of each of ``n`` texts that is boilerplate, ``(n,) float64`` from 0 to 1.

    A text is boilerplate as a whole if it is a placeholder, or nothing but links or the tags of a web page. A line is
    boilerplate if it stands, but for case, punctuation and numbers, in ``OFTEN`` texts, and no label has ``ONE_LABEL``
    of them.
    """
    lines = [_lines(text[:_LONGEST]) for text in texts]
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for own, label in zip(lines, labels, strict=True):
        for line in set(own):
            found[line][label] += 1
    common = {
        line
        for line, counts in found.items()
        if (n := counts.total()) >= OFTEN and max(counts.values()) < ONE_LABEL * n
    }
    shares = [
        1.0 if _is_placeholder(text[:_LONGEST]) else _share(own, common) for text, own in zip(texts, lines, strict=True)
    ]
    return np.array(shares, np.float64)


def _says_something(text: str) -> bool:
    """Whether there is a letter, a digit or a picture character in it."""
    return any(unicodedata.category(character)[0] in "LNS" for character in text[:_LONGEST])


def _is_placeholder(text: str) -> bool:
    bare = _folded(text)
    if bare in PLACEHOLDERS or bare.startswith(_LOREM):
        return True
    if "<" not in text and "/" not in text and "." not in text:
        return False
    return bool(bare) and not _folded(_LINK.sub(" ", _TAG.sub(" ", text)))


def _lines(text: str) -> list[str]:
    folded = (_NUMBER.sub("0", _folded(line)) for line in text.splitlines())
    return [line for line in folded if line]


def _folded(text: str) -> str:
    return _MARKS.sub(" ", text).strip().casefold()


def _share(lines: Sequence[str], common: set[str]) -> float:
    whole = sum(map(len, lines))
    return sum(len(line) for line in lines if line in common) / whole if whole else 0.0
