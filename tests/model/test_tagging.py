import csv
import io
import random
import re

import numpy as np
import pytest
from PIL import Image

import graft
import shapes
from graft.data.dataset import Dataset
from graft.duplicates.clusters import Clusters
from graft.encoders import encoder_for
from graft.encoders.cache import Cache
from graft.errors import DataError, TooFewClasses, UsageError
from graft.evaluation.intervals import cross_validated_interval
from graft.model.fitting import fit_embedded
from graft.recipe import Recipe
from graft.run import Run
from graft.tasks.examples import embed_dataset
from graft.tasks.multi_label import MultiLabel


def picture(labels, seed):
    """Some shapes beside each other, in any order; a picture of none is empty ground."""
    chance = random.Random(f"{labels} {seed}")
    image = Image.new("RGB", (192, 96), tuple(chance.randint(170, 255) for _ in range(3)))
    left = [0, 96]
    chance.shuffle(left)
    for place, label in zip(left, labels, strict=False):
        image.paste(shapes.picture(label, seed), (place, 0))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


SETS = [(), *[(form,) for form in shapes.FORMS], ("circle", "square"), ("circle", "triangle"), ("square", "triangle")]


def drawn(n, first=0, **more):
    """Pictures of no, one or two shapes."""
    tags = [SETS[row % len(SETS)] for row in range(n)]
    items = [picture(own, first + row) for row, own in enumerate(tags)]
    return Dataset.from_lists(items, [list(own) for own in tags], modality="image", name="shapes", **more)


def fitted(dataset, recipe=None, clusters=None):
    recipe, run = recipe or Recipe(), Run(Cache())
    encoder = encoder_for(recipe.encoder, dataset.modality)
    usable, embedded = embed_dataset(encoder, dataset, run)
    one = fit_embedded(usable, embedded, encoder, recipe, run, clusters)
    rows = one.examples.rows
    return one.model, one.examples.train, rows.y, rows.units, one.found.out_of_fold


@pytest.fixture(scope="module")
def model():
    return fitted(drawn(84))[0]


@pytest.fixture(scope="module")
def new():
    return drawn(42, first=1000)


def test_the_report_is_of_many_labels(model):
    report = model.report
    assert report.multi_label
    assert report.multi is not None
    assert report.multi.exact_match == report.accuracy.value > report.baselines["majority"]
    assert report.multi.labels_per_item == pytest.approx(9 / 7)
    assert report.classes == tuple(sorted(shapes.FORMS))
    assert report.confusion == ()
    assert report.sets is None
    assert "Exact match" in str(report)
    assert report.head.bytes == sum(array.nbytes for array in model.classifier.arrays().values()) > 0
    assert report.to_html()
    assert graft.Report.from_dict(report.to_dict()).to_dict() == report.to_dict()


def test_predictions_name_all_labels(model, new):
    predictions = model.predict([item.read() for item in new.items])
    for prediction in predictions:
        assert set(prediction.labels) == {label for label, p in prediction.scores.items() if p >= 0.5}
        assert [prediction.scores[label] for label in prediction.labels] == sorted(
            (prediction.scores[label] for label in prediction.labels), reverse=True
        )
        assert prediction.label == "|".join(sorted(prediction.labels))
        assert prediction.set == tuple(sorted(prediction.labels))
        decided = [p if label in prediction.labels else 1 - p for label, p in prediction.scores.items()]
        assert prediction.confidence == pytest.approx(np.prod(decided), rel=1e-3)
        assert prediction.to_dict()["labels"] == list(prediction.labels)
    right = np.mean([p.label == label for p, label in zip(predictions, new.labels, strict=True)])
    assert right > 0.4
    assert any(len(p.labels) == 2 for p in predictions)
    assert any(p.labels == () and p.label == "" for p in predictions)


def test_new_items_are_scored(model, new):
    found = model.evaluate(new)
    predictions = model.predict([item.read() for item in new.items])
    exact = np.mean([p.label == label for p, label in zip(predictions, new.labels, strict=True)])
    assert found.accuracy.value == pytest.approx(exact)
    assert found.multi.micro_f1 > 0.6
    assert set(found.per_class) == set(shapes.FORMS)
    assert "flatters" in model.evaluate(drawn(84)).warnings[-1]


def test_data_of_one_label_each_can_be_scored(model, photos):
    found = model.evaluate(photos)
    assert found.n_items == 36
    assert found.multi.labels_per_item == 1


def test_a_model_of_classes_refuses_data_of_many_labels(new, photos):
    with pytest.raises(DataError, match="any number of labels"):
        graft.fit(photos).evaluate(new)


def test_saved_and_loaded_it_answers_digit_for_digit(model, new, tmp_path):
    model.save(tmp_path / "shapes.graft")
    loaded = graft.load(tmp_path / "shapes.graft")
    items = [item.read() for item in new.items[:10]]
    assert [p.to_dict() for p in loaded.predict(items)] == [p.to_dict() for p in model.predict(items)]
    assert np.array_equal(loaded.predict_proba(items), model.predict_proba(items))
    assert loaded.report.multi == model.report.multi
    assert type(loaded.classifier) is type(model.classifier)
    assert "3 classes" in repr(loaded)


def test_the_same_data_give_the_same_model(model):
    again = fitted(drawn(84))[0]
    assert np.array_equal(again.classifier.linear.weights, model.classifier.linear.weights)
    assert again.report.multi == model.report.multi


def test_a_given_test_part_is_used_once():
    data = drawn(84, splits=["test" if row % 4 == 3 else "train" for row in range(84)])
    model, train, strata, units, out_of_fold = fitted(data)
    assert model.report.n_test == 21
    assert len(train) == len(strata) == len(units) == len(out_of_fold.p) == 63
    again = model.evaluate(data)
    assert again.split == "test split"
    assert (model.report.test.value, model.report.test.low) == (again.accuracy.value, again.accuracy.low)


def test_groups_stay_on_one_side_of_every_split():
    data = drawn(70, groups=[f"g{row // 2}" for row in range(70)])
    _, _, _, units, out_of_fold = fitted(data)
    assert len(np.unique(units)) <= 35
    assert out_of_fold.scored.any()


def test_groups_are_not_copies_of_each_other():
    no_copies = Clusters(np.arange(70), np.zeros(70, np.bool_), np.arange(70))  # drawn shapes may look so much alike
    plain, few = drawn(70), drawn(70, groups=["ab"[row // 7 % 2] for row in range(70)])
    alone, grouped = (fitted(data, clusters=no_copies)[0].report.accuracy for data in (plain, few))
    assert grouped.high - grouped.low > alone.high - alone.low
    many = fitted(drawn(70, groups=[f"g{row // 7}" for row in range(70)]), clusters=no_copies)[0].report.accuracy
    as_copies = cross_validated_interval(many.value, np.arange(70) // 7, "")
    assert many.high - many.low < as_copies.high - as_copies.low


def test_silent_recordings_are_named():
    chance, rate = np.random.default_rng(0), 16000
    time = np.arange(rate) / rate

    def sound(*pitches):
        tone = sum((np.sin(2 * np.pi * pitch * time + chance.random()) for pitch in pitches), np.zeros(rate))
        return (0.1 * tone + 0.003 * chance.normal(size=rate)).astype(np.float32), rate

    kinds = [((200,), ["low"]), ((2000,), ["high"]), ((200, 2000), ["high", "low"])] * 4
    items = [*(sound(*pitches) for pitches, _ in kinds), (np.zeros(rate, np.float32), rate)]
    data = Dataset.from_lists(items, [*(tags for _, tags in kinds), []])
    assert any("1 recording is silent" in warning for warning in fitted(data)[0].report.warnings)


def test_copies_are_no_items_of_their_own():
    once = drawn(42)
    twice = Dataset(once.items * 2, (), modality="image", tags=once.tags * 2)
    alone, both = fitted(once)[0].report, fitted(twice)[0].report
    assert both.accuracy.high - both.accuracy.low > 0.8 * (alone.accuracy.high - alone.accuracy.low)
    assert both.baselines["nearest"] < 0.9


def test_one_label_is_enough_where_some_items_lack_it():
    data = drawn(42)
    one = Dataset(data.items, (), modality="image", tags=tuple(tuple(set(own) & {"circle"}) for own in data.tags))
    model = fitted(one)[0]
    assert model.classes == ("circle",)
    assert {p.label for p in model.predict([item.read() for item in one.items])} == {"", "circle"}


def test_items_that_all_have_the_same_labels_are_refused():
    items = [picture(("circle",), seed) for seed in range(4)]
    with pytest.raises(TooFewClasses, match="same labels: circle, round"):
        fitted(Dataset.from_lists(items, [["circle", "round"]] * 4, modality="image"))
    with pytest.raises(TooFewClasses, match="none at all"):
        fitted(Dataset.from_lists(items, [[]] * 4, modality="image"))


def test_labels_that_stand_only_in_the_test_part_count_as_wrong():
    data = drawn(56, splits=["test" if row % 4 == 3 else "train" for row in range(56)])
    tags = tuple((*own, "new") if split == "test" else own for own, split in zip(data.tags, data.splits, strict=True))
    model = fitted(Dataset(data.items, (), splits=data.splits, modality="image", tags=tags))[0]
    assert model.report.test.value == 0
    assert "new" not in model.classes
    assert any(warning.startswith("new: only in the test split") for warning in model.report.warnings)


def test_what_cannot_be_fitted_is_refused_before_the_work():
    tested = drawn(14, splits=["train"] * 7 + ["test"] * 7)
    MultiLabel().check(tested, Recipe())
    with pytest.raises(UsageError, match="discriminant"):
        MultiLabel().check(tested, Recipe(head="discriminant"))
    apart = Dataset(tested.items[:2], (), splits=("train", "test"), modality="image", tags=(("a",), ("b",)))
    with pytest.raises(DataError, match="share no label"):
        MultiLabel().check(apart, Recipe())


def test_few_items_are_fitted_too():
    model = fitted(drawn(7))[0]
    assert len(model.predict([picture(("circle",), 5)])[0].scores) == 3


@pytest.fixture(scope="module")
def questions(shared):
    """Questions with what they ask for (none for a description), whether they hold figures, and whether names."""
    with (shared / "trec6" / "train.csv").open(encoding="utf-8") as file:
        rows = [(row["text"], row["label"]) for row in csv.DictReader(file)]
    random.Random(0).shuffle(rows)

    def tags(text, label):
        own = [] if label == "description" else [label]
        own += ["figures"] if re.search(r"\d", text) else []
        return own + (["name"] if re.search(r" [A-Z]", text) else [])

    texts, labels = zip(*rows[:400], strict=True)
    splits = ["train"] * 250 + ["test"] * 150
    return Dataset.from_lists(texts, list(map(tags, texts, labels)), splits=splits, modality="text", name="questions")


@pytest.mark.shared
def test_real_questions(questions):
    pytest.importorskip("tokenizers")
    report = fitted(questions)[0].report
    assert report.accuracy.value > 0.45
    assert report.accuracy.low < report.test.high
    assert report.test.low < report.accuracy.high
    assert report.multi.micro_f1 > 0.7
    assert report.baselines["nearest"] < report.accuracy.low


@pytest.mark.shared
def test_real_messages_joined_in_pairs(shared):
    pytest.importorskip("tokenizers")
    with (shared / "banking77" / "train.csv").open(encoding="utf-8") as file:
        rows = [(row["text"], row["label"]) for row in csv.DictReader(file)]
    chance = random.Random(1)
    some = sorted({label for _, label in rows})[:8]
    rows = [row for row in rows if row[1] in some]
    parts = [chance.sample(rows, chance.choice([1, 2])) for _ in range(240)]
    data = Dataset.from_lists(
        [" ".join(text for text, _ in part) for part in parts],
        [[label for _, label in part] for part in parts],
        modality="text",
    )
    report = fitted(data)[0].report
    assert report.accuracy.value > 0.6
    assert report.multi.mean_average_precision > 0.8


def test_held_out_labels_are_the_most_probable_first(model):
    several = [said for said in model.held_out.predictions() if len(said.labels) > 1]
    assert several
    for said in several:
        assert list(said.labels) == sorted(said.labels, key=lambda label: -said.scores[label])
        assert said.label == "|".join(sorted(said.labels))
