"""What a standalone tokenizer has to know of characters, found by asking the model's own about every one of them.

Rust, Python and browsers know Unicode in different versions. Tables of what the model's tokenizer really does make all
three agree on every code point, those that are assigned to nothing as well.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from typing import Any

from graft.export.tokenizing.tokenizer import ALONE, BARRIER, CHANGED, HANGUL, REMOVED, SPACE, SPACED, UNASSIGNED, WORD
from graft.heads.lexical import Lexicon
from graft.heads.ngrams import class_of

ASKED = (*range(0xD800), *range(0xE000, 0x34000), *range(0xE0000, 0xE1000), 0xFFFFE, 0xFFFFF, 0x10FFFE, 0x10FFFF)
"""Code points that are asked about one by one."""
ALIKE = (range(0x34000, 0xE0000), range(0xE1000, 0xF0000), *(range(n, n + 0xFFFE) for n in (0xF0000, 0x100000)))
"""Those of private use, and where nothing is assigned: asked about once for each stretch."""
SYLLABLES = range(0xAC00, 0xD7A4)
_APART = "\N{SNOWMAN}"
"""Stands between characters that are asked about at once, and stays what it is."""
_HIGH, _LOW = "\U0001d165", "\N{HANGUL SINGLE DOT TONE MARK}"
"""Marks of the classes 216 and 224, not removed and no beginning of a character: of two such the lower goes first."""


@lru_cache(maxsize=2)
def characters(description: bytes) -> bytes:
    """The content of ``characters.json`` for a tokenizer of BERT's kind.

    Args:
        description: The content of its ``tokenizer.json``.

    Raises:
        ValueError: It does what these tables cannot say.
    """
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_buffer(description)
    told = json.loads(description)
    if (told["normalizer"]["type"], told["pre_tokenizer"]["type"]) != ("BertNormalizer", "BertPreTokenizer"):
        raise ValueError(f"a tokenizer with {told['normalizer']['type']} and {told['pre_tokenizer']['type']}")
    letters = [*map(chr, ASKED), *(chr(codes[0]) for codes in ALIKE)]
    made = dict(zip(letters, _asked(tokenizer.normalizer, letters), strict=True))
    order = _order(tokenizer.normalizer, made)
    removed = [letter for letter, result in made.items() if not result]
    across = _asked(tokenizer.normalizer, [_LOW + letter + _HIGH for letter in removed])
    barriers = {letter for letter, result in zip(removed, across, strict=True) if result == _LOW + _HIGH}
    fates: dict[str, int] = {}
    changed: dict[str, str] = {}
    for letter, result in made.items():
        if not result:
            fates[letter] = BARRIER if letter in barriers else REMOVED
        elif result == f" {letter} ":
            fates[letter] = SPACED
        elif ord(letter) in SYLLABLES:
            fates[letter] = HANGUL
        elif result != letter:
            fates[letter] = CHANGED
            changed[letter] = result
    return _json(
        {"fates": _runs(fates), "kinds": _runs(_kinds(tokenizer, letters)), "changed": changed, "order": order}
    )


def vocabulary(description: bytes) -> bytes:
    """The content of ``vocabulary.txt``: a token in each line, the first with the number 0.

    Raises:
        ValueError: Its numbers have gaps, or it cuts words otherwise than WordPiece with BERT's settings does.
    """
    model = json.loads(description)["model"]
    settings = (
        model["type"],
        model["unk_token"],
        model["continuing_subword_prefix"],
        model["max_input_chars_per_word"],
    )
    if settings != ("WordPiece", "[UNK]", "##", 100):
        raise ValueError(f"a vocabulary with the settings {settings}")
    tokens = sorted(model["vocab"], key=model["vocab"].__getitem__)
    if [model["vocab"][token] for token in tokens] != list(range(len(tokens))) or any("\n" in one for one in tokens):
        raise ValueError("a vocabulary whose numbers have gaps")
    return "\n".join(tokens).encode()


def words(lexicon: Lexicon) -> bytes:
    """The content of ``words.json``: the n-grams that a model looks at, and what they are made of."""
    folds, classes = _letters()
    buckets = lexicon.buckets.tolist()
    steps = [number - before for before, number in zip([0, *buckets], buckets, strict=False)]
    idf = [round(float(one), 7) for one in lexicon.idf.tolist()]
    return _json({"buckets": steps, "idf": idf, "folds": dict(folds), "classes": classes})


@lru_cache(maxsize=1)
def _letters() -> tuple[Mapping[str, str], Sequence[Sequence[int]]]:
    """How each character is written without regard to case, and the class of each, of those that are not blank."""
    letters = [*map(chr, ASKED), *(chr(codes[0]) for codes in ALIKE)]
    folds = {one: one.casefold() for one in letters if one.casefold() != one}
    known = {one: class_of(one) for one in letters if unicodedata.category(one) != "Cn"}
    return folds, _runs({one: known.get(one, UNASSIGNED) for one in letters})


def _kinds(tokenizer: Any, letters: Sequence[str]) -> dict[str, int]:
    """Which characters end a word, and which of them are a word of their own, of those that normalising leaves."""
    text = "".join(f"a{letter}b" for letter in letters)
    found = dict.fromkeys(letters, WORD)
    starts = {start for _, (start, _) in tokenizer.pre_tokenizer.pre_tokenize_str(text)}
    for place, letter in enumerate(letters):
        if 3 * place + 2 in starts:  # the b behind it begins a word
            found[letter] = ALONE if 3 * place + 1 in starts else SPACE
    return found


def _order(normalizer: Any, made: Mapping[str, str]) -> dict[str, int]:
    """The classes of marks that stay and are put into order among each other."""
    left = sorted({one for result in made.values() for one in result if one != _APART})
    before = _asked(normalizer, [letter + _HIGH for letter in left])
    after = _asked(normalizer, [_LOW + letter for letter in left])
    marks = [
        letter
        for letter, first, second in zip(left, before, after, strict=True)
        if first == _HIGH + letter or second == letter + _LOW
    ]
    return {letter: unicodedata.combining(letter) for letter in {*marks, _HIGH, _LOW}}


def _asked(normalizer: Any, texts: Sequence[str]) -> list[str]:
    """What becomes of each text."""
    made = str(normalizer.normalize_str(_APART.join(texts))).split(_APART)
    if _APART in texts:
        place = texts.index(_APART)
        made[place : place + 2] = [_APART]
    return made


def _runs(values: Mapping[str, int]) -> list[list[int]]:
    """First, length and value of each stretch of characters with the same value other than 0, in ascending order."""
    found = []
    for (value, _), members in groupby(_numbered(values.items()), key=lambda one: one[0]):
        codes = [code for _, code in members]
        found.append([codes[0], len(codes), value])
    lengths = {codes[0]: len(codes) for codes in ALIKE}
    return [[first, lengths.get(first, length), value] for first, length, value in found]


def _numbered(values: Iterable[tuple[str, int]]) -> Iterator[tuple[tuple[int, int], int]]:
    """Value and place of each character, the place such that it is the same within a stretch; and its code."""
    for number, (letter, value) in enumerate(one for one in values if one[1]):
        yield (value, ord(letter) - number), ord(letter)


def _json(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
