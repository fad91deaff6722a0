"""All items as one pool, and what heads that had not seen them say of each: what every finding starts from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from graft.contracts import Encoder, Float32, Int, Stages
from graft.data.dataset import Dataset
from graft.duplicates.copies import Copies
from graft.encoders import encoder_for
from graft.encoders.embed import Embedded
from graft.errors import UsageError
from graft.evaluation import warn_of_blanks
from graft.heads.classifier import Answer
from graft.heads.features import GIVEN, transform
from graft.heads.protocols import CalibratedHead
from graft.learning.axes import centred, leading
from graft.learning.classifier import OutOfFold, fit_classifier
from graft.recipe import Recipe
from graft.results.prediction import Prediction
from graft.run import Run
from graft.tasks.examples import Examples, embed_dataset, nothing_readable

MANY_ROWS = 5000
"""From so many items without words on, heads see the first ``COLUMNS`` principal axes of the features ``"late"`` and no
others. Wrong labels were found as well by these on four sets of pictures, and in a tenth of the time."""
COLUMNS = 256


@dataclass(frozen=True, slots=True, eq=False)
class NarrowedHead:
    """A head on a few principal axes of the features ``"late"``, which answers for whole embeddings.

    Attributes:
        head: What was fitted to these axes.
        stages: Of the embeddings.
        mean: Of the features ``"late"`` ``(d,) float32``.
        axes: The axes ``(d, COLUMNS) float32``.
        words: It looks at no words of texts.
    """

    head: CalibratedHead
    stages: Stages
    mean: Float32
    axes: Float32
    words: bool = False

    def answer(self, x: Float32, texts: Sequence[str] | None = None) -> Answer:
        """What it says of embeddings ``(n, dim) float32``."""
        return self.head.answer(np.asarray((transform(x, self.stages, "late") - self.mean) @ self.axes, np.float32))

    def predictions(self, classes: Sequence[str], answer: Answer) -> list[Prediction]:
        """An answer in words."""
        return self.head.predictions(classes, answer)


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Items of all splits, embedded and cross-validated together.

    Errors in the test split are looked for as in the others: every row was held out once, and rows that are copies of
    each other always together.

    Attributes:
        dataset: The items that can be used, n of them.
        embedded: Their embeddings.
        encoder: What embedded them.
        recipe: How heads are fitted.
        classes: The labels, sorted.
        y: ``(n,) int64``.
        copies: What is a copy of what.
        units: What is held out together, as in ``fit``: shots of one thing, given groups ``(n,) int64``.
        folds: For each repetition the fold of each row ``(n,) int64``; -1: never held out, for lack of others.
        out_of_fold: What heads said of rows that they had not seen; ``None`` where there is nothing to tell apart, or
            items bear several labels.
        texts: The texts, where the items are texts.
        head: Fitted to all items, so that it explains an answer, and judges none; ``None`` where there is no
            ``out_of_fold``.
    """

    dataset: Dataset
    embedded: Embedded
    encoder: Encoder
    recipe: Recipe
    classes: tuple[str, ...]
    y: Int
    copies: Copies
    units: Int
    folds: Sequence[Int]
    out_of_fold: OutOfFold | None
    texts: Sequence[str] | None
    head: CalibratedHead | NarrowedHead | None = None

    @property
    def clusters(self) -> Int:
        """Copies of each other ``(n,) int64``."""
        return self.copies.clusters

    @property
    def x(self) -> Float32:
        """Embeddings ``(n, dim) float32``."""
        return self.embedded.x

    def cross_validated(self, what: str) -> OutOfFold:
        """What heads said of rows that they had not seen.

        Raises:
            UsageError: They said nothing, without which ``what`` cannot be told or measured.
        """
        if self.out_of_fold is None:
            raise UsageError(
                f"{what} here: the labels cannot be cross-validated.",
                "It takes two classes, each with two items that are no copies of one another and of no one group, and "
                "one label for each item.",
            )
        return self.out_of_fold


def gather(dataset: Dataset, recipe: Recipe, run: Run) -> Pool:
    """Embed everything and cross-validate a head on it, as ``fit`` would.

    Raises:
        NothingToRead: No item can be read.
        UsageError: The recipe asks for something that is not there.
    """
    encoder = encoder_for(recipe.encoder, dataset.modality, recipe.backend, recipe.prompt, run.tell)
    usable, embedded = embed_dataset(encoder, dataset, run)
    if not len(usable):
        raise nothing_readable(usable.skipped, usable.modality)
    if blank := warn_of_blanks(usable, embedded.statistics):
        usable = replace(usable, warnings=(*usable.warnings, *blank))
    classes, single = usable.classes, not usable.tags
    with run.working("fit"):
        run.tell("fit", 0, 1)
        examples = Examples.of(usable, encoder, recipe, run, embedded, everything=True)
        units, words, copies = examples.units, examples.words, examples.copies
        assert copies is not None, "they are told where everything is asked for"
        folds: Sequence[Int] = examples.rows.folds if single and len(classes) > 1 else []
        y = usable.y if single else np.zeros(len(usable), np.int64)
        out_of_fold: OutOfFold | None = None
        head: CalibratedHead | NarrowedHead | None = None
        if folds:
            learn = partial(fit_classifier, y=y, k=len(classes), folds=folds, recipe=recipe, units=units, words=words)
            if len(y) < MANY_ROWS or words is not None or embedded.x.shape[1] <= COLUMNS:
                head, out_of_fold = learn(embedded.x, stages=encoder.stages)
            else:
                x, mean, axes = _on_leading_axes(embedded.x, encoder.stages)
                fitted, out_of_fold = learn(x, stages=GIVEN)
                head = NarrowedHead(fitted, encoder.stages, mean, axes)
        run.tell("fit", 1, 1)
    return Pool(usable, embedded, encoder, recipe, classes, y, copies, units, folds, out_of_fold, examples.texts, head)


def _on_leading_axes(x: Float32, stages: Stages) -> tuple[Float32, Float32, Float32]:
    """What many rows are narrowed to ``(n, COLUMNS) float32``, and the mean and axes by which that is made of ``x``."""
    late = centred(transform(x, stages, "late"))
    axes = leading(late.z, COLUMNS)
    return late.z @ axes, late.mean, axes
