"""Texts -> what `model.onnx` takes, with numpy alone. Reads the files beside it; `tokenizer.js` does so in browsers.

    tokenizer = Tokenizer("tokenizer")
    session.run(None, tokenizer(["one text", "another"]))

Every rule of the model's tokenizer that depends on Unicode stands in a table beside this file, so that the answer does
not depend on the Python that runs it.
"""

from __future__ import annotations

import json
import math
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

PIECES, PIECE, WINDOW = 64, 2048, 254
"""Of a text of more than PIECES * PIECE characters so many pieces of so many characters are read, and of those as many
windows of at most WINDOW tokens. Shorter texts go into the graph whole, which cuts them into windows itself."""
BEGINNING, END, UNKNOWN = 101, 102, 100
LONGEST_WORD = 100
KEPT, REMOVED, SPACED, CHANGED, HANGUL, BARRIER = range(6)
"""What becomes of a character: the same, nothing, a word of its own, others, its letters, nothing but ends a run."""
WORD, SPACE, ALONE = range(3)

LONGEST_COUNTED, BUCKETS = 20_000, 1 << 22
BASE, MASK = 0x9E3779B97F4A7C15, (1 << 64) - 1
BLANK, MARK, IDEOGRAPH, LETTER, DIGIT, UNASSIGNED = range(6)


class Tokenizer:
    """The tokenizer of one exported model.

    Args:
        folder: Where `vocabulary.txt`, `characters.json` and, for a model that looks at words, `words.json` lie.
    """

    def __init__(self, folder: str | Path) -> None:
        folder = Path(folder)
        tokens = (folder / "vocabulary.txt").read_text("utf-8").split("\n")
        self.vocabulary = {token: number for number, token in enumerate(tokens)}
        characters = _json(folder / "characters.json")
        self.fates, self.kinds = _table(characters["fates"]), _table(characters["kinds"])
        self.changed: dict[str, str] = characters["changed"]
        self.order: dict[str, int] = characters["order"]
        self.words = Words(_json(folder / "words.json")) if (folder / "words.json").is_file() else None

    def __call__(self, texts: Sequence[str]) -> dict[str, np.ndarray[Any, Any]]:
        """``n`` texts -> `input_ids` and `attention_mask` ``(n, length) int64``, and `words` ``(n, w) float32`` or not.

        Raises:
            ValueError: A text has no character that can be read.
        """
        windows = [[[BEGINNING, *segment, END] for segment in self.segments(text)] for text in texts]
        return inputs_of(texts, windows, self.words)

    def segments(self, text: str) -> list[list[int]]:
        """The tokens of a text: in one list, or of a very long one those of the windows that are read.

        Raises:
            ValueError: Nothing of it can be read.
        """
        text = clean(text)
        if len(text) <= PIECES * PIECE:
            found = [self.ids(text)]
        else:
            starts = np.linspace(0, len(text) - PIECE, PIECES).astype(int)
            pieces = [self.ids(text[start : start + PIECE]) for start in starts]
            found = [piece[start:end] for piece in pieces for start, end in _cuts(len(piece))]
            if len(found) > PIECES:
                found = [found[index] for index in np.linspace(0, len(found) - 1, PIECES).round().astype(int)]
        if not any(found):
            raise ValueError("The text has no character that can be read.")
        return found

    def ids(self, text: str) -> list[int]:
        """The tokens of a text, without marks at its ends."""
        return [token for word in self.split(text) for token in self.pieces(word)]

    def split(self, text: str) -> Iterator[str]:
        """Its words, as the vocabulary spells them."""
        word = ""
        for character in self.normalised(text):
            kind = self.kinds[ord(character)]
            if kind == WORD:
                word += character
                continue
            if word:
                yield word
            if kind == ALONE:
                yield character
            word = ""
        if word:
            yield word

    def normalised(self, text: str) -> str:
        """The text in lower case, without accents, with spaces around characters that are words of their own."""
        if text.isascii():
            text = text.lower()
        found: list[str] = []
        barriers: set[int] = set()
        for character in text:
            fate = self.fates[ord(character)]
            if fate == KEPT:
                found.append(character)
            elif fate == SPACED:
                found += (" ", character, " ")
            elif fate == CHANGED:
                found += self.changed[character]
            elif fate == HANGUL:
                found += _letters(ord(character) - 0xAC00)
            elif fate == BARRIER:
                barriers.add(len(found))
        self._sort(found, barriers)
        return "".join(found)

    def _sort(self, found: list[str], barriers: set[int]) -> None:
        """Marks that follow each other stand in the order that Unicode gives them."""
        start = 0
        while start < len(found):
            end = start
            while end < len(found) and found[end] in self.order and (end == start or end not in barriers):
                end += 1
            found[start:end] = sorted(found[start:end], key=self.order.__getitem__)
            start = max(end, start + 1)

    def pieces(self, word: str) -> list[int]:
        """The tokens of a word: the longest that the vocabulary has, one after another."""
        if len(word) > LONGEST_WORD:
            return [UNKNOWN]
        found: list[int] = []
        start = 0
        while start < len(word):
            for end in range(len(word), start, -1):
                token = self.vocabulary.get(("##" if start else "") + word[start:end])
                if token is not None:
                    break
            else:
                return [UNKNOWN]
            found.append(token)
            start = end
        return found

    def cannot(self, text: str) -> str:
        """Why a text may be read otherwise here than by the model, or `""`."""
        if self.words is not None and (odd := self.words.newer(text)):
            return f"This Python does not know the character U+{ord(odd):04X}, the model does."
        if text.count("\0") * 5 > len(text):
            return "The text holds so many zeros that it looks like one in UTF-16."
        return ""


def inputs_of(
    texts: Sequence[str], windows: Sequence[Sequence[Sequence[int]]], words: Words | None
) -> dict[str, np.ndarray[Any, Any]]:
    """What a graph takes for ``n`` texts: the tokens of each text's windows in a row, and in the mask their numbers."""
    length = max((sum(map(len, row)) for row in windows), default=0)
    ids, mask = np.zeros((len(windows), length), np.int64), np.zeros((len(windows), length), np.int64)
    for row, parts in enumerate(windows):
        tokens = [token for part in parts for token in part]
        ids[row, : len(tokens)] = tokens
        mask[row, : len(tokens)] = np.repeat(np.arange(1, len(parts) + 1), [len(part) for part in parts])
    inputs: dict[str, np.ndarray[Any, Any]] = {"input_ids": ids, "attention_mask": mask}
    if words is not None:
        inputs["words"] = np.stack([words.row(clean(text)) for text in texts])
    return inputs


class Words:
    """How much of which n-grams a text has: the row of TF-IDF that a model takes beside the tokens."""

    def __init__(self, tables: dict[str, Any]) -> None:
        self.classes = _table(tables["classes"])
        self.folds: dict[str, str] = tables["folds"]
        self.columns = {bucket: column for column, bucket in enumerate(np.cumsum(tables["buckets"]).tolist())}
        self.first_characters = sum(bucket < BUCKETS for bucket in self.columns)
        self.idf: list[float] = tables["idf"]

    def row(self, text: str) -> np.ndarray[Any, Any]:
        """A text -> ``(w,) float32``."""
        found = Counter(column for bucket in self.buckets(text) if (column := self.columns.get(bucket)) is not None)
        values = {column: (1 + math.log(count)) * self.idf[column] for column, count in found.items()}
        squares = [0.0, 0.0]
        for column, value in values.items():
            squares[column >= self.first_characters] += value * value
        row = np.zeros(len(self.idf), np.float32)
        for column, value in values.items():
            row[column] = value / math.sqrt(squares[column >= self.first_characters] * sum(one > 0 for one in squares))
        return row

    def buckets(self, text: str) -> Iterator[int]:
        """The bucket of each n-gram: words, pairs of words, and 3 to 5 characters within a word."""
        codes = [32, *map(ord, self.folded(text)), 32]
        kinds = [self.classes[code] % UNASSIGNED for code in codes]
        before = None
        for start, end in _runs(kinds):
            word = _mixed(_sum(codes[start:end]))
            yield word % BUCKETS
            if before is not None:
                yield _mixed((before * BASE + word) & MASK) % BUCKETS
            before = word
        spaced = [
            32 if kind == BLANK else code
            for place, (code, kind) in enumerate(zip(codes, kinds, strict=True))
            if kind != BLANK or not place or kinds[place - 1] != BLANK
        ]
        blank = [self.classes[code] % UNASSIGNED == BLANK for code in spaced]
        letters = [_mixed(code) for code in spaced]
        for start in range(len(letters)):
            value = 0
            for size, letter in enumerate(letters[start : start + 5], 1):
                if size > 2 and blank[start + size - 2]:
                    break
                value = (value * BASE + letter) & MASK
                if size > 2:
                    yield _mixed((value + size) & MASK) % BUCKETS + BUCKETS

    def folded(self, text: str) -> str:
        """The text in compatible characters (NFKC), without regard to case; its beginning."""
        text = text[:LONGEST_COUNTED]
        if text.isascii():
            return text.lower()
        parts = [""]  # in turns with characters that Unicode did not know when the model was made: they stay
        for character in text:
            if self.classes[ord(character)] == UNASSIGNED:
                parts += (character, "")
            else:
                parts[-1] += character
        text = "".join(part if new % 2 else unicodedata.normalize("NFKC", part) for new, part in enumerate(parts))
        return "".join(self.folds.get(character, character) for character in text)[:LONGEST_COUNTED]

    def newer(self, text: str) -> str:
        """The first character that the model knows and this Python does not, or `""`."""
        unknown = (one for one in text if unicodedata.category(one) == "Cn" and self.classes[ord(one)] != UNASSIGNED)
        return next(unknown, "")


def clean(text: str) -> str:
    """The text without a byte order mark, and with U+FFFD for half a character."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").removeprefix("\ufeff")


def _cuts(tokens: int) -> list[tuple[int, int]]:
    count = -(-tokens // WINDOW)
    return [(tokens * part // count, tokens * (part + 1) // count) for part in range(count)]


def _letters(syllable: int) -> str:
    last = chr(0x11A7 + syllable % 28) if syllable % 28 else ""
    return chr(0x1100 + syllable // 588) + chr(0x1161 + syllable % 588 // 28) + last


def _runs(kinds: Sequence[int]) -> Iterator[tuple[int, int]]:
    """First character and end of each word."""
    start = 0
    while start < len(kinds):
        end = start + 1
        if kinds[start] >= LETTER:
            while end < len(kinds) and kinds[end] >= LETTER:
                end += 1
        if kinds[start] != BLANK:
            yield start, end
        start = end


def _sum(codes: Sequence[int]) -> int:
    value = 0
    for code in reversed(codes):
        value = (value * BASE + _mixed(code)) & MASK
    return value


def _mixed(value: int) -> int:
    """Spread the bits of a number over all 64 (the finaliser of splitmix64)."""
    value = (value + BASE) & MASK
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    value = (value ^ (value >> 27)) * 0x94D049BB133111EB & MASK
    return value ^ (value >> 31)


def _table(runs: Sequence[Sequence[int]]) -> bytearray:
    """One byte for every code point; runs are first, length and value, all others 0."""
    table = bytearray(0x110000)
    for first, length, value in runs:
        table[first : first + length] = bytes([value]) * length
    return table


def _json(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text("utf-8")))
