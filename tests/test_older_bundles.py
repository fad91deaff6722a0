"""Real files that an earlier Graft has written are read, and answer what they answered then."""

import json
from pathlib import Path

import numpy as np
import pytest

import graft
from graft.encoders import encoder_for
from graft.prediction import load_head

OLDER = Path(__file__).parent / "older"
ANSWERS = json.loads((OLDER / "answers.json").read_text())


@pytest.fixture(params=sorted(ANSWERS))
def name(request: pytest.FixtureRequest) -> str:
    if request.param != "photos":
        pytest.importorskip("tokenizers")
    return request.param


def rows_like_those_of_then(name: str) -> np.ndarray:
    dim = encoder_for("image" if name == "photos" else "text").dim
    return np.random.default_rng(7).standard_normal((2, dim)).astype(np.float32)


def test_a_head_answers_as_it_did(name: str) -> None:
    then = ANSWERS[name]
    head = load_head(OLDER / name)
    rows = rows_like_those_of_then(name)
    answer = head.head.answer(rows, then["texts"])
    assert head.classes == tuple(then["classes"])
    np.testing.assert_allclose(answer.p, then["p"], atol=1e-5)
    assert answer.sets.tolist() == then["sets"]
    np.testing.assert_allclose(answer.unknown_score, then["unknown_score"], rtol=1e-4)
    for prediction, p in zip(head.answer(rows, then["texts"]), then["p"], strict=True):
        assert list(prediction.scores.values()) == pytest.approx(p, abs=1e-5)


def test_the_words_of_texts_are_among_them() -> None:
    assert load_head(OLDER / "texts").words


def test_report_and_record_are_read_when_they_are_asked_for(name: str) -> None:
    head = load_head(OLDER / name)
    assert head.report["accuracy"]["value"] == ANSWERS[name]["accuracy"]
    assert len(head.record.arrays["digests"]) == ANSWERS[name]["n_items"]


def test_a_model_is_loaded_and_saved_in_todays_layout(name: str, tmp_path: Path) -> None:
    model = graft.load(OLDER / name)
    model.save(tmp_path / "again.graft")
    again = graft.load(tmp_path / "again.graft")
    rows, texts = rows_like_those_of_then(name), ANSWERS[name]["texts"]
    assert np.array_equal(again.classifier.answer(rows, texts).p, model.classifier.answer(rows, texts).p)
    assert again.training == model.training
    assert again.recipe == model.recipe
    assert len(model.training or ()) == ANSWERS[name]["n_items"]
