"""From a model to a tuned one, or back to it with the reason why."""

import dataclasses
import gc
import json
import subprocess
import sys
from typing import NamedTuple

import numpy as np
import pytest

import graft
import shapes
from graft.encoders import tuned_weights
from graft.encoders.lru import LazyEncoder
from graft.errors import DataError, TooFewClasses, UsageError
from graft.metrics import wilson
from graft.model import fit_embeddings
from graft.tuning.kept import forget
from graft.tuning.plan import TrainingPlan
from graft.tuning.tuning import Tuned, tune

pytest.importorskip("torch", reason="tuning needs torch")

QUICK = TrainingPlan(unfreeze=1, rate=1e-4, epochs=1, batch=20, at_once=20)
ANSWER = """
import json
import sys
sys.modules["torch"] = None
from pathlib import Path
import graft
model = graft.load(sys.argv[1])
print(json.dumps(model.predict_proba(sorted(Path(sys.argv[2]).rglob("*.png"))).tolist()))
"""


class Run(NamedTuple):
    """A run that was stopped before its last part, and taken up again."""

    left: list[str]
    notes: list[str]
    tuned: Tuned


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Photos with a test split."""
    root = tmp_path_factory.mktemp("tuning") / "data"
    shapes.folders(root / "train", {"circle": 9, "square": 9})
    shapes.folders(root / "test", {"circle": 5, "square": 5}, first=50)  # fewer are no score
    return root


@pytest.fixture(scope="module")
def data(folder):
    """The same in three groups a class."""
    read = graft.read(folder)
    groups = [
        f"{label} {row % 3}" if split == "train" else ""
        for row, (label, split) in enumerate(zip(read.labels, read.splits, strict=True))
    ]
    return dataclasses.replace(read, groups=tuple(groups))


@pytest.fixture(scope="module")
def fitted(data):
    return graft.fit(data)


@pytest.fixture(scope="module")
def kept(fitted, data):
    return tune(fitted, data, method=QUICK)


@pytest.fixture(scope="module")
def resumed(fitted, data, tmp_path_factory):
    """Shipped by force, and all the labels of the test split are wrong."""
    other = {"circle": "square", "square": "circle"}
    labels = [other[label] if split == "test" else label for label, split in zip(data.labels, data.splits, strict=True)]
    wrong = dataclasses.replace(data, labels=tuple(labels))
    place = tmp_path_factory.mktemp("runs") / ".run"

    def stop(text, *, live=False):
        if text.startswith("Trial 3"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tune(fitted, wrong, method=QUICK, force=True, checkpoint=place, note=stop)
    left = sorted(path.name for path in place.parent.iterdir())
    notes = []
    tuned = tune(
        fitted,
        wrong,
        method=QUICK,
        force=True,
        checkpoint=place,
        note=lambda text, *, live=False: None if live else notes.append(text),
    )
    forget(place)
    assert not list(place.parent.iterdir())
    return Run(left, notes, tuned)


@pytest.fixture(scope="module")
def forced(resumed):
    return resumed.tuned


def test_what_is_not_better_leaves_the_model_as_it_was(kept, fitted):
    assert not kept.shipped
    assert not kept.better
    assert kept.model.encoder is fitted.encoder
    assert kept.model.classifier is fitted.classifier
    assert kept.model.report == dataclasses.replace(fitted.report, tuning=kept.model.report.tuning)
    assert "The model stays as it was" in kept.reason


def test_the_report_tells_how_it_went(kept, forced, folder, tmp_path):
    told = kept.model.report.tuning
    assert (told.method, told.shipped, told.forced, told.reason) == ("plan", False, False, kept.reason)
    assert (told.before, told.after, told.n_decided) == (kept.before, kept.after, 18)
    assert [run.unfrozen for run in told.runs] == [("last convolution",)] * len(kept.history)
    first = told.runs[0].epochs[1]
    assert first.loss == pytest.approx(kept.history[0].epochs[1].loss, rel=1e-4)
    assert len(first.rates) == 2
    assert first.seconds > 0
    again = forced.model.report.tuning
    assert (again.shipped, again.forced, len(again.runs), again.reason) == (True, True, 5, forced.reason)
    forced.model.save(tmp_path / "told.graft")
    loaded = graft.load(tmp_path / "told.graft")
    assert repr(loaded.report.tuning) == repr(again)
    page = loaded.report.to_html()
    assert page.count("<figcaption>") >= 4
    assert "Validation log loss" in page
    more = shapes.dataset(circle=2, square=2, triangle=4)
    extended = graft.extend(loaded, more, old=folder, cache=None)
    assert extended.report.tuning is loaded.report.tuning
    assert "figures of the old classes flatter" in extended.report.warnings[-1]


def test_all_trials_are_made_however_short_the_time(fitted, folder, kept):
    before = opened()
    assert len(kept.history) == len(tune(fitted, folder, method=QUICK, time_limit=0.01).history) == 5
    assert [each for each in opened() if each not in before] == []  # each trial's network is closed again


def opened():
    """The tuned encoders of this process whose networks are open."""
    found = [each for each in gc.get_objects() if issubclass(type(each), LazyEncoder) and tuned_weights(each)]
    return [each for each in found if "_opened" in vars(each)]


def test_a_run_that_was_stopped_goes_on(resumed):
    assert resumed.left == [f".run-{number}" for number in range(2)]
    assert sum(note.startswith("Taken up again") for note in resumed.notes) == 2


def test_the_time_before_an_interruption_counts(resumed):
    assert resumed.tuned.seconds > sum(run.seconds for run in resumed.tuned.history)


def test_what_learned_nothing_does_not_ship_even_by_force(fitted, data):
    tuned = tune(fitted, data, method=dataclasses.replace(QUICK, alphas=(0.0,)), force=True)
    assert (tuned.shipped, tuned.better) == (False, False)
    assert "nothing was learned" in tuned.reason
    assert tuned.model.encoder is fitted.encoder


def test_json_holds_what_is_promised(kept):
    told = kept.to_dict()
    assert list(told) == ["shipped", "reason", "before", "after", "seconds", "n_skipped", "skipped", "model"]
    assert set(told["before"]) == set(told["after"]) == {"accuracy", "log_loss"}
    assert told["seconds"] > 0


def test_force_ships_and_the_report_says_so(forced, fitted):
    assert (forced.shipped, forced.better) == (True, False)
    report = forced.model.report
    assert report.encoder == "efficientnet-lite0+tuned"
    assert "was not found better" in report.warnings[-1]
    assert "told to" in forced.reason
    assert "held out from tuning and head" in report.accuracy.method
    assert "groups kept whole" in report.accuracy.method
    low, high = wilson(18 * report.accuracy.value, 18)
    assert report.accuracy.low < low
    assert report.accuracy.high >= high
    assert report.accuracy.value == pytest.approx(forced.after["accuracy"])
    assert sum(map(sum, report.confusion)) == sum(figures.n for figures in report.per_class.values())
    assert not report.learning_curve
    assert "held out from tuning and head" in report.judged_on
    assert len(forced.history) == 5
    assert forced.history[-1].epochs[-1].steps > 0
    assert fitted.encoder.name == "efficientnet-lite0"
    assert str(report)
    assert report.to_html()


def test_a_saved_model_answers_the_same_without_torch(forced, folder, tmp_path):
    bundle = tmp_path / "tuned.graft"
    forced.model.save(bundle)
    found = subprocess.run(
        [sys.executable, "-c", ANSWER, bundle, folder / "test"], capture_output=True, text=True, check=True
    )
    paths = sorted((folder / "test").rglob("*.png"))
    answers = np.array(json.loads(found.stdout))
    np.testing.assert_allclose(answers, forced.model.predict_proba(paths), atol=1e-6)


def test_the_test_split_is_scored_and_nothing_else(forced, kept, data):
    """One had every label of the test split wrong, and still saw the same."""
    assert forced.before == kept.before
    assert forced.after == kept.after
    report = forced.model.report
    assert (report.n_train, report.n_test) == (18, 10)
    right = forced.model.evaluate(data).accuracy.value
    assert report.test.value == pytest.approx(1 - right)


def test_labels_that_the_model_does_not_know(fitted):
    with pytest.raises(DataError, match="does not know triangle") as error:
        tune(fitted, shapes.dataset(circle=6, square=6, triangle=6), method=QUICK)
    assert "graft extend" in error.value.hint


def test_classes_that_would_be_forgotten(model):
    with pytest.raises(TooFewClasses, match="triangle"):
        tune(model, shapes.dataset(circle=6, square=6), method=QUICK)


def test_a_model_is_tuned_once(forced, data):
    with pytest.raises(UsageError, match="tuned already"):
        tune(forced.model, data)


def test_encoders_and_heads_that_cannot_be_tuned(data):
    x = np.eye(12, dtype=np.float32)
    with pytest.raises(UsageError, match="cannot be tuned"):
        tune(fit_embeddings(x, ["a", "b"] * 6), data)


def test_too_few_items_to_hold_some_out(fitted):
    with pytest.raises(DataError, match="can be held out"):
        tune(fitted, shapes.dataset(circle=1, square=1), method=QUICK)


@pytest.mark.parametrize(("options", "said"), [({"method": "none"}, "no method"), ({"time_limit": 0}, "time limit")])
def test_options_that_are_off(fitted, data, options, said):
    with pytest.raises(UsageError, match=said):
        tune(fitted, data, **options)
