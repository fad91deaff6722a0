"""Names of classes as texts to learn from: learned from in every run, never held out, never judged by."""

import numpy as np
import pytest

import graft
from graft.data.split import choose_folds
from graft.encoders import encoder_for
from graft.recipe import Recipe
from graft.tuning.gate import out_of_fold_plan
from graft.tuning.material import Material, embedded, fitted, rows_of, scores_of
from graft.tuning.names import spelled
from graft.tuning.plan import Plan
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
    ],
)
def test_names_are_texts(classes, texts):
    assert spelled(classes) == texts


@pytest.mark.parametrize("classes", [("0", "1"), ("good", "7"), ("a", "b"), ("a_b", "c_d"), ("top up", "top_up")])
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


def test_tuning_says_so_and_counts_items_alone(tmp_path):
    table = tmp_path / "texts.csv"
    lines = [f'"{text}, {n}",{name}' for name in NAMES for n in range(4) for text in TEXTS[name]]
    table.write_text("\n".join(["text,label", *lines]))
    model = graft.fit(table)
    quick = Plan(unfreeze=1, rate=1e-4, epochs=1, batch=16, at_once=16)
    told = {names: [] for names in (False, True)}
    for names, notes in told.items():
        plan = Plan.from_dict({**quick.to_dict(), "names": names})
        tuned = tune(
            model, table, method=plan, force=True, note=lambda text, live=False, notes=notes: notes.append(text)
        )
        assert tuned.model.report.n_train == len(lines)
        assert tuned.model.predict(["nothing came"])[0].label in NAMES
    assert any("names of the 2 classes" in note for note in told[True])
    assert not any("names of" in note for note in told[False])
