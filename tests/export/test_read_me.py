"""The words beside an export: what it is, how good, how it is asked, and no name that Markdown takes for its own."""

import pytest

from graft.export.examples import NEEDS, example_of
from graft.export.read_me import read_me

LABELS = {
    "name": "my_flowers *new*",
    "modality": "image",
    "classes": ["rose", "a_b", "<b>"],
    "unknown_threshold": 3.25,
    "encoder": {"name": "efficientnet-lite0", "version": "1"},
    "precision": "fp16",
    "input": {"max_pixels": 2_000_000},
    "n_items": 1234,
    "accuracy": {"value": 0.91, "low": 0.88, "high": 0.94, "method": "cross-validation"},
}


def test_figures_stand_with_their_intervals():
    text = read_me(LABELS)
    assert "right in 91.0 % of cases, 88.0 % to 94.0 % with 95 % confidence" in text.replace("\N{NO-BREAK SPACE}", " ")
    assert "on the encoder efficientnet-lite0." in text
    assert "1,234 pictures" in text
    assert "above 3.25 the item is like nothing that the model learned from" in text
    assert text.startswith("# my\\_flowers \\*new\\*\n")
    assert "rose, a\\_b, \\<b\\>" in text
    assert "pip install -r requirements.txt\npython example.py model.onnx FILE" in text


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"thresholds": [0.5] * 3}, "all its labels were right in 91.0 % of cases"),
        ({"modality": "text"}, "and the folder `tokenizer` beside it; copy both"),
        ({"modality": "audio"}, "`samples` (n, length) float32: one channel at 16,000 samples a second"),
        (
            {"classes": [], "accuracy": None, "mean_absolute_error": {"value": 2.5, "low": 2.0, "high": 3.0}},
            "off by 2.5 on average, 2 to 3 with 95 % confidence",
        ),
        ({"classes": [str(n) for n in range(50)]}, "18, 19 and 30 more"),
    ],
)
def test_it_says_what_holds_for_this_model(changes, told):
    assert told in read_me({**LABELS, **changes}).replace("\N{NO-BREAK SPACE}", " ")


def test_no_share_is_rounded_up_to_all_and_all_is_said_plainly():
    text = read_me({**LABELS, "accuracy": {"value": 0.9999, "low": 0.9, "high": 1.0}})
    assert "99.99 % of cases, 90.0 % to 100 % with" in text.replace("\N{NO-BREAK SPACE}", " ")


def test_where_there_is_no_figure_nothing_is_promised():
    text = read_me({**LABELS, "accuracy": {"value": None, "low": None, "high": None}})
    assert "had not seen" not in text


def test_names_can_neither_link_nor_turn_the_text_around():
    classes = ["\u202egnp", "see http://elsewhere.example", "a\x1b[2Jb", *LABELS["classes"][3:]]
    text = read_me({**LABELS, "classes": classes, "name": "---\nsdk: docker\n---"})
    assert "\u202e" not in text
    assert "\x1b" not in text
    assert "http://elsewhere" not in text
    assert "\nsdk" not in text


def test_examples_of_every_kind_ask_the_graph_alike():
    """Each stands alone once it is copied out, so what they share stands in each of them, to the letter."""
    shared = {
        example_of(modality).partition("def answer_of(")[2].partition("    for path in ")[0] for modality in NEEDS
    }
    assert len(shared) == 1
    assert "session.run(" in shared.pop()
