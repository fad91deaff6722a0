"""Texts leave: a tokenizer in plain Python and one in JavaScript give what the model's own gives."""

import csv
import json
import random
import shutil
import subprocess
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graft.encoders.text import TOKENIZER, TextEncoder
from graft.errors import ExportError, ItemError
from graft.export.tokenizing import tables, tokenizer
from graft.export.tokenizing.files import plain_files
from graft.heads.lexical import Lexicon
from graft.heads.ngrams import count
from graft.learning.lexical import fit_lexicon

ASSIGNED = [chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) not in ("Cn", "Co", "Cs")]
MARKS = [one for one in ASSIGNED if unicodedata.combining(one)]
STARTERS = ["\u034f", "\u0e31", "\ufe0f", "\u0901"]
"""Marks that are removed and begin a character all the same: those around them are not put into order."""
UNSEEN = [one for one in ASSIGNED if unicodedata.category(one) in ("Cf", "Cc", "Zl", "Zp")]
ODD = [
    "e\u0301t\u00e9 E\u0301T\u00c9 A\u030angstro\u0308m \u212bngstr\u00f6m",
    "\U0001f469\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466 ok \U0001f3f3\ufe0f\u200d\U0001f308",
    "\u6f22\u5b57\u304b\u306a\u30ab\u30ca \uff21\uff22\uff23 \ud55c\uad6d\uc5b4 \u1112\u1161\u11ab",
    "a\u200bb\u200cc\u200dd\u2060e\ufefff\u00adg",
    "\x01\x02tab\tnew\nline\x7f\x85\u2028x",
    "x" * 99 + " " + "y" * 100 + " " + "z" * 101,
    "pneumono" * 25,
    "[CLS] [SEP] [MASK] [UNK] [PAD] ##ing",
    "\ufeffmark \ufeffagain",
    "\u0130stanbul STRASSE stra\u00dfe \ufb01ne \u2460 \u00bd \u03a3\u038a\u03a3\u03a5\u03a6\u039f\u03a3",
    "$9.99?! it's--so \u00bfqu\u00e9? \u201cyes\u201d",
    "half \ud83d of a character",
    "new \U0001fae9\U0001cc00 letters",
    "0",
]


@pytest.fixture(scope="module")
def lexicon(prose: list[str]) -> Lexicon:
    return fit_lexicon(count(prose))


@pytest.fixture(scope="module")
def prose() -> list[str]:
    """Texts of a small vocabulary, in several scripts."""
    chance = random.Random(3)
    words = ["the", "card", "has", "not", "STRASSE", "漢字", "русский", "été", "12", "$", "ＡＢ", "ภาษา", "?"]
    return [" ".join(chance.choices(words, k=9)) for _ in range(300)]


@pytest.fixture(scope="module")
def folder(lexicon: Lexicon, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("a folder with spaces \u00e9")
    (place / "tokenizer").mkdir()
    for name, content in plain_files(TOKENIZER.read(), lexicon).items():
        (place / name).write_bytes(content)
    return place / "tokenizer"


@pytest.fixture(scope="module")
def plain(folder: Path) -> tokenizer.Tokenizer:
    return tokenizer.Tokenizer(folder)


@pytest.fixture(scope="module")
def own() -> Any:
    return TextEncoder()._tokenizer


@pytest.fixture(scope="module")
def drawn() -> list[str]:
    """Words of any characters; marks and what is not seen more often than by chance."""
    chance = random.Random(7)
    assigned = chance.sample(ASSIGNED, 20_000)
    marks = [*chance.sample(MARKS, 200), *9 * STARTERS, *3 * tables_order(), "a", "\U0001d15e"]
    anything = [chr(code) for code in range(0x33000) if not 0xD800 <= code < 0xE000]
    return [
        *("".join(chance.choices(pool, k=12)) for pool in (assigned, marks, anything) for _ in range(1500)),
        *("".join(chance.choices([*chance.choices(UNSEEN, k=3), "a", "b\u0301", " "], k=12)) for _ in range(500)),
    ]


def tables_order() -> list[str]:
    return list(json.loads(tables.characters(TOKENIZER.read()))["order"])


def asked(own: Any, texts: Sequence[str]) -> list[list[int]]:
    return [list(found.ids) for found in own.encode_batch(list(texts), add_special_tokens=False)]


def texts_of(shared: Path) -> Iterator[str]:
    for file in sorted(shared.rglob("*.csv")):
        with file.open(encoding="utf-8", errors="replace", newline="") as lines:
            for row in csv.reader(lines):
                yield from row


@pytest.fixture(scope="module")
def in_node(folder: Path) -> Any:
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no node on this machine to run JavaScript with")

    def ask(texts: Sequence[str], *arguments: str, of: Path = folder) -> list[dict[str, Any]]:
        script = str(Path(__file__).with_name("tokenize.mjs"))
        lines = "".join(json.dumps(text) + "\n" for text in texts)
        done = subprocess.run([node, script, str(of), *arguments], input=lines, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-2000:]
        return [json.loads(line) for line in done.stdout.splitlines()]

    return ask


def test_every_code_point_alone_and_in_a_word_gives_the_models_tokens(plain, own):
    letters = [chr(code) for code in tables.ASKED]
    letters += [chr(code) for codes in tables.ALIKE for code in (*codes[:: 1 << 12], codes[-1])]
    for texts in (
        [f" {a}{b} " for a, b in zip(letters[::2], letters[1::2], strict=False)],
        [f"a{one}b" for one in letters],
    ):
        joined = ["\n".join(texts[start : start + 500]) for start in range(0, len(texts), 500)]
        assert [plain.ids(text) for text in joined] == asked(own, joined)


def test_words_of_any_characters_give_the_models_tokens(plain, own, drawn):
    odd = [tokenizer.clean(text) for text in ODD]
    assert [plain.ids(text) for text in [*drawn, *odd]] == asked(own, [*drawn, *odd])
    assert [plain.normalised(text) for text in drawn] == [own.normalizer.normalize_str(text) for text in drawn]


def test_javascript_gives_what_python_gives(plain, drawn, in_node):
    texts = [*drawn, *ODD, "long enough for windows " * 12_000, "\u6f22" * 200_000, "", " \n", "\u200b"]
    for text, found in zip(texts, in_node(texts), strict=True):
        try:
            segments = plain.segments(text)
        except ValueError:
            segments = None
        assert found["segments"] == segments, ascii(text[:40])
        if segments is not None:
            expected = plain([text])
            assert found["ids"] == expected["input_ids"][0].tolist()
            assert found["mask"] == expected["attention_mask"][0].tolist()


def test_javascript_tokenizes_every_code_point_alike(plain, in_node):
    letters = [chr(code) for code in tables.ASKED]
    texts = ["x " + " ".join(letters[start : start + 400]) for start in range(0, len(letters), 400)]
    found = in_node(texts)
    assert [one["segments"] for one in found] == [plain.segments(text) for text in texts]


def test_all_texts_of_the_data_sets_give_the_models_tokens_in_both_languages(plain, own, in_node, shared):
    texts = [text for text in texts_of(shared) if text.strip()]
    ids = asked(own, map(tokenizer.clean, texts))
    assert len(texts) > 50_000
    assert [plain.ids(tokenizer.clean(text)) for text in texts] == ids
    assert [one["segments"] for one in in_node(texts)] == [[found] for found in ids]


def test_windows_of_long_texts_are_those_of_the_encoder(plain):
    chance = random.Random(1)
    words = ["time", "flies", "like", "an", "arrow", "fruit", "unbelievably", "\u6f22\u5b57"]
    encoder = TextEncoder()
    for characters in (140_000, 400_000):
        text = ""
        while len(text) < characters:
            text += " ".join(chance.choices(words, k=50)) + " "
        expected = [window.tolist()[1:-1] for window in encoder.prepare(text.encode()).value]
        assert plain.segments(text) == expected


def test_a_text_of_nothing_is_refused_as_the_encoder_does(plain):
    for text in ("", " \t", "\u200b\u00ad", "\x00"):
        with pytest.raises(ValueError, match="no character that can be read"):
            plain.segments(text)
        with pytest.raises(ItemError):
            TextEncoder().prepare(text.encode())


def test_rows_of_words_are_those_of_the_lexicon(plain, lexicon, prose, drawn, in_node):
    texts = [*prose[:40], *drawn[::10], *ODD, "word " * 9000, "\u00e9t\u00e9 " * 6000]
    clean = [tokenizer.clean(text) for text in texts]
    expected = lexicon.rows(count(clean)).dense()
    rows = np.stack([plain.words.row(text) for text in clean])
    assert len(lexicon.buckets) > 200
    np.testing.assert_allclose(rows, expected, atol=1e-6)
    # Every n-gram, not only those of this lexicon.
    for text in clean[:-2]:
        counts = count([text])
        buckets, numbers = np.unique(list(plain.words.buckets(text)) or np.empty(0, int), return_counts=True)
        assert buckets.tolist() == counts.columns.tolist()
        assert numbers.tolist() == counts.values.tolist()
    for text, row, found in zip(texts, rows, in_node(texts, "words"), strict=True):
        if found["segments"] is None or found["cannot"]:
            continue
        places = [place for place, _ in found["words"]]
        assert places == np.flatnonzero(row).tolist(), ascii(text[:40])
        np.testing.assert_allclose([value for _, value in found["words"]], row[places], atol=1e-6)


def test_rows_of_words_of_the_data_sets_are_those_of_the_lexicon(shared):
    texts = [text for text in texts_of(shared) if text.strip()][::40]
    counts = count(texts)
    lexicon = fit_lexicon(counts)
    words = tokenizer.Words(json.loads(tables.words(lexicon)))
    assert len(texts) > 1000
    np.testing.assert_allclose(np.stack([words.row(text) for text in texts]), lexicon.rows(counts).dense(), atol=1e-6)


def test_characters_newer_than_this_python_are_told_and_those_newer_than_the_model_are_not(plain):
    assert plain.cannot("Caf\u00e9 \u6f22\u5b57") == ""
    assert plain.cannot("new \U0001cc00") == "" or unicodedata.category("\U0001cc00") != "Cn"
    unassigned = next(chr(code) for code in range(0x378, 0x10000) if unicodedata.category(chr(code)) == "Cn")
    before = plain.words.classes[ord(unassigned)]
    plain.words.classes[ord(unassigned)] = tokenizer.LETTER  # as if the model had been made with a newer Unicode
    try:
        assert f"U+{ord(unassigned):04X}" in plain.cannot(f"a{unassigned}")
    finally:
        plain.words.classes[ord(unassigned)] = before


def test_what_unicode_did_not_know_when_the_model_was_made_stays_as_it_is(plain, folder, in_node, tmp_path):
    older = tmp_path / "tokenizer"
    shutil.copytree(folder, older)
    words = json.loads((folder / "words.json").read_text())
    words["classes"] += [[0xFF11, 2, tokenizer.UNASSIGNED]]  # as if the full-width figures 1 and 2 were new
    (older / "words.json").write_text(json.dumps(words))
    text = "x \uff11\uff12"
    assert plain.words.row(text).any()
    assert not tokenizer.Tokenizer(older).words.row(text).any()
    assert [bool(in_node([text], "words", of=place)[0]["words"]) for place in (folder, older)] == [True, False]


def test_texts_that_look_like_utf16_are_told(plain, in_node):
    texts = ["h\0e\0l\0l\0o\0", "one \0 zero among many letters"]
    assert [bool(plain.cannot(text)) for text in texts] == [True, False]
    assert [bool(one["cannot"]) for one in in_node(texts)] == [True, False]


def test_the_copied_file_needs_numpy_alone(folder):
    code = "import sys; sys.path.insert(0, sys.argv[1]); import tokenizer; t = tokenizer.Tokenizer(sys.argv[1]);"
    code += "print(t(['A card.', 'b'])['input_ids'].tolist()); assert not {'graft', 'tokenizers'} & set(sys.modules)"
    done = subprocess.run([sys.executable, "-I", "-c", code, str(folder)], capture_output=True, text=True)
    assert done.stdout.strip() == "[[101, 1037, 4003, 1012, 102], [101, 1038, 102, 0, 0]]", done.stderr


def test_other_tokenizers_are_refused_in_words():
    description = json.loads(TOKENIZER.read())
    for change in ({"pre_tokenizer": {"type": "Metaspace"}}, {"normalizer": None}, {"model": {"type": "Unigram"}}):
        with pytest.raises(ExportError, match="WordPiece as BERT has it"):
            plain_files(json.dumps(description | change).encode(), None)
