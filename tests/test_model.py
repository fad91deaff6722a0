"""Fit, judge, save, load and answer: the whole from Python, on drawn photos and on real ones."""

import io
import json
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import graft
import shapes
from graft.bundle import _sha256, _to_json
from graft.data.dataset import Memory
from graft.encoders.cache import Cache
from graft.errors import (
    BundleError,
    DamagedBundle,
    DataError,
    EncoderError,
    EncoderMismatch,
    ItemError,
    NewerBundle,
    NotABundle,
    NothingToRead,
    OutputExists,
    TooFewClasses,
    UsageError,
)
from graft.executors import workers
from graft.model import MAYBE_SEEN, SEEN, fit_embeddings


def lists(**counts):
    """Items and labels in memory."""
    labels = [label for label, n in counts.items() for _ in range(n)]
    return [shapes.encoded(label, seed) for seed, label in enumerate(labels)], labels


def dataset(*, splits=None, groups=None, **counts):
    return graft.Dataset.from_lists(*lists(**counts), splits=splits, groups=groups)


# Fitting


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
    fitted = graft.fit(dataset(circle=shots, square=shots, triangle=shots))
    report = fitted.report
    assert fitted.predict_one(shapes.encoded("square", 500)).label in report.classes
    assert str(report)
    assert report.sets.complete
    assert "every class is returned" in report.sets.guarantee.lower()
    if shots == 1:
        assert np.isnan(report.accuracy.value)
        assert (report.accuracy.low, report.accuracy.high) == (0, 1)
        assert "not judged" in report.accuracy.method
    else:
        assert 0 <= report.accuracy.low < report.accuracy.high <= 1
        assert report.accuracy.high - report.accuracy.low > 0.25
    assert bool(report.warnings) == (shots < 5)


def test_a_class_with_one_item_is_fitted_and_not_scored():
    report = graft.fit(dataset(circle=10, square=10, triangle=1)).report
    assert report.classes == ("circle", "square", "triangle")
    assert report.per_class["triangle"].n == 0
    assert np.isnan(report.per_class["triangle"].recall)
    assert "20 of the 21" in report.judged_on
    assert any("triangle: one item only" in warning for warning in report.warnings)
    assert report.to_dict()["per_class"]["triangle"]["recall"] is None


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
    fitted = graft.fit(dataset(circle=3, square=150))
    assert fitted.report.baselines["majority"] == pytest.approx(150 / 153)
    assert fitted.report.per_class["circle"].n == 3
    rare = [fitted.predict_one(shapes.encoded("circle", 700 + i)).scores["circle"] for i in range(4)]
    common = [fitted.predict_one(shapes.encoded("square", 700 + i)).scores["circle"] for i in range(4)]
    assert min(rare) > max(common)


def test_identical_items_are_one_unit_and_nothing_can_be_judged():
    same = shapes.encoded("circle", 0)
    report = graft.fit(graft.Dataset.from_lists([same] * 8, ["a", "b"] * 4)).report
    assert np.isnan(report.accuracy.value)
    assert any("under two labels" in warning for warning in report.warnings)


def test_copies_do_not_flatter():
    random = np.random.default_rng(1)
    noise = [random.integers(0, 255, (32, 32, 3), dtype=np.uint8) for _ in range(12)]
    report = graft.fit(graft.Dataset.from_lists(noise * 3, ["a", "b"] * 18)).report
    assert report.accuracy.value < 0.85  # who looks at the copies gets all of them right
    assert report.accuracy.high - report.accuracy.low > 0.3


def test_an_item_under_two_labels_is_named():
    items, labels = lists(circle=6, square=6)
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
    splits = (["train"] * 6 + ["test"] * 4) * 2
    given = dataset(circle=10, square=10, splits=splits)
    fitted = graft.fit(given)
    report = fitted.report
    assert (report.n_train, report.n_test) == (12, 8)
    assert sum(map(sum, report.confusion)) == 12
    assert "used once" in report.test.method
    assert report.test.value == fitted.evaluate(given).accuracy.value
    train_only = graft.fit(given.select([row for row, split in enumerate(splits) if split == "train"]))
    assert np.array_equal(train_only.classifier.linear.weights, fitted.classifier.linear.weights)


def test_val_without_test_is_the_test_and_with_test_joins_train():
    alone = graft.fit(dataset(circle=6, square=6, splits=(["train"] * 4 + ["val"] * 2) * 2)).report
    assert (alone.n_train, alone.n_test) == (8, 4)
    both = graft.fit(dataset(circle=6, square=6, splits=(["train"] * 3 + ["val"] * 2 + ["test"]) * 2)).report
    assert (both.n_train, both.n_test) == (10, 2)


def test_a_test_split_alone_is_nothing_to_train_on():
    for split in ("val", "test"):
        with pytest.raises(TooFewClasses, match=r"All 6 items .* stand in the test split"):
            graft.fit(dataset(circle=3, square=3, splits=[split] * 6))


def test_labels_that_stand_only_in_the_test_count_as_wrong():
    splits = ["train"] * 10 + ["test"] * 5
    fitted = graft.fit(dataset(circle=5, square=6, triangle=4, splits=splits))
    assert fitted.classes == ("circle", "square")
    assert fitted.report.test.value <= 1 / 5
    assert any("triangle: only in the test split" in warning for warning in fitted.report.warnings)


def test_a_test_split_of_other_labels_ends_the_fit():
    splits = ["train"] * 10 + ["test"] * 4
    with pytest.raises(DataError, match=r"The test data share no label .* \(triangle / circle, square\)"):
        graft.fit(dataset(circle=5, square=5, triangle=4, splits=splits))


def test_what_straddles_a_given_split_is_counted():
    items, labels = lists(circle=8, square=8)
    splits = (["train"] * 6 + ["test"] * 2) * 2
    straddling = graft.Dataset.from_lists([*items, items[0]], [*labels, "circle"], splits=[*splits, "test"])
    assert any("1 item has copies" in warning for warning in graft.fit(straddling).report.warnings)


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
        graft.fit(dataset(circle=2, square=2), graft.Recipe(**recipe), progress=refuse)


@pytest.mark.parametrize("head", ["logistic", "discriminant", "prototype"])
def test_a_head_can_be_asked_for(photos, head):
    assert graft.fit(photos, graft.Recipe(head=head)).report.head.kind == head


def test_odd_labels_are_kept_as_they_are(tmp_path):
    labels = ["<script>alert(1)</script>", "..", "a/b", "ü 門 😀", "long " * 60, "line\nbreak"]
    items = [shapes.encoded(shapes.FORMS[i % 3], i) for i in range(18)]
    fitted = graft.fit(graft.Dataset.from_lists(items, labels * 3))
    assert set(fitted.classes) == set(labels)
    fitted.save(tmp_path / "odd.graft")
    assert graft.load(tmp_path / "odd.graft").classes == fitted.classes
    assert "<script>alert" not in fitted.report.to_html()
    assert max(map(len, str(fitted.report).splitlines())) <= 100


# The same again


def test_the_same_data_seed_and_recipe_give_the_same_bytes(photos, tmp_path):
    for name, cache in (("cold", None), ("warm", "default"), ("own", Cache(tmp_path / "cache"))):
        graft.fit(photos, cache=cache).save(tmp_path / f"{name}.graft")
    files = sorted(path.name for path in (tmp_path / "cold.graft").iterdir())
    assert files == ["arrays.safetensors", "manifest.json", "report.json"]
    for name in files:
        contents = {(tmp_path / f"{run}.graft" / name).read_bytes() for run in ("cold", "warm", "own")}
        assert len(contents) == 1, name


def test_a_bundle_is_small(saved, model):
    sizes = {path.name: path.stat().st_size for path in saved.iterdir()}
    dim = model.classifier.linear.weights.shape[0]
    assert sizes["arrays.safetensors"] + sizes["manifest.json"] < 20_000 + 2 * dim * len(model.classes)
    assert sizes["report.json"] < 60_000


# Saving and loading


def test_a_loaded_model_answers_digit_for_digit(photos, model, saved):
    files = sorted(photos.rglob("*.png"))[::4]
    loaded = graft.load(saved)
    assert loaded.predict(files) == model.predict(files)
    assert np.array_equal(loaded.predict_proba(files), model.predict_proba(files))
    assert loaded.recipe == model.recipe
    assert loaded.report.model == str(saved)
    assert replace(loaded.report, model=None) == replace(model.report, seconds={}, cache={})
    assert str(loaded.report)
    assert "<html" in loaded.report.to_html()


def test_an_existing_place_is_left_alone(model, tmp_path):
    model.save(tmp_path / "a.graft")
    with pytest.raises(OutputExists):
        model.save(tmp_path / "a.graft")
    model.save(tmp_path / "a.graft", overwrite=True, page=tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text().startswith("<!doctype html>")
    foreign = tmp_path / "b.graft"
    foreign.mkdir()
    (foreign / "thesis.txt").write_text("four years of work")
    with pytest.raises(OutputExists):
        model.save(foreign, overwrite=True)
    assert (foreign / "thesis.txt").read_text() == "four years of work"


@pytest.fixture
def copied(model, tmp_path):
    model.save(tmp_path / "copy.graft")
    return tmp_path / "copy.graft"


def rewrite(bundle: Path, change) -> None:
    """Change a manifest and mend its checksum, as a newer Graft or a foreign program would write it."""
    manifest = json.loads((bundle / "manifest.json").read_text())
    change(manifest)
    manifest.pop("checksum")
    manifest["checksum"] = _sha256(_to_json(manifest, "manifest"))
    (bundle / "manifest.json").write_bytes(_to_json(manifest, "manifest"))


def test_a_tampered_bundle_says_so(copied):
    arrays = copied / "arrays.safetensors"
    content = bytearray(arrays.read_bytes())
    content[-5] ^= 1
    arrays.write_bytes(content)
    with pytest.raises(DamagedBundle, match=r"arrays\.safetensors was changed"):
        graft.load(copied)


@pytest.mark.parametrize("name", ["arrays.safetensors", "report.json", "manifest.json"])
def test_a_cut_bundle_says_so(copied, name):
    content = (copied / name).read_bytes()
    (copied / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(DamagedBundle, match=name):
        graft.load(copied)


def test_a_bundle_without_a_manifest_is_none(copied, tmp_path):
    (copied / "manifest.json").unlink()
    for place in (copied, tmp_path / "nothing.graft"):
        with pytest.raises(NotABundle):
            graft.load(place)


def test_a_newer_bundle_says_so(copied):
    rewrite(copied, lambda manifest: manifest.update(schema=99))
    with pytest.raises(NewerBundle, match="schema is 99"):
        graft.load(copied)


def test_another_version_of_the_encoder_says_so(copied):
    rewrite(copied, lambda manifest: manifest["encoder"].update(version="0123456789abcdef"))
    with pytest.raises(EncoderMismatch, match="0123456789abcdef"):
        graft.load(copied)


def test_an_unknown_encoder_says_so(copied):
    rewrite(copied, lambda manifest: manifest["encoder"].update(name="vision-2000"))
    with pytest.raises(EncoderError, match=r"was made with the encoder 'vision-2000'"):
        graft.load(copied)


@pytest.mark.parametrize(
    "change",
    [
        lambda manifest: manifest["classes"].append("hexagon"),
        lambda manifest: manifest["classifier"].update(stages=[1752]),
        lambda manifest: manifest["classifier"].pop("temperature"),
        lambda manifest: manifest["recipe"].update(seed="seven"),
    ],
)
def test_a_bundle_that_does_not_fit_together_says_so(copied, change):
    rewrite(copied, change)
    with pytest.raises(BundleError):
        graft.load(copied)


def test_backends_agree(photos, tmp_path):
    fitted = graft.fit(photos, graft.Recipe(backend="onnxruntime"))
    assert fitted.encoder.backend == "onnxruntime f32"
    fitted.save(tmp_path / "ort.graft")
    files = sorted(photos.rglob("*.png"))
    here = fitted.predict(files)
    there = graft.load(tmp_path / "ort.graft").predict(files)
    assert sum(a.label == b.label for a, b in zip(here, there, strict=True)) >= 35
    assert max(abs(a.confidence - b.confidence) for a, b in zip(here, there, strict=True)) < 0.1


def test_a_model_can_be_copied_to_another_process(model, photos):
    files = sorted(photos.rglob("*.png"))[:2]
    assert pickle.loads(pickle.dumps(model)).predict(files) == model.predict(files)


# Answering


def test_a_path_bytes_a_picture_and_its_pixels_are_the_same(model, photos):
    path = photos / "circle" / "000.png"
    picture = Image.open(path)
    forms = [str(path), path, path.read_bytes(), bytearray(path.read_bytes()), picture, np.asarray(picture)]
    answers = [model.predict_one(form).scores for form in forms]
    assert all(answer == answers[0] for answer in answers)


def test_arrays_of_every_usual_kind(model):
    pixels = np.asarray(shapes.picture("square", 3))
    whole = model.predict_one(pixels).scores
    assert model.predict_one((pixels / 255).astype(np.float32)).scores == whole
    assert model.predict_one(pixels.astype(np.uint16) * 257).scores == whole
    opaque = np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])
    assert model.predict_one(opaque).scores == whole
    grey = np.asarray(shapes.picture("square", 3).convert("L"))
    assert model.predict_one(grey).scores == model.predict_one(np.dstack([grey] * 3)).scores
    assert model.predict_one(grey[:, :, None]).scores == model.predict_one(grey).scores
    assert model.predict_one(grey > 127).scores == model.predict_one((grey > 127).astype(np.uint8) * 255).scores


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "I", "F", "I;16"])
def test_pictures_of_every_mode(model, mode):
    picture = shapes.picture("circle", 3)
    for step in {"I": ("L", "I"), "F": ("L", "F"), "I;16": ("L", "I", "I;16")}.get(mode, (mode,)):
        picture = picture.convert(step)
    assert 0 < model.predict_one(picture).confidence <= 1


def test_a_picture_whose_file_is_cut_is_named(model):
    cut = Image.open(io.BytesIO(shapes.encoded("circle", 1, "JPEG", 300)[:1500]))
    with pytest.raises(DataError, match=r"Item 1 cannot be read: .*truncated"):
        model.predict([shapes.encoded("circle", 0), cut])


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "NoneType"),
        (3.5, "float"),
        ({"path": "a.jpg"}, "dict"),
        (np.zeros((2, 3, 4, 5)), r"shape \(2, 3, 4, 5\)"),
        (np.zeros((5, 5, 2), np.uint8), r"shape \(5, 5, 2\)"),
        (np.zeros((0, 5, 3), np.uint8), "shape"),
        (np.full((5, 5, 3), 200.0), "from 200 to 200"),
        (np.full((5, 5, 3), np.nan), "nan"),
        (np.zeros((5, 5, 3), np.int32), "int32"),
    ],
)
def test_a_value_of_a_wrong_type_is_named(model, value, words):
    with pytest.raises(DataError, match=words) as caught:
        model.predict([shapes.encoded("circle", 0), value])
    assert "Item 1" in str(caught.value)
    assert caught.value.hint


def test_what_cannot_be_read_has_an_error_and_the_others_an_answer(model, tmp_path):
    good = tmp_path / "good.png"
    good.write_bytes(shapes.encoded("circle", 1))
    answers = model.predict([tmp_path / "gone.png", good, b"", b"rubbish", good])
    assert [answer.error.reason if answer.error else None for answer in answers] == [
        "unreadable",
        None,
        "empty",
        "not_a_picture",
        None,
    ]
    assert [answer.input for answer in answers] == [
        str(tmp_path / "gone.png"),
        str(good),
        "item 2",
        "item 3",
        str(good),
    ]
    assert answers[1] == answers[4]
    assert answers[0].label == ""
    with pytest.raises(ItemError) as caught:
        model.predict_one(tmp_path / "gone.png")
    assert caught.value.reason == "unreadable"
    with pytest.raises(ItemError):
        model.predict_proba([good, b"rubbish"])


def test_no_inputs_give_no_answers(model):
    assert model.predict([]) == []
    assert model.predict_proba([]).shape == (0, 3)


def test_probabilities_are_those_of_the_answers(model, photos):
    files = sorted(photos.rglob("*.png"))[:9]
    p = model.predict_proba(files)
    assert p.dtype == np.float32
    assert np.abs(p.sum(axis=1) - 1).max() < 1e-5
    scores = [[answer.scores[label] for label in model.classes] for answer in model.predict(files)]
    assert np.abs(p - np.array(scores)).max() < 0.02  # fresh or from the cache, in whatever batch


def test_what_is_nothing_of_the_kind_is_unknown(model):
    def noise(seed):
        return np.random.default_rng(seed).integers(0, 255, (96, 96, 3), dtype=np.uint8)

    assert sum(model.predict_one(noise(seed)).unknown for seed in range(5)) >= 4


def test_predict_takes_only_a_few_inputs_ahead(model):
    content, taken = shapes.encoded("circle", 0), 0

    def source():
        nonlocal taken
        for number in range(most + 150):
            taken += 1
            yield Memory(content, f"{number}")

    most = model.encoder.batch_size * 2 * workers()
    answers = model.stream(source())
    for given in range(100):
        assert next(answers).input == str(given)
        assert taken - given <= most
    answers.close()
    assert taken <= 100 + most


# Evaluating


def test_evaluate_scores_given_labels(model, tmp_path):
    fresh = shapes.folders(tmp_path / "fresh", {"circle": 4, "square": 4}, first=100)
    found = model.evaluate(fresh)
    assert found.n_items == 8
    assert found.split == "all items"
    assert 0 < found.accuracy.low < found.accuracy.value <= found.accuracy.high <= 1
    assert found.per_class["triangle"].n == 0
    assert found.warnings == ()
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["per_class"]["triangle"]["recall"] is None
    assert "Accuracy" in str(found)


def test_evaluate_takes_a_single_class_and_unknown_labels(model, tmp_path):
    one = shapes.folders(tmp_path / "one", {"circle": 3}, first=100)
    assert model.evaluate(one).n_items == 3
    strangers = shapes.folders(tmp_path / "strangers", {"hexagon": 2, "circle": 2}, first=100)
    found = model.evaluate(strangers)
    assert found.accuracy.value <= 0.5
    assert any("does not know hexagon" in warning for warning in found.warnings)


def test_evaluate_on_what_was_learnt_from_says_so(model, photos, tmp_path):
    assert SEEN in model.evaluate(photos).warnings
    for split in ("train", "test"):
        shapes.folders(tmp_path / split, {"circle": 2, "square": 2}, first=50 if split == "test" else 80)
    assert MAYBE_SEEN in model.evaluate(tmp_path, split="train").warnings
    found = model.evaluate(tmp_path)
    assert (found.n_items, found.split, found.warnings) == (4, "test split", ())


def test_evaluate_without_that_part_says_which_there_are(model, photos):
    with pytest.raises(DataError, match="no val part: the data have none"):
        model.evaluate(photos, split="val")


def test_evaluate_lists_what_it_skipped(model, tmp_path):
    root = shapes.folders(tmp_path / "photos", {"circle": 2, "square": 2}, first=60)
    expected = shapes.bad_files(root / "square")
    found = model.evaluate(root)
    assert found.n_items == 4
    assert {Path(entry.path).name: entry.code for entry in found.skipped} == expected
    for good in root.rglob("0*.png"):
        good.write_bytes(b"\x89PNG\r\n\x1a\n gone")
    with pytest.raises(NothingToRead):
        model.evaluate(root)


# Other ways in


def test_a_split_that_nobody_knows_is_refused():
    with pytest.raises(DataError, match="'holdout'"):
        dataset(circle=2, square=2, splits=["train", "train", "holdout", "test"])


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


# Real photos


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


def test_a_model_shows_itself_in_a_line(model):
    assert repr(model).startswith(
        f"Model('{model.report.name}', {len(model.classes)} classes, efficientnet-lite0, accuracy "
    )
    assert len(repr(model)) < 120
