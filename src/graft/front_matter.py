"""The few lines of YAML that head a README on a hub, written so that every reader of YAML reads the same text.

A class called ``no``, ``1e3`` or ``2024-01-31`` is a truth value, a number and a day to YAML: every text stands in
double quotes, with all in it escaped that is not plainly printed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

FENCE = "---"

_ESCAPED = re.compile(r'["\\\x00-\x1f\x7f-\xa0\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]')
_KEY = re.compile(r"[a-z][a-z0-9_-]*")
_SPLIT = re.compile(r"\A---[ \t]*\n(.*?)\n---[ \t]*(?:\n|\Z)(.*)\Z", re.DOTALL)

Value = str | bool | Sequence[str]


def headed(values: Mapping[str, Value], body: str) -> str:
    """A README with its front matter; a key whose value is empty is left out, for hubs refuse those.

    Args:
        values: By key; texts, truth values and lists of texts.
        body: What follows, as Markdown.
    """
    lines = []
    for key, value in values.items():
        assert _KEY.fullmatch(key), key
        if isinstance(value, bool):
            lines.append(f"{key}: {str(value).lower()}")
        elif isinstance(value, str):
            lines += [f"{key}: {quoted(value)}"] if value else []
        elif value:
            lines += [f"{key}:", *(f"- {quoted(entry)}" for entry in value)]
    return "\n".join((FENCE, *lines, FENCE, "", body))


def quoted(text: str) -> str:
    """A text as a double-quoted scalar of YAML, which it is of JSON as well."""
    return f'"{_ESCAPED.sub(lambda found: _escape(found[0]), text)}"'


def split(readme: str) -> tuple[str, str]:
    """The front matter of a README without its fences, ``""`` where there is none, and what follows it."""
    found = _SPLIT.match(readme.replace("\r\n", "\n"))
    return (found[1], found[2]) if found else ("", readme)


def _escape(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    if 0xD800 <= ord(character) <= 0xDFFF:  # half a character, which no UTF-8 holds
        return "\ufffd"
    return f"\\u{ord(character):04x}"
