"""From a data set whose items bear any number of labels to a model: split, fit, judge."""

from __future__ import annotations

import numpy as np

from graft.contracts import Encoder, Float32, Int
from graft.data.dataset import Dataset
from graft.data.guard import Inputs
from graft.data.split import choose_folds, merge, stratified_group_folds
from graft.duplicates.clusters import Clusters
from graft.duplicates.likeness import clusters_of
from graft.encoders.embed import Embedded
from graft.errors import TooFewClasses
from graft.evaluation import Rows, warn_of_the_items
from graft.evaluation.doubt import warn_of_doubt
from graft.evaluation.held_out import of_the_test
from graft.evaluation.tags import check_shared_tags, judge_tags, score_tags, warn_of_the_tags
from graft.heads.features import GIVEN
from graft.heads.tags import TagClassifier
from graft.learning.tags import TagsOutOfFold, check_tag_head, fit_tags, strata_of
from graft.model.held_out import held_out_tags
from graft.model.inputs import nothing_readable
from graft.model.model import Model
from graft.model.noises import ask_noises
from graft.model.training import Training
from graft.recipe import Recipe
from graft.report import Report
from graft.results.facts import HeadChoice
from graft.results.figures import Interval
from graft.run import Run
from graft.version import __version__


def check_tags(dataset: Dataset, head: str = "auto") -> None:
    """Whether the labels and the head will do; ask before the work, not after it.

    Raises:
        DataError: The test split shares no label with what is to be trained on.
        UsageError: The head is for items of one class.
    """
    check_tag_head(head)
    learned = [tags for tags, split in zip(dataset.tags, dataset.splits, strict=True) if split != "test"]
    tested = [tags for tags, split in zip(dataset.tags, dataset.splits, strict=True) if split == "test"]
    if known := {tag for tags in learned for tag in tags}:
        check_shared_tags("The test data", tested, "the training data", sorted(known))


def fit_tagged(
    dataset: Dataset,
    embedded: Embedded,
    encoder: Encoder | None,
    recipe: Recipe,
    run: Run,
    alike: Clusters | None = None,
) -> tuple[Model, Int, Int, Int, TagsOutOfFold]:
    """Split, fit and judge, as ``fitting.fit_embedded`` does where each item has one label.

    Args:
        dataset: Has ``tags``, and the rows of ``embedded``.
        embedded: From ``embed_dataset``.
        encoder: What embedded them; ``None`` for a matrix that was given.
        recipe: How to fit.
        run: Counts the seconds, is told how far the work has come, and keeps what copies are told by.
        alike: What is nearly a copy of what; by default it is found out here.

    Returns:
        The fields of ``fitting.Fitted`` in their order: the model, the training rows, their strata (see
        ``strata_of``), what had to stay together among them, and what heads that had not seen them said of them.

    Raises:
        TooFewClasses: No label tells training items apart.
        NothingToRead: There are no items.
        UsageError: The recipe asks for a head for items of one class.
    """
    stages = encoder.stages if encoder else GIVEN
    held_out = np.array([split == "test" for split in dataset.splits], np.bool_)
    train, test = np.flatnonzero(~held_out), np.flatnonzero(held_out)
    learned = dataset.select(train)
    _check_learned(dataset, learned)
    classes, given = learned.classes, learned.indicator
    x = embedded.x[train]
    with run.working("fit"):
        run.tell("fit", 0, 1)
        clusters, doubtful, whole = clusters_of(dataset, embedded, stages, run) if alike is None else alike
        doubtful &= np.array([group == "" for group in dataset.groups], np.bool_)
        units = merge(clusters, dataset.groups)[train]  # what must stand on one side of every split
        strata = strata_of(given, units)
        n_folds, repeats = choose_folds(strata, units)
        folds = stratified_group_folds(strata, units, n_folds, recipe.seed, repeats) if n_folds else []
        classifier, out_of_fold = fit_tags(x, given, units, stages, folds, recipe)
        run.tell("fit", 1, 1)
    with run.working("evaluate"):
        rows = Rows(
            x=x,
            y=strata,
            folds=folds,
            units=units,
            copies=clusters[train],
            items=learned.items,
            groups=learned.groups,
        )
        judgement = judge_tags(
            classifier, out_of_fold, rows, given, classes, recipe.unknown_rate, recipe.seed, run.tell
        )
        score = _final_score(classifier, classes, dataset, embedded.x, test, clusters)
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
        confusion=(),
        judged_on=judgement.judged_on,
        calibration=judgement.calibration,
        overfit_gap=judgement.overfit_gap,
        learning_curve=judgement.growth.curve,
        forecast=judgement.growth.forecast,
        sets=None,
        unknown=judgement.unknown,
        hardest=judgement.hardest,
        mistakes=judgement.mistakes,
        head=HeadChoice(
            kind=chosen.head,
            features=chosen.features,
            strength=chosen.strength,
            why=out_of_fold.choice.why,
            bytes=sum(array.nbytes for array in classifier.arrays().values()),
        ),
        seconds=run.clock.seconds(),
        cache={"hits": embedded.hits, "misses": embedded.misses},
        warnings=(
            *dataset.warnings,
            *warn_of_the_tags(dataset, embedded.digests, whole, train, given, classes),
            *warn_of_doubt(doubtful, clusters),
            *warn_of_the_items(dataset, embedded.statistics),
        ),
        recipe=recipe.to_dict(),
        fingerprint=dataset.fingerprint(embedded.digests),
        name=dataset.name,
        version=__version__,
        multi_label=True,
        multi=judgement.multi,
        items={item.name: item for item in dataset.items},
        columns=dict(dataset.columns) or None,
        inputs=Inputs.of(dataset),
    )
    training = Training.of(dataset, embedded.digests)
    held = held_out_tags(out_of_fold, rows, classes, learned.labels)
    if len(test):
        tested = dataset.select(test)
        answer, threshold = classifier.answer(embedded.x[test]), classifier.unknown.threshold
        held = held.joined([item.name for item in tested.items], tested.labels, answer, threshold)
    model = Model(classes, encoder, classifier, recipe, report, training, held)
    model = ask_noises(model, embedded.statistics.get("seconds"), dataset.negatives)
    return model, train, strata, units, out_of_fold


def _check_learned(dataset: Dataset, learned: Dataset) -> None:
    """Whether the training part, ``learned``, has labels that tell its items apart."""
    if not len(dataset):
        raise nothing_readable(dataset.skipped, dataset.modality)
    if not len(learned):
        raise TooFewClasses(
            f"All {len(dataset)} items that can be read stand in the test split; there is nothing to train on.",
            "Mark items to train on, or give the data without a split.",
        )
    if len(set(learned.tags)) < 2:
        same = ", ".join(learned.tags[0]) or "none at all"
        raise TooFewClasses(
            f"All {len(learned)} items to train on have the same labels: {same}.",
            "A classifier needs items with a label and items without it.",
        )


def _final_score(
    classifier: TagClassifier, classes: tuple[str, ...], dataset: Dataset, x: Float32, test: Int, clusters: Int
) -> Interval | None:
    if not len(test):
        return None
    tags = [dataset.tags[row] for row in test.tolist()]
    groups = [dataset.groups[row] for row in test.tolist()]
    return of_the_test(score_tags(classifier, classes, x[test], tags, clusters[test], "test", groups).accuracy)
