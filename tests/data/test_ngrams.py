"""Counts are those of scikit-learn, on every script, and do not depend on what stands beside a text."""

import csv
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

from graft.heads import ngrams
from graft.heads.ngrams import BUCKETS, LONGEST, count

TEXTS = [
    "I haven't received my new card; where is it? Where is it?",
    "i",
    "",
    "  ",
    "Top-up of 20.50 € failed...",
    "Ƙasar Ɓauchi: 'yan sanda sun kama",
    "Größe und Straße",
]


def row(text, **options):
    counts = count([text], **options)
    return dict(zip(counts.columns.tolist(), counts.values.tolist(), strict=True))


def frequencies(matrix):
    """How often n-grams stand in each text, without their names."""
    return [sorted(matrix.data[start:stop]) for start, stop in pairwise(matrix.indptr)]


def ours(texts, kind):
    counts = count(texts, [kind])
    return [sorted(counts.values[start:stop]) for start, stop in pairwise(counts.starts)]


def test_words_are_counted_as_scikit_learn_does():
    peer = CountVectorizer(ngram_range=(1, 2), token_pattern=r"[^\W_]+|[^\w\s]|_", preprocessor=str.casefold)
    assert ours(TEXTS, "words") == frequencies(peer.fit_transform(TEXTS))


def test_characters_are_counted_as_scikit_learn_does():
    peer = CountVectorizer(analyzer="char_wb", ngram_range=(3, 5), preprocessor=str.casefold)
    assert ours(TEXTS, "characters") == frequencies(peer.fit_transform(TEXTS))


def test_real_queries_fall_into_buckets_of_their_own(shared):
    with (shared / "banking77" / "test.csv").open(encoding="utf-8") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    counts = count(texts)
    words, characters = counts.columns < BUCKETS, counts.columns >= BUCKETS
    assert (counts.columns < 2 * BUCKETS).all()
    assert counts.columns.dtype == np.int32
    peer = CountVectorizer(analyzer="char_wb", ngram_range=(3, 5)).fit(texts)
    assert len(np.unique(counts.columns[characters])) == pytest.approx(len(peer.vocabulary_), rel=0.01)
    peer = CountVectorizer(ngram_range=(1, 2), token_pattern=r"[^\W_]+|[^\w\s]|_").fit(texts)
    assert len(np.unique(counts.columns[words])) == pytest.approx(len(peer.vocabulary_), rel=0.01)


def test_case_and_compatible_forms_do_not_count():
    assert row("ＦＵＬＬ ﬁne STRASSE") == row("full fine straße")


def test_words_of_han_and_kana_are_single_characters():
    assert len(row("我要退款", kinds=["words"])) == 4 + 3
    assert len(row("ありがとう", kinds=["words"])) == 5 + 4
    assert len(row("नमस्ते", kinds=["words"])) == 1  # vowel signs belong to the word


def test_a_pair_is_not_its_words_in_the_other_order():
    assert row("card lost").keys() != row("lost card").keys()


def test_a_known_text_has_known_buckets():
    counts = count(["Lost card"], ["words"])
    assert counts.columns.tolist() == [1714656, 2092149, 2900240]
    assert counts.values.tolist() == [1, 1, 1]


def test_half_a_surrogate_and_a_long_text_are_taken():
    assert row("a\ud800b").keys() == row("ab").keys()
    assert row("ab " * LONGEST) == row("ab " * (2 * LONGEST))


def test_no_texts():
    counts = count([])
    assert len(counts) == 0
    assert len(counts.columns) == 0


def test_rows_are_taken_in_any_order():
    counts = count(TEXTS)
    some = counts.take(np.array([4, 0, 0]))
    assert [len(some), some.rows.max()] == [3, 2]
    again = count([TEXTS[4], TEXTS[0], TEXTS[0]])
    assert (some.columns == again.columns).all()
    assert (some.starts == again.starts).all()


@settings(max_examples=50)
@given(st.lists(st.text(max_size=30), max_size=8), st.integers(1, 40))
def test_a_row_does_not_depend_on_its_neighbours(texts, block):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ngrams, "_BLOCK", block)
        counts = count(texts)
    assert len(counts) == len(texts)
    for i, text in enumerate(texts):
        part = slice(counts.starts[i], counts.starts[i + 1])
        assert dict(zip(counts.columns[part].tolist(), counts.values[part].tolist(), strict=True)) == row(text)
        assert (np.diff(counts.columns[part]) > 0).all()
