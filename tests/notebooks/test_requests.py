"""What a function and a server of a notebook take as a request."""

import pytest

from graft.errors import UsageError
from graft.notebooks.requests import RunRequest


def test_values_become_texts_and_both_keys_may_be_left_out():
    asked = RunRequest.of({"parameters": {"data": "photos/", "epochs": 5, "names": ["a"]}, "time_limit": 60})
    assert asked.texts == {"data": "photos/", "epochs": "5", "names": '["a"]'}
    assert asked.seconds == 60
    assert RunRequest.of({}) == RunRequest({}, None)


@pytest.mark.parametrize("seconds", [10**400, float("inf"), 2e9])
def test_a_limit_that_is_none_is_none(seconds):
    assert RunRequest.of({"time_limit": seconds}).seconds is None


@pytest.mark.parametrize(
    "value",
    [
        None, [], "text", {"parameter": {}}, {"parameters": None}, {"parameters": []},
        {"parameters": dict.fromkeys(map(str, range(201)), 1)}, {"time_limit": 0}, {"time_limit": True},
        {"time_limit": "60"}, {"time_limit": float("nan")},
    ],
)  # fmt: skip
def test_anything_else_is_refused(value):
    with pytest.raises(UsageError, match=r"is no|are no"):
        RunRequest.of(value)
