import io

import pytest
from PIL import Image, ImageDraw

from collecting.server import photo
from graft.collecting.pictures import Looks, judge
from graft.errors import ItemError


def changed(content, how):
    image = how(Image.open(io.BytesIO(content)).convert("RGB"))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=60)
    return buffer.getvalue()


def looks_of(*seeds):
    looks = Looks()
    for seed in seeds:
        looks.add(judge(photo(seed), 1).look, str(seed))
    return looks


def test_copies_are_found_and_others_are_not():
    looks = looks_of(*range(60))
    for seed in range(60):
        for how in (lambda image: image, lambda image: image.resize((60, 60)), lambda image: image.resize((300, 280))):
            assert looks.like(judge(changed(photo(seed), how), 1).look) == str(seed)
    assert [looks.like(judge(photo(seed), 1).look) for seed in range(100, 200)] == [""] * 100


def test_pictures_without_structure_are_like_nothing():
    def plain(colour):
        buffer = io.BytesIO()
        Image.new("RGB", (80, 80), colour).save(buffer, "PNG")
        return judge(buffer.getvalue(), 1).look

    looks = Looks()
    looks.add(plain("white"), "white")
    assert looks.like(plain("white")) == looks.like(plain("red")) == ""


def test_two_drawings_on_white_differ():
    def drawing(box):
        image = Image.new("RGB", (200, 200), "white")
        ImageDraw.Draw(image).ellipse(box, fill="black")
        buffer = io.BytesIO()
        image.save(buffer, "PNG")
        return judge(buffer.getvalue(), 1).look

    looks = Looks()
    looks.add(drawing((20, 20, 60, 60)), "left")
    assert looks.like(drawing((22, 20, 62, 60))) == "left"
    assert looks.like(drawing((120, 120, 160, 160))) == ""


def test_a_look_from_a_damaged_manifest_is_none():
    looks = looks_of(1)
    for look in ("", "@@@", "AAAA", "ü"):
        looks.add(look, "bad")
        assert looks.like(look) == ""


def test_the_least_side_counts():
    wide = changed(photo(1), lambda image: image.resize((300, 40)))
    assert (judge(wide, 40).width, judge(wide, 40).height) == (300, 40)
    with pytest.raises(ItemError) as caught:
        judge(wide, 41)
    assert caught.value.reason == "too_small"


@pytest.mark.shared
def test_copies_of_real_photos(shared):
    paths = sorted((shared / "bears_scraped").rglob("*.jpg"))[:60]
    pictures = {}
    for path in paths:
        try:
            pictures[str(path)] = judge(path.read_bytes(), 1)
        except ItemError:
            continue
    looks = Looks()
    for name, picture in pictures.items():
        assert looks.like(picture.look) == "", name
        looks.add(picture.look, name)
    halved = [
        changed(picture.content, lambda image: image.resize((max(1, image.width // 2), max(1, image.height // 2))))
        for picture in pictures.values()
    ]
    found = [looks.like(judge(content, 1).look) == name for name, content in zip(pictures, halved, strict=True)]
    assert sum(found) >= 0.95 * len(found)
