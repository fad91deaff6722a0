"""Answers and scores as values: ranking, JSON and text."""

import json
import math

from graft.data.dataset import Skipped
from graft.errors import ItemError
from graft.report import Evaluation
from graft.results.figures import ClassFigures, Interval
from graft.results.prediction import Prediction

ANSWER = Prediction(
    input="a.jpg",
    label="bee",
    confidence=0.7,
    unknown_score=-1.5,
    scores={"ant": 0.2, "bee": 0.7, "wasp": 0.1},
    set=("ant", "bee"),
)


def evaluation(**changes):
    values = {
        "accuracy": Interval(0.75, 0.4, 0.93, "held-out items, Wilson interval"),
        "macro_f1": 0.7,
        "per_class": {
            "ant": ClassFigures(1.0, 0.5, 2, 0.09, 0.91),
            "wasp": ClassFigures(math.nan, math.nan, 0, 0.0, 1.0),
        },
        "n_items": 4,
        "split": "test split",
        "classes": ("ant", "wasp"),
        "confusion": ((1, 1), (0, 0)),
        "ece": 0.1,
        "coverage": 1.0,
    }
    return Evaluation(**(values | changes))


def test_top_is_the_best_first():
    assert ANSWER.top() == [("bee", 0.7), ("ant", 0.2), ("wasp", 0.1)]
    assert ANSWER.top(2) == [("bee", 0.7), ("ant", 0.2)]
    assert ANSWER.top(99) == ANSWER.top()


def test_an_answer_as_json():
    assert ANSWER.to_dict() == {
        "input": "a.jpg",
        "label": "bee",
        "confidence": 0.7,
        "unknown": False,
        "unknown_score": -1.5,
        "scores": {"bee": 0.7, "ant": 0.2, "wasp": 0.1},
        "set": ["ant", "bee"],
    }
    assert ANSWER.to_dict(top=1)["scores"] == {"bee": 0.7}


def test_an_error_as_json_has_nothing_but_the_error():
    bad = Prediction("b.jpg", error=ItemError("truncated", "b.jpg: cut short.", "Copy it again."))
    assert bad.to_dict() == {"input": "b.jpg", "error": {"code": "truncated", "message": "b.jpg: cut short."}}
    assert bad.label == ""
    assert bad.top() == []


def test_an_evaluation_as_strict_json():
    values = evaluation(skipped=(Skipped("c.jpg", "The file is empty.", "empty"),)).to_dict()
    assert json.loads(json.dumps(values, allow_nan=False)) == values
    assert values["per_class"]["wasp"]["precision"] is None
    assert values["skipped"] == [{"path": "c.jpg", "reason": "The file is empty.", "code": "empty"}]


def test_an_evaluation_as_text_shows_everything():
    skipped = tuple(Skipped(f"{i}.jpg", "The file is empty.", "empty") for i in range(15))
    text = str(evaluation(skipped=skipped, warnings=("Something is odd.",)))
    assert "75.0%" in text
    assert "40.0% to 93.0%" in text
    assert "Warning: Something is odd." in text
    assert "Skipped 9.jpg" in text
    assert "and 5 more" in text
    assert "nan" not in text


def test_a_label_that_drives_a_terminal_is_shown_harmless():
    text = str(evaluation(per_class={"\x1b[2Jant": ClassFigures(1.0, 0.5, 2, 0.09, 0.91)}))
    assert "\x1b" not in text
