"""Texts: words are left out, one at a time."""

from __future__ import annotations

import contextlib
import re
from itertools import pairwise

from graft.contracts import Encoder, ItemLimits
from graft.decoding.encoding import read_text
from graft.errors import ItemError
from graft.explanation.explanation import Part
from graft.explanation.variants import Variants

MOST = 64
"""Parts of a text, at most; in one of more words several neighbours are left out together."""
FEWEST = 8
"""Parts of a very long text."""
CHARACTERS = 20_000
"""So many are read in all where there are more than ``FEWEST`` parts: the variants of a long text take long."""
_CHARACTERS = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_SYLLABLES = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
_WORDS = re.compile(f"[{_CHARACTERS}]|[{_SYLLABLES}]{{1,4}}|[^\\s{_CHARACTERS}{_SYLLABLES}]+")
"""Words: what stands between spaces; of scripts that write none, a character or a few of them."""


def variants(encoder: Encoder, content: bytes, limits: ItemLimits) -> Variants:
    """A text without each of its words; of a long one, without each of its stretches of words.

    Raises:
        ItemError: It cannot be read.
    """
    text = read_text(content, limits)
    values, texts, parts = [encoder.prepare(content, limits).value], [text], []
    for part in parts_of(text):
        rest = _without(text, *part)
        with contextlib.suppress(ItemError):  # nothing that can be read would remain
            values.append(encoder.prepare(rest.encode(), limits).value)
            texts.append(rest)
            parts.append(part)
    return Variants(
        "words",
        len(parts),
        lambda place: values[place],
        lambda effects: [Part(*part, effect) for part, effect in zip(parts, effects, strict=True)],
        texts,
    )


def parts_of(text: str) -> list[tuple[int, int]]:
    """Begin and end of each part that is left out; none where nothing would remain.

    Args:
        text: The text.
    """
    words = [found.span() for found in _WORDS.finditer(text)]
    if len(words) < 2:
        return []
    n = min(len(words), MOST, max(FEWEST, CHARACTERS // len(text)))
    bounds = [len(words) * part // n for part in range(n + 1)]
    return [(words[a][0], words[b - 1][1]) for a, b in pairwise(bounds)]


def _without(text: str, start: int, end: int) -> str:
    """The text without a part, and without one of the two spaces that stood about it."""
    before, after = text[:start], text[end:]
    return before + (after[1:] if before[-1:].isspace() and after[:1].isspace() else after)
