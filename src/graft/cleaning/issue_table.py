"""Issues item by item: a table with cleanlab's column names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from graft.cleaning.cues import Cue
from graft.cleaning.duplicates import DuplicateSet
from graft.cleaning.label_errors import FEW, LabelQuality
from graft.cleaning.outliers import Outliers
from graft.cleaning.pool import Pool
from graft.contracts import Array, Bool, Int
from graft.data.dataset import Dataset, Skipped
from graft.errors import UsageError
from graft.journal.resolution import Applied

DOUBTFUL, LESSER = 0.5, 0.6
"""Where doubtful labels and issues of quality begin in the order of ``worst_first``."""


@dataclass(frozen=True, slots=True, eq=False)
class IssueTable:
    """Issues of a data set. Nothing in the data was changed.

    Attributes:
        pool: What was examined.
        columns: The table, by name ``(n,)`` each; ``is_<kind>_issue`` is bool, ``<kind>_score`` is 0 to 1, low is bad.
        labels: What is to be said of the labels; ``None`` where they cannot be judged at all.
        outliers: What is far from all others, and the nearest neighbours of every item.
        duplicates: Sets of copies and near-copies, the worst first.
        cues: By what classes can be told apart without looking at what is on the items.
    """

    pool: Pool
    columns: Mapping[str, Array]
    labels: LabelQuality | None
    outliers: Outliers
    duplicates: tuple[DuplicateSet, ...]
    cues: tuple[Cue, ...]

    def __len__(self) -> int:
        return len(self.pool.dataset)

    def __getitem__(self, column: str) -> Array:
        return self.columns[column]

    @property
    def dataset(self) -> Dataset:
        """The items of the rows."""
        return self.pool.dataset

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels, sorted."""
        return self.pool.classes

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """Files that could not be read."""
        return self.pool.dataset.skipped

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of issues that were looked for: ``"label"``, ``"outlier"``, ``"near_duplicate"``, ``"dark"``, ..."""
        return tuple(name[3:-6] for name in self.columns if name.startswith("is_") and name.endswith("_issue"))

    def issues(self, kind: str) -> Int:
        """The rows with this kind of issue, worst first.

        Raises:
            UsageError: The kind was not looked for.
        """
        if kind not in self.kinds:
            raise UsageError(f"There is no kind of issue called {kind!r}.", f"Choose one of {', '.join(self.kinds)}.")
        rows = np.flatnonzero(self.columns[f"is_{kind}_issue"])
        score = self.columns.get(f"{kind}_score")
        return rows if score is None else rows[np.argsort(score[rows], kind="stable")]

    def worst_first(self) -> Int:
        """All rows, in the order in which to look at them."""
        return np.argsort(self.columns["overall_score"], kind="stable")

    def decided(self, applied: Applied) -> Self:
        """The findings that are left once somebody has decided: of items decided on, nothing is an issue any more.

        The table gets a column ``decision``: ``"relabelled"``, ``"dropped"``, ``"kept"``, ``"unsure"`` or ``""``.
        """
        columns = dict(self.columns)
        decision = np.full(len(self), "", object)
        for action in ("relabelled", "dropped", "kept", "unsure"):
            decision[list(getattr(applied, action))] = action
        settled = (decision != "") & (decision != "unsure")
        for kind in self.kinds:
            columns[f"is_{kind}_issue"] = self.columns[f"is_{kind}_issue"] & ~settled
        columns["decision"] = decision
        open_sets = tuple(found for found in self.duplicates if not settled[list(found.rows)].all())
        labels = self.labels and replace(self.labels, is_issue=self.labels.is_issue & ~settled)
        outliers = replace(self.outliers, is_issue=self.outliers.is_issue & ~settled)
        return replace(self, columns=columns, labels=labels, outliers=outliers, duplicates=open_sets)

    def too_few(self) -> tuple[str, ...]:
        """Classes whose labels are not judged, for they have fewer than ``FEW`` items."""
        labels = self.dataset.labels if not self.dataset.tags else [tag for tags in self.dataset.tags for tag in tags]
        sizes = Counter(labels)
        return tuple(label for label in self.classes if sizes[label] < FEW)

    def confusion(self, among: Bool | None = None) -> Int:
        """How many items of each given class (row) are probably of another (column) ``(k, k)``: label issues.

        Args:
            among: Which items count ``(n,) bool``; by default all.
        """
        table = np.zeros((len(self.classes), len(self.classes)), np.int64)
        if self.labels is not None:
            rows = np.flatnonzero(self.labels.is_issue if among is None else self.labels.is_issue & among)
            np.add.at(table, (self.pool.y[rows], self.labels.predicted[rows]), 1)
        return table


def overall(columns: Mapping[str, Array], grave: Sequence[str] = ()) -> Array:
    """One score for each item to sort by ``(n,) float64``, 0 to 1, low is bad.

    Label errors, outliers and issues in ``grave`` come by their own scores, for they mislead a model. Labels that are
    doubtful, and no more, begin at ``DOUBTFUL``; other issues of quality at ``LESSER``.

    Args:
        columns: As in ``Findings``.
        grave: Kinds that mislead like a wrong label, such as copies under two labels.
    """
    label = columns["label_score"].astype(np.float64)
    doubt = np.where(columns["is_label_issue"], label, DOUBTFUL + (1 - DOUBTFUL) * label)
    score = np.minimum(doubt, columns["outlier_score"])
    for name in columns:
        kind = name.removeprefix("is_").removesuffix("_issue")
        if f"is_{kind}_issue" != name or kind in ("label", "outlier"):
            continue
        own = columns.get(f"{kind}_score", np.zeros(len(score)))
        weight = own if kind in grave else LESSER + (1 - LESSER) * own
        score = np.where(columns[name], np.minimum(score, weight), score)
    return np.asarray(score)
