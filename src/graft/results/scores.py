"""What is found when a model is scored on labelled items."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from graft.data.dataset import Skipped
from graft.results.figures import ClassFigures, Interval, MultiLabelFigures


@dataclass(frozen=True, kw_only=True)
class Scores:
    """A model's score on labelled items. ``confusion`` has given labels as rows, the model's classes as columns.

    Where items bear any number of labels, ``multi`` has the figures that take their place: ``accuracy`` is the exact
    match, ``confusion`` is empty, and there is no ``coverage``.
    """

    accuracy: Interval
    macro_f1: float
    per_class: Mapping[str, ClassFigures]
    n_items: int
    split: str
    classes: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    ece: float
    coverage: float
    skipped: tuple[Skipped, ...] = ()
    warnings: tuple[str, ...] = ()
    multi: MultiLabelFigures | None = None

    @property
    def as_test(self) -> Interval:
        """The score as a report of a fit has it, where the items were its given test split."""
        what = "the given test split, used once"
        named = self.accuracy.method.replace("held-out items", what)
        return replace(self.accuracy, method=named if what in named else f"{what}: {named}")
