"""What is tuned on, and the fitted head that tuning starts from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graft.contracts import Encoder, Float32, Int, Linear
from graft.data.split import choose_folds, stratified_group_folds
from graft.executors import one_thread_each
from graft.heads.classifier import Classifier, fit_classifier
from graft.heads.lexical import LexicalPart, Words
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

    encoder: Encoder
    x: Float32
    y: Int
    k: int
    units: Int
    values: Sequence[Any]
    texts: Sequence[str] | None
    recipe: Recipe

    def __len__(self) -> int:
        return len(self.y)


class Start:
    """A head that was fitted to some rows, and what tuning from it on takes.

    Attributes:
        fit: The rows ``(m,) int64``.
        classifier: The head, and what is chosen with it.
        lexical: What words add to the scores of the head that is trained; they stay as they are.
    """

    def __init__(self, material: Material, fit: Int) -> None:
        self.material, self.fit = material, fit
        self.classifier = _fitted(material, fit)
        self.lexical = _tempered(self.classifier)
        self._offset = self.lexical.scores(material.texts) if self.lexical and material.texts else None

    def rows(self, chosen: Int) -> Rows:
        """Some rows as the loop takes them."""
        offset = None if self._offset is None else self._offset[chosen]
        return Rows([self.material.values[row] for row in chosen.tolist()], self.material.y[chosen], offset)

    def scores(self, linear: Linear, phi: Float32) -> Float32:
        """Of all rows ``(n, k) float32``."""
        scores = linear.scores(phi)
        return scores if self._offset is None else scores + self._offset


def _fitted(material: Material, rows: Int) -> Classifier:
    y, units, recipe = material.y[rows], material.units[rows], material.recipe
    words = None if material.texts is None else Words.of([material.texts[row] for row in rows.tolist()], recipe.seed)
    n_folds, repeats = choose_folds(y, units)
    folds = stratified_group_folds(y, units, n_folds, recipe.seed, repeats) if n_folds else []
    with one_thread_each():
        classifier, _ = fit_classifier(
            material.x[rows], y, material.k, material.encoder.stages, folds, recipe, units, words
        )
    return classifier


def _tempered(classifier: Classifier) -> LexicalPart | None:
    """What words add to scores that were divided by the temperature, as those of a ``TrainableHead`` are."""
    lexical = classifier.lexical
    if lexical is None:
        return None
    weights = (lexical.weights / classifier.temperature).astype(np.float16)
    return LexicalPart(lexical.lexicon, weights.astype(np.float32))
