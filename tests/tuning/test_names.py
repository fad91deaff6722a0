"""Names of classes as texts to learn from: learned from in every run, never held out, never judged by."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="tuning needs torch")

import graft
from graft.data.split import choose_folds
from graft.encoders import encoder_for
from graft.recipe import Recipe
from graft.tuning.gate import out_of_fold_plan
from graft.tuning.material import Material, embedded, fitted, rows_of, scores_of
from graft.tuning.names import spelled
from graft.tuning.plan import TrainingPlan
from graft.tuning.trials import COUNTED, Conduct, HeldOutScores, run_trials
from graft.tuning.tuning import tune

NAMES = ("card_arrival", "lostOrStolenCard")
TEXTS = {
    "card_arrival": ["where is it", "it has not come", "nothing came", "how long must I wait", "no letter yet", "when"],
    "lostOrStolenCard": ["it is gone", "somebody took it", "I dropped it", "my bag was taken", "I miss it", "help"],
}


@pytest.mark.parametrize(
    ("classes", "texts"),
    [
        (NAMES, ["card arrival", "lost Or Stolen Card"]),
        (("Refund_not_showing_up", "why-verify-identity"), ["Refund not showing up", "why verify identity"]),
        (("ABBR", "Größe/Länge"), ["ABBR", "Größe Länge"]),
        (("положительный", "отрицательный"), ["положительный", "отрицательный"]),
        (("सकारात्मक", "नकारात्मक"), ["सकारात्मक", "नकारात्मक"]),
        (("บัตรหาย", "เปิดบัตร"), ["บัตรหาย", "เปิดบัตร"]),
        (("猫", "狗"), ["猫", "狗"]),
        (("iPhone 15", "MacBook"), ["iPhone 15", "Mac Book"]),
    ],
)
def test_names_are_texts(classes, texts):
    assert spelled(classes) == texts


@pytest.mark.parametrize(
    "classes", [("0", "1"), ("good", "7"), ("a", "b"), ("intent_0", "intent_1"), ("Good", "good"), ("top up", "top_up")]
)
def test_codes_are_none(classes):
    assert spelled(classes) is None


@pytest.fixture(scope="module")
def material():
    encoder = encoder_for("auto", "text")
    texts = [text for name in NAMES for text in TEXTS[name]]
    values = [encoder.prepare(text.encode()).value for text in texts]
    y = np.repeat(np.arange(2), 6)
    return Material(encoder, embedded(encoder, values), y, 2, np.arange(12), values, texts, Recipe())


@pytest.fixture(scope="module")
def named(material):
    return material.named(["card arrival", "lost or stolen card"])


def test_names_come_after_the_items(material, named):
    assert len(named) == len(material) == 12
    assert (len(named.y), len(named.values), len(named.texts), named.x.shape[0]) == (14, 14, 14, 14)
    assert named.y[12:].tolist() == [0, 1]
    assert len(set(named.units.tolist())) == 14
    assert np.array_equal(named.x[:12], material.x)
    assert np.allclose(named.x[12], material.encoder.embed([named.values[12]])[0], atol=1e-4)


def test_names_are_in_every_run_and_held_out_in_none(named):
    for parts in out_of_fold_plan(named.y[: len(named)], named.units[: len(named)]):
        assert not np.isin([12, 13], np.concatenate([parts.fit, parts.validation, parts.gate])).any()
        learned = named.with_names(parts.fit)
        assert learned.tolist() == [*parts.fit.tolist(), 12, 13]
        assert named.with_names(parts.gate, 2).tolist() == [*parts.gate.tolist(), 12, 13, 12, 13]
        start, _ = fitted(named, named.x, learned)
        rows = rows_of(named, learned, start)
        assert np.array_equal(rows.values[-1][0], named.values[13][0])


def test_heads_learn_from_names_and_are_not_judged_by_them(named):
    rows = np.arange(14)
    classifier, out_of_fold = fitted(named, named.x, rows)
    alone, _ = fitted(named, named.x, rows[:12])
    assert choose_folds(named.y[:12], named.units[:12])[0]
    assert out_of_fold.scored.tolist() == [True] * 12 + [False] * 2
    own = [scores_of(head, named, named.x, rows[12:])[[0, 1], [0, 1]].mean() for head in (classifier, alone)]
    assert own[0] > own[1]


def test_an_item_that_is_the_name_of_a_class_leaves_that_name_out(material):
    named = material.named(["Nothing came", "lost or stolen card"])
    assert (named.names, named.y[12:].tolist()) == (1, [1])
    assert material.named(["when", "help"]) is material


def test_both_heads_after_training_know_names_and_the_model_that_went_in_does_not(material, named):
    parts = out_of_fold_plan(material.y, material.units, folds=2)
    plan = TrainingPlan(unfreeze=1, rate=1e-4, epochs=1, batch=16, at_once=16)
    with_names, without = (run_trials(each, parts, Conduct(plan)) for each in (named, material))
    for trial, plain, each in zip(with_names, without, parts, strict=True):
        others = np.union1d(each.fit, each.validation)
        rival = scores_of(fitted(named, named.x, named.with_names(others, COUNTED))[0], named, named.x, each.gate)
        np.testing.assert_array_equal(trial.before, plain.before)
        np.testing.assert_array_equal(trial.rival, rival)
        assert plain.rival is None
        assert not np.array_equal(trial.rival, trial.before)
        assert trial.history.epochs[-1].loss != plain.history.epochs[-1].loss
    judged = HeldOutScores.by(with_names, named, 0)
    assert judged.rival.shape == judged.before.shape == (12, 2)
    assert HeldOutScores.by(without, material, 0).rival is None


def test_a_run_with_names_that_was_stopped_goes_on_and_counts_items_alone(tmp_path):
    table = tmp_path / "texts.csv"
    lines = [f'"{text}, {n}",{name}' for name in NAMES for n, text in enumerate(TEXTS[name][:3])]
    table.write_text("\n".join(["text,label", *lines]))
    model = graft.fit(table)
    plan = TrainingPlan(unfreeze=1, rate=1e-4, epochs=1, batch=16, at_once=16, names=True)
    notes = []

    def stop(text, live=False):
        if text.startswith("Trial 3"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tune(model, table, method=plan, checkpoint=tmp_path / ".run", note=stop)
    tuned = tune(
        model,
        table,
        method=plan,
        force=True,
        checkpoint=tmp_path / ".run",
        note=lambda text, live=False: notes.append(text),
    )
    assert "The names of 2 classes are learned from as well, each as one more text of its class." in notes
    assert sum(note.startswith("Taken up again") for note in notes) == 2
    assert tuned.model.report.n_train == len(lines)
    assert sum(map(sum, tuned.model.report.confusion)) == len(lines)
