"""Learning rates over time and over the depth of a network."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

MEASURED = 3
"""Steps after which it is known what a step takes."""
REMEMBERED = 20
"""Steps over which that is averaged: it follows a machine that gets slower."""


def share_of_rate(fraction: float, warm_up: float) -> float:
    """Linear warm-up, then half a cosine down to 0 (Loshchilov & Hutter, ICLR 2017).

    Args:
        fraction: How much of the schedule is over, in [0, 1].
        warm_up: Share of it in which the rate rises, in [0, 1).

    Returns:
        In [0, 1], to be multiplied by the highest rate.
    """
    if fraction < warm_up:
        return fraction / warm_up
    return (1 + math.cos(math.pi * min(1.0, (fraction - warm_up) / (1 - warm_up)))) / 2


def rates_by_depth(groups: int, rate: float, decay: float) -> tuple[float, ...]:
    """The highest rate of each group, from the lowest to the top, which has ``rate`` (Howard & Ruder, ACL 2018)."""
    return tuple(rate * decay ** (groups - 1 - group) for group in range(groups))


@dataclass
class Course:
    """How far a schedule has come, so that its end and the end of the time fall together.

    Every step goes an equal part of the way that is left. As long as there is time for all planned steps, that is the
    schedule that was planned, whatever a clock says; once there is not, the steps get longer.

    Attributes:
        planned: Steps of the whole schedule.
        steps_per_epoch: After so many steps the validation part is looked at.
        limit: The clock's reading at which everything must be over; ``inf``: none.
        clock: Tells seconds.
        step: How many are done.
        fraction: How much of the schedule is over, in [0, 1].
        looks: Seconds that one look at the validation part takes.
        final_looks: How many of them come after the last step.
    """

    planned: int
    steps_per_epoch: int
    limit: float
    clock: Callable[[], float]
    step: int = 0
    fraction: float = 0.0
    looks: float = 0.0
    final_looks: int = 1
    _durations: deque[float] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    @property
    def left(self) -> int:
        """Steps that are still to be made, and that time allows."""
        planned = self.planned - self.step
        seconds = self.limit - self.clock() - self.looks * self.final_looks
        if math.isinf(seconds):
            return planned
        if seconds <= 0:
            return 0
        if len(self._durations) < MEASURED:
            return planned
        each = sum(self._durations) / len(self._durations) + self.looks / self.steps_per_epoch
        return planned if planned * each <= seconds else int(seconds / each)

    def middle(self, left: int) -> float:
        """The fraction in the middle of the coming step: the rates there are neither 0 at first nor at last."""
        return self.fraction + (1 - self.fraction) / left / 2

    def advance(self, left: int, seconds: float) -> None:
        """A step is over, the first of ``left``; it took so long."""
        self.fraction += (1 - self.fraction) / left
        self.step += 1
        self._durations.append(seconds)
