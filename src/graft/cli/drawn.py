"""What speaks for an answer, drawn for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

import click

from graft.cli.output import shown
from graft.explanation import Explanation, Part, Squares

INDENT = "    "
SHADES = " \u2591\u2592\u2593\u2588"
"""From what does not matter to what matters most."""
AGAINST = "-"
LONGEST = 2_000
"""Characters of a text that are shown."""
WIDTH = 24
"""Columns of a line of time."""


def drawn(why: Explanation) -> Iterator[str]:
    """Lines: what decides in words, and a picture of it.

    Args:
        why: What was found.
    """
    yield click.style(f"{INDENT}{shown(why.sentence)}", dim=True)
    if isinstance(why.found, Squares):
        yield from _squares(why.found, why.matters)
    elif why.kind == "words":
        yield from _words(why.found, shown(why.text[:LONGEST]), why.matters)
    elif why.found:
        yield _times(why.found, why.matters)


def _squares(found: Squares, matters: float) -> Iterator[str]:
    most = max(float(abs(found.effects).max()), matters)
    for row in found.effects.tolist():
        yield f"{INDENT}|{''.join(2 * _shade(effect, most, matters) for effect in row)}|"


def _times(found: Sequence[Part], matters: float) -> str:
    most = max(*(abs(part.effect) for part in found), matters)
    line = "".join(_shade(part.effect, most, matters) for part in found)
    return f"{INDENT}{found[0].start:.1f} s |{line}| {found[-1].end:.1f} s"


def _shade(effect: float, most: float, matters: float) -> str:
    """A character that is the darker the more a part matters."""
    if abs(effect) < matters:
        return SHADES[0]
    return AGAINST if effect < 0 else SHADES[max(1, round(effect / most * (len(SHADES) - 1)))]


def _words(found: Sequence[Part], text: str, matters: float) -> Iterator[str]:
    """The text with what speaks for the answer underlined by a second line, so that no colour is needed."""
    marks = [" "] * len(text)
    for part in found:
        if abs(part.effect) >= matters:
            mark = "^" if part.effect > 0 else AGAINST
            for place in range(int(part.start), min(int(part.end), len(text))):
                marks[place] = mark
    start = 0
    for line in textwrap.wrap(text, 76, drop_whitespace=False, replace_whitespace=False, break_on_hyphens=False):
        yield f"{INDENT}{line}".rstrip()
        if below := "".join(marks[start : start + len(line)]).rstrip():
            yield INDENT + below
        start += len(line)
