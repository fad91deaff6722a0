"""How good the model in use and a new one are on items that neither has seen."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from graft.contracts import SEPARATOR, Bool, Encoder, Float64, Int
from graft.data.split import choose_folds, stratified_group_folds
from graft.duplicates.clusters import Clusters
from graft.errors import DataError
from graft.evaluation import AskedItems
from graft.heads.protocols import Answering
from graft.model import Model
from graft.recipe import Recipe
from graft.retraining.material import GatheredItems
from graft.run import Run
from graft.tasks.examples import Examples

FOLDS = 5
"""Of the items that both learn from, each part is held out in its turn."""
COVERAGE = 0.9
"""Where less of what the model was fitted to is here, nothing is said of these items: its recipe, fitted to the rest,
would be another model."""


@dataclass(frozen=True, slots=True, eq=False)
class BothRight:
    """How good the answers of both models are, each on items that it has not seen.

    Attributes:
        rows: Of the material, those that were answered by both ``(m,) int64``.
        before: Of the model in use ``(m,)``, 1 at best.
        after: Of the new one ``(m,)``.
        new: Which the model in use itself answered; the others it was fitted to, and its recipe was fitted anew without
            them ``(m,) bool``.
        in_turn: Whether items were held out in turn, and none for good.
    """

    rows: Int
    before: Float64
    after: Float64
    new: Bool
    in_turn: bool


def answer_both(model: Model, material: GatheredItems, encoder: Encoder, recipe: Recipe, run: Run) -> BothRight:
    """Ask both models.

    Where the data have a test split, those of its items that the model in use has not seen, and that are no copies of
    others in the data, decide, and the new model is fitted without the split. Elsewhere each item is held out in its
    turn: a new model that was fitted without it and without its copies answers it. What the model in use has not seen
    it answers itself; for what it was fitted to, its recipe is fitted anew, to its own items and labels, without the
    part that is held out. Where too little is left to learn from, there is no answer.
    """
    task, x, dataset = model.task, material.embedded.x, material.dataset
    n = len(dataset)
    before, after = np.full(n, np.nan), np.full(n, np.nan)

    def right(head: Answering, classes: Sequence[str], rows: Int) -> Float64:
        return task.right(AskedItems.by(head, classes, x[rows], dataset.select(rows)), dataset)

    def newly(learned: Bool, rows: Int) -> Float64:
        return right(*_fitted(material, learned, encoder, recipe, run), rows)

    if material.tested.any():
        learned = np.isin(material.units, material.units[~material.tested])  # copies that straddle the given split
        rows = np.flatnonzero(material.tested & ~material.seen & ~learned)
        if len(rows):
            before[rows] = right(model.classifier, model.classes, rows)
            after[rows] = newly(~material.tested, rows)
        return _both(material, before, after, in_turn=False)
    relearned = _as_learned(model, material)
    for fold in _folds(model, material, recipe):
        run.check()
        held = np.flatnonzero(fold)
        with contextlib.suppress(DataError):
            after[held] = newly(~fold, held)
        fresh, old = np.flatnonzero(fold & ~material.seen), np.flatnonzero(fold & material.seen)
        before[fresh] = right(model.classifier, model.classes, fresh)
        if relearned is not None and len(old):
            with contextlib.suppress(DataError):
                again = _fitted(relearned, material.known & ~fold, encoder, model.recipe, run)
                before[old] = right(*again, old)
    return _both(material, before, after, in_turn=True)


def _both(material: GatheredItems, before: Float64, after: Float64, *, in_turn: bool) -> BothRight:
    rows = np.flatnonzero(~np.isnan(before) & ~np.isnan(after))
    return BothRight(rows, before[rows], after[rows], ~material.seen[rows], in_turn)


def _folds(model: Model, material: GatheredItems, recipe: Recipe) -> Iterator[Bool]:
    """Which rows are held out, part by part; a row of a class that stands in one unit never is."""
    strata = model.task.targets(material.dataset, material.units).strata
    n_folds, _ = choose_folds(strata, material.units)
    if not n_folds:
        return
    folds = stratified_group_folds(strata, material.units, min(n_folds, FOLDS), recipe.seed)[0]
    yield from (folds == fold for fold in range(int(folds.max(initial=-1)) + 1))


def _as_learned(model: Model, material: GatheredItems) -> GatheredItems | None:
    """The items that the model was fitted to with the labels that it learned; ``None`` where too many are not here."""
    training = model.training
    assert training is not None
    if material.coverage < COVERAGE:
        return None
    labels = dict(zip(training.digests, training.labels, strict=True))
    own = tuple(
        labels.get(digest, label)
        for digest, label in zip(material.embedded.digests, material.dataset.labels, strict=True)
    )
    tags = tuple(tuple(filter(None, label.split(SEPARATOR))) for label in own) if material.dataset.tags else ()
    return replace(material, dataset=replace(material.dataset, labels=own, tags=tags))


def _fitted(
    material: GatheredItems, learned: Bool, encoder: Encoder, recipe: Recipe, run: Run
) -> tuple[Answering, tuple[str, ...]]:
    """The head of the recipe, fitted to some rows, and its classes."""
    rows = np.flatnonzero(learned)
    dataset = replace(material.dataset.select(rows), splits=())
    embedded = replace(material.embedded.select(rows), rows=np.arange(len(rows)), skipped={})
    clusters, doubtful, whole = material.alike
    alike = Clusters(clusters[rows], doubtful[rows], whole[rows])
    examples = Examples.of(dataset, encoder, recipe, run, embedded, alike)
    with run.working("fit"):
        return examples.task.fit(examples.rows, recipe).head, examples.rows.classes
