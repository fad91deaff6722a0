"""What is tuned on, and heads for some of its rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from graft.contracts import Encoder, Float32, Int
from graft.encoders import Tunable
from graft.errors import ItemError
from graft.executors import map_on_cores, one_thread_each
from graft.heads.features import transform
from graft.heads.protocols import CalibratedHead
from graft.learning.classifier import OutOfFold, fit_classifier
from graft.learning.lexical import Words
from graft.recipe import Recipe
from graft.tasks.examples import folds_of
from graft.tuning.batches import Samples


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """The items to tune on, none of the test split among them; the last of the ``n`` rows may be names of classes.

    Attributes:
        encoder: As it was pretrained.
        x: Its embeddings ``(n, dim) float32``.
        y: ``(n,) int64`` in [0, k).
        k: Number of classes.
        units: What has to stay together ``(n,) int64``.
        values: What ``Encoder.prepare`` made of each row.
        texts: The texts, of texts.
        recipe: How heads are fitted.
        names: How many rows at the end are no items, but names of classes: they are learned from, and nothing is judged
            by them.
    """

    encoder: Tunable
    x: Float32
    y: Int
    k: int
    units: Int
    values: Sequence[Any]
    texts: Sequence[str] | None
    recipe: Recipe
    names: int = 0

    def __len__(self) -> int:
        """Items."""
        return len(self.y) - self.names

    def with_names(self, rows: Int, times: int = 1) -> Int:
        """These rows, and so many times those of the names."""
        return np.append(rows, np.tile(np.arange(len(self), len(self.y)), times))

    def named(self, names: Sequence[str]) -> Material:
        """The same with names of the ``k`` classes, as texts, after the items.

        A name that an item has for its text is left out, so that no item is learned from while it is held out. So is
        one that the encoder cannot read.
        """
        said = {text.strip().casefold() for text in self.texts or ()}
        new = {c: name for c, name in enumerate(names) if name.casefold() not in said}
        values = {c: value for c, name in new.items() if (value := _prepared(self.encoder, name)) is not None}
        if not values:
            return self
        known = list(values)
        return replace(
            self,
            x=np.concatenate([self.x, embedded(self.encoder, list(values.values()))]),
            y=np.append(self.y, known),
            units=np.append(self.units, self.units.max(initial=-1) + 1 + np.arange(len(known))),
            values=[*self.values, *values.values()],
            texts=None if self.texts is None else [*self.texts, *(new[c] for c in known)],
            names=len(known),
        )


def rows_of(material: Material, chosen: Int, classifier: CalibratedHead) -> Samples:
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
    return Samples(values, material.y[chosen], offset, np.array([_size(value) for value in values], np.int64))


def fitted(material: Material, x: Float32, rows: Int) -> tuple[CalibratedHead, OutOfFold]:
    """A head for some rows, chosen and calibrated on folds of them, and what heads said of rows they had not seen.

    Args:
        material: All rows.
        x: Their embeddings by whichever network ``(n, dim) float32``.
        rows: Those to fit to ``(m,) int64``, items first; names are in every fold and never held out.
    """
    y, units, recipe = material.y[rows], material.units[rows], material.recipe
    words = None if material.texts is None else Words.of([material.texts[row] for row in rows.tolist()], recipe.seed)
    items = rows < len(material)
    dealt = folds_of(y[items], units[items], recipe.seed)
    folds = [np.append(fold, np.full(int((~items).sum()), -1)) for fold in dealt]
    with one_thread_each():
        return fit_classifier(x[rows], y, material.k, material.encoder.stages, folds, recipe, units, words)


def scores_of(classifier: CalibratedHead, material: Material, x: Float32, rows: Int) -> Float32:
    """What a head says of some rows ``(m, k) float32``, divided by its temperature: no two heads count alike."""
    scores = classifier.linear.scores(transform(x[rows], classifier.stages, classifier.features))
    if classifier.lexical is not None and material.texts is not None:
        scores = scores + classifier.lexical.scores([material.texts[row] for row in rows.tolist()])
    return (scores / classifier.temperature).astype(np.float32)


def embedded(encoder: Encoder, values: Sequence[Any]) -> Float32:
    """Of what ``Encoder.prepare`` made of items ``(n, dim) float32``."""
    starts = range(0, len(values), encoder.batch_size)
    return np.concatenate(
        list(map_on_cores(lambda start: encoder.embed(values[start : start + encoder.batch_size]), starts))
    )


def _prepared(encoder: Encoder, name: str) -> Any:
    try:
        return encoder.prepare(name.encode()).value
    except ItemError:
        return None


def _size(value: Any) -> int:
    return sum(map(_size, value)) if isinstance(value, tuple | list) else int(np.size(value))
