"""Rules without which a score would flatter, from end to end: each test fails where its rule is broken.

``python -m benchmarks mutations`` breaks them one after the other. Embeddings are drawn, so that no network is asked.
"""

from dataclasses import replace

import numpy as np
import pytest

from graft.data.dataset import Dataset
from graft.data.items import Memory
from graft.data.split import stratified_group_folds
from graft.encoders.embed import Embedded, content_digest
from graft.learning.calibration import cross_fitted
from graft.learning.classifier import fit_classifier
from graft.learning.selection import choose_without
from graft.model.fitting import fit_embedded
from graft.recipe import Recipe
from graft.report.words import doubt
from graft.run import Run

DIMENSIONS = 24


def model_of(x, labels, *, groups=(), splits=(), recipe=None):
    """A model of rows that are taken as they are, with a test split if one is given."""
    items = tuple(Memory(values.tobytes(), f"row {row}") for row, values in enumerate(x))
    dataset = Dataset(items, tuple(labels), splits=tuple(splits), groups=tuple(groups))
    digests = tuple(content_digest(item.content) for item in items)
    embedded = Embedded(x, np.arange(len(x)), digests, {}, {}, 0, len(x))
    return fit_embedded(dataset, embedded, None, recipe or Recipe(), Run()).model


def blobs(n, k, *, distance=1.0, seed=0):
    """``n`` rows around ``k`` centres that are so far apart, in standard deviations: ``(x, y)``."""
    chance = np.random.default_rng(seed)
    y = np.arange(n) % k
    x = distance * np.eye(k, DIMENSIONS)[y] + chance.normal(size=(n, DIMENSIONS))
    return (x / np.sqrt(DIMENSIONS)).astype(np.float32), y


def named(y):
    return [f"class {label}" for label in y.tolist()]


def grouped(groups=24, each=6, seed=0):
    """Groups that look like themselves and tell nothing of their labels: ``(x, labels, groups)``."""
    chance = np.random.default_rng(seed)
    group = np.repeat(np.arange(groups), each)
    x = chance.normal(size=(groups, DIMENSIONS))[group] + 0.3 * chance.normal(size=(len(group), DIMENSIONS))
    return (x / np.sqrt(DIMENSIONS)).astype(np.float32), named(group % 2), [f"group {number}" for number in group]


def test_groups_stay_whole_in_every_fold():
    x, labels, groups = grouped()
    report = model_of(x, labels, groups=groups).report
    assert report.accuracy.value < 0.75  # half are right by chance, and all where the group is known
    assert report.groups.ignoring > 0.9
    answers = 3 * len(x) * report.groups.accuracy  # each row is held out three times
    assert 0 < answers < 0.75 * 3 * len(x)
    assert answers == pytest.approx(round(answers), abs=1e-9)  # a share of whole answers, nothing rounded
    assert model_of(x, labels).report.accuracy.value > 0.9


def test_copies_stay_whole_in_every_fold():
    chance = np.random.default_rng(1)
    x = np.repeat(chance.normal(size=(24, DIMENSIONS)), 3, axis=0).astype(np.float32)
    report = model_of(x, named(np.repeat(np.arange(24) % 2, 3))).report
    assert report.accuracy.value < 0.8
    assert report.accuracy.high - report.accuracy.low > 0.3  # 24 items were seen, not 72


def test_a_row_does_not_vote_on_the_head_that_judges_it():
    found = 0
    for seed in range(40):
        chance = np.random.default_rng(seed)
        x = np.abs(chance.normal(size=(48, 16))).astype(np.float32)
        y = np.arange(48) % 2
        x[:, 9] += np.where(chance.random(48) < 0.75, y, 1 - y)  # some say this column is worth a look, some do not
        folds = stratified_group_folds(y, np.arange(48), 4, 0)
        _, out_of_fold = fit_classifier(x, y, 2, ((6, 10),), folds, Recipe())
        choice = out_of_fold.choice
        for fold in range(4):
            rows = np.flatnonzero(folds[0] == fold)
            index = choose_without(choice, rows)
            expected = cross_fitted(choice.logits[index], y, folds)[0, rows]
            np.testing.assert_allclose(out_of_fold.p[rows], expected, atol=1e-6)
            found += index != choice.index
    assert found  # else nothing was tested


@pytest.mark.parametrize("rate", [0.02, 0.3])
def test_as_many_are_called_unknown_as_was_asked_for(rate):
    x, y = blobs(400, 4, distance=5.0)
    model = model_of(x, named(y), recipe=Recipe(unknown_rate=rate))
    more, _ = blobs(2000, 4, distance=5.0, seed=1)
    share = float((model.classifier.answer(more).unknown_score > model.classifier.unknown.threshold).mean())
    assert rate / 3 < share < 2 * rate


def test_what_points_away_from_all_classes_is_called_unknown():
    """However sure the head is: what was added lies where it has nothing to tell classes by."""
    x, y = blobs(400, 4, distance=8.0)
    model = model_of(x, named(y))
    strange, _ = blobs(200, 4, distance=8.0, seed=1)
    away = np.linalg.svd(model.classifier.linear.weights.T)[2][-1]  # no score of the head changes along this direction
    score = model.classifier.answer((strange + 10 * away).astype(np.float32)).unknown_score
    assert (score > model.classifier.unknown.threshold).mean() > 0.9


def test_copies_in_the_test_split_count_once():
    x, y = blobs(60, 2, distance=8.0)
    few, own = blobs(12, 2, distance=8.0, seed=1)
    splits = ["train"] * 60 + ["test"] * 12
    alone = model_of(np.concatenate([x, few]), named(np.concatenate([y, own])), splits=splits).report.test
    x, y = np.concatenate([x, *[few] * 10]), np.concatenate([y, *[own] * 10])
    copied = model_of(x, named(y), splits=["train"] * 60 + ["test"] * 120).report.test
    assert copied.value == alone.value
    assert copied.high - copied.low > 0.9 * (alone.high - alone.low)


def test_groups_in_the_test_split_widen_its_interval():
    """Of half of the test's groups the labels are those of the other class: a group is right or wrong as a whole."""
    x, y = blobs(60, 2, distance=8.0)
    more, own = blobs(120, 2, distance=8.0, seed=1)
    group = np.arange(120) // 10
    labels = named(np.concatenate([y, np.where(group % 2, own, 1 - own)]))
    widths = []
    for groups in ((), [""] * 60 + [f"group {number}" for number in group]):
        found = model_of(np.concatenate([x, more]), labels, groups=groups, splits=["train"] * 60 + ["test"] * 120)
        assert found.report.test.value == pytest.approx(0.5, abs=0.1)
        widths.append(found.report.test.high - found.report.test.low)
    assert widths[1] > 2 * widths[0]


def test_sets_have_the_level_that_was_asked_for():
    x, y = blobs(400, 4, distance=2.5)
    more, truth = blobs(2000, 4, distance=2.5, seed=1)
    sizes = []
    for level in (0.6, 0.8, 0.95):
        model = model_of(x, named(y), recipe=Recipe(set_level=level))
        sets = model.classifier.answer(more).sets
        assert sets[np.arange(len(more)), truth].mean() == pytest.approx(level, abs=0.08)
        assert model.report.sets.level == level
        assert model.report.sets.coverage == pytest.approx(level, abs=0.08)
        sizes.append(sets.sum())
    assert sizes == sorted(set(sizes))


def test_chance_is_told_from_skill():
    x, y = blobs(200, 2, distance=8.0)
    skilled = model_of(x, named(y)).report
    assert skilled.accuracy.low > 0.8
    assert "commonest class" not in doubt(skilled)
    lucky = model_of(x, named(np.random.default_rng(3).permutation(y))).report
    assert lucky.accuracy.value < 0.7
    assert "not clearly better than always naming the commonest class" in doubt(lucky)


def test_few_groups_make_the_interval_wide():
    widths = []
    for count in (4, 40):
        x, y = blobs(240, 2, distance=3.0)
        groups = [f"group {row // 2 % count}" for row in range(240)]
        found = model_of(x, named(y), groups=groups).report.accuracy
        widths.append(found.high - found.low)
    assert widths[0] > 2.1 * widths[1]  # 1.5 by the groups alone, and the rest by Student's t


def test_probabilities_are_calibrated():
    x, y = blobs(300, 3, distance=2.5)
    model = model_of(x, named(y))
    more, truth = blobs(3000, 3, distance=2.5, seed=1)
    p = model.classifier.probabilities(more)
    sure = p.max(axis=1)
    assert sure.mean() == pytest.approx((p.argmax(axis=1) == truth).mean(), abs=0.05)
    raw = replace(model.classifier, temperature=model.classifier.temperature / 4).probabilities(more)
    assert abs(raw.max(axis=1).mean() - (raw.argmax(axis=1) == truth).mean()) > 0.05


def test_classes_stand_in_the_order_of_their_names():
    x, y = blobs(40, 2, distance=8.0)
    model = model_of(x, ["zebra" if label == 0 else "ape" for label in y.tolist()])
    assert model.classes == ("ape", "zebra")
    assert model.classifier.probabilities(x)[0].argmax() == 1


def test_a_test_split_is_not_learnt_from():
    x, y = blobs(120, 2, distance=1.0)
    labels = named(np.where(np.arange(120) < 60, y, 1 - y))  # the other way round in the test split
    report = model_of(x, labels, splits=["train"] * 60 + ["test"] * 60).report
    assert report.n_train == 60
    assert report.test.value < 0.5
    assert sum(map(sum, report.confusion)) == 60
