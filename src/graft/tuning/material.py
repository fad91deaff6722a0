"""What is tuned on, and heads for some of its rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graft.contracts import Float32, Int
from graft.data.split import choose_folds, stratified_group_folds
from graft.encoders import Tunable
from graft.executors import one_thread_each
from graft.heads.classifier import Classifier, OutOfFold, fit_classifier
from graft.heads.features import transform
from graft.heads.lexical import Words
from graft.recipe import Recipe
from graft.tuning.batches import Rows


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """The items to tune on, none of the test split among them.

    Attributes:
        encoder: As it was pretrained.
        x: Its embeddings ``(n, dim) float32``.
        y: ``(n,) int64`` in [0, k).
        k: Number of classes.
        units: What has to stay together ``(n,) int64``.
        values: What ``Encoder.prepare`` made of each item.
        texts: The texts, of texts.
        recipe: How heads are fitted.
    """

    encoder: Tunable
    x: Float32
    y: Int
    k: int
    units: Int
    values: Sequence[Any]
    texts: Sequence[str] | None
    recipe: Recipe

    def __len__(self) -> int:
        return len(self.y)


def rows_of(material: Material, chosen: Int, classifier: Classifier) -> Rows:
    """Some rows as the loop takes them, with what words add to the scores of a head that is divided by its temperature.

    Args:
        material: All rows.
        chosen: Which ``(m,) int64``.
        classifier: The fitted head that tuning starts from.
    """
    offset = None
    if classifier.lexical is not None and material.texts is not None:
        scores = classifier.lexical.scores([material.texts[row] for row in chosen.tolist()])
        offset = (scores / classifier.temperature).astype(np.float32)
    values = [material.values[row] for row in chosen.tolist()]
    return Rows(values, material.y[chosen], offset, np.array([_size(value) for value in values], np.int64))


def fitted(material: Material, x: Float32, rows: Int) -> tuple[Classifier, OutOfFold]:
    """A head for some rows, chosen and calibrated on folds of them, and what heads said of rows they had not seen.

    Args:
        material: All rows.
        x: Their embeddings by whichever network ``(n, dim) float32``.
        rows: Those to fit to ``(m,) int64``.
    """
    y, units, recipe = material.y[rows], material.units[rows], material.recipe
    words = None if material.texts is None else Words.of([material.texts[row] for row in rows.tolist()], recipe.seed)
    n_folds, repeats = choose_folds(y, units)
    folds = stratified_group_folds(y, units, n_folds, recipe.seed, repeats) if n_folds else []
    with one_thread_each():
        return fit_classifier(x[rows], y, material.k, material.encoder.stages, folds, recipe, units, words)


def scores_of(classifier: Classifier, material: Material, x: Float32, rows: Int) -> Float32:
    """What a head says of some rows ``(m, k) float32``, divided by its temperature: no two heads count alike."""
    scores = classifier.linear.scores(transform(x[rows], classifier.stages, classifier.features))
    if classifier.lexical is not None and material.texts is not None:
        scores = scores + classifier.lexical.scores([material.texts[row] for row in rows.tolist()])
    return (scores / classifier.temperature).astype(np.float32)


def _size(value: Any) -> int:
    return sum(map(_size, value)) if isinstance(value, tuple | list) else int(np.size(value))
