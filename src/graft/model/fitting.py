"""From a data set to a model: split, fit, judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from graft.contracts import Encoder, Float32, Int, Progress, silent
from graft.data.dataset import Dataset
from graft.data.guard import Inputs
from graft.data.lists import groups_of
from graft.data.split import choose_folds, merge, stratified_group_folds
from graft.data.texts import texts_of
from graft.duplicates.clusters import Clusters
from graft.duplicates.likeness import clusters_of
from graft.encoders import encoder_for
from graft.encoders.embed import Embedded, content_digest, embed
from graft.errors import TooFewClasses, UsageError
from graft.evaluation import Rows, judge, score_held_out, warn_of_the_data, warn_of_the_items
from graft.evaluation.doubt import warn_of_doubt
from graft.evaluation.held_out import check_shared_labels, of_the_test
from graft.evaluation.typical import typical
from graft.heads.classifier import Classifier
from graft.heads.features import GIVEN
from graft.journal.journal import Journal
from graft.learning.classifier import OutOfFold, fit_classifier
from graft.learning.lexical import Words
from graft.learning.selection import check_head
from graft.model.given import check_matrix, labels_of_rows
from graft.model.held_out import held_out_of
from graft.model.inputs import (
    CacheChoice,
    Source,
    as_dataset,
    as_labelled,
    as_recipe,
    as_run,
    check_modality,
    nothing_readable,
)
from graft.model.journalled import decisions_of, follow_journal
from graft.model.model import Model
from graft.model.noises import ask_noises
from graft.model.tagging import check_tags, fit_tagged
from graft.model.training import Training
from graft.recipe import Recipe
from graft.report import Report
from graft.results.facts import HeadChoice
from graft.results.figures import Interval
from graft.run import NEVER, Flag, Run, Stopwatch
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
        dataset = as_labelled(data, labels, groups) if beside else as_dataset(data)
    if decided is None:
        _check_labels(dataset, recipe)
    encoder = encoder_for(recipe.encoder, dataset.modality, recipe.backend, recipe.prompt, run.tell)
    usable, embedded = embed_dataset(encoder, dataset, run)
    if decided is None:
        return fit_embedded(usable, embedded, encoder, recipe, run).model
    mended, remaining, effect = follow_journal(decided, usable.read_with(decided.path), embedded)
    _check_labels(mended, recipe)
    model = fit_embedded(mended, remaining, encoder, recipe, run).model
    return replace(model, report=replace(model.report, journal=effect))


def _labels_beside(second: Any, labels: Any) -> Any:
    """What stands second, where labels may stand as well as a recipe."""
    if labels is not None or isinstance(second, str | Mapping):
        raise UsageError(
            f"The recipe must be a graft.Recipe, and is of type {type(second).__name__}.",
            'Give graft.Recipe(encoder="image"), or its fields: graft.fit(data, encoder="image", seed=3).',
        )
    return second


def embed_dataset(encoder: Encoder, dataset: Dataset, run: Run) -> tuple[Dataset, Embedded]:
    """The items that can be used, and their embeddings row by row.

    Raises:
        UsageError: The encoder takes items of another modality.
    """
    check_modality(dataset, encoder)
    with run.clock.timing("embed"):
        embedded = embed(encoder, dataset.items, run)
    usable = replace(
        dataset.select(embedded.rows),
        skipped=(*dataset.skipped, *embedded.skipped_items(dataset.items)),
        warnings=(*dataset.warnings, *([run.cache.trouble] if run.cache and run.cache.trouble else [])),
    )
    return usable, embedded


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
    rows = [_Row(f"row {row}", values.tobytes()) for row, values in enumerate(x)]
    dataset = Dataset(
        tuple(rows),
        labels,
        splits=tuple(splits) if splits is not None else (),
        groups=groups_of(groups) if groups is not None else (),
    )
    digests = tuple(content_digest(row.content) for row in rows)
    embedded = Embedded(x, np.arange(len(x)), digests, {}, {}, 0, len(x))
    return fit_embedded(dataset, embedded, None, recipe or Recipe(), Run()).model


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A model, and what was found out on the way to it.

    Attributes:
        model: The model.
        train: Which rows of the data set it was fitted to ``(n,) int64``.
        y: Their classes ``(n,) int64``.
        units: What had to stay together in every split ``(n,) int64``.
        out_of_fold: What heads that had not seen them said of these rows.
    """

    model: Model
    train: Int
    y: Int
    units: Int
    out_of_fold: OutOfFold


def fit_embedded(
    dataset: Dataset,
    embedded: Embedded,
    encoder: Encoder | None,
    recipe: Recipe,
    run: Run,
    alike: Clusters | None = None,
) -> Fitted:
    """Split, fit and judge.

    Args:
        dataset: Has the rows of ``embedded``.
        embedded: From ``embed_dataset``.
        encoder: What embedded them; ``None`` for a matrix that was given.
        recipe: How to fit.
        run: Counts the seconds, is told how far the work has come, and keeps what copies are told by.
        alike: What is nearly a copy of what; by default it is found out here.
    """
    if dataset.tags:
        return Fitted(*fit_tagged(dataset, embedded, encoder, recipe, run, alike))
    stages = encoder.stages if encoder else GIVEN
    held_out = np.array([split == "test" for split in dataset.splits], np.bool_)
    train, test = np.flatnonzero(~held_out), np.flatnonzero(held_out)
    classes = _classes(dataset, train)
    y = np.array([classes.index(dataset.labels[row]) for row in train], np.int64)
    x = embedded.x[train]
    texts = texts_of(dataset.items) if encoder and dataset.modality == "text" else None
    with run.working("fit"):
        run.tell("fit", 0, 1)

        def look_for_copies() -> Clusters:
            return clusters_of(dataset, embedded, stages, run) if alike is None else alike

        def look_at_words() -> Words | None:
            return None if texts is None else Words.of([texts[row] for row in train], recipe.seed)

        (clusters, doubtful, whole), words = run.executor.both(look_for_copies, look_at_words)
        doubtful &= np.array([group == "" for group in dataset.groups], np.bool_)  # groups are the user's word
        units = merge(clusters, dataset.groups)  # what must stand on one side of every split
        folds = _folds(y, units[train], recipe.seed)
        classifier, out_of_fold = fit_classifier(x, y, len(classes), stages, folds, recipe, units[train], words)
        run.tell("fit", 1, 1)
    with run.working("evaluate"):
        groups = [dataset.groups[row] for row in train]
        rows = Rows(
            x=x,
            y=y,
            folds=folds,
            units=units[train],
            copies=clusters[train],
            items=[dataset.items[row] for row in train],
            words=words,
            groups=groups,
            doubtful=doubtful[train],
            negatives=dataset.negatives,
            ignoring=_folds(y, clusters[train], recipe.seed) if len(set(groups) - {""}) > 1 else (),
            seconds=embedded.statistics["seconds"][train] if "seconds" in embedded.statistics else None,
        )
        judgement = judge(classifier, out_of_fold, rows, classes, recipe.unknown_rate, recipe.seed, run.tell)
        score = _final_score(classifier, classes, dataset, embedded.x, test, clusters, texts)
    chosen = out_of_fold.choice.chosen
    report = Report(
        encoder=encoder.name if encoder else "given embeddings",
        modality=dataset.modality,
        backend=encoder.backend if encoder else "none",
        classes=classes,
        n_items=len(dataset),
        n_train=len(train),
        n_test=len(test),
        n_skipped=len(dataset.skipped),
        skipped=dataset.skipped,
        accuracy=judgement.accuracy,
        unjudged=judgement.unjudged,
        test=score,
        macro_f1=judgement.macro_f1,
        baselines=judgement.baselines,
        per_class=judgement.per_class,
        confusion=judgement.confusion,
        judged_on=judgement.judged_on,
        calibration=judgement.calibration,
        overfit_gap=judgement.overfit_gap,
        learning_curve=judgement.growth.curve,
        forecast=judgement.growth.forecast,
        sets=judgement.sets,
        unknown=judgement.unknown,
        hardest=judgement.hardest,
        mistakes=judgement.mistakes,
        typical=typical(rows, out_of_fold, classes),
        head=HeadChoice(
            kind=chosen.head,
            features=chosen.features,
            strength=chosen.strength,
            why=out_of_fold.choice.why,
            bytes=sum(array.nbytes for array in classifier.arrays().values()),
        ),
        groups=judgement.groups,
        false_alarms=judgement.false_alarms,
        seconds=run.clock.seconds(),
        cache={"hits": embedded.hits, "misses": embedded.misses},
        warnings=(
            *dataset.warnings,
            *warn_of_the_data(dataset, embedded.digests, whole, train, y, classes),
            *warn_of_doubt(doubtful, clusters),
            *warn_of_the_items(dataset, embedded.statistics),
        ),
        recipe=recipe.to_dict(),
        fingerprint=dataset.fingerprint(embedded.digests),
        name=dataset.name,
        version=__version__,
        items={item.name: item for item in dataset.items},
        columns=dict(dataset.columns) or None,
        inputs=Inputs.of(dataset),
    )
    training = Training.of(dataset, embedded.digests)
    held = held_out_of(classifier, out_of_fold, rows, classes, [dataset.labels[row] for row in train])
    if len(test):
        own = None if texts is None else [texts[row] for row in test]
        tested = dataset.select(test)
        answer = classifier.answer(embedded.x[test], own)
        threshold = classifier.unknown.threshold
        held = held.joined([item.name for item in tested.items], tested.labels, answer, threshold)
    model = Model(classes, encoder, classifier, recipe, report, training, held)
    model = ask_noises(model, embedded.statistics.get("seconds"), dataset.negatives)
    return Fitted(model, train, y, units[train], out_of_fold)


def _classes(dataset: Dataset, train: Int) -> tuple[str, ...]:
    """The labels of the training part, sorted."""
    if not len(dataset):
        raise nothing_readable(dataset.skipped, dataset.modality)
    if not len(train):
        raise TooFewClasses(
            f"All {len(dataset)} items that can be read stand in the test split; there is nothing to train on.",
            "Mark items to train on, or give the data without a split.",
        )
    classes = tuple(sorted({dataset.labels[row] for row in train}))
    if len(classes) < 2:
        raise TooFewClasses(
            f"There is only one class with items to train on, {classes[0]!r}.",
            "A classifier needs at least two: add a folder (or rows) with another label.",
        )
    return classes


def _check_labels(dataset: Dataset, recipe: Recipe) -> None:
    """Whether there is something to learn, and something of it in the test split; before the work, if possible."""
    if dataset.tags:
        check_tags(dataset, recipe.head)
        return
    learned = [label for label, split in zip(dataset.labels, dataset.splits, strict=True) if split != "test"]
    tested = [label for label, split in zip(dataset.labels, dataset.splits, strict=True) if split == "test"]
    if learned:
        check_shared_labels("The test data", tested, "the training data", learned)


def _folds(y: Int, units: Int, seed: int) -> list[Int]:
    n_folds, repeats = choose_folds(y, units)
    return stratified_group_folds(y, units, n_folds, seed, repeats) if n_folds else []


def _final_score(
    classifier: Classifier,
    classes: Sequence[str],
    dataset: Dataset,
    x: Float32,
    test: Int,
    clusters: Int,
    texts: Sequence[str] | None,
) -> Interval | None:
    if not len(test):
        return None
    labels = [dataset.labels[row] for row in test]
    own = None if texts is None else [texts[row] for row in test]
    groups = [dataset.groups[row] for row in test]
    score = score_held_out(classifier, classes, x[test], labels, clusters[test], "test", own, groups).accuracy
    return of_the_test(score)


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of a matrix that was given instead of items."""

    name: str
    content: bytes

    def read(self) -> bytes:
        return self.content
