"""Words in few bytes: what is kept is what matters, what is read is what was kept, what is reported is what is kept."""

import csv

import numpy as np
import pytest

from graft.heads.lexical import LexicalPart
from graft.heads.ngrams import BUCKETS, count
from graft.learning import packing
from graft.learning.classifier import fit_classifier
from graft.learning.lexical import Words
from graft.learning.packing import ROOM, Size, packed, sizes
from graft.recipe import Recipe

STAGES = ((8,),)


@pytest.fixture(scope="module")
def questions(shared):
    """Texts, classes, and an embedding that knows nothing."""
    with (shared / "trec6" / "train.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))[:900]
    classes = sorted({row["label"] for row in rows})
    y = np.array([classes.index(row["label"]) for row in rows])
    x = np.random.default_rng(0).normal(size=(len(rows), 8)).astype(np.float32)
    return [row["text"] for row in rows], y, len(classes), x


@pytest.fixture(scope="module")
def words(questions):
    return Words.of(questions[0])


@pytest.fixture(scope="module")
def weights(words):
    rng = np.random.default_rng(1)
    return (rng.laplace(size=(len(words.lexicon.buckets), 5)) + 7).astype(np.float32)


def fit(questions, words, rows=slice(None), folds=5):
    _, y, k, x = questions
    dealt = [np.arange(len(y))[rows] % folds] if folds else []
    return fit_classifier(x[rows], y[rows], k, STAGES, dealt, Recipe(), words=words)


def centred(values):
    return values - values.mean(axis=1, keepdims=True)


@pytest.mark.parametrize(("bits", "off"), [(8, 0.02), (4, 0.25), (2, 0.55)])
def test_weights_are_kept_but_for_rounding_and_for_what_classes_share(words, weights, bits, off):
    v = len(words.lexicon.buckets)
    part = packed(words, weights, Size(v, bits))
    near = part.weights(np.arange(v))
    assert near.shape == weights.shape
    assert np.linalg.norm(near - centred(weights)) < off * np.linalg.norm(centred(weights))
    assert len(np.unique(near[:, 0])) <= 2**bits


@pytest.mark.parametrize("bits", packing.BITS)
@pytest.mark.parametrize("ngrams", [700, 10**6])
def test_what_is_read_is_what_was_kept(questions, words, weights, bits, ngrams):
    size = Size(min(ngrams, len(words.lexicon.buckets)), bits)
    part = packed(words, weights, size)
    arrays = part.arrays()
    read = LexicalPart.restore(arrays)
    texts = [*questions[0][:40], "", "ðþæ"]
    assert (read.lexicon.buckets == part.lexicon.buckets).all()
    assert (read.scores(texts) == part.scores(texts)).all()
    assert read.arrays().keys() == arrays.keys()
    assert all((read.arrays()[name] == array).all() for name, array in arrays.items())
    assert sum(array.nbytes for array in arrays.values()) == size.bytes(5)


def test_scores_are_those_of_the_weights_that_were_kept(questions, words, weights):
    part = packed(words, weights, Size(900, 4))
    texts = questions[0][:30]
    rows = part.lexicon.rows(count(texts))
    assert np.abs(part.scores(texts) - rows.dense() @ part.weights(np.arange(900))).max() < 1e-4


def test_the_ngrams_that_move_scores_most_are_kept(words, weights):
    loud = weights.copy()
    often = np.argsort(-words.amount)[:50]
    loud[often, 0] += 1000
    part = packed(words, loud, Size(50, 8))
    assert (part.lexicon.buckets == np.sort(words.lexicon.buckets[often])).all()
    same = packed(words, np.full_like(loud, 3) + loud, Size(50, 8))  # what all classes share moves nothing
    assert (same.lexicon.buckets == part.lexicon.buckets).all()


def test_idf_in_sixteenths_changes_rows_little(words, weights):
    part = packed(words, weights, Size(len(words.lexicon.buckets), 8))
    assert part.lexicon.idf.dtype == np.uint8
    kept, exact = part.lexicon.rows(words.counts).values, words.lexicon.rows(words.counts).values
    assert np.abs(kept / exact - 1).max() < 0.04


def test_no_size_takes_more_than_there_is_room_for():
    for v, k in ((8192, 77), (8192, 2), (300, 77), (0, 3), (8192, 1000)):
        tried = sizes(v, k)
        assert tried == sorted(tried, key=lambda size: size.bytes(k))
        assert tried[-1].bytes(k) <= ROOM * max(1, k / 77)
        assert all(size.ngrams <= v for size in tried)
    assert Size(4096, 2) in sizes(8192, 77)
    assert Size(8192, 8) in sizes(8192, 6)


def test_what_is_reported_is_of_heads_that_keep_their_words_in_few_bytes(questions, words, monkeypatch):
    real, out_of_fold = fit(questions, words)
    assert real.lexical is not None
    assert real.lexical.codes.dtype == np.uint8
    monkeypatch.setattr(packing, "sizes", lambda v, k: [Size(1, 2)])  # next to no word is left
    poor, judged = fit(questions, words)
    assert len(poor.lexical.codes) == 1
    y = questions[1]
    assert (out_of_fold.p.argmax(axis=1) == y).mean() > (judged.p.argmax(axis=1) == y).mean() + 0.2
    assert (
        judged.choice.correct[judged.choice.index].mean() < out_of_fold.choice.correct[out_of_fold.choice.index].mean()
    )
    assert judged.choice.chosen == out_of_fold.choice.chosen  # the size has no say in what is taken


def test_rows_held_out_decide_on_the_size(questions, words, monkeypatch):
    usual, _ = fit(questions, words)
    monkeypatch.setattr(packing, "TOLERANCE", 0.5)
    generous, _ = fit(questions, words)
    assert bytes_of(generous) < bytes_of(usual) <= sizes(len(words.lexicon.buckets), 6)[-1].bytes(6)
    monkeypatch.setattr(packing, "TOLERANCE", -1.0)  # none is good enough: the best of them
    strict, _ = fit(questions, words)
    assert bytes_of(strict) >= bytes_of(generous)


def test_without_rows_held_out_all_that_fits_is_kept(questions, monkeypatch):
    rows = slice(0, 120)
    words = Words.of(questions[0][rows])
    monkeypatch.setattr("graft.learning.selection._PLAIN", ("last+many words", "logistic"))
    head, _ = fit(questions, words, rows, folds=0)
    assert bytes_of(head) == sizes(len(words.lexicon.buckets), 6)[-1].bytes(6)


def bytes_of(head):
    return sum(array.nbytes for name, array in head.arrays().items() if name.startswith("lexical."))


def changed(**changes):
    rng = np.random.default_rng(0)
    buckets = np.array([5, 9, *np.sort(rng.choice(np.arange(1 << 16, 2 * BUCKETS), 7, replace=False))])
    arrays = {
        "tops": np.bincount(buckets >> 16, minlength=128).astype(np.uint16),
        "buckets": (buckets & 0xFFFF).astype(np.uint16),
        "idf": np.full(9, 40, np.uint8),
        "codes": rng.integers(256, size=(9, 2)).astype(np.uint8),
        "levels": np.linspace(-1, 1, 16).astype(np.float16),
        "scale": np.ones(3, np.float32),
    }
    return arrays | {name: change(arrays[name]) for name, change in changes.items()}


@pytest.mark.parametrize(
    "changes",
    [
        {"tops": lambda a: a[:-1]},
        {"tops": lambda a: a + np.uint16(1)},
        {"tops": lambda a: a.astype(np.float32)},
        {"buckets": lambda a: a[:-1]},
        {"buckets": lambda a: a.astype(np.int32)},
        {"buckets": lambda a: a[[1, 0, *range(2, 9)]]},
        {"idf": lambda a: a * np.uint8(0)},
        {"idf": lambda a: a[1:]},
        {"codes": lambda a: a[:, :1]},
        {"codes": lambda a: a[1:]},
        {"codes": lambda a: a.ravel()},
        {"levels": lambda a: a[:5]},
        {"levels": lambda a: a[:8]},
        {"levels": lambda a: np.float16(1)},
        {"scale": lambda a: np.ones(9, np.float32)},
        {"scale": lambda a: np.float32(1)},
    ],
)
def test_packed_parts_that_do_not_fit_are_refused(changes):
    assert LexicalPart.restore(changed()).scores(["a question"]).shape == (1, 3)
    with pytest.raises(ValueError, match="n-grams"):
        LexicalPart.restore(changed(**changes))
