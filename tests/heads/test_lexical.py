"""TF-IDF is scikit-learn's, axes are those of a singular value decomposition, and folding changes no score."""

import csv

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression

from graft.contracts import Linear
from graft.heads.features import design, transform
from graft.heads.lexical import LexicalPart
from graft.heads.ngrams import BUCKETS, KINDS, Sparse, count
from graft.learning import lexical
from graft.learning.lexical import coordinates, divided, fit_lexicon, tfidf_accuracy


def read(shared, name, n):
    with (shared / name / "train.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))[:n]
    classes = sorted({row["label"] for row in rows})
    return [row["text"] for row in rows], np.array([classes.index(row["label"]) for row in rows]), len(classes)


@pytest.fixture(scope="module")
def questions(shared):
    return read(shared, "trec6", 600)


@pytest.fixture(scope="module")
def counts(questions):
    return count(questions[0])


def whole(lexicon, weights):
    """What older bundles keep: every weight as it is."""
    none, ones = np.empty(0, np.float32), np.ones(weights.shape[1], np.float32)
    return LexicalPart(lexicon, weights.astype(np.float16), none, ones)


def apart(a, b):
    return np.abs(a - b).max(initial=0.0)


def sparse(n, width, seed=0):
    rng = np.random.default_rng(seed)
    full = np.where(rng.random((n, width)) < 0.2, rng.normal(size=(n, width)), 0).astype(np.float32)
    full[n // 2] = 0
    rows, columns = np.nonzero(full)
    starts = np.concatenate([[0], np.cumsum((full != 0).sum(axis=1))])
    return Sparse(starts, columns, full[rows, columns], width), full


def test_products_are_those_of_the_full_matrix():
    rows, full = sparse(30, 70)
    right = np.random.default_rng(1).normal(size=(70, 5)).astype(np.float32)
    assert (rows.dense() == full).all()
    assert (rows.transposed().dense() == full.T).all()
    assert apart(rows.dot(right), full @ right) < 1e-5


def test_rows_are_scikit_learns(counts):
    lexicon = fit_lexicon(counts)
    ours = lexicon.rows(counts).dense()
    assert np.linalg.norm(ours, axis=1) == pytest.approx(1, abs=1e-5)
    for kind in range(len(KINDS)):
        columns = lexicon.buckets // BUCKETS == kind
        raw = np.zeros((len(counts), columns.sum()))
        place = np.searchsorted(lexicon.buckets[columns], counts.columns).clip(max=columns.sum() - 1)
        known = lexicon.buckets[columns][place] == counts.columns
        raw[counts.rows[known], place[known]] = counts.values[known]
        peer = TfidfTransformer(sublinear_tf=True).fit_transform(raw).toarray()
        assert apart(np.sqrt(2) * ours[:, columns], peer) < 1e-5


def test_a_vocabulary_holds_what_stands_in_most_texts(counts):
    lexicon = fit_lexicon(counts, largest=50)
    buckets, texts = np.unique(counts.columns, return_counts=True)
    assert len(lexicon.buckets) == 100
    for kind in range(len(KINDS)):
        own = buckets // BUCKETS == kind
        inside = np.isin(buckets[own], lexicon.buckets)
        assert texts[own][inside].min() >= texts[own][~inside].max()
    assert np.unique(count(["aa bb", "aa"]).columns)[np.array([0])].dtype == np.int32
    assert len(fit_lexicon(count(["each word", "stands once"]), 50).buckets) == 0


def test_texts_without_known_words_get_nothing(counts):
    lexicon = fit_lexicon(counts)
    part = whole(lexicon, np.ones((len(lexicon.buckets), 3)))
    assert part.scores(["", "ðþæ"]).tolist() == [[0, 0, 0], [0, 0, 0]]
    nothing = fit_lexicon(count(["a", "b"]))
    assert coordinates(nothing.rows(count(["a", "b"]))).z.shape == (2, 0)


def test_few_texts_lose_nothing(counts):
    rows = fit_lexicon(counts).rows(counts)
    projection = coordinates(rows)
    full = rows.dense()
    assert apart(projection.z @ projection.z.T, full @ full.T) < 1e-3
    assert apart(rows.dot(projection.basis), projection.z) < 1e-3


def test_many_texts_keep_the_largest_axes(counts, monkeypatch):
    rows = fit_lexicon(counts).rows(counts)
    monkeypatch.setattr(lexical, "EXACT", 10)
    projection = coordinates(rows, rank=40)
    assert apart(projection.basis.T @ projection.basis, np.eye(40)) < 1e-3
    best = (np.linalg.svd(rows.dense(), compute_uv=False)[:40] ** 2).sum()
    assert best * 0.7 < (projection.z**2).sum() <= best * (1 + 1e-4)
    again = coordinates(rows, rank=40)
    assert (again.z == projection.z).all()


def test_more_axes_than_there_are(monkeypatch):
    monkeypatch.setattr(lexical, "EXACT", 10)
    counts = count(["my card is lost", "where is my card", "close my account"] * 20)
    projection = coordinates(fit_lexicon(counts).rows(counts))
    assert projection.z.shape == (60, 3)
    assert np.isfinite(projection.basis).all()


def test_a_divided_head_gives_the_scores_of_the_joined_one(questions, counts):
    texts, _, k = questions
    rng = np.random.default_rng(0)
    lexicon = fit_lexicon(counts)
    projection = coordinates(lexicon.rows(counts))
    phi = rng.normal(size=(len(texts), 20)).astype(np.float32)
    x = design(phi, ((20,),), "last+many words", projection.z)
    head = Linear(rng.normal(size=(x.shape[1], k)).astype(np.float32), rng.normal(size=k).astype(np.float32))

    own, words = divided(head, projection, "last+many words")

    part = whole(lexicon, projection.fold(words))
    assert apart(own.scores(transform(phi, ((20,),), "last")) + part.scores(texts), head.scores(x)) < 0.01


def test_a_restored_part_gives_the_same_scores(questions, counts):
    texts, _, k = questions
    lexicon = fit_lexicon(counts, largest=500)
    weights = np.random.default_rng(0).normal(size=(len(lexicon.buckets), k)).astype(np.float16)
    part = whole(lexicon, weights)  # as older bundles keep it
    arrays = part.arrays()
    assert {name: array.dtype.name for name, array in arrays.items()} == {
        "buckets": "int32",
        "idf": "float32",
        "weights": "float16",
    }
    restored = LexicalPart.restore(arrays).scores(texts[:50])
    assert (restored == part.scores(texts[:50])).all()
    assert apart(restored, lexicon.rows(count(texts[:50])).dense() @ weights.astype(np.float32)) < 1e-3


OLD = {
    "buckets": np.array([1, 2, 3, 4], np.int32),
    "idf": np.ones(4, np.float32),
    "weights": np.ones((4, 2), np.float16),
}


@pytest.mark.parametrize(
    "change",
    [
        {"idf": np.ones(3, np.float32)},
        {"weights": np.ones((4, 2, 2), np.float16)},
        {"buckets": np.array([1, 3, 2, 4], np.int32)},
        {"buckets": np.array([1, 2, 3, 4], np.float32)},
        {"idf": np.zeros(4, np.float32)},
        {"weights": np.float16(1)},
        {"codes": np.ones((4, 1), np.uint8)},
    ],
)
def test_parts_that_do_not_fit_are_refused(change):
    LexicalPart.restore(OLD)
    with pytest.raises(ValueError, match="n-grams"):
        LexicalPart.restore(OLD | change)


def test_the_baseline_is_logistic_regression_on_tfidf(questions, counts):
    _, y, k = questions
    rows = fit_lexicon(counts).rows(counts)
    folds = np.arange(len(y)) % 3
    folds[:5] = -1
    full = rows.dense()
    hits = 0
    for fold in range(3):
        out = folds == fold
        peer = LogisticRegression(C=16, max_iter=500).fit(full[~out], y[~out])
        hits += (peer.predict(full[out]) == y[out]).sum()
    ours = tfidf_accuracy(coordinates(rows).z, y, k, [folds])
    assert ours == pytest.approx(hits / (folds >= 0).sum(), abs=0.01)
    assert np.isnan(tfidf_accuracy(coordinates(rows).z, y, k, []))
