"""What is a copy of what, from files on disk: pictures by their prints, texts by their characters."""

import io
import re
import shutil
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageEnhance

import graft
import shapes
from graft.duplicates.likeness import clusters_of, copies_of
from graft.duplicates.prints import PicturePrints
from graft.encoders import encoder_for
from graft.encoders.cache import Cache
from graft.encoders.embed import embed
from graft.run import Run


def test_copied_files_are_found_and_their_prints_kept(tmp_path):
    data = shapes.folders(tmp_path / "data", dict.fromkeys(shapes.FORMS, 4))
    first = sorted(data.rglob("*.*"))[0]
    shutil.copy(first, first.with_name("same" + first.suffix))
    with Image.open(first) as picture:
        picture.convert("RGB").resize((90, 90)).save(first.with_name("smaller.jpg"), quality=60)
    dataset = graft.read(data)
    encoder = PicturePrints()
    with closing(Cache(tmp_path / "cache")) as cache:
        embedded = embed(encoder, dataset.items)
        found = copies_of(dataset, embedded, encoder.stages, Run(cache))
        assert cache.info().entries == {encoder.fingerprint: len(dataset) - 1}  # one for each content
        again = copies_of(dataset, embedded, encoder.stages, Run(cache))
        clusters = clusters_of(dataset, embedded, encoder.stages, Run(cache))
        copies = copies_of(dataset, embedded, encoder.stages, Run(cache), clusters)
    names = [item.name.rsplit("/", 1)[-1] for item in dataset.items]
    same = [names.index(name) for name in (first.name, "same" + first.suffix, "smaller.jpg")]
    assert len(set(found.clusters[same].tolist())) == 1
    assert found.likeness[same[:2]].tolist() == [1, 1]
    assert found.likeness[same[2]] > 0.9
    assert (again.clusters == found.clusters).all()
    assert (copies.clusters == found.clusters).all()
    assert (clusters.clusters == clusters_of(dataset, embedded, encoder.stages).clusters).all()


def test_texts_that_are_nearly_the_same_are_copies():
    texts = ["the parcel has not come yet, please help", "The parcel has not come yet -- please help!", "goodbye"]
    dataset = graft.Dataset.from_lists(texts, ["late", "late", "end"], modality="text")
    encoder = encoder_for("auto", "text")
    embedded = embed(encoder, dataset.items)
    found = copies_of(dataset, embedded, encoder.stages)
    clusters = clusters_of(dataset, embedded, encoder.stages)
    copies = copies_of(dataset, embedded, encoder.stages, clusters=clusters)
    assert found.clusters.tolist() == copies.clusters.tolist() == clusters.clusters.tolist() == [0, 0, 1]
    np.testing.assert_allclose(found.likeness, [0.5, 0.5, 0])


def saved_again(picture, times, chance):
    """The same picture, each time cut, brightened, made smaller and saved a little differently."""
    for _ in range(times):
        left, top, right, bottom = (float(chance.uniform(0, 0.05)) for _ in range(4))
        w, h = picture.size
        part = picture.crop((int(left * w), int(top * h), int((1 - right) * w), int((1 - bottom) * h)))
        share = float(chance.uniform(0.5, 1))
        part = part.resize((int(share * part.width), int(share * part.height)), Image.Resampling.LANCZOS)
        buffer = io.BytesIO()
        ImageEnhance.Brightness(part).enhance(float(chance.uniform(0.8, 1.2))).save(
            buffer, "JPEG", quality=int(chance.integers(40, 96))
        )
        yield buffer.getvalue()


def burst(folder, classes, times=30):
    """Photos saved again so many times, those of one photo in one class, and which photo each shows."""
    chance, items = np.random.default_rng(0), []
    for path in sorted(folder.iterdir())[: len(classes)]:
        with Image.open(path) as picture:
            items += saved_again(picture.convert("RGB"), times, chance)
    of = np.repeat(np.arange(len(classes)), times)
    return graft.Dataset.from_lists(items, [classes[photo] for photo in of]), of


@pytest.mark.parametrize("folder", ["potato_leaves/Train/Healthy", "ants_bees/train/ants"])
def test_six_photos_saved_again_thirty_times_are_six_units_and_teach_nothing(shared, folder):
    if not (shared / folder).is_dir():
        pytest.skip(f"no {folder}")
    dataset, of = burst(shared / folder, "abbaba")
    encoder = encoder_for("auto", "image")
    embedded = embed(encoder, dataset.items)
    found = clusters_of(dataset, embedded, encoder.stages)
    assert len(np.unique(np.stack([found.clusters, of]), axis=1).T) <= 9  # six, and stray copies
    assert not found.doubtful.any()
    report = graft.fit(dataset, cache=None).report
    assert report.accuracy.low < 0.5
    assert any("items are copies or near-copies" in warning for warning in report.warnings)


def test_what_may_be_one_class_before_one_camera_is_said_to_be_in_doubt(shared):
    """Two photos, one of each class: nothing could be judged if they were whole, and nothing is sure as they are."""
    if not (shared / "ants_bees/train/ants").is_dir():
        pytest.skip("no ants")
    dataset, _ = burst(shared / "ants_bees/train/ants", "ab")
    report = graft.fit(dataset, cache=None).report
    assert report.accuracy.low < 0.5 < report.accuracy.value
    assert any("look like copies of a few" in warning and "cannot be trusted" in warning for warning in report.warnings)
    assert "as if 60 items were guessed, for copies" in report.accuracy.method
    grouped = replace(dataset, groups=tuple(f"group {row % 10}" for row in range(60)))
    assert not any("look like copies" in warning for warning in graft.fit(grouped, cache=None).report.warnings)


@pytest.mark.parametrize("noise", [0, 10])
def test_patches_of_colour_are_no_copies_of_one_another(noise):
    chance = np.random.default_rng(0)
    items, labels = [], []
    for label, colour in (("red", (200, 30, 30)), ("green", (30, 180, 40)), ("blue", (30, 40, 200))):
        for _ in range(3):
            patch = np.array(colour) + chance.integers(-25, 26, 3) + chance.normal(0, noise, (64, 64, 3))
            items.append(patch.clip(0, 255).astype(np.uint8))
            labels.append(label)
    dataset = graft.Dataset.from_lists(items, labels)
    encoder = encoder_for("auto", "image")
    found = clusters_of(dataset, embed(encoder, dataset.items), encoder.stages)
    assert found.clusters.tolist() == list(range(9))


def test_texts_written_again_with_other_numbers_stay_together_whatever_their_number():
    questions = [
        "my card has not arrived although I ordered it", "please tell me how to change the pin of my card",
        "why was I charged twice for the same purchase", "I want to close my account and get my money back",
    ]  # fmt: skip
    texts = [f"{question} {number}" for question in questions for number in range(40)]
    labels = [label for label in "abab" for _ in range(40)]
    dataset = graft.Dataset.from_lists(texts, labels, modality="text")
    encoder = encoder_for("auto", "text")
    found = clusters_of(dataset, embed(encoder, dataset.items), encoder.stages)
    assert found.clusters.tolist() == np.repeat(np.arange(4), 40).tolist()
    assert not found.doubtful.any()
    torn = replace(dataset, labels=tuple("a" * 40 + "b" * 120))  # the first question is all there is of its class
    found = clusters_of(torn, embed(encoder, dataset.items), encoder.stages)
    assert found.doubtful.tolist() == [True] * 40 + [False] * 120
    assert np.bincount(found.clusters[:40]).max() <= 16


def test_copies_across_a_given_split_are_counted_however_many_there_are(shared):
    """Test photos that are thirty copies of each of two training photos."""
    if not (shared / "ants_bees/train/ants").is_dir():
        pytest.skip("no ants")
    dataset, of = burst(shared / "ants_bees/train/ants", "abababab")
    rows = np.concatenate([np.flatnonzero(of < 2), *(np.flatnonzero(of == photo)[:1] for photo in range(2, 8))])
    first = {int(np.flatnonzero(of == photo)[0]) for photo in range(8)}
    part = dataset.select(rows)
    part = replace(part, splits=tuple("train" if row in first else "test" for row in rows.tolist()))
    warnings = graft.fit(part, cache=None).report.warnings
    told = re.search(r"(\d+) of the 58 test items have copies", " ".join(warnings))
    assert told, warnings
    assert int(told[1]) > 50  # one or two heavily altered ones may stand apart; a cluster ends at a tenth
