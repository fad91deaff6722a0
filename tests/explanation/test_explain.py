"""Why: what is left out, what that changes, and how it is said."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import graft
import shapes
from graft.contracts import LIMITS
from graft.decoding.sound import wav_bytes
from graft.encoders import encoder_for
from graft.encoders.joined import JoinedEncoder
from graft.errors import ItemError, UsageError
from graft.explanation import Explanation, Part, Squares, explain
from graft.explanation.pictures import SIDE, square
from graft.explanation.pictures import variants as of_picture
from graft.explanation.recordings import variants as of_recording
from graft.explanation.texts import FEWEST, MOST, parts_of
from graft.results.prediction import Prediction

RATE = 16_000
SPAM = ["win a free prize now", "free cash, claim your prize", "prize draw: win cash now", "claim free tickets, win"]
HAM = ["see you at lunch tomorrow", "running late for dinner", "mum called about lunch", "home by seven for dinner"]


def corner(place: str) -> bytes:
    """A large picture that is empty but for a shape in one corner."""
    ground = Image.new("RGB", (448, 448), (225, 225, 225))
    ink = Image.new("RGB", (120, 120), (40, 30, 110))
    ground.paste(ink, {"left": (70, 70), "right": (260, 260)}[place])
    buffer = io.BytesIO()
    ground.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def texts() -> graft.Model:
    return graft.fit(SPAM * 3 + HAM * 3, ["spam"] * 12 + ["ham"] * 12)


def tone(pitch: float, seed: int, seconds: float = 1.0) -> tuple[np.ndarray, int]:
    chance = np.random.default_rng(seed)
    time = np.arange(int(seconds * RATE)) / RATE
    sound = 0.3 * np.sin(2 * np.pi * pitch * time) + 0.01 * chance.standard_normal(len(time))
    return sound.astype(np.float32), RATE


@pytest.fixture(scope="module")
def sounds() -> graft.Model:
    items = [tone(pitch, seed) for seed in range(8) for pitch in (300, 2400)]
    return graft.fit(items, ["low", "high"] * 8)


@pytest.mark.parametrize("place", ["left", "right"])
def test_the_squares_lie_where_the_shape_lies(model: graft.Model, place: str) -> None:
    why = model.why(corner(place))
    assert isinstance(why.found, Squares)
    down, across = np.unravel_index(int(np.abs(why.found.effects).argmax()), (SIDE, SIDE))
    left, top, right, bottom = square(why.found.box, int(down * SIDE + across))
    begin, end = {"left": (70, 190), "right": (260, 380)}[place]
    for low, high in ((left, right), (top, bottom)):
        assert low * 448 < end
        assert high * 448 > begin
    assert why.kind == "squares"


def test_an_effect_is_what_the_probability_loses_when_the_square_is_covered(model: graft.Model, photos) -> None:
    content = (photos / "circle" / "003.png").read_bytes()
    why = model.why(content, "circle")
    seen = model.encoder.prepare(content).value
    covered = seen.copy()
    covered[32:64, 96:128] = np.rint(seen.mean(axis=(0, 1)))  # the second row, the fourth column
    p = model.classifier.probabilities(model.encoder.embed([seen, covered]))[:, model.classes.index("circle")]
    assert why.confidence == pytest.approx(p[0], abs=2e-3)
    assert why.found.effects[1, 3] == pytest.approx(p[0] - p[1], abs=4e-3)
    assert why.label == "circle"
    assert why.confidence == pytest.approx(model.predict_one(content).scores["circle"], abs=2e-3)


def test_the_box_is_the_part_of_the_upright_picture_that_the_network_sees() -> None:
    encoder = encoder_for("image", "image")
    wide = Image.new("RGB", (400, 200))
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6  # stored on its side: upright it is 200 wide and 400 high
    wide.save(buffer, "JPEG", exif=exif)
    (box,) = encoder.prepare(buffer.getvalue()).views
    assert box == pytest.approx((1 / 16, 0.5 - 7 / 32, 15 / 16, 0.5 + 7 / 32))
    assert square(box, 0)[:2] == pytest.approx(box[:2])
    assert square(box, SIDE * SIDE - 1)[2:] == pytest.approx(box[2:])


def test_each_of_several_networks_has_the_same_part_covered() -> None:
    one = encoder_for("image", "image")
    joined = JoinedEncoder((one, one))
    content = shapes.encoded("circle", 1)
    alone, both = (of_picture(encoder, content, LIMITS) for encoder in (one, joined))
    for place in (0, 1, 25):
        first, second = both.value(place)
        assert np.array_equal(first, alone.value(place))
        assert np.array_equal(second, first)


def test_the_words_that_decide_are_found_and_stand_where_they_stand(texts: graft.Model) -> None:
    text = "hello there, win a free prize tonight"
    why = texts.why(text)
    assert (why.kind, why.label) == ("words", "spam")
    assert [text[part.start : part.end] for part in why.found] == text.split()
    strongest = max(why.found, key=lambda part: part.effect)
    assert text[strongest.start : strongest.end] in ("win", "free", "prize")
    words = texts.predict_proba([text, text.replace("free ", "")])[:, 1]
    (free,) = (part for part in why.found if text[part.start : part.end] == "free")
    assert free.effect == pytest.approx(words[0] - words[1], abs=2e-3)
    said = why.to_dict()
    assert said["words"][0] == {"start": 0, "end": 5, "effect": pytest.approx(why.found[0].effect, rel=1e-3)}
    assert why.sentence.startswith(("mostly because of", "no single word"))


def test_a_class_may_be_named_and_one_that_is_not_there_is_refused(texts: graft.Model) -> None:
    both = [texts.why("win lunch", label) for label in texts.classes]
    assert [one.label for one in both] == list(texts.classes)
    for one, other in zip(both[0].found, both[1].found, strict=True):
        assert one.effect == pytest.approx(-other.effect, abs=1e-5)
    with pytest.raises(UsageError, match="knows no class 'eggs'"):
        texts.why("win lunch", "eggs")


class Reader:
    """A head that looks at words alone."""

    words = True

    def answer(self, x: np.ndarray, texts: list[str]) -> list[str]:
        assert len(x) == len(texts)
        return texts

    def predictions(self, classes: list[str], answer: list[str]) -> list[Prediction]:
        return [Prediction("", scores={"spam": float("prize" in text), "ham": float("prize" not in text)})
                for text in answer]  # fmt: skip


def test_the_words_of_a_head_that_reads_words_are_left_out_for_it_too() -> None:
    why = explain(["ham", "spam"], Reader(), encoder_for("text", "text"), b"a big prize today")
    assert why.label == "spam"
    assert [part.effect for part in why.found] == [0, 0, 1, 0]
    assert why.sentence == 'mostly because of "prize"'


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("one", []),
        ("two words", ["two", "words"]),
        ("  a\tb\n", ["a", "b"]),
        ("你好 world", ["你", "好", "world"]),
        ("日本abc", ["日", "本", "abc"]),
        ("สวัสดี ok", ["สวัส", "ดี", "ok"]),
        ("👍🏽 fine", ["👍🏽", "fine"]),
    ],
)
def test_words_are_told_apart_in_any_script(text: str, parts: list[str]) -> None:
    assert [text[start:end] for start, end in parts_of(text)] == parts


def test_a_long_text_is_cut_into_stretches_of_all_its_words() -> None:
    text = " ".join(f"w{number}" for number in range(80))
    parts = parts_of(text)
    assert len(parts) == MOST
    assert " ".join(text[start:end] for start, end in parts) == text
    assert len(parts_of(text * 100)) == FEWEST


def test_a_text_that_cannot_lose_anything_has_no_parts(texts: graft.Model) -> None:
    why = texts.why("prize")
    assert why.found == []
    assert why.sentence == "no single word decides it"
    assert len(texts.why("win \u200b").found) <= 2  # what cannot be read without a part is not asked


def test_moments_are_silenced_where_the_sound_is(sounds: graft.Model) -> None:
    quiet = 0.003 * np.random.default_rng(5).standard_normal(3 * RATE).astype(np.float32)
    quiet[RATE : 2 * RATE] += tone(2400, 9)[0]
    why = sounds.why((quiet, RATE), "high")
    assert why.kind == "times"
    assert (why.found[0].start, why.found[-1].end) == (0, pytest.approx(3.0))
    assert [one.end for one in why.found[:-1]] == pytest.approx([one.start for one in why.found[1:]])
    assert set(why.to_dict()) == {"kind", "label", "confidence", "spans"}
    assert why.confidence == pytest.approx(sounds.predict_one((quiet, RATE)).scores["high"], abs=1e-3)


def test_silence_is_as_quiet_as_the_recording_and_touches_nothing_else() -> None:
    encoder = encoder_for("audio", "audio")
    loud = np.concatenate([0.001 * tone(500, 1)[0], tone(500, 1)[0]])
    content = wav_bytes(loud, RATE)

    class Listening:
        """The encoder, but what it is given is what it returns."""

        def prepare(self, content: bytes, limits=LIMITS):
            from graft.decoding.sound import decode_sound

            return decode_sound(content, RATE, limits)

    found = of_recording(Listening(), content, LIMITS)
    assert found.n_parts == 20
    last = found.value(found.n_parts)
    start = len(loud) - len(loud) // 20
    assert np.array_equal(last[:start], loud[:start])
    assert 0 < np.abs(last[start:]).max() < 0.01
    assert np.array_equal(found.value(0), loud)
    assert encoder.prepare(wav_bytes(last, RATE)).value.shape[1] == 32


def test_a_click_has_no_moments(sounds: graft.Model) -> None:
    why = sounds.why(tone(300, 3, 0.15))
    assert why.found == []
    assert why.sentence == "no single moment decides it"


def test_numbers_are_explained_in_their_unit() -> None:
    heights = [20.0 + 5 * step for step in range(12)]
    model = graft.fit([shapes.bar(height, seed) for seed, height in enumerate(heights)], heights, task="regression")
    content = shapes.bar(60, 77)
    why = model.why(content)
    assert why.label == ""
    assert why.confidence == pytest.approx(model.predict_one(content).value, rel=0.02)
    assert np.abs(why.found.effects).max() > 1  # percent of the picture's height, not a probability
    assert model.why(content).to_dict() == why.to_dict()


def test_what_cannot_be_read_is_refused_as_ever(model: graft.Model) -> None:
    with pytest.raises(ItemError, match="not a picture"):
        model.why(b"Dear all")
    with pytest.raises(ItemError, match="limit is"):
        explain(
            model.classes, model.classifier, model.encoder, shapes.encoded("circle", 1),
            limits=replace(LIMITS, pixels=100),
        )  # fmt: skip


def effects(*strong: tuple[int, int]) -> Explanation:
    found = np.full((SIDE, SIDE), 0.001, np.float32)
    for cell in strong:
        found[cell] = 0.3
    return Explanation("bee", 0.9, "squares", Squares(found, (0, 0, 1, 1)))


@pytest.mark.parametrize(
    ("strong", "said"),
    [
        ([], "no single part of the picture decides it"),
        ([(0, 0)], "mostly because of what is at the top left"),
        ([(0, 3), (0, 2), (0, 4)], "mostly because of what is at the top"),
        ([(3, 3)], "mostly because of what is in the middle"),
        ([(3, 6)], "mostly because of what is on the right"),
        ([(6, 5), (6, 6)], "mostly because of what is at the bottom right"),
    ],
)
def test_where_in_words(strong: list[tuple[int, int]], said: str) -> None:
    assert effects(*strong).sentence == said


def test_moments_that_follow_one_another_are_named_as_one() -> None:
    spans = [Part(0.0, 0.5, 0.001), Part(0.5, 1.0, 0.2), Part(1.0, 1.5, 0.3), Part(1.5, 2.0, -0.4)]
    assert Explanation("yes", 0.9, "times", spans).sentence == "mostly because of 0.5 to 1.5 s"


def test_the_noise_of_a_silenced_moment_is_that_of_the_page_in_a_browser():
    from graft.explanation.recordings import _noise

    state, drawn = 1, []
    for _ in range(1000):  # as way_audio.js does it
        state = (state * 1_664_525 + 1_013_904_223) % 2**32
        drawn.append((state - 2**32 if state >= 2**31 else state) / 2**31)
    assert _noise(1000).tolist() == drawn
    assert len(_noise(0)) == 0
