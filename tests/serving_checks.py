"""Answers over HTTP beside those in process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

TOLERANCE = 0.02
"""Of a probability in bf16: whatever else is in a batch changes the last digits."""


def same(answers: Sequence[Mapping[str, Any]], expected: Sequence[Any], tolerance: float = TOLERANCE) -> None:
    """Whether these are the answers of ``graft predict``."""
    assert len(answers) == len(expected)
    for answer, prediction in zip(answers, expected, strict=True):
        wanted = prediction.to_dict()
        assert answer.keys() == wanted.keys() | (answer.keys() & {"id"})
        if "error" in wanted:
            assert answer["error"]["code"] == wanted["error"]["code"]
            continue
        for key in ("label", "unknown", "set", "labels"):
            assert answer.get(key) == wanted.get(key), (answer, wanted)
        for key in ("confidence", "value", "low", "high"):
            assert answer.get(key) == pytest.approx(wanted.get(key), abs=tolerance)
        assert answer.get("scores") == pytest.approx(wanted.get("scores"), abs=tolerance)
