"""Prints of pictures: copies lie upon one another, other pictures do not."""

import io

import numpy as np
import pytest
from PIL import Image, ImageFilter

from graft.duplicates.pictures import SAME_PRINT, WIDTH, aligned_likeness, outlines, picture_print, whitened
from graft.errors import ItemError


def clouds(seed, side=240):
    noise = np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)
    picture = Image.fromarray(noise).filter(ImageFilter.GaussianBlur(8))
    values = np.asarray(picture, np.float32)
    return Image.fromarray(((values - values.min()) / np.ptp(values) * 255).astype(np.uint8))


def saved(picture, kind="JPEG", **options):
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def likeness(a, b, mirrored=0, zoom=0):
    prints = [picture_print(saved(picture))[None] for picture in (a, b)]
    return float(aligned_likeness(*prints, np.array([mirrored]), np.array([zoom]))[0])


def test_a_print_is_the_whole_picture_in_grey():
    found = picture_print(saved(Image.linear_gradient("L"), "PNG"))
    assert found.shape == (WIDTH,)
    assert found.dtype == np.float32
    assert (np.diff(found.reshape(32, 32), axis=0) > 0).all()
    with pytest.raises(ItemError):
        picture_print(b"no picture")


@pytest.mark.parametrize(
    ("alter", "zoom"),
    [
        (lambda p: Image.open(io.BytesIO(saved(p, quality=40))), 0),
        (lambda p: p.resize((120, 120)), 0),
        (lambda p: p.resize((200, 120)), 0),
        (lambda p: p.point(lambda v: 30 + v * 0.6), 0),
        (lambda p: p.crop((12, 12, 228, 228)), 1),
        (lambda p: p.crop((0, 0, 230, 228)), 0),
    ],
)
def test_a_copy_is_laid_upon_its_original(alter, zoom):
    picture = clouds(0)
    copy = alter(picture)
    assert likeness(picture, copy, zoom=zoom) > SAME_PRINT
    assert likeness(copy, picture, zoom=-zoom) > SAME_PRINT
    assert likeness(picture, copy.transpose(Image.Transpose.FLIP_LEFT_RIGHT), 1, zoom) > SAME_PRINT


def test_other_pictures_and_blank_ones_are_not_alike():
    blank = Image.new("RGB", (64, 64), "grey")
    assert likeness(clouds(0), clouds(1)) < 0.5
    assert likeness(clouds(0), blank) < 0.5
    assert likeness(blank, blank) < 0.5
    assert likeness(clouds(0), clouds(0).transpose(Image.Transpose.ROTATE_180)) < 0.5


def test_outlines_find_the_mirrored_and_the_cropped():
    pictures = [clouds(seed) for seed in range(12)]
    mirrored = pictures[3].transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    cropped = pictures[5].crop((12, 12, 228, 228))
    prints = np.stack([picture_print(saved(p)) for p in [*pictures, mirrored, cropped]])
    whole, middle = whitened(outlines(prints))
    half = whole.shape[1] // 2
    even, odd = whole[:, :half] @ whole[:, :half].T, whole[:, half:] @ whole[:, half:].T
    assert (even - odd)[12, 3] > 0.9 > (even + odd)[12, 3]
    assert middle[5] @ whole[13] > 0.9
    assert not outlines(np.zeros((2, WIDTH), np.float32))[0].any()
