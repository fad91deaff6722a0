"""The report: everything that a fit found out, as plain data; ``text`` and ``html`` show it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, TypeVar

from graft.data.dataset import Item, Skipped
from graft.data.guard import Inputs
from graft.heads.unknown import NEVER
from graft.results.history import Tuning

T = TypeVar("T")
_MAY_BE_ABSENT = ("test", "multi", "groups", "false_alarms", "added", "sets", "tuning", "columns")
_NOT_SAVED = ("items", "inputs")


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
class HeadChoice:
    """The head that was taken: its kind, the stages it sees (a key of ``FEATURES``), its strength, and why."""

    kind: str
    features: str
    strength: float
    why: str = ""
    bytes: int = 0
    """Size of the fitted part of the model; 0 where it is not known."""


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


@dataclass(frozen=True, slots=True)
class JournalEffect:
    """What a journal of decisions did to the data before the fit."""

    name: str
    """The file's name, without its folder."""
    digest: str
    """The first 128 bits of the SHA-256 of the decisions, as 32 hexadecimal digits."""
    relabelled: int
    dropped: int
    kept: int
    """How many items were found right."""
    unsure: int
    """How many nobody could judge; they stayed as they were."""
    unmatched: int
    """How many the data do not have."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a fit found. ``str(report)`` is for a terminal, ``to_html`` for a browser, ``to_dict`` for programs.

    ``accuracy`` is the out-of-fold score on everything but a given test split: its value is that of the judged items,
    its interval that of all new items of the same mix, ``unjudged`` of which may be right or wrong. ``test`` is the
    score on the given test split, which was used once, and the headline then. ``confusion`` has given labels as rows
    and predictions as columns. ``judged_on`` says in words which items the figures speak of. ``hardest`` holds the
    hardest held-out items, ``mistakes`` examples of each mistake,
    ``typical`` what was named rightly and lies in the middle of its class.

    In a multi-label report ``accuracy`` is the exact match (the share of items whose labels are all right), ``multi``
    has the other figures, ``confusion`` is empty, ``sets`` may be ``None``, and the labels of a ``Judged`` are joined
    by ``|``.
    """

    encoder: str
    modality: str
    backend: str
    classes: tuple[str, ...]
    n_items: int
    n_train: int
    n_test: int
    n_skipped: int
    skipped: tuple[Skipped, ...]
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
    sets: PredictionSets | None
    unknown: Unknown
    hardest: tuple[Judged, ...]
    mistakes: tuple[Judged, ...]
    head: HeadChoice
    seconds: Mapping[str, float]
    cache: Mapping[str, int]
    warnings: tuple[str, ...]
    recipe: Mapping[str, Any]
    fingerprint: str
    name: str = "model"
    version: str = ""
    test: Interval | None = None
    model: str | None = None
    report: str | None = None
    multi_label: bool = False
    multi: MultiLabelFigures | None = None
    groups: GroupEffect | None = None
    false_alarms: FalseAlarms | None = None
    added: ClassesAdded | None = None
    journal: JournalEffect | None = None
    tuning: Tuning | None = None
    typical: tuple[Judged, ...] = ()
    unjudged: float = 0.0
    """Share of the training items whose class, or one of whose labels, could not be judged."""
    columns: Mapping[str, str] | None = None
    """The columns of the table that the data came from, as arguments of ``graft.read``; ``None`` for other data."""
    items: Mapping[str, Item] = field(default_factory=dict, repr=False, compare=False)
    """The items behind ``hardest`` and ``mistakes`` by their path, to show and to play them; not saved."""
    inputs: Inputs = field(default=Inputs(), repr=False, compare=False)
    """What was read, over which nothing is written; not saved."""

    def __str__(self) -> str:
        from graft.report.text import render

        return render(self)

    @property
    def score(self) -> Interval:
        """What the headline speaks of: the given test split where there is a score on it, else cross-validation."""
        return self.test if self.test is not None and self.judged_by_test else self.accuracy

    @property
    def judged_by_test(self) -> bool:
        """Whether there is a score on a given test split."""
        return self.test is not None and not math.isnan(self.test.value)

    def to_html(self, path: str | Path | None = None, *, overwrite: bool = True) -> str:
        """One self-contained HTML page, written to ``path`` where one is given.

        Raises:
            OutputExists: ``path`` is there already and ``overwrite`` is false.
            OutputIsInput: ``path`` is a file that was read for the fit.
        """
        from graft.report.html import render, write

        if path is not None:
            self.inputs.check(path)
        page = render(self)
        if path is not None:
            write(page, Path(path), overwrite=overwrite)
        return page

    def to_dict(self) -> dict[str, Any]:
        """JSON-able values; the keys keep their meaning once released, and what was not asked is left out."""
        values: dict[str, Any] = {}
        for entry in dataclasses.fields(self):
            value = getattr(self, entry.name)
            if entry.name not in _NOT_SAVED and not (value is None and entry.name in _MAY_BE_ABSENT):
                values[entry.name] = plain(value)
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The report that ``to_dict`` wrote (without the items themselves)."""
        v = dict(values)
        figures = v["per_class"].items()
        absent = dict.fromkeys(_MAY_BE_ABSENT)
        return cls(
            **{
                **absent,
                **v,
                "classes": tuple(v["classes"]),
                "skipped": tuple(Skipped(**row) for row in v["skipped"]),
                "accuracy": _figures(Interval, v["accuracy"]),
                "test": _maybe(Interval, v.get("test")),
                "macro_f1": _figure(v["macro_f1"]),
                "overfit_gap": _figure(v["overfit_gap"]),
                "baselines": {name: _figure(value) for name, value in v["baselines"].items()},
                "per_class": {label: _figures(ClassFigures, row) for label, row in figures},
                "confusion": tuple(tuple(row) for row in v["confusion"]),
                "calibration": Calibration(
                    _figure(v["calibration"]["ece"]), _each(ReliabilityBin, v["calibration"]["bins"])
                ),
                "learning_curve": _each(CurvePoint, v["learning_curve"]),
                "forecast": _each(Forecast, v["forecast"]),
                "sets": _maybe(PredictionSets, v.get("sets")),
                "unknown": _unknown(v["unknown"]),
                "hardest": _each(Judged, v["hardest"]),
                "mistakes": _each(Judged, v["mistakes"]),
                "typical": _each(Judged, v.get("typical", ())),
                "head": HeadChoice(**v["head"]),
                "warnings": tuple(v["warnings"]),
                "multi": _maybe(MultiLabelFigures, v.get("multi")),
                "groups": _maybe(GroupEffect, v.get("groups")),
                "false_alarms": _alarms(v.get("false_alarms")),
                "added": _added(v.get("added")),
                "journal": _maybe(JournalEffect, v.get("journal")),
                "tuning": None if v.get("tuning") is None else Tuning.from_dict(v["tuning"]),
            }
        )


def plain(value: Any) -> Any:
    """A dataclass and all in it as JSON-able values; a figure that does not exist (NaN) becomes ``None``."""
    if isinstance(value, Skipped):
        return value.to_dict()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {entry.name: plain(getattr(value, entry.name)) for entry in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _figure(value: float | None) -> float:
    return math.nan if value is None else value


def _figures(kind: type[T], row: Mapping[str, Any]) -> T:
    return kind(**{name: _figure(value) for name, value in row.items()})


def _unknown(row: Mapping[str, Any]) -> Unknown:
    """Reports of earlier versions knew only the rate that was asked for."""
    if not isinstance(row["rate"], Mapping):
        return Unknown(_figure(row["threshold"]), _figure(row["rate"]))
    return Unknown(_figure(row["threshold"]), _figure(row["asked"]), _figures(Interval, row["rate"]))


def _maybe(kind: type[T], row: Mapping[str, Any] | None) -> T | None:
    return None if row is None else _figures(kind, row)


def _alarms(row: Mapping[str, Any] | None) -> FalseAlarms | None:
    return None if row is None else _figures(FalseAlarms, {**row, "labels": tuple(row.get("labels", [row["label"]]))})


def _added(row: Mapping[str, Any] | None) -> ClassesAdded | None:
    if row is None:
        return None
    recall = {label: _figures(RecallChange, change) for label, change in row["recall"].items()}
    return ClassesAdded(tuple(row["classes"]), recall)


def _each(kind: type[T], rows: Iterable[Mapping[str, Any]]) -> tuple[T, ...]:
    return tuple(_figures(kind, row) for row in rows)
