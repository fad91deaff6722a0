"""``GraftClassifier`` and ``GraftRegressor``: the same code behind scikit-learn's interface."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from graft.contracts import Array, Float32, Float64
from graft.data.contents import clean_label
from graft.data.dataset import Dataset, File
from graft.data.items import is_picture, is_sound
from graft.data.lists import ONE_ITEM, is_frame, is_missing, values_of
from graft.errors import DataError, MissingExtra
from graft.model import Model, fit, fit_embeddings
from graft.recipe import Recipe
from graft.tasks import NUMBERS

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.utils import check_consistent_length, column_or_1d
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_is_fitted, validate_data
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] != "sklearn":
        raise
    raise MissingExtra(
        "Graft's estimators need scikit-learn, which is not installed.", "pip install 'graft-learn[sklearn]'"
    ) from None


class _Estimator(BaseEstimator):  # type: ignore[misc]
    """What fits items, or a numeric matrix whose columns it standardises."""

    _columns_of: Columns | None
    _strings_are_paths: bool

    def _fit(self, X: Any, labels: list[str], recipe: Recipe, groups: Sequence[Any] | None, *, items: bool) -> None:
        if items:
            dataset = Dataset.from_lists(X, labels, groups=groups)
            self._columns_of = None
            self._strings_are_paths = any(
                isinstance(value, str) and isinstance(item, File) for value, item in zip(X, dataset.items, strict=True)
            )
            self.model_ = fit(dataset, recipe)
        else:
            self._columns_of = Columns.of(X)
            self._strings_are_paths = False
            self.model_ = fit_embeddings(self._columns_of.standardised(X), labels, recipe, groups=groups)

    def _checked(self, X: Any, y: Any, kind: type | None = None, **of_matrix: Any) -> tuple[Any, Any, bool]:
        """What is to be fitted to, its labels, and whether these are items: as scikit-learn checks them."""
        X = _unwrapped(X)
        items = _is_items(X)
        if items:
            y = column_or_1d(y, dtype=kind, warn=True)
            check_consistent_length(X, y)
        else:
            X, y = validate_data(self, X, y, dtype=np.float64, **of_matrix)
        return X, y, items

    def _as_items(self, X: Any) -> list[Any]:
        return [File(Path(x), str(x)) if self._strings_are_paths and isinstance(x, str) else x for x in X]

    def _as_embeddings(self, X: Any) -> Float32:
        if self._columns_of is None:  # embeddings by the model's own encoder
            return np.asarray(validate_data(self, X, dtype=np.float32, reset=False))
        return self._columns_of.standardised(validate_data(self, X, dtype=np.float64, reset=False))

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")


class GraftClassifier(ClassifierMixin, _Estimator):  # type: ignore[misc]
    """A scikit-learn classifier over items or over a numeric matrix.

    ``X`` is a list of items, which are embedded through the cache; or a numeric matrix ``(n, d)``, such as embeddings
    computed elsewhere, whose columns are standardised and on which only the head is fitted.

    Items are pictures, texts or recordings; ``fit`` finds out which. Each is a path or the bytes of a file, or

    - for a picture, a PIL image or an array ``(h, w, 3)``; an array ``(n, h, w, 3)`` is a list of them;
    - for a text, a ``str``;
    - for a recording, a tuple ``(samples, rate)`` of an array ``(n,)`` or ``(n, channels)`` and samples a second.

    Whether a ``str`` is a text or a path, ``fit`` decides by most of those that it is given; ``predict`` takes it for
    the same. Where ``fit`` was given none, it is a text to a model of texts, and a path to any other.

    To a model that was fitted to items, a numeric matrix is one of embeddings by its own encoder. A model of texts that
    looks at words as well cannot take them.

    Args:
        encoder: What ``graft.Recipe`` takes for an encoder, or ``"auto"``; of no effect on a numeric matrix.
        head: A key of ``graft.learning.HEADS``, or ``"auto"``.
        seed: Every random choice follows from it.

    Attributes:
        classes_: The labels ``(k,)``, sorted.
        model_: The fitted ``graft.Model``, with its report.
        n_features_in_: Width of ``X``, where it was a numeric matrix.
    """

    def __init__(self, encoder: str = "auto", head: str = "auto", seed: int = 0) -> None:
        self.encoder = encoder
        self.head = head
        self.seed = seed

    def fit(self, X: Any, y: Any, groups: Sequence[Any] | None = None) -> Self:
        """Fit to items or a matrix ``X`` and labels ``y`` ``(n,)``.

        Args:
            X: Items, or a numeric matrix ``(n, d)``; columns of a data frame too.
            y: One label for each row; white space around one that is text does not count.
            groups: Rows of one group never straddle a split of the report's cross-validation; ``None``, NaN and ``""``
                are no group.

        Raises:
            ValueError: There are fewer than two classes (``TooFewClasses``), or what scikit-learn checks is amiss.
        """
        recipe = Recipe(encoder=self.encoder, head=self.head, seed=self.seed)
        X, y, items = self._checked(X, _clean_labels(y))
        check_classification_targets(y)
        classes, codes = np.unique(y, return_inverse=True)
        names = _names(classes)
        labels = [names[code] for code in codes]
        self._fit(X, labels, recipe, groups, items=items)
        if lost := [name for name in names if name not in self.model_.classes]:
            raise DataError(f"No item of the class {lost[0]} can be read.", "Look at model_.report.skipped.")
        self.classes_ = classes
        self._order = [self.model_.classes.index(name) for name in names]
        return self

    def predict_proba(self, X: Any) -> Float64:
        """Calibrated probabilities ``(n, k)``, columns as ``classes_``.

        Raises:
            ItemError: An item cannot be read.
            DataError: The model looks at the words of texts, and was given embeddings alone.
        """
        check_is_fitted(self)
        model: Model = self.model_
        X = _unwrapped(X)
        if _is_items(X):
            return np.asarray(model.predict_proba(self._as_items(X))[:, self._order], dtype=np.float64)
        if self._columns_of is None and model.classifier.words:
            raise DataError(
                "This model looks at the words of texts as well, and a matrix of embeddings holds none.",
                "Give the texts themselves, or fit to a matrix of embeddings.",
            )
        return np.asarray(model.classifier.answer(self._as_embeddings(X)).p[:, self._order], dtype=np.float64)

    def predict(self, X: Any) -> Array:
        """The most probable label of each row ``(n,)``."""
        p = self.predict_proba(X)
        return np.asarray(self.classes_[p.argmax(axis=1)])

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_order")


class GraftRegressor(RegressorMixin, _Estimator):  # type: ignore[misc]
    """A scikit-learn regressor over items or over a numeric matrix; ``X`` is as ``GraftClassifier`` takes it.

    Args:
        encoder: What ``graft.Recipe`` takes for an encoder, or ``"auto"``; of no effect on a numeric matrix.
        seed: Every random choice follows from it.

    Attributes:
        model_: The fitted ``graft.Model``, with its report.
        n_features_in_: Width of ``X``, where it was a numeric matrix.
    """

    def __init__(self, encoder: str = "auto", seed: int = 0) -> None:
        self.encoder = encoder
        self.seed = seed

    def fit(self, X: Any, y: Any, groups: Sequence[Any] | None = None) -> Self:
        """Fit to items or a matrix ``X`` and numbers ``y`` ``(n,)``.

        Args:
            X: Items, or a numeric matrix ``(n, d)``; columns of a data frame too.
            y: One number for each row.
            groups: Rows of one group never straddle a split of the report's cross-validation.

        Raises:
            ValueError: There are fewer than 10 rows, all numbers are the same, or what scikit-learn checks is amiss.
        """
        X, y, items = self._checked(X, y, np.float64, y_numeric=True, ensure_min_samples=2)
        labels = [repr(float(value)) for value in y]
        self._fit(X, labels, Recipe(encoder=self.encoder, task=NUMBERS, seed=self.seed), groups, items=items)
        return self

    def predict(self, X: Any) -> Float64:
        """The number of each row ``(n,)``.

        Raises:
            ItemError: An item cannot be read.
        """
        return self.predict_interval(X)[:, 1]

    def predict_interval(self, X: Any) -> Float64:
        """Low end, number and high end of the 90 % prediction interval of each row ``(n, 3)``.

        Raises:
            ItemError: An item cannot be read.
        """
        check_is_fitted(self)
        X = _unwrapped(X)
        if not _is_items(X):
            found = self.model_.classifier.answer(self._as_embeddings(X))
            return np.stack([found.low, found.value, found.high], axis=1)
        answers: list[Any] = self.model_.predict(self._as_items(X))
        for answer in answers:
            if answer.error is not None:
                raise answer.error
        return np.array([(answer.low, answer.value, answer.high) for answer in answers]).reshape(-1, 3)


class Columns:
    """Mean and spread of each column of a given matrix.

    Standardised columns over the square root of their number make rows of length about 1, which the heads' strengths
    are meant for, whatever the units of the columns.
    """

    def __init__(self, mean: Float64, spread: Float64) -> None:
        self.mean = mean
        self.spread = spread

    @classmethod
    def of(cls, x: Float64) -> Self:
        """The columns of ``x`` ``(n, d)``; one that never changes has the spread 1."""
        spread = x.std(axis=0)
        return cls(x.mean(axis=0), np.where(spread > 1e-12 * np.abs(x).max(axis=0), spread, 1.0))

    def standardised(self, x: Float64) -> Float32:
        """``(n, d) float32``."""
        return np.asarray((x - self.mean) / (self.spread * np.sqrt(x.shape[1])), dtype=np.float32)


def _names(classes: Array) -> list[str]:
    """What the labels are called in the model and its report."""
    names = [str(label) for label in classes]
    return names if len(set(names)) == len(names) else [f"{i}: {name}" for i, name in enumerate(names)]


def _clean_labels(y: Any) -> Any:
    """The labels; those that are text without white space around them.

    Raises:
        DataError: One is missing.
    """
    listed = isinstance(y, list | tuple) or getattr(getattr(y, "dtype", None), "kind", "") in ("O", "U", "f")
    column = listed and np.ndim(y) == 1
    if not column and not (is_frame(y) and len(y.columns) == 1):  # for scikit-learn to judge
        return y
    values = values_of(y)
    text = [clean_label(value) if isinstance(value, str) else value for value in values]
    if missing := [row for row, value in enumerate(text) if is_missing(value) or value == ""]:
        raise DataError(
            f"Input y contains NaN: row {missing[0]} has no label ({len(missing)} of {len(text)} rows have none).",
            "Leave such rows out.",
        )
    return np.array(text, dtype=getattr(y, "dtype", None) if isinstance(y, np.ndarray) else None)


def _unwrapped(X: Any) -> Any:
    """The column of a data frame as an array; of a frame of one column that holds no numbers that column.

    Raises:
        DataError: There are several columns, and not all of them hold numbers.
    """
    if is_frame(X):
        numbers = [np.asarray(X[column]).dtype.kind in "biuf" for column in X.columns]
        if not numbers or all(numbers):
            return X
        return np.fromiter(values_of(X), dtype=object)
    return X.to_numpy() if hasattr(X, "to_numpy") and getattr(X, "ndim", 1) == 1 else X


def _is_items(X: Any) -> bool:
    """Whether ``X`` holds items, and not a numeric matrix.

    Raises:
        DataError: It is one item, or nothing but ``None``.
    """
    if isinstance(X, ONE_ITEM):
        raise DataError(f"X is one item, of type {type(X).__name__}.", "Give a list of one: [item].")
    if isinstance(X, np.ndarray) and not (X.dtype == object and X.ndim == 1):
        return X.dtype.kind == "U" or X.ndim > 2
    if not isinstance(X, list | tuple | np.ndarray) or not len(X):
        return False
    first = next((value for value in X if not is_missing(value)), None)
    if first is None:
        raise DataError(
            "The first item is None.", "Give paths, the bytes of files, pictures, texts, or (samples, rate)."
        )
    if isinstance(first, np.ndarray):
        return first.ndim > 1
    return isinstance(first, ONE_ITEM) or is_picture(first) or is_sound(first)
