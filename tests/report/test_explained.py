"""Why in a report: drawn over the hardest pictures and said beside every hardest item, where it was asked for."""

import re
from dataclasses import replace

import numpy as np
import pytest

import graft
from graft.explanation import Explanation, Part, Squares
from graft.model.explaining import with_why
from graft.report.exhibits import overlay, sentence


@pytest.fixture(scope="module")
def fewer(model: graft.Model) -> graft.Model:
    """The model with three of its hardest items, which are quicker explained, each as if it had been hard."""
    hardest = tuple(replace(judged, confidence=0.5) for judged in model.report.hardest[:3])
    return replace(model, report=replace(model.report, hardest=hardest))


def test_the_hardest_are_explained_in_the_page_and_nothing_else_changes(fewer: graft.Model) -> None:
    told = with_why(fewer)
    assert list(told.report.whys) == [judged.path for judged in fewer.report.hardest]
    assert told.report == fewer.report
    assert told.report.to_dict() == fewer.report.to_dict()
    for judged in fewer.report.hardest:
        assert told.report.whys[judged.path].label == judged.predicted
    page = told.report.to_html()
    assert page.count('class="because"') == page.count('class="squares"') > 0
    assert page.count("<rect") >= 49
    assert "Squares were covered one at a time" in page
    assert "squares" not in re.sub(r"<style>.*?</style>", "", fewer.report.to_html(), flags=re.DOTALL)


def test_squares_lie_on_the_part_that_was_seen_of_a_picture_of_any_shape() -> None:
    effects = np.zeros((7, 7), np.float32)
    effects[0, 6], effects[3, 3] = 0.5, -0.25
    drawn = overlay(Explanation("bee", 0.9, "squares", Squares(effects, (0.25, 0.0, 0.75, 1.0), 2.0)))
    assert 'viewBox="0 0 700 350"' in drawn
    assert 'transform="translate(175 0) scale(50 50)"' in drawn
    assert '<rect x="6" y="0" fill-opacity="0">' in drawn
    assert '<rect class="against" x="3" y="3" fill-opacity="0.35">' in drawn
    assert drawn.count('fill-opacity="0.7"') == 47


def test_texts_and_recordings_are_explained_in_words_with_nothing_unescaped() -> None:
    words = Explanation("<b>", 0.9, "words", [Part(0, 5, 0.4), Part(6, 8, 0.0)], text="<i>so no")
    assert overlay(words) is overlay(None) is None
    assert "&lt;b&gt;" in sentence(words)
    assert "&lt;i&gt;so" in sentence(words)
    assert "<i>" not in sentence(words)
    times = Explanation("", 12.0, "times", [Part(0.0, 0.5, 3.0), Part(0.5, 1.0, 0.0)], matters=1.0)
    assert "this number" in sentence(times)
    assert "0.0 to 0.5 s" in sentence(times)
