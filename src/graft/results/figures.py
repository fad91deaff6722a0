"""The figures of a report on classes, or on any number of labels, as plain data; ``graft.report`` shows them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graft.contracts import NEVER
from graft.results.facts import Facts


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure between 0 and 1 with its 95 % interval, and in words how it was come by."""

    value: float
    low: float
    high: float
    method: str = ""


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """How one class fares on its ``n`` judged items; ``recall_low`` and ``recall_high``: Wilson 95 % interval."""

    precision: float
    recall: float
    n: int
    recall_low: float
    recall_high: float


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Accuracy after training on ``n`` items."""

    n: int
    accuracy: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """What ``extra`` more items of ``label`` (or of ``"all"``: that many of every class) are expected to gain."""

    label: str
    extra: int
    gain: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Judged items whose confidence lay in one bin: mean confidence, share that was right, how many."""

    confidence: float
    accuracy: float
    n: int


@dataclass(frozen=True, slots=True)
class Calibration:
    """How far confidence can be believed: expected calibration error and its bins."""

    ece: float
    bins: tuple[ReliabilityBin, ...] = ()


@dataclass(frozen=True, slots=True)
class PredictionSets:
    """Sets that are to hold the true class with probability ``level``; ``complete``: every class had to be returned."""

    level: float
    coverage: float
    mean_size: float
    complete: bool
    guarantee: str
    short: int = 0
    """How many classes had too few held-out items for the level, and stand in every set."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """The threshold of the unknown score, and which share of in-class items lies above it.

    A threshold that nothing passes is no figure: it becomes ``nan``.
    """

    threshold: float
    asked: float
    """The share that the threshold was set to."""
    rate: Interval = Interval(math.nan, 0.0, 1.0)
    """The share as measured out of fold, by thresholds that the items had no part in."""

    @staticmethod
    def of_today(values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Reports of earlier versions knew only the rate that was asked for."""
        if isinstance(values["rate"], Mapping):
            return values
        return {"threshold": values["threshold"], "asked": values["rate"]}

    def __post_init__(self) -> None:
        if self.threshold >= NEVER:
            object.__setattr__(self, "threshold", math.nan)


@dataclass(frozen=True, slots=True)
class Judged:
    """One held-out prediction: the item, what it was called, what the model said, how sure it was."""

    path: str
    label: str
    predicted: str
    confidence: float
    given: float
    """Probability of the label that was given."""


@dataclass(frozen=True, slots=True)
class GroupEffect:
    """What random folds that ignore groups would have claimed, beside the accuracy with whole groups held out."""

    n: int
    """How many groups."""
    accuracy: float
    """Out of fold, with whole groups held out."""
    ignoring: float
    """The same heads with random folds that ignore groups."""
    drop: float
    """``ignoring - accuracy``."""
    low: float
    high: float
    """95 % interval of the drop."""


@dataclass(frozen=True, slots=True)
class FalseAlarms:
    """How often what is none of the classes is taken for one of them; of recordings, how often an hour of it."""

    label: str
    """The negative class: background, none, other, or what was marked so; several are joined by a comma."""
    per_hour: float
    low: float
    high: float
    """95 % Poisson interval of ``per_hour``; without recordings all three are ``nan``."""
    hours: float
    """Hours of negative recordings that were judged; 0 where there are none."""
    n: int
    """False alarms among the judged items."""
    per_thousand: float = math.nan
    """How many of 1,000 negative items are taken for another class."""
    per_thousand_low: float = math.nan
    per_thousand_high: float = math.nan
    """95 % interval of ``per_thousand``."""
    of: int = 0
    """How many negative items were judged."""
    labels: tuple[str, ...] = ()
    """The negative classes, each for itself."""

    @staticmethod
    def of_today(values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Reports of earlier versions knew one negative class."""
        return {"labels": [values["label"]], **values}


@dataclass(frozen=True, slots=True)
class MultiLabelFigures:
    """The figures of a task in which an item bears any number of labels."""

    micro_f1: float
    macro_f1: float
    hamming_loss: float
    exact_match: float
    mean_average_precision: float
    labels_per_item: float


@dataclass(frozen=True, slots=True)
class RecallChange:
    """Recall of an old class on its ``n`` judged items, before and after classes were added."""

    before: float
    after: float
    n: int
    lost_to_new: int
    """How many of the items that were right before are now called one of the new classes."""


@dataclass(frozen=True, slots=True)
class ClassesAdded:
    """The classes that a model was given later, and what that did to each old class."""

    classes: tuple[str, ...]
    recall: Mapping[str, RecallChange]


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What cross-validation found.

    ``accuracy`` is the out-of-fold score on everything but a given test split: its value is that of the judged items,
    its interval that of all new items of the same mix, ``unjudged`` of which may be right or wrong. ``test`` is the
    score on the given test split, which was used once, and the headline then. ``confusion`` has given labels as rows
    and predictions as columns. ``judged_on`` says in words which items the figures speak of. ``hardest`` holds the
    hardest held-out items, ``mistakes`` examples of each mistake,
    ``typical`` what was named rightly and lies in the middle of its class.

    Where items bear any number of labels ``accuracy`` is the exact match (the share of items whose labels are all
    right), ``multi`` has the other figures, ``confusion`` is empty, ``sets`` may be ``None``, and the labels of a
    ``Judged`` are joined by ``|``.
    """

    classes: tuple[str, ...]
    accuracy: Interval
    macro_f1: float
    baselines: Mapping[str, float]
    per_class: Mapping[str, ClassFigures]
    confusion: tuple[tuple[int, ...], ...]
    judged_on: str
    calibration: Calibration
    overfit_gap: float
    learning_curve: tuple[CurvePoint, ...]
    forecast: tuple[Forecast, ...]
    sets: PredictionSets | None = None
    unknown: Unknown
    hardest: tuple[Judged, ...]
    mistakes: tuple[Judged, ...]
    test: Interval | None = None
    multi_label: bool = False
    multi: MultiLabelFigures | None = None
    groups: GroupEffect | None = None
    false_alarms: FalseAlarms | None = None
    added: ClassesAdded | None = None
    typical: tuple[Judged, ...] = ()
    unjudged: float = 0.0
    """Share of the training items whose class, or one of whose labels, could not be judged."""

    @property
    def score(self) -> Interval:
        """What the headline speaks of: the given test split where there is a score on it, else cross-validation."""
        return self.test if self.test is not None and self.judged_by_test else self.accuracy

    @property
    def judged_by_test(self) -> bool:
        """Whether there is a score on a given test split."""
        return self.test is not None and not math.isnan(self.test.value)


@dataclass(frozen=True, kw_only=True)
class ReportRecord(Figures, Facts):
    """Facts and figures together: what a report of classes or labels shows."""
