"""The tuned model and its report, which speaks of the items that were set aside before tuning."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from graft.contracts import Array, Bool, Encoder, Float64, Int
from graft.data.dataset import Dataset
from graft.data.split import stratified_group_folds
from graft.encoders.embed import Embedded, embed
from graft.evaluation import Answered, score_held_out
from graft.evaluation.alarms import false_alarms
from graft.evaluation.intervals import (
    FOLD_CORRELATION,
    cross_validated_interval,
    group_design_effect,
    no_score,
    with_unjudged,
)
from graft.evaluation.judging import judged_macro_f1, majority_baseline
from graft.evaluation.notices import warn_of_the_data, warn_of_the_items
from graft.evaluation.outcomes import Outcomes
from graft.heads.protocols import CalibratedHead
from graft.learning.conformal import measured
from graft.model.model import Model
from graft.model.noises import ask_noises
from graft.model.training import Training
from graft.results.facts import HeadChoice
from graft.results.figures import Interval, PredictionSets, Unknown
from graft.results.history import Tuning
from graft.tuning.material import Material
from graft.tuning.trials import HeldOutScores, Shipped

AGAINST_THE_GATE = (
    "This model ships because it was told to: it was not found better than the one that it was tuned from."
)
"""Of a model that was forced."""


def tuned_model(
    model: Model,
    shipped: Shipped,
    dataset: Dataset,
    embedded: Embedded,
    clusters: Int,
    material: Material,
    judged: HeldOutScores,
    tuning: Tuning,
    train: Int,
) -> Model:
    """The model with its tuned parts.

    Args:
        model: The one that went in.
        shipped: The tuned network and the head on it.
        dataset: All items, those of the test split too.
        embedded: Their embeddings by the encoder before it was tuned.
        clusters: What is a copy of what among them ``(n,) int64``.
        material: The items that were tuned on.
        judged: What was said of those that were held out.
        tuning: How it went, and why it ships.
        train: Which of all items the material is ``(m,) int64``.
    """
    encoder, classifier, chosen = shipped.encoder, shipped.classifier, shipped.choice.chosen
    gate, p = judged.rows, judged.after
    y = material.y[gate]
    groups = [dataset.groups[row] for row in train[gate].tolist()]
    classes, copies = model.classes, clusters[train[gate]]
    said, items = Outcomes.of_classes(classes, p, y), [dataset.items[row] for row in train[gate].tolist()]
    score = no_score(said.too_few) if said.too_few else _interval(said.right, copies, groups)
    unjudged = 1 - float(np.isin(material.y[: len(material)], y).mean())
    report = replace(
        model.report,
        encoder=encoder.name,
        backend=encoder.backend,
        n_items=len(dataset),
        n_train=len(material),
        n_test=len(dataset) - len(material),
        n_skipped=len(dataset.skipped),
        skipped=dataset.skipped,
        accuracy=with_unjudged(score, unjudged),
        unjudged=unjudged,
        macro_f1=judged_macro_f1(said),
        baselines={"majority": math.nan if said.too_few else majority_baseline(y)},
        per_class=said.per_class(copies, groups, FOLD_CORRELATION),
        confusion=said.confusion,
        judged_on=f"{len(gate):,} of the {len(material):,} training items, each held out from tuning and head once",
        calibration=said.calibration,
        overfit_gap=math.nan,
        learning_curve=(),
        forecast=(),
        sets=_sets(classifier, p, y, material, gate),
        unknown=Unknown(classifier.unknown.threshold, material.recipe.unknown_rate),
        hardest=said.hardest(items),
        mistakes=said.mistakes(items),
        head=HeadChoice(chosen.head, classifier.features, chosen.strength, shipped.choice.why, _size(classifier)),
        seconds={},
        cache={"hits": embedded.hits, "misses": embedded.misses},
        warnings=(
            *dataset.warnings,
            *warn_of_the_data(dataset, embedded.digests, clusters, train, material.y[: len(material)], classes),
            *warn_of_the_items(dataset, embedded.statistics),
            *((AGAINST_THE_GATE,) if tuning.forced else ()),
        ),
        fingerprint=dataset.fingerprint(embedded.digests),
        test=_test_score(encoder, classifier, dataset, clusters, classes),
        groups=None,
        false_alarms=false_alarms(
            p, y, clusters[train[gate]], classes, _marked(model, dataset), _lengths(embedded, train[gate])
        ),
        added=None,
        tuning=tuning,
        items={item.name: item for item in dataset.items},
    )
    tuned = Model(classes, encoder, classifier, model.recipe, report, Training.of(dataset, embedded.digests))
    return ask_noises(tuned, embedded.statistics.get("seconds"), _marked(model, dataset))


def _marked(model: Model, dataset: Dataset) -> tuple[str, ...]:
    """Classes that hold what is none of the others, as the first fit knew them and as the data say."""
    known = model.report.false_alarms
    return (*dataset.negatives, *(known.labels if known else ()))


def _lengths(embedded: Embedded, rows: Int) -> Float64 | None:
    seconds = embedded.statistics.get("seconds")
    return None if seconds is None else seconds[rows]


def _interval(right: Bool, clusters: Int, groups: Sequence[str]) -> Interval:
    """Wider than that of independent items: several networks share most of theirs, as in any cross-validation."""
    method = f"on {len(right):,} items, each held out from tuning and head once; Wilson interval"
    if any(groups):
        method += ", with groups kept whole"
    return cross_validated_interval(float(right.mean()), clusters, method, group_design_effect(right, groups))


def _sets(classifier: CalibratedHead, p: Array, y: Int, material: Material, gate: Int) -> PredictionSets:
    rule = classifier.sets
    folds = stratified_group_folds(y, material.units[gate], 5, material.recipe.seed)
    coverage, size = measured(p, y, material.k, rule.level, folds)
    return PredictionSets(rule.level, coverage, size, rule.complete, rule.guarantee, len(rule.short))


def _size(classifier: CalibratedHead) -> int:
    return sum(array.nbytes for array in classifier.arrays().values())


def _test_score(
    encoder: Encoder, classifier: CalibratedHead, dataset: Dataset, clusters: Int, classes: Sequence[str]
) -> Interval | None:
    rows = np.flatnonzero([split == "test" for split in dataset.splits])
    if not len(rows):
        return None
    chosen = dataset.select(rows)
    answered = Answered.by(classifier, classes, embed(encoder, chosen.items).x, chosen)
    return score_held_out(answered, clusters[rows], "test").as_test
