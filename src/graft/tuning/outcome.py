"""The tuned model and its report, which speaks of the items that were set aside before tuning."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from graft.contracts import Bool, Encoder, Int
from graft.data.split import stratified_group_folds
from graft.encoders.embed import embed
from graft.evaluation import AskedItems
from graft.evaluation.alarms import false_alarms
from graft.evaluation.intervals import (
    FOLD_CORRELATION,
    cross_validated_interval,
    group_design_effect,
    no_score,
    with_unjudged,
)
from graft.evaluation.judging import judged_macro_f1, majority_baseline, prediction_sets
from graft.evaluation.notices import warn_of_the_data, warn_of_the_items
from graft.evaluation.outcomes import Outcomes
from graft.heads.protocols import CalibratedHead
from graft.model.model import Model
from graft.model.noises import ask_noises
from graft.model.training import Training
from graft.results.figures import Interval, Unknown
from graft.tasks.classification import chosen_of
from graft.tasks.examples import Examples
from graft.tuning.trials import HeldOutScores, Shipped

AGAINST_THE_GATE = (
    "This model ships because it was told to: it was not found better than the one that it was tuned from."
)
"""Of a model that was forced."""


def tuned_model(model: Model, shipped: Shipped, examples: Examples, judged: HeldOutScores, *, forced: bool) -> Model:
    """The model with its tuned parts.

    Args:
        model: The one that went in.
        shipped: The tuned network and the head on it.
        examples: All items, those of the test split too, embedded by the encoder before it was tuned.
        judged: What was said of those that were held out.
        forced: Whether it ships against the gate.
    """
    encoder, classifier, classes, recipe = shipped.encoder, shipped.classifier, model.classes, model.recipe
    dataset, embedded, clusters, rows = examples.dataset, examples.embedded, examples.alike.clusters, examples.rows
    p, y, items = judged.after, rows.y[judged.rows], [rows.items[row] for row in judged.rows.tolist()]
    copies, groups = rows.copies[judged.rows], rows.groups_of(judged.rows)
    said = Outcomes.of_classes(classes, p, y)
    score = no_score(said.too_few) if said.too_few else _interval(said.right, copies, groups)
    unjudged = 1 - float(np.isin(rows.y, y).mean())
    seconds = None if rows.seconds is None else rows.seconds[judged.rows]
    known = model.report.false_alarms
    negatives = (*dataset.negatives, *(known.labels if known else ()))  # as the data say, and as the first fit knew
    folds = stratified_group_folds(y, rows.units[judged.rows], 5, recipe.seed)
    report = replace(
        model.report,
        encoder=encoder.name,
        backend=encoder.backend,
        n_items=len(dataset),
        n_train=len(rows.y),
        n_test=len(examples.test),
        n_skipped=len(dataset.skipped),
        skipped=dataset.skipped,
        accuracy=with_unjudged(score, unjudged),
        unjudged=unjudged,
        macro_f1=judged_macro_f1(said),
        baselines={"majority": math.nan if said.too_few else majority_baseline(y)},
        per_class=said.per_class(copies, groups, FOLD_CORRELATION),
        confusion=said.confusion,
        judged_on=f"{len(y):,} of the {len(rows.y):,} training items, each held out from tuning and head once",
        calibration=said.calibration,
        overfit_gap=math.nan,
        learning_curve=(),
        forecast=(),
        sets=prediction_sets(classifier.sets, p, y, folds),
        unknown=Unknown(classifier.unknown.threshold, recipe.unknown_rate),
        hardest=said.hardest(items),
        mistakes=said.mistakes(items),
        head=chosen_of(shipped.choice, classifier),
        cache={"hits": embedded.hits, "misses": embedded.misses},
        warnings=(
            *dataset.warnings,
            *warn_of_the_data(dataset, embedded.digests, clusters, examples.train, rows.y, classes),
            *warn_of_the_items(dataset, embedded.statistics),
            *((AGAINST_THE_GATE,) if forced else ()),
        ),
        fingerprint=dataset.fingerprint(embedded.digests),
        test=_test_score(model, encoder, classifier, examples) if len(examples.test) else None,
        groups=None,
        false_alarms=false_alarms(p, y, copies, classes, negatives, seconds),
        added=None,
        items={item.name: item for item in dataset.items},
    )
    tuned = Model(classes, encoder, classifier, recipe, report, Training.of(dataset, embedded.digests))
    return ask_noises(tuned, embedded.statistics.get("seconds"), negatives)


def _interval(right: Bool, clusters: Int, groups: Sequence[str]) -> Interval:
    """Wider than that of independent items: several networks share most of theirs, as in any cross-validation."""
    method = f"on {len(right):,} items, each held out from tuning and head once; Wilson interval"
    if any(groups):
        method += ", with groups kept whole"
    return cross_validated_interval(float(right.mean()), clusters, method, group_design_effect(right, groups))


def _test_score(model: Model, encoder: Encoder, classifier: CalibratedHead, examples: Examples) -> Interval:
    tested = examples.dataset.select(examples.test)
    answered = AskedItems.by(classifier, model.classes, embed(encoder, tested.items).x, tested)
    score: Interval = model.task.score(answered, examples.alike.clusters[examples.test], "test").as_test
    return score
