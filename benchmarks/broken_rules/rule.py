"""A rule that is broken on purpose."""

from __future__ import annotations

from dataclasses import dataclass

ENDS = "tests/model/test_rules.py::"
"""Tests of what a fit comes to in the end."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule and how it is broken.

    Attributes:
        name: What holds.
        file: Where, from the project's root.
        text: Stands there exactly once.
        instead: What is put in its place.
        test: The id of a test that has to fail then.
    """

    name: str
    file: str
    text: str
    instead: str
    test: str
