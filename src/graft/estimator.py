"""``GraftClassifier``: the same code behind scikit-learn's interface."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from graft.contracts import Array
from graft.data.dataset import Dataset, File, Member, Memory
from graft.errors import DataError
from graft.model import Model, embed_items, fit, fit_embeddings
from graft.recipe import Recipe


class GraftClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A scikit-learn classifier over items or over embeddings.

    ``X`` is a list of items (paths, the bytes of files, PIL images, arrays ``(h, w, 3)``), which are embedded through
    the cache; or a numeric matrix ``(n, d)`` of embeddings computed elsewhere, on which only the head is fitted.

    Args:
        encoder: A key of ``graft.encoders.ENCODERS``, or ``"auto"``; of no effect on a numeric matrix.
        head: A key of ``graft.heads.HEADS``, or ``"auto"``.
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
        """Fit to items or embeddings ``X`` and labels ``y`` ``(n,)``.

        Args:
            X: Items, or a numeric matrix ``(n, d)``.
            y: One label for each row.
            groups: Rows of one group never straddle a split of the report's cross-validation.
        """
        recipe = Recipe(encoder=self.encoder, head=self.head, seed=self.seed)
        if _is_items(X):
            labels = np.asarray(y)
            self.classes_, codes = np.unique(labels, return_inverse=True)
            self.model_ = fit(Dataset.from_lists(X, [_code(c) for c in codes], groups=groups), recipe)
        else:
            X, y = validate_data(self, X, y, dtype=np.float32)
            check_classification_targets(y)
            self.classes_, codes = np.unique(y, return_inverse=True)
            self.model_ = fit_embeddings(X, [_code(c) for c in codes], recipe, groups=groups)
        return self

    def predict_proba(self, X: Any) -> Array:
        """Calibrated probabilities ``(n, k)``, columns as ``classes_``.

        Raises:
            ItemError: An item cannot be read.
        """
        check_is_fitted(self)
        model: Model = self.model_
        if _is_items(X):
            x = embed_items(model, X)
        else:
            x = validate_data(self, X, dtype=np.float32, reset=False)
        return np.asarray(model.classifier.probabilities(x), dtype=np.float64)

    def predict(self, X: Any) -> Array:
        """The most probable label of each row ``(n,)``."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")


_ITEMS = (str, bytes, bytearray, Path, np.ndarray, File, Member, Memory)


def _code(index: int) -> str:
    """Labels of any type travel as fixed-width numbers, whose order as text is the order of ``classes_``."""
    return f"{index:09d}"


def _is_items(X: Any) -> bool:
    """Whether ``X`` holds items, and not a numeric matrix of embeddings."""
    if isinstance(X, np.ndarray):
        return X.dtype.kind == "U" or (X.dtype == object and X.ndim == 1 and isinstance(X[:1].tolist()[0], _ITEMS))
    if not isinstance(X, list | tuple) or not X:
        return False
    if X[0] is None:
        raise DataError("The first item is None.", "Give paths, the bytes of files, PIL images, or arrays of pixels.")
    if isinstance(X[0], np.ndarray):
        return X[0].ndim > 1
    return isinstance(X[0], _ITEMS) or hasattr(X[0], "convert")
