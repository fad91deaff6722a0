"""Fit from Python, on drawn photos and on real ones."""

from pathlib import Path

import numpy as np
import pytest

import graft
import shapes
from graft.encoders.cache import Cache
from graft.errors import (
    BundleError,
    DataError,
    NothingToRead,
    TooFewClasses,
    UsageError,
)
from graft.model import fit_embeddings


def test_the_report_says_what_was_found(model):
    report = model.report
    assert report.classes == ("circle", "square", "triangle")
    assert (report.n_items, report.n_train, report.n_test, report.n_skipped) == (36, 36, 0, 0)
    assert report.test is None
    assert report.name == "photos"
    assert 0.8 < report.accuracy.value <= 1
    assert report.accuracy.low < report.accuracy.value <= report.accuracy.high
    assert report.accuracy.value > report.baselines["majority"] == pytest.approx(1 / 3)
    assert sum(map(sum, report.confusion)) == 36
    assert [figures.n for figures in report.per_class.values()] == [12, 12, 12]
    assert report.warnings == ()
    assert len(report.hardest) == 24
    assert set(report.seconds) == {"read", "embed", "fit", "evaluate", "total"}
    assert sum(report.cache.values()) == 36
    assert "photos" in str(report)
    assert "<html" in report.to_html()


def test_progress_tells_every_step(photos):
    told = []
    graft.fit(photos, progress=lambda step, done, total: told.append((step, done, total)))
    assert ("embed", 36, 36) in told
    assert {"embed", "fit"} <= {step for step, _, _ in told}
    assert all(0 <= done <= total for _, done, total in told)


@pytest.mark.parametrize("shots", [1, 2, 3, 5])
def test_few_shots(shots):
    fitted = graft.fit(shapes.dataset(circle=shots, square=shots, triangle=shots))
    report = fitted.report
    assert fitted.predict_one(shapes.encoded("square", 500)).label in report.classes
    assert str(report)
    assert report.sets.complete
    assert "every class is returned" in report.sets.guarantee.lower()
    if shots < 5:  # fewer than two classes have five judged items
        score = report.accuracy
        assert np.isnan([score.value, score.low, score.high, report.macro_f1, *report.baselines.values()]).all()
        assert (report.learning_curve, report.forecast) == ((), ())
        assert ("not judged" if shots == 1 else "no score") in score.method
        assert report.to_dict()["accuracy"]["low"] is None
        assert "There is no score" in str(report)
    else:
        assert 0 <= report.accuracy.low < report.accuracy.high <= 1
        assert report.accuracy.high - report.accuracy.low > 0.25
    assert bool(report.warnings) == (shots < 5)


def test_a_class_with_one_item_is_fitted_and_not_scored():
    report = graft.fit(shapes.dataset(circle=10, square=10, triangle=1)).report
    assert report.classes == ("circle", "square", "triangle")
    assert report.per_class["triangle"].n == 0
    assert np.isnan(report.per_class["triangle"].recall)
    assert "20 of the 21" in report.judged_on
    assert any("triangle: one item only" in warning for warning in report.warnings)
    assert report.to_dict()["per_class"]["triangle"]["recall"] is None


def test_what_could_not_be_judged_is_in_the_interval():
    rng = np.random.default_rng(0)
    centres = np.eye(42, dtype=np.float32)
    labels = [*(["a"] * 50), *(["b"] * 50), *(f"lone {i}" for i in range(40))]
    at = np.array([0] * 50 + [1] * 50 + list(range(2, 42)))
    x = (centres[at] + 0.05 * rng.normal(size=(140, 42))).astype(np.float32)
    report = fit_embeddings(x, labels).report
    assert report.unjudged == pytest.approx(40 / 140)
    assert report.accuracy.value > 0.95
    assert 0.6 < report.accuracy.low < 100 / 140  # all of the others wrong
    assert report.accuracy.high > 0.99
    assert "29 of the 100 would be of classes that could not be judged" in str(report).replace("\n", " ").replace(
        "              ", " "
    )
    assert report.macro_f1 > 0.95  # of the two that were judged


def test_the_interval_of_a_given_test_split_is_for_new_groups():
    rng = np.random.default_rng(1)
    y = np.arange(160) % 2
    group = np.arange(160) // 10
    x = np.stack([2 * y - 1 + 1.5 * rng.normal(size=16)[group], np.ones(160)], axis=1).astype(np.float32)
    names, splits = [str(label) for label in y], ["train"] * 80 + ["test"] * 80
    grouped = fit_embeddings(x, names, groups=group, splits=splits).report.test
    alone = fit_embeddings(x, names, splits=splits).report.test
    assert grouped.value == alone.value
    assert grouped.high - grouped.low > 1.5 * (alone.high - alone.low)
    assert "widened for groups" in grouped.method
    assert "used once" in grouped.method


def test_a_hundred_classes_of_two():
    labels = [f"class {i:03}" for i in range(100) for _ in range(2)]
    random = np.random.default_rng(0)
    pixels = [random.integers(0, 255, (24, 24, 3), dtype=np.uint8) for _ in labels]
    fitted = graft.fit(graft.Dataset.from_lists(pixels, labels))
    assert len(fitted.classes) == len(fitted.report.per_class) == 100
    assert fitted.predict_proba(pixels[:3]).shape == (3, 100)
    assert any("and 92 more" in warning for warning in fitted.report.warnings)
    assert len(str(fitted.report).splitlines()) < 80


def test_heavy_imbalance_does_not_bury_the_rare_class():
    fitted = graft.fit(shapes.dataset(circle=5, square=150))
    assert fitted.report.baselines["majority"] == pytest.approx(150 / 155)
    assert fitted.report.per_class["circle"].n == 5
    rare = [fitted.predict_one(shapes.encoded("circle", 700 + i)).scores["circle"] for i in range(4)]
    common = [fitted.predict_one(shapes.encoded("square", 700 + i)).scores["circle"] for i in range(4)]
    assert min(rare) > max(common)


def test_identical_items_are_one_unit_and_nothing_can_be_judged():
    same = shapes.encoded("circle", 0)
    report = graft.fit(graft.Dataset.from_lists([same] * 8, ["a", "b"] * 4)).report
    assert np.isnan(report.accuracy.value)
    assert any("the same content as an item under another label" in warning for warning in report.warnings)


def test_copies_do_not_flatter():
    random = np.random.default_rng(1)
    noise = [random.integers(0, 255, (32, 32, 3), dtype=np.uint8) for _ in range(12)]
    report = graft.fit(graft.Dataset.from_lists(noise * 3, ["a", "b"] * 18)).report
    assert report.accuracy.value < 0.85  # who looks at the copies gets all of them right
    assert report.accuracy.high - report.accuracy.low > 0.3


def test_an_item_under_two_labels_is_named():
    items, labels = shapes.lists(circle=6, square=6)
    report = graft.fit(graft.Dataset.from_lists([*items, items[0]], [*labels, "square"])).report
    assert any("item 0 (circle) = item 12 (square)" in warning for warning in report.warnings)


def test_groups_never_straddle_a_fold():
    random = np.random.default_rng(2)
    noise = [random.integers(0, 255, (32, 32, 3), dtype=np.uint8) for _ in range(24)]
    labels = ["a"] * 12 + ["b"] * 12
    alone = graft.fit(graft.Dataset.from_lists(noise, labels)).report
    bursts = graft.fit(graft.Dataset.from_lists(noise, labels, groups=[i // 6 for i in range(24)])).report
    assert "folds" in bursts.accuracy.method
    assert bursts.accuracy.high - bursts.accuracy.low > alone.accuracy.high - alone.accuracy.low


def test_a_given_test_split_is_the_final_figure_and_not_learnt_from():
    splits = (["train"] * 6 + ["test"] * 5) * 2
    given = shapes.dataset(circle=11, square=11, splits=splits)
    fitted = graft.fit(given)
    report = fitted.report
    assert (report.n_train, report.n_test) == (12, 10)
    assert sum(map(sum, report.confusion)) == 12
    assert "used once" in report.test.method
    assert report.test.value == fitted.evaluate(given).accuracy.value
    train_only = graft.fit(given.select([row for row, split in enumerate(splits) if split == "train"]))
    assert np.array_equal(train_only.classifier.linear.weights, fitted.classifier.linear.weights)


def test_val_without_test_is_the_test_and_with_test_joins_train():
    alone = graft.fit(shapes.dataset(circle=6, square=6, splits=(["train"] * 4 + ["val"] * 2) * 2)).report
    assert (alone.n_train, alone.n_test) == (8, 4)
    both = graft.fit(shapes.dataset(circle=6, square=6, splits=(["train"] * 3 + ["val"] * 2 + ["test"]) * 2)).report
    assert (both.n_train, both.n_test) == (10, 2)


def test_a_test_split_alone_is_nothing_to_train_on():
    for split in ("val", "test"):
        with pytest.raises(TooFewClasses, match=r"All 6 items .* stand in the test split"):
            graft.fit(shapes.dataset(circle=3, square=3, splits=[split] * 6))


def test_labels_that_stand_only_in_the_test_count_as_wrong():
    splits = ["train"] * 10 + ["test"] * 11
    fitted = graft.fit(shapes.dataset(circle=5, square=11, triangle=5, splits=splits))
    assert fitted.classes == ("circle", "square")
    assert fitted.report.test.value <= 6 / 11
    assert any("triangle: only in the test split" in warning for warning in fitted.report.warnings)


def test_a_test_split_of_other_labels_ends_the_fit():
    splits = ["train"] * 10 + ["test"] * 4
    with pytest.raises(DataError, match=r"The test data share no label .* \(triangle / circle, square\)"):
        graft.fit(shapes.dataset(circle=5, square=5, triangle=4, splits=splits))


def test_what_straddles_a_given_split_is_counted():
    items, labels = shapes.lists(circle=8, square=8)
    splits = (["train"] * 6 + ["test"] * 2) * 2
    straddling = graft.Dataset.from_lists([*items, items[0]], [*labels, "circle"], splits=[*splits, "test"])
    assert any("1 of the 5 test items has copies" in warning for warning in graft.fit(straddling).report.warnings)


def test_bad_files_are_skipped_and_listed(tmp_path):
    root = shapes.folders(tmp_path / "photos", {"circle": 5, "square": 5})
    expected = shapes.bad_files(root / "circle")
    report = graft.fit(root).report
    assert (report.n_items, report.n_skipped) == (10, 4)
    assert {Path(entry.path).name: entry.code for entry in report.skipped} == expected
    assert all(entry.path not in entry.reason for entry in report.skipped)


def test_formats_may_be_mixed(tmp_path):
    root = shapes.folders(tmp_path / "photos", {"circle": 3, "square": 3})
    for kind in ("GIF", "WEBP", "BMP", "TIFF", "JPEG"):
        for label in ("circle", "square"):
            (root / label / f"more.{kind.lower()}").write_bytes(shapes.encoded(label, 40, kind))
    report = graft.fit(root).report
    assert (report.n_items, report.n_skipped) == (16, 0)


def test_one_class_after_skipping(tmp_path):
    root = shapes.folders(tmp_path / "photos", {"circle": 3})
    (root / "square").mkdir()
    (root / "square" / "a.png").write_bytes(shapes.encoded("square", 0)[:300])
    with pytest.raises(TooFewClasses, match="'circle'"):
        graft.fit(root)


def test_nothing_readable_names_the_first(tmp_path):
    for label in ("circle", "square"):
        (tmp_path / label).mkdir()
        (tmp_path / label / "a.png").write_bytes(shapes.encoded(label, 0)[:300])
    with pytest.raises(NothingToRead, match=r"None of the 2 items can be read; the first, circle/a\.png: .*cut short"):
        graft.fit(tmp_path)


@pytest.mark.parametrize(
    ("recipe", "kind", "words"),
    [
        ({"head": "forest"}, UsageError, "no head called 'forest'"),
        ({"encoder": "resnet"}, UsageError, "no encoder 'resnet'"),
        ({"backend": "cuda"}, UsageError, "no backend 'cuda'"),
    ],
)
def test_a_recipe_for_what_is_not_there_is_refused_before_the_work(recipe, kind, words):
    def refuse(step, done, total):
        pytest.fail(f"{step} was begun")

    with pytest.raises(kind, match=words):
        graft.fit(shapes.dataset(circle=2, square=2), graft.Recipe(**recipe), progress=refuse)


@pytest.mark.parametrize("head", ["logistic", "discriminant", "prototype"])
def test_a_head_can_be_asked_for(photos, head):
    assert graft.fit(photos, graft.Recipe(head=head)).report.head.kind == head


def test_odd_labels_are_kept_as_they_are(tmp_path):
    labels = ["<script>alert(1)</script>", "..", "a/b", "ü 門 😀", "a " + "long " * 59 + "one", "line\nbreak"]
    items = [shapes.encoded(shapes.FORMS[i % 3], i) for i in range(18)]
    fitted = graft.fit(graft.Dataset.from_lists(items, labels * 3))
    assert set(fitted.classes) == set(labels)
    fitted.save(tmp_path / "odd.graft")
    assert graft.load(tmp_path / "odd.graft").classes == fitted.classes
    assert "<script>alert" not in fitted.report.to_html()
    assert max(map(len, str(fitted.report).splitlines())) <= 100


def test_a_split_that_nobody_knows_is_refused():
    with pytest.raises(DataError, match="'holdout'"):
        shapes.dataset(circle=2, square=2, splits=["train", "train", "holdout", "test"])


def test_given_embeddings_are_fitted_and_cannot_be_saved(tmp_path):
    random = np.random.default_rng(0)
    x = np.concatenate([random.normal(-1, 1, (20, 8)), random.normal(1, 1, (20, 8))]).astype(np.float32) / np.sqrt(8)
    fitted = fit_embeddings(x, ["low"] * 20 + ["high"] * 20)
    assert fitted.report.accuracy.value > 0.8
    assert fitted.report.head.features == "given"
    with pytest.raises(DataError, match="matrix"):
        fitted.predict(["photo.jpg"])
    with pytest.raises(BundleError, match="matrix"):
        fitted.save(tmp_path / "x.graft")
    assert not list(tmp_path.iterdir())


def test_a_cache_that_cannot_be_used_costs_time_only(photos, tmp_path):
    (tmp_path / "file").write_text("")
    report = graft.fit(photos, cache=Cache(tmp_path / "file")).report
    assert report.n_items == 36
    assert any("cache" in warning for warning in report.warnings)


def test_a_few_beds_and_sofas_are_told_apart(shared, tmp_path):
    found = graft.read(shared / "beds_sofas")
    random = np.random.default_rng(0)
    labels = np.array(found.labels)
    rows = np.concatenate([random.permutation(np.flatnonzero(labels == label))[:30] for label in found.classes])
    learnt, rest = found.select(np.r_[rows[:20], rows[30:50]]), found.select(np.r_[rows[20:30], rows[50:]])
    fitted = graft.fit(learnt)
    evaluation = fitted.evaluate(rest, split="all")
    assert evaluation.accuracy.value >= 0.85
    assert fitted.report.accuracy.low <= evaluation.accuracy.high
