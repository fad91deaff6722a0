"""From a data set to a model: split, fit, judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from graft.contracts import Encoder, Float32, Progress, silent
from graft.data.dataset import Dataset
from graft.data.guard import Inputs
from graft.data.lists import groups_of
from graft.data.provenance import inputs_of
from graft.duplicates.clusters import Clusters
from graft.encoders import encoder_for
from graft.encoders.embed import Embedded, content_digest
from graft.errors import UsageError
from graft.evaluation import AskedItems, warn_of_the_items
from graft.evaluation.doubt import warn_of_doubt
from graft.job import Job, Plan, Reading
from graft.journal.journal import Journal
from graft.learning.selection import check_head
from graft.model.given import check_matrix, labels_of_rows
from graft.model.inputs import CacheChoice, Source, as_labelled, as_recipe, as_run
from graft.model.journalled import decisions_of, follow_journal
from graft.model.model import Model
from graft.model.noises import ask_noises
from graft.model.training import Training
from graft.reading.read import read
from graft.recipe import Recipe
from graft.results.facts import Facts
from graft.run import NEVER, Flag, Run, Stopwatch
from graft.tasks import Examples, FitResult, HeldOut, reading_of, task_of
from graft.tasks.examples import embed_dataset
from graft.version import __version__


def fit(
    data: Source,
    recipe: Recipe | Any | None = None,
    *,
    labels: Any = None,
    groups: Any = None,
    journal: Journal | str | Path | None = None,
    cache: CacheChoice = "default",
    progress: Progress = silent,
    cancelled: Flag = NEVER,
    clock: Stopwatch | None = None,
    **options: Any,
) -> Model:
    """Fit a model and judge it.

    Args:
        data: A data set, a path to one, or a data frame with a column of items and one of labels; or items alone, as
            ``Dataset.from_lists`` takes them, and then the labels beside them: ``fit(items, labels)``.
        recipe: How to fit; the default is right for most. Where items stand first, their labels may stand here.
        labels: One label, or a list of them, for each item.
        groups: Of items with ``labels``: those of one group never straddle a split.
        journal: Decisions about the items, or the file that holds them; the data are used as they are with these.
        cache: Where embeddings are kept: ``"default"``, a ``Cache``, or ``None`` for nowhere.
        progress: Told how far the work has come.
        cancelled: Ends the work once it is set, such as a ``threading.Event``.
        clock: Holds the seconds of steps that came before, such as reading.
        options: Fields of the recipe, such as ``seed=3`` or ``encoder="image"``.

    Raises:
        TooFewClasses: Fewer than two classes have an item that can be read.
        NothingToRead: No item can be read.
        DataError: The test split shares no label with what is to be trained on, or there is no journal at the path.
        UsageError: The recipe asks for something that is not there.
        Cancelled: ``cancelled`` was set; what was embedded by then is in the cache.
    """
    if recipe is not None and not isinstance(recipe, Recipe):
        labels, recipe = _labels_beside(recipe, labels), None
    recipe = as_recipe(recipe, options)
    check_head(recipe.head)  # before the work, not after it
    run = as_run(cache, progress, cancelled, clock)
    with run.clock.timing("read"):
        decided = None if journal is None else decisions_of(journal)
        beside = labels is not None or groups is not None
        dataset = (
            as_labelled(data, labels, groups)
            if beside
            else read(data, **reading_of(recipe), progress=progress, cancelled=cancelled)
        )
    if decided is None:
        _check(dataset, recipe)
    encoder = encoder_for(recipe.encoder, dataset.modality, recipe.backend, recipe.prompt, run.tell)
    usable, embedded = embed_dataset(encoder, dataset, run)
    files = None if journal is None else str(journal.path if isinstance(journal, Journal) else journal)
    plan = Plan("fit", journal=files, inputs=inputs_of(usable, embedded.digests, files))
    job = Job(dataset.reading or Reading(), recipe, plan)
    effect = None
    if decided is not None:
        usable, embedded, effect = follow_journal(decided, usable, embedded)
        _check(usable, recipe)
    model = fit_embedded(usable, embedded, encoder, recipe, run).model
    return replace(model, report=replace(model.report, journal=effect), job=job)


def _check(dataset: Dataset, recipe: Recipe) -> None:
    """Whether there is something to learn, and something of it in the test split; before the work, if possible."""
    task = task_of(recipe, dataset)
    task.check(task.prepared(dataset), recipe)


def _labels_beside(second: Any, labels: Any) -> Any:
    """What stands second, where labels may stand as well as a recipe."""
    if labels is not None or isinstance(second, str | Mapping):
        raise UsageError(
            f"The recipe must be a graft.Recipe, and is of type {type(second).__name__}.",
            'Give graft.Recipe(encoder="image"), or its fields: graft.fit(data, encoder="image", seed=3).',
        )
    return second


def fit_embeddings(
    x: Float32,
    labels: Sequence[str],
    recipe: Recipe | None = None,
    *,
    groups: Sequence[Any] | None = None,
    splits: Sequence[str] | None = None,
) -> Model:
    """Fit a head to a matrix that was computed elsewhere, its columns taken as they are.

    Args:
        x: ``(n, d) float32``, finite, of at least one column; rows of length about 1 suit the heads' strengths.
        labels: One for each row.
        recipe: How to fit; its encoder does not matter.
        groups: Rows of one group never straddle a split; ``None``, NaN and ``""`` are no group.
        splits: ``"test"`` for rows that the model is scored on and not fitted to.

    Raises:
        TooFewClasses: There are fewer than two labels.
        DataError: The matrix is none, has no columns, or holds numbers that are not finite or too large; or a row has
            no label.
    """
    x = check_matrix(x)
    labels = labels_of_rows(labels)
    rows = [_MatrixRow(x, row) for row in range(len(x))]
    dataset = Dataset(
        tuple(rows),
        labels,
        splits=tuple(splits) if splits is not None else (),
        groups=groups_of(groups) if groups is not None else (),
    )
    digests = tuple(content_digest(row.read()) for row in rows)
    embedded = Embedded(x, np.arange(len(x)), digests, {}, {}, 0, len(x))
    return fit_embedded(dataset, embedded, None, recipe or Recipe(), Run()).model


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A model, what it was fitted to, and what was found out on the way to it."""

    model: Model
    examples: Examples
    found: FitResult


def fit_embedded(
    dataset: Dataset,
    embedded: Embedded,
    encoder: Encoder | None,
    recipe: Recipe,
    run: Run,
    alike: Clusters | None = None,
) -> Fitted:
    """Split, fit and judge, as the task of the data does it.

    Args:
        dataset: Has the rows of ``embedded``.
        embedded: From ``embed_dataset``.
        encoder: What embedded them; ``None`` for a matrix that was given.
        recipe: How to fit.
        run: Counts the seconds, is told how far the work has come, and keeps what copies are told by.
        alike: What is nearly a copy of what; by default it is found out here.
    """
    with run.working("fit"):
        run.tell("fit", 0, 1)
        examples = Examples.of(dataset, encoder, recipe, run, embedded, alike)
        found = examples.task.fit(examples.rows, recipe)
        run.tell("fit", 1, 1)
    task, rows, dataset, test = examples.task, examples.rows, examples.dataset, examples.test
    held = HeldOut.of(found, rows, [dataset.labels[row] for row in examples.train])
    with run.working("evaluate"):
        figures = task.judge(found, rows, recipe)
        if len(test):
            tested = AskedItems.by(found.head, rows.classes, embedded.x[test], dataset.select(test))
            figures = replace(figures, test=task.score(tested, examples.alike.clusters[test], "test").as_test)
            held = held.joined(tested)
    report = task.report(**vars(_facts(examples, encoder, found, recipe, run)), **vars(figures))
    training = Training.of(dataset, embedded.digests)
    model = Model(rows.classes, encoder, found.head, recipe, report, training, held)
    return Fitted(ask_noises(model, embedded.statistics.get("seconds"), dataset.negatives), examples, found)


def _facts(examples: Examples, encoder: Encoder | None, found: FitResult, recipe: Recipe, run: Run) -> Facts:
    """What a report says of any fit."""
    dataset, embedded, alike = examples.dataset, examples.embedded, examples.alike
    return Facts(
        encoder=encoder.name if encoder else "given embeddings",
        modality=dataset.modality,
        backend=encoder.backend if encoder else "none",
        n_items=len(dataset),
        n_train=len(examples.train),
        n_test=len(examples.test),
        n_skipped=len(dataset.skipped),
        skipped=dataset.skipped,
        head=found.choice,
        seconds=run.clock.seconds(),
        cache={"hits": embedded.hits, "misses": embedded.misses},
        warnings=(
            *dataset.warnings,
            *examples.task.warn(dataset, embedded.digests, alike.whole, examples.train, examples.rows),
            *warn_of_doubt(alike.doubtful, alike.clusters),
            *warn_of_the_items(dataset, embedded.statistics),
        ),
        recipe=recipe.to_dict(),
        fingerprint=dataset.fingerprint(embedded.digests),
        name=dataset.name,
        version=__version__,
        columns=dict(dataset.columns) or None,
        items={item.name: item for item in dataset.items},
        inputs=Inputs.of(dataset),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _MatrixRow:
    """A row of a matrix that was given instead of items."""

    matrix: Float32
    row: int

    @property
    def name(self) -> str:
        return f"row {self.row}"

    def read(self) -> bytes:
        content: bytes = self.matrix[self.row].tobytes()
        return content
