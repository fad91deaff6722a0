"""Classes that are given away are found out, by what gives them away; labels dealt at random are not."""

import io

import numpy as np
import pytest
from PIL import ImageOps

import shapes
from graft.cleaning.cues import find_cues
from graft.cleaning.feature_groups import FEATURE_GROUPS
from graft.cleaning.naive_bayes import assign_folds, into_bins
from graft.decoding.decode import decode_picture
from graft.decoding.measures import OF_PICTURES, OF_RECORDINGS, OF_TEXTS, of_text
from graft.decoding.sound import decode_sound, wav_bytes

RATE = 16_000
N = 60


def columns(found):
    return {name: np.array([one[name] for one in found]) for name in found[0]}


def jpeg(image, kind="JPEG"):
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


def photos(change=None, n=N, classes=2):
    """The same kind of pictures in every class, but that those of class 0 are changed."""
    y, found = np.arange(n) % classes, []
    for row in range(n):
        image = shapes.picture(shapes.FORMS[row // classes % 3], row).resize((200, 160))
        content = change(image) if change and y[row] == 0 else jpeg(image)
        found.append(decode_picture(content, 224, 224, 1.0, 0.875).statistics)
    return y, columns(found)


def sounds(change=None, n=N):
    y, found = np.arange(n) % 2, []
    for row in range(n):
        random = np.random.default_rng(row)
        samples = (0.1 * random.uniform(0.5, 1) * random.standard_normal(random.integers(12_000, 20_000))).astype("f4")
        content = change(samples) if change and y[row] == 0 else wav_bytes(samples, RATE)
        found.append(decode_sound(content, RATE).statistics)
    return y, columns(found)


def families(y, statistics, modality="image"):
    labels = [f"class {c}" for c in range(int(y.max()) + 1)]
    return {cue.family: cue for cue in find_cues(y, labels, statistics, modality, np.arange(len(y)))}


@pytest.mark.parametrize(
    ("change", "family"),
    [
        (lambda image: jpeg(image.point(lambda value: int(value * 0.7))), "brightness"),
        (lambda image: jpeg(image, "PNG"), "file type"),
        (
            lambda image: jpeg(ImageOps.expand(image.crop((20, 16, 180, 144)), (20, 16), (20, 200, 20))),
            "background colour",
        ),
        (lambda image: jpeg(image.resize((100, 80))), "size"),
        (lambda image: jpeg(image.resize((160, 200))), "shape"),
        (lambda image: jpeg(image.convert("L").convert("RGB")), "colour"),
    ],
)
def test_what_gives_pictures_of_one_class_away(change, family):
    assert families(*photos()) == {}
    found = families(*photos(change))
    assert found[family].accuracy > 0.8
    assert found[family].score < 0.5
    assert "class 0" in found[family].sentence


@pytest.mark.parametrize(
    ("change", "family"),
    [
        (lambda samples: wav_bytes(samples[: len(samples) // 2], RATE), "length"),
        (lambda samples: wav_bytes(samples[::2], RATE // 2), "rate and channels"),
        (lambda samples: wav_bytes(0.1 * samples, RATE), "loudness"),
        (lambda samples: wav_bytes((samples * 32767).astype(np.int16), RATE), "file size"),
    ],
)
def test_what_gives_recordings_of_one_class_away(change, family):
    assert families(*sounds(), "audio") == {}
    assert family in families(*sounds(change), "audio")


def test_what_gives_texts_of_one_class_away():
    random = np.random.default_rng(0)
    y = np.arange(N) % 2
    words = [["the parcel", "never came"][row % 2] + " again" * random.integers(1, 9) for row in range(N)]
    plain = [text.replace("never came", "the parcel") for text in words]
    assert families(y, columns([of_text(text) for text in plain]), "text") == {}
    for change, family in (
        (lambda text: text * 4, "length"),
        (str.upper, "capitals"),
        (lambda text: text + " https://a.b/c", "links"),
        (lambda text: text.replace("a", "ä"), "alphabet"),
    ):
        changed = [change(text) if label == 0 else text for text, label in zip(plain, y, strict=True)]
        assert family in families(y, columns([of_text(text) for text in changed]), "text")


def test_the_sentence_says_what_was_found_and_what_to_do():
    cue = families(*photos(lambda image: jpeg(image, "PNG")))["file type"]
    assert (cue.label, cue.score, cue.accuracy, cue.chance) == ("class 0", 0.0, 1.0, 0.5)
    assert "100% of 'class 0' and 0% of the others are PNG files" in cue.sentence
    assert cue.sentence.endswith("Save all classes the same way, or get every class from the same sources.")
    assert cue.to_dict()["family"] == "file type"


def test_several_classes_are_judged_as_a_whole_and_each_for_itself():
    y, statistics = photos(n=90, classes=3)
    statistics["brightness"] = statistics["luma_5"] = statistics["luma_99"] = y / 3 + 0.01 * np.arange(90) % 0.2
    cues = find_cues(y, list("abc"), statistics, "image", np.arange(90))
    found = {cue.label: cue for cue in cues if cue.family == "brightness"}
    assert set(found) == {None, "a", "b", "c"}
    assert found[None].chance == pytest.approx(1 / 3)
    assert [cue.score for cue in cues] == sorted(cue.score for cue in cues)


def test_labels_dealt_at_random_give_no_alarm():
    random = np.random.default_rng(0)
    _, statistics = photos()
    alarms = sum(bool(families(random.permutation(np.arange(N) % 3), statistics)) for _ in range(100))
    assert alarms <= 5


def test_copies_do_not_vouch_for_each_other():
    """Each class is one picture many times over: its brightness says nothing that holds for another."""
    y = np.repeat([0, 1], 30)
    statistics = {"brightness": np.repeat(np.linspace(0, 1, 6), 10)}
    statistics["luma_5"] = statistics["luma_99"] = statistics["brightness"]
    assert find_cues(y, ["a", "b"], statistics, "image", np.arange(60))
    assert not find_cues(y, ["a", "b"], statistics, "image", np.repeat(np.arange(6), 10))


def test_classes_of_a_few_items_are_not_judged():
    y, statistics = photos(lambda image: jpeg(image, "PNG"), n=8)
    assert families(y, statistics) == {}


def test_statistics_that_are_not_there_are_not_missed():
    y, statistics = photos(lambda image: jpeg(image, "PNG"))
    assert set(families(y, {"format": statistics["format"]})) == {"file type"}
    assert families(y, {}) == {}
    statistics["format"] = np.where(np.arange(N) % 5 == 0, np.nan, statistics["format"])
    assert "file type" in families(y, statistics)


def test_more_items_than_are_needed_are_drawn_from():
    y = np.arange(30_000) % 2
    assert "brightness" in families(y, dict.fromkeys(("brightness", "luma_5", "luma_99"), y / 2))


def test_every_family_is_measured():
    for modality, names in (("image", OF_PICTURES), ("text", OF_TEXTS), ("audio", OF_RECORDINGS)):
        known = {name: np.ones(3) for name in names}
        for family in FEATURE_GROUPS[modality]:
            for feature in family.features:
                assert feature.of(known).shape == (3,)


def test_bins_part_values_and_units_stay_in_one_fold():
    assert into_bins(np.array([1.0, 5, 1, 7, np.nan]), 4).tolist() == [0, 1, 0, 2, 3]
    assert np.bincount(into_bins(np.arange(100.0), 4)).tolist() == [25] * 4
    half = into_bins(np.append(np.zeros(50), np.linspace(1, 2, 50)), 8)
    assert set(half[:50]).isdisjoint(half[50:])
    units = np.repeat(np.arange(20), 3)
    folds = assign_folds(units, 0)
    assert all(len(set(folds[units == unit])) == 1 for unit in range(20))
    assert set(folds) == set(range(5))


def test_the_cues_of_scraped_bears(shared):
    """Teddy bears are photographed on white."""
    files = [
        file
        for kind in ("black", "grizzly", "teddys")
        for file in sorted((shared / "bears_scraped" / kind).glob("*.jpg"))
    ]
    found = [decode_picture(file.read_bytes(), 224, 224, 1.0, 0.875).statistics for file in files]
    labels = [file.parent.name for file in files]
    classes = sorted(set(labels))
    y = np.array([classes.index(label) for label in labels])
    cues = find_cues(y, classes, columns(found), "image", np.arange(len(files)))
    assert ("background colour", "teddys") in {(cue.family, cue.label) for cue in cues}
