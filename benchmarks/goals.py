"""What a figure has to reach, and whether it does."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.results import show

COMPARE: dict[str, Callable[[float, float], bool]] = {
    "at least": operator.ge,
    "at most": operator.le,
    "above": operator.gt,
}


@dataclass(frozen=True, slots=True)
class Goal:
    """A measured figure and its bound; ``way`` is a key of ``COMPARE``."""

    name: str
    value: float
    way: str
    bound: float
    unit: str = ""

    @property
    def reached(self) -> bool:
        """Whether the figure is where it should be."""
        return COMPARE[self.way](self.value, self.bound)


def show_goals(title: str, goals: Sequence[Goal]) -> None:
    """Print each figure beside its bound."""
    rows = [
        (
            goal.name,
            f"{goal.value:.4g} {goal.unit}".strip(),
            f"{goal.way} {goal.bound:.4g} {goal.unit}".strip(),
            "reached" if goal.reached else "MISSED",
        )
        for goal in goals
    ]
    show(title, ("", "measured", "goal", ""), rows)


def plain_goals(goals: Sequence[Goal]) -> list[dict[str, Any]]:
    """Goals as JSON holds them."""
    return [{**asdict(goal), "reached": goal.reached} for goal in goals]
