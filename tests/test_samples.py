"""The demonstrations' doors and messages: counted, labelled, readable, and the same for the same seed."""

import csv
import hashlib
import io
import itertools
import math
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from graft.errors import OutputExists, UsageError
from graft.samples import DoorSample, MessageSample, draw_doors, draw_new_doors, write_messages, write_new_messages
from graft.samples.camera import Camera
from graft.samples.door import Door
from graft.samples.leaf import STYLES, choose_leaf, paint_leaf

N = 100


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> DoorSample:
    return draw_doors(tmp_path_factory.mktemp("doors"), N, seed=3)


def _digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*.jpg")
    }


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    draw_doors(tmp_path / "a", 12, seed=5)
    draw_doors(tmp_path / "b", 12, seed=5)
    draw_doors(tmp_path / "c", 12, seed=6)
    first, again, other = (_digests(tmp_path / name) for name in "abc")
    assert len(first) == 12
    assert first == again
    assert not set(first.values()) & set(other.values())


def test_half_the_photos_lie_in_each_folder(sample: DoorSample) -> None:
    on_disk = sorted(sample.folder.rglob("*.jpg"))
    assert sorted(photo.path for photo in sample.photos) == on_disk
    assert len(list((sample.folder / "open").iterdir())) == N // 2
    assert len(list((sample.folder / "closed").iterdir())) == N // 2
    assert all(photo.path.parent.name == photo.label for photo in sample.photos)
    assert len(set(_digests(sample.folder).values())) == N


def test_an_odd_number_is_drawn_in_full(tmp_path: Path) -> None:
    sample = draw_doors(tmp_path / "odd", 7)
    assert sorted(photo.label for photo in sample.photos) == ["closed"] * 3 + ["open"] * 4


def test_names_tell_nothing(sample: DoorSample) -> None:
    names = [photo.path.name for photo in sample.photos]
    assert names == [f"door_{number:03}.jpg" for number in range(1, N + 1)]
    first_half = [photo.label for photo in sample.photos[: N // 2]]
    assert 0.25 * N / 2 < first_half.count("open") < 0.75 * N / 2


def test_photos_are_readable_jpegs_of_usual_sizes(sample: DoorSample) -> None:
    shapes = set()
    for photo in sample.photos:
        with Image.open(io.BytesIO(photo.path.read_bytes())) as image:
            assert image.format == "JPEG"
            assert image.mode == "RGB"
            assert 360 <= min(image.size) <= max(image.size) <= 640
            shapes.add(image.width > image.height)
            assert np.asarray(image).std() > 8, f"{photo.path.name} shows next to nothing"
    assert shapes == {True, False}


def test_doors_hang_on_both_sides_and_open_both_ways_at_many_angles(sample: DoorSample) -> None:
    doors = [photo.door for photo in sample.photos if photo.door]
    angles = [door.angle for door in doors if door.is_open]
    assert {door.hinge for door in doors} == {"left", "right"}
    assert {door.swing for door in doors} == {"inwards", "outwards"}
    assert {door.angle for door in doors if not door.is_open} == {0.0}
    assert min(angles) >= 8
    assert max(angles) <= 105
    assert min(angles) < 60 < 90 < max(angles)


def test_wrong_labels_are_wrong_and_all_others_right(sample: DoorSample) -> None:
    wrong, signs = set(sample.wrong_labels), set(sample.signs)
    assert len(wrong) == 4
    assert len(signs) == 2
    assert not wrong & signs
    assert sorted(path.parent.name for path in wrong) == ["closed", "closed", "open", "open"]
    for photo in sample.photos:
        if photo.path in signs:
            assert photo.door is None
            assert photo.true_label is None
        else:
            assert photo.door is not None
            stands_open = photo.door.angle > 0
            assert (photo.path.parent.name == "open") == (stands_open != (photo.path in wrong))


def test_the_default_sample_has_about_four_percent_wrong_labels_and_a_few_signs(tmp_path: Path) -> None:
    steps: list[tuple[str, int, int]] = []
    sample = draw_doors(tmp_path / "doors", progress=lambda step, done, total: steps.append((step, done, total)))
    assert len(sample.photos) == 200
    assert len(sample.wrong_labels) == 8
    assert len(sample.signs) == 5
    assert steps == [("draw", done, 200) for done in range(1, 201)]


def test_new_doors_are_none_of_the_sample_even_for_its_seed(sample: DoorSample, tmp_path: Path) -> None:
    new = draw_new_doors(tmp_path / "new", 6, seed=3)
    assert [label for _, label in new] == ["open", "closed"] * 3
    assert sorted(path for path, _ in new) == sorted((tmp_path / "new").iterdir())
    assert not set(_digests(tmp_path / "new").values()) & set(_digests(sample.folder).values())
    draw_new_doors(tmp_path / "again", 6, seed=3)
    assert _digests(tmp_path / "new") == _digests(tmp_path / "again")


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    for draw in (draw_doors, draw_new_doors):
        with pytest.raises(OutputExists, match="already"):
            draw(tmp_path, 4)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(("n", "seed"), [(1, 0), (4, -1)])
def test_impossible_requests_are_refused_before_anything_is_written(tmp_path: Path, n: int, seed: int) -> None:
    with pytest.raises(UsageError):
        draw_doors(tmp_path / "doors", n, seed)
    assert not (tmp_path / "doors").exists()


def test_a_camera_projects_like_a_pinhole() -> None:
    camera = Camera.looking((0.0, 1.0, 4.0), (0.0, 1.0, 0.0), 0.0, 400.0, (360, 480))
    corners = camera.project([(0.0, 1.0, 0.0), (1.0, 1.0, 0.0), (1.0, 2.0, 2.0)])
    assert np.allclose(corners, [(180, 240), (280, 240), (380, 40)])


def test_what_lies_behind_the_camera_is_cut_off() -> None:
    camera = Camera.looking((0.0, 1.0, 2.0), (0.0, 1.0, 0.0), 0.0, 400.0, (360, 480))
    floor = camera.project([(-1.0, 0.0, 0.0), (1.0, 0.0, 0.0), (1.0, 0.0, 9.0), (-1.0, 0.0, 9.0)])
    assert len(floor) == 4
    assert all(y > 240 for _, y in floor), "a floor below the eye lies below the horizon"
    assert camera.project([(0.0, 0.0, 5.0), (1.0, 0.0, 5.0), (1.0, 1.0, 5.0)]) == []


@pytest.mark.parametrize("hinge", ["left", "right"])
@pytest.mark.parametrize("swing", ["inwards", "outwards"])
def test_a_leaf_turns_about_its_hinge(hinge: str, swing: str) -> None:
    def free_edge(angle: float) -> np.ndarray:
        door = Door(width=0.9, height=2.0, depth=0.2, hinge=hinge, swing=swing, angle=angle)  # type: ignore[arg-type]
        assert np.allclose(door.leaf_point(0, 0, 0), door.pivot)
        return np.array(door.leaf_point(0.9, 1.0, 0.0))

    closed, half, square = free_edge(0), free_edge(30), free_edge(90)
    side, out = (1 if hinge == "left" else -1), (1 if swing == "outwards" else -1)
    assert np.allclose(half - closed, [side * 0.9 * (math.cos(math.radians(30)) - 1), 0, out * 0.45])
    assert np.allclose(square - closed, [-side * 0.9, 0, out * 0.9])


@pytest.mark.parametrize("style", sorted(STYLES))
def test_panes_let_through_what_is_behind_and_wood_does_not(style: str) -> None:
    rng = np.random.default_rng(0)
    leaf = choose_leaf(rng, outdoors=False)
    leaf = type(leaf)(style, (150, 100, 60), leaf.metal, wooden=True, handle="knob", extras=(), seed=1)
    alpha = np.asarray(paint_leaf(leaf, 0.9, 2.0, 150.0, hinge_left=True, tone=1.0))[:, :, 3]
    assert (alpha.min() < 255) == ("glass" in style or style == "vision")
    assert (alpha[:, :4] == 255).all()


CLASSES = {"account", "damaged", "delivery", "payment", "praise", "refund"}


@pytest.fixture(scope="module")
def messages(tmp_path_factory: pytest.TempPathFactory) -> MessageSample:
    return write_messages(tmp_path_factory.mktemp("messages") / "messages.csv")


def test_messages_are_written_as_a_table_in_the_order_of_the_seed(messages: MessageSample, tmp_path: Path) -> None:
    with messages.path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [["text", "label"], *([m.text, m.label] for m in messages.messages)]
    again, other = write_messages(tmp_path / "again.csv"), write_messages(tmp_path / "other.csv", seed=1)
    assert again.path.read_bytes() == messages.path.read_bytes()
    assert other.messages != messages.messages
    assert set(other.messages) == set(messages.messages)
    assert len({m.label for m in messages.messages[:20]}) > 3, "the classes are mixed"


def test_there_are_about_forty_messages_of_each_class_and_a_few_that_are_planted(messages: MessageSample) -> None:
    assert len(messages.messages) == 240
    counts = Counter(m.label for m in messages.messages)
    assert set(counts) == CLASSES
    assert all(37 <= n <= 43 for n in counts.values())
    assert {m.true_label for m in messages.messages} == {*CLASSES, None}
    assert len(messages.wrong_labels) == 8
    assert all(m.true_label in CLASSES - {m.label} for m in messages.wrong_labels)
    assert len(messages.junk) == 5


def test_messages_are_plain_lines_of_many_lengths(messages: MessageSample) -> None:
    texts = [m.text for m in messages.messages]
    assert all(text == text.strip() and text.isprintable() for text in texts)
    lengths = sorted(map(len, texts))
    assert lengths[0] < 25
    assert 50 < lengths[120] < 90
    assert 160 < lengths[-1] <= 300


def test_two_pairs_of_messages_are_nearly_the_same_and_no_others(messages: MessageSample, tmp_path: Path) -> None:
    new = [message for _, message in write_new_messages(tmp_path / "new")]
    words = {message: set(re.findall(r"\w+", message.text.lower())) for message in (*messages.messages, *new)}
    pairs = [
        (one, two)
        for one, two in itertools.combinations(words, 2)
        if len(words[one] & words[two]) > 0.55 * len(words[one] | words[two])
    ]
    assert sorted(one.label for one, _ in pairs) == ["delivery", "refund"]
    assert all(one.label == two.label for one, two in pairs)


def test_new_messages_lie_in_a_file_each(tmp_path: Path) -> None:
    new = write_new_messages(tmp_path / "new")
    assert [path.read_text(encoding="utf-8").strip() for path, _ in new] == [message.text for _, message in new]
    assert sorted(path for path, _ in new) == sorted((tmp_path / "new").iterdir())
    assert len(new) == 8
    assert {message.label for _, message in new} == CLASSES


def test_no_file_is_overwritten_by_messages(tmp_path: Path) -> None:
    mine = tmp_path / "messages.csv"
    mine.write_text("mine")
    with pytest.raises(OutputExists, match="already"):
        write_messages(mine)
    with pytest.raises(OutputExists, match="already"):
        write_new_messages(tmp_path)
    with pytest.raises(UsageError):
        write_messages(tmp_path / "other.csv", seed=-1)
    assert mine.read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["messages.csv"]
