"""Bad pictures, texts and recordings are found, and ordinary ones are left in peace."""

import io

import numpy as np
import pytest
from PIL import Image, ImageFilter

import graft
import shapes
from graft.cleaning.quality import KINDS, examine
from graft.decoding.decode import decode_picture
from graft.decoding.measures import of_text
from graft.decoding.sound import decode_sound, wav_bytes

RATE = 16_000


def pictures(images):
    buffers = []
    for image in images:
        buffer = io.BytesIO()
        image.save(buffer, "PNG")
        buffers.append(buffer.getvalue())
    found = [decode_picture(content, 224, 224, 1.0, 0.875).statistics for content in buffers]
    return graft.Dataset.from_lists(buffers, ["a"] * len(buffers)), columns(found)


def texts(given, labels=None):
    dataset = graft.Dataset.from_lists(given, labels or ["a"] * len(given), modality="text")
    return dataset, columns([of_text(text) for text in given]), given


def recordings(sounds):
    contents = [wav_bytes(sound, RATE) for sound in sounds]
    dataset = graft.Dataset.from_lists(contents, ["a"] * len(contents), modality="audio")
    return dataset, columns([decode_sound(content, RATE).statistics for content in contents])


def columns(found):
    return {name: np.array([one[name] for one in found]) for name in found[0]}


def issues(table, row):
    return {name[3:-6] for name, flags in table.items() if name.startswith("is_") and flags[row]}


def ordinary(n=40):
    return [shapes.picture(shapes.FORMS[seed % 3], seed, 300).crop((0, 30, 300, 270)) for seed in range(n)]


def speech(seed, seconds=1.0):
    random = np.random.default_rng(seed)
    time = np.arange(round(RATE * seconds)) / RATE
    tone = np.sin(2 * np.pi * random.uniform(100, 300) * time) * (0.5 + 0.5 * np.sin(2 * np.pi * 4 * time))
    return (0.2 * tone + 0.005 * random.standard_normal(len(time))).astype(np.float32)


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        (Image.new("RGB", (300, 240), (12, 12, 14)), {"dark", "low_information"}),
        (Image.new("RGB", (300, 240), "white"), {"light", "low_information"}),
        (ordinary(1)[0].filter(ImageFilter.GaussianBlur(6)), {"blurry"}),
        (ordinary(1)[0].resize((24, 20)).resize((20, 16)), {"odd_size"}),
        (ordinary(1)[0].resize((900, 200)), {"odd_aspect_ratio"}),
        (ordinary(1)[0].convert("L").convert("RGB"), {"grayscale"}),
    ],
)
def test_a_bad_picture_among_ordinary_ones(bad, expected):
    table = examine(*pictures([*ordinary(), bad]))
    assert expected <= issues(table, 40)
    assert sum(bool(issues(table, row)) for row in range(40)) == 0


def test_a_shot_in_the_night_with_a_lamp_is_dark():
    night = Image.new("RGB", (300, 240), (4, 4, 6))
    night.paste((255, 255, 220), (140, 110, 160, 130))
    assert "dark" in issues(examine(*pictures([*ordinary(), night])), 40)


def test_what_many_items_have_is_how_the_data_are():
    half = [image.convert("L").convert("RGB") if row % 2 else image for row, image in enumerate(ordinary())]
    assert not examine(*pictures(half))["is_grayscale_issue"].any()
    dim = [image.point(lambda value: value // 4) for image in ordinary()]
    assert not examine(*pictures(dim))["is_dark_issue"].any()
    black = Image.new("RGB", (300, 240), (8, 8, 8))
    assert np.flatnonzero(examine(*pictures([*dim, black]))["is_dark_issue"]).tolist() == [40]
    few = [image.convert("L").convert("RGB") if row < 4 else image for row, image in enumerate(ordinary())]
    assert examine(*pictures(few))["is_grayscale_issue"].sum() == 4


def test_columns_come_in_pairs_with_scores_from_0_to_1():
    table = examine(*pictures(ordinary(5)))
    assert len(table) == 2 * sum(kind.modality == "image" for kind in KINDS.values())
    for name in KINDS:
        if f"{name}_score" in table:
            assert table[f"is_{name}_issue"].dtype == np.bool_
            assert table[f"{name}_score"].min() >= 0
            assert table[f"{name}_score"].max() <= 1
    assert KINDS["dark"].words == "too dark to see much"


def test_what_was_not_measured_is_no_issue():
    dataset, statistics = pictures(ordinary(30))
    known = {"brightness": statistics["brightness"], "luma_99": np.full(30, np.nan)}
    table = examine(dataset, known)
    assert set(table) == {"is_dark_issue", "dark_score"}
    assert not table["is_dark_issue"].any()
    assert examine(dataset, {}) == {}


LETTERS = [f"Good morning, my parcel number {n} from shop {n % 7} has still not come." for n in range(40)]


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        ("?!? ... --", "empty"),
        ("N/A", "boilerplate"),
        ("  [deleted] ", "boilerplate"),
        ("Lorem ipsum dolor sit amet, consectetur", "boilerplate"),
        ("https://example.com/a?b=c www.example.org", "boilerplate"),
        ("<div><br/>&nbsp;</div>", "boilerplate"),
        ("ok", "short"),
        ("4711-0815 / 12.05. ### 99 %", "non_letters"),
    ],
)
def test_a_bad_text_among_ordinary_ones(bad, expected):
    table = examine(*texts([f"{text} {chr(97 + row % 26) * 5} {row}" for row, text in enumerate(LETTERS)] + [bad]))
    assert expected in issues(table, 40)
    assert sum(bool(issues(table, row)) for row in range(40)) == 0


def test_what_is_said_under_every_label_is_boilerplate_and_what_is_said_under_one_is_not():
    given = [*LETTERS, *["Sent from my telephone."] * 6, *["Cancel my order."] * 6]
    labels = [*("ab"[row % 2] for row in range(46)), *"aaaaaa"]
    subjects = [f"{text} About {row * 17 % 41 * 'x'}." for row, text in enumerate(given[:40])]
    table = examine(*texts(subjects + given[40:], labels))
    assert table["is_boilerplate_issue"][40:46].all()
    assert not table["is_boilerplate_issue"][46:].any()
    assert not table["is_boilerplate_issue"][:40].any()


def test_a_footer_is_boilerplate_only_as_far_as_it_goes():
    given = [f"A question about {chr(97 + row) * 4}.\nSent from my telephone." for row in range(20)]
    score = examine(*texts(given, [*"ab"] * 10))["boilerplate_score"]
    assert ((score > 0.3) & (score < 0.7)).all()


def test_emoji_are_no_emptiness():
    assert "empty" not in issues(examine(*texts(["\N{THUMBS UP SIGN}", "words"])), 0)


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        (np.zeros(RATE, np.float32), "silent"),
        (np.clip(20 * speech(50), -1, 1), "clipped"),
        (speech(50)[: RATE // 20], "too_short"),
        (np.concatenate([speech(50, 0.3), np.zeros(9 * RATE, np.float32)]), "mostly_silent"),
        (speech(50, 12.0), "odd_length"),
    ],
)
def test_a_bad_recording_among_ordinary_ones(bad, expected):
    sounds = [speech(seed, 0.8 + 0.01 * seed) for seed in range(40)]
    table = examine(*recordings([*sounds, bad]))
    assert expected in issues(table, 40)
    assert sum(bool(issues(table, row)) for row in range(40)) == 0


def test_real_photos_have_few_issues(shared):
    files = sorted((shared / "ants_bees").rglob("*.jpg"))[::4]
    contents = [file.read_bytes() for file in files]
    dataset = graft.Dataset.from_lists(contents, ["a"] * len(files))
    found = columns([decode_picture(content, 224, 224, 1.0, 0.875).statistics for content in contents])
    table = examine(dataset, found)
    assert sum(bool(issues(table, row)) for row in range(len(files))) <= 0.03 * len(files)
