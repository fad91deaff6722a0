"""Heads of every kind as graphs: the same answers as the heads themselves, decided alike."""

import numpy as np
import onnxruntime
import pytest

from graft.contracts import NEVER, Linear
from graft.export.graph import OnnxGraph
from graft.export.heads import HEADS, reaching
from graft.heads.classifier import Classifier
from graft.heads.conformal import SetRule
from graft.heads.features import width
from graft.heads.kinds import KINDS
from graft.heads.lexical import LexicalPart, Lexicon
from graft.heads.multi_label import MultiLabelClassifier
from graft.heads.ngrams import count
from graft.heads.regressor import Regressor
from graft.heads.unknown import UnknownRule

STAGES = ((5, 9, 16),)


def parts(k, features="late", stages=STAGES, threshold=0.4):
    """What every head has, drawn."""
    chance = np.random.default_rng(k)
    d = width(stages, features)
    weights = (3 * chance.normal(size=(d, k))).astype(np.float16)
    prototypes = chance.normal(size=(4, d)).astype(np.float16)
    return {
        "stages": stages,
        "features": features,
        "linear": Linear(weights, chance.normal(size=k).astype(np.float32)),
        "unknown": UnknownRule(prototypes, threshold, (0.3, 0.11), (1.4, 0.7)),
    }


def classifier(k, **settings):
    sets = SetRule(0.9, tuple(np.linspace(0, 0.6, k).tolist()), (20,) * k)
    return Classifier(**parts(k, **settings), temperature=1.3, sets=sets)


CASES = {
    "two classes": classifier(2),
    "many classes": classifier(40, features="even"),
    "one stage": classifier(3, features="last"),
    "two networks": classifier(5, stages=((4, 6), (3, 8))),
    "given columns": classifier(3, features="last", stages=((30,),)),
    "nothing unknown": classifier(4, threshold=NEVER),
    "several labels": MultiLabelClassifier(**parts(6), threshold=0.5),
    "one label": MultiLabelClassifier(**parts(1), threshold=0.3),
    "numbers": Regressor(**parts(1), centre=1_700_000_000.0, scale=12.5, margin=30.0),
}


def session_of(head, words=0):
    graph = OnnxGraph()
    dim = sum(map(sum, head.stages))
    x = graph.input("x", "float32", ("n", dim))
    row = graph.input("words", "float32", ("n", words)) if words else ""
    HEADS[head.task](graph, head, x, row)
    return onnxruntime.InferenceSession(graph.finish({}, "fp32"))


def asked(session, **inputs):
    names = [entry.name for entry in session.get_outputs()]
    return dict(zip(names, session.run(None, inputs), strict=True))


def rows(head, n=500):
    x = np.random.default_rng(9).normal(size=(n, sum(map(sum, head.stages)))).astype(np.float32)
    x[0] = 0  # of which no stage has a length
    x[1] *= 1e-12
    x[2] *= 1e15
    return x


def test_every_kind_of_head_has_a_graph():
    assert HEADS.keys() == KINDS.keys() == {head.task for head in CASES.values()}


@pytest.mark.parametrize("head", CASES.values(), ids=CASES)
def test_a_graph_answers_as_the_head_does(head):
    x = rows(head)
    found = asked(session_of(head), x=x)
    wanted = head.answer(x)
    np.testing.assert_allclose(found["unknown_score"], wanted.unknown_score, rtol=1e-4, atol=1e-4)
    if isinstance(head, Regressor):
        for name in ("value", "low", "high"):
            assert found[name].dtype == np.float64
            np.testing.assert_allclose(found[name], getattr(wanted, name), rtol=0, atol=1e-4)
        return
    np.testing.assert_allclose(found["probabilities"], wanted.p, atol=2e-6)
    apart = found["set"] != wanted.sets
    edges = np.asarray(head.sets.reached if isinstance(head, Classifier) else head.threshold)
    assert (np.abs(wanted.p - edges)[apart] < 2e-6).all()
    assert apart.sum() <= 1
    assert (found["probabilities"].argmax(axis=1) == wanted.p.argmax(axis=1)).all()


def test_sets_are_decided_by_the_very_same_thresholds():
    thresholds = np.array([0.1, 0.25, 1 / 3, 0.7])
    near = np.stack([np.nextafter(thresholds.astype(np.float32), np.float32(side)) for side in (-1, 0.5, 2)])
    near = np.concatenate([near, thresholds.astype(np.float32)[None]])
    assert ((near >= thresholds) == (near >= reaching(thresholds))).all()
    assert reaching(thresholds).dtype == np.float32


def test_an_answer_does_not_depend_on_its_company():
    head = CASES["many classes"]
    session, x = session_of(head), rows(head, 64)
    together = asked(session, x=x)
    for row in (0, 2, 3, 63):
        alone = asked(session, x=x[row : row + 1])
        np.testing.assert_allclose(alone["probabilities"][0], together["probabilities"][row], atol=1e-6)


@pytest.mark.parametrize("levels", [0, 4, 16, 256])
def test_the_words_of_a_text_add_what_they_add_in_the_head(levels):
    texts = ["where is my card", "the parcel never came", "", "a", "wo ist meine Karte?"]
    chance = np.random.default_rng(levels)
    buckets, k = np.unique(count(texts).columns)[::2], 5  # some n-grams are not known
    lexicon = Lexicon(buckets.astype(np.int32), chance.integers(8, 90, len(buckets), dtype=np.uint8))
    if levels:
        codes = chance.integers(0, 256, (len(buckets), -(-k * (levels.bit_length() - 1) // 8)), dtype=np.uint8)
        kept = codes, chance.normal(size=levels).astype(np.float32), chance.uniform(0.5, 2, k).astype(np.float32)
    else:
        kept = chance.normal(size=(len(buckets), k)).astype(np.float16), np.empty(0, np.float32), np.ones(k, np.float32)
    sets = SetRule(0.9, (0.2,) * k, (20,) * k)
    lexical = LexicalPart(lexicon, *kept)
    head = Classifier(**parts(k, features="last+words"), temperature=0.8, sets=sets, lexical=lexical)
    x, words = rows(head, len(texts)), lexicon.rows(count(texts)).dense()
    found = asked(session_of(head, words.shape[1]), x=x, words=words)
    wanted = head.answer(x, texts)
    np.testing.assert_allclose(found["probabilities"], wanted.p, atol=2e-6)
    np.testing.assert_allclose(found["unknown_score"], wanted.unknown_score, rtol=1e-4, atol=1e-4)
