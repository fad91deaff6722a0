"""Patterns of file names that say label, group and split: ``{label}_{group}_{index}.wav``."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import NamedTuple

from graft.errors import UsageError
from graft.reading.cutting import Piece, Way

FIELDS = ("label", "group", "split")
"""The fields that mean something; any other name, and ``*``, stands for what does not matter."""

MAX_WILDCARDS = 8
MAX_STARS = 3
"""Every star multiplies the ways in which a name can be cut."""

_LONGEST = 4096
"""Characters of a name; none that is longer fits."""
_MOST_CLASSES = 20

_TOKENS = re.compile(r"\{[^{}]*\}|\*+|[^{}*]+|[{}]")
_EXTENSION = re.compile(r"\.[A-Za-z][A-Za-z0-9]{0,4}$")


class Named(NamedTuple):
    """What a name says, ``""`` for a field that the pattern lacks; and whether it could be read in another way too."""

    label: str
    group: str
    split: str
    ambiguous: bool


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern of file names.

    Attributes:
        text: As it was given.
        fields: Those of ``FIELDS`` in it.
    """

    text: str
    fields: frozenset[str]
    _extension: str
    _strict: Way
    _label_free: Way
    _shortest: Way
    _longest: Way

    def match(self, path: str) -> Named | None:
        """What a path says: its last part, or all of it where the pattern holds a slash; ``None`` if it does not fit.

        A field holds none of the characters that stand between fields, if it can; else the label alone may hold them.
        """
        if "/" not in self.text.replace("\\", "/").removeprefix("./"):
            path = path.rpartition("/")[2]
        if len(path) > _LONGEST:
            return None
        for name in self._names(unicodedata.normalize("NFC", path)):
            strict = self._strict.fit(name)
            said = strict or self._label_free.fit(name) or self._shortest.fit(name)
            if said:
                label, group, split = (said.get(field, "") for field in FIELDS)
                is_torn = not strict and self._shortest.fit(name) != self._longest.fit(name)
                return Named(label, group, split, is_torn)
        return None

    def _names(self, path: str) -> list[str]:
        """What the fields are looked for in: the path without its extension; or with it, if none was asked for."""
        if not self._extension:
            return list(dict.fromkeys((path.removesuffix(_extension(path)), path)))
        return [path[: -len(self._extension)]] if path.lower().endswith(self._extension) else []


def compile_pattern(text: str) -> Pattern:
    """The pattern in ``text``.

    Raises:
        UsageError: It says nothing, or what it says could not be found in a name.
    """
    given = unicodedata.normalize("NFC", text.strip().replace("\\", "/").removeprefix("./"))
    tokens = _TOKENS.findall(given.removesuffix(".*"))
    wild = [token.startswith("*") or (token.startswith("{") and len(token) > 1) for token in tokens]
    fields = [token[1:-1].strip() for token in tokens if token.startswith("{")]
    if complaint := _complaint(tokens, wild, fields):
        raise UsageError(
            f"The pattern {text!r} has {complaint}.", "Write it like {label}_{group}_{index}.wav or *_{label}."
        )
    extension = "" if given.endswith(".*") or wild[-1] else _extension(tokens[-1])
    if extension:
        tokens[-1] = tokens[-1].removesuffix(extension)
    literals = "".join(token for token, is_wild in zip(tokens, wild, strict=True) if not is_wild)
    between = "/" + "".join(sorted({character for character in literals if not character.isalnum()} - {"/"}))
    free = [_free(token) for token in tokens if token]
    bounded = [
        piece._replace(barred=between, greedy=True) if not piece.literal and piece.least else piece for piece in free
    ]
    return Pattern(
        text=text,
        fields=frozenset(fields) & set(FIELDS),
        _extension=extension.lower(),
        _strict=Way(tuple(bounded)),
        _label_free=Way(
            tuple(own if own.field == "label" else piece for own, piece in zip(free, bounded, strict=True))
        ),
        _shortest=Way(tuple(free)),
        _longest=Way(tuple(piece._replace(greedy=True) for piece in free)),
    )


def _complaint(tokens: Sequence[str], wild: Sequence[bool], fields: Sequence[str]) -> str:
    """What a pattern has that it should not have, ``""`` for nothing."""
    for token in tokens:
        if token in ("{", "}"):
            return f"a {token} without its partner"
    for field in fields:
        if not field.isidentifier():
            return f"a field called {field!r}"
        if fields.count(field) > 1:
            return f"the field {{{field}}} twice"
    for first, second in itertools.pairwise(zip(tokens, wild, strict=True)):
        if first[1] and second[1]:
            return f"nothing between {first[0]} and {second[0]}, so where one ends cannot be told"
    if not set(fields) & set(FIELDS):
        return "none of the fields {label}, {group} and {split}"
    if (stars := sum(token.startswith("*") for token in tokens)) > MAX_STARS:
        return f"{stars} stars; the limit is {MAX_STARS}, and what holds no separator can be called {{other}}"
    return f"{sum(wild)} fields; the limit is {MAX_WILDCARDS}" if sum(wild) > MAX_WILDCARDS else ""


def suggest_pattern(names: Sequence[str]) -> str:
    """A pattern that many names in one folder seem to follow, ``""`` if they follow none."""
    names = [name.rpartition("/")[2] for name in names]
    if len(names) < 4:
        return ""
    suffix = Counter(PurePosixPath(name).suffix for name in names).most_common(1)[0][0]
    stems = [name.removesuffix(suffix) for name in names if name.endswith(suffix)]
    for separator in "_- .":
        rows = [stem.split(separator) for stem in stems]
        width, n = Counter(map(len, rows)).most_common(1)[0]
        if not 2 <= width <= MAX_WILDCARDS or n < 0.9 * len(names):
            continue
        columns = list(zip(*(row for row in rows if len(row) == width), strict=True))
        parts = [_guess(column, position == width - 1) for position, column in enumerate(columns)]
        if "label" not in parts:
            continue
        parts = [_once(part, position, parts) for position, part in enumerate(parts)]
        return separator.join("*" if part == "*" else f"{{{part}}}" for part in parts) + suffix
    return ""


def _guess(column: Sequence[str], is_last: bool) -> str:
    """Values that come again and again may be labels; running numbers are an index."""
    different = set(column)
    if len(different) == 1:
        return "*"
    if 2 * len(different) > len(column):
        return "index"
    numbers = all(value.isdigit() for value in different)
    return "index" if numbers and (is_last or len(different) > _MOST_CLASSES) else "label"


def _once(part: str, position: int, parts: Sequence[str]) -> str:
    """The first column that repeats itself is called label, the second group; no name is given twice."""
    seen = parts[:position].count(part)
    if part == "label":
        return ("label", "group")[seen] if seen < 2 else "*"
    return part if not seen else "*"


def _free(token: str) -> Piece:
    """A token of a pattern whose fields hold anything but a slash, and as little as they can."""
    if token.startswith("*"):
        return Piece("", least=0)
    if not token.startswith("{"):
        return Piece(token)
    field = token[1:-1].strip()
    return Piece("", field if field in FIELDS else "")


def _extension(text: str) -> str:
    found = _EXTENSION.search(text)
    return found.group() if found else ""
