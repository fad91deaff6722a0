import contextlib
import io
import struct
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile, PngImagePlugin

from data.quarters import BLUE, GREEN, RED, WHITE, assert_colours, chunk, corners, encode, quarters, reason
from graft.decoding.decode import decode_picture, thumbnail
from graft.errors import ItemError

FILES = {
    "jpeg": encode(quarters(), "JPEG", quality=95, subsampling=0),
    "jpeg 4:2:0": encode(quarters(), "JPEG", quality=95, subsampling=2),
    "jpeg progressive": encode(quarters(), "JPEG", quality=95, progressive=True),
    "jpeg cmyk": encode(quarters().convert("CMYK"), "JPEG", quality=95),
    "jpeg rgb": encode(quarters(), "JPEG", quality=95, keep_rgb=True),
    "png": encode(quarters(), "PNG"),
    "png interlaced palette": encode(quarters().quantize(8), "PNG"),
    "png rgba": encode(quarters().convert("RGBA"), "PNG"),
    "gif": encode(quarters(), "GIF"),
    "bmp": encode(quarters(), "BMP"),
    "bmp palette": encode(quarters().quantize(8), "BMP"),
    "tiff": encode(quarters(), "TIFF"),
    "tiff lzw": encode(quarters(), "TIFF", compression="tiff_lzw"),
    "tiff deflate cmyk": encode(quarters().convert("CMYK"), "TIFF", compression="tiff_deflate"),
    "webp": encode(quarters(), "WEBP", lossless=True),
    "webp lossy": encode(quarters(), "WEBP", quality=95),
}


@pytest.mark.parametrize("name", FILES)
def test_every_format_has_its_colours(name):
    assert_colours(
        corners(FILES[name]), [RED, GREEN, BLUE, WHITE], within=16 if "lossy" in name or "4:2:0" in name else 6
    )


@pytest.mark.parametrize("form", ["PNG", "WEBP", "TIFF"])
def test_transparent_becomes_white(form):
    image = quarters().convert("RGBA")
    image.paste((0, 0, 0, 0), (32, 0, 64, 24))
    image.paste((0, 0, 0, 128), (0, 24, 32, 48))
    content = encode(image, form, **({"lossless": True} if form == "WEBP" else {}))
    assert_colours(corners(content), [RED, WHITE, (127, 127, 127), WHITE])


def test_transparency_of_palettes_and_of_single_colours():
    palette = Image.new("P", (64, 48), 0)
    palette.putpalette([200, 30, 40, 20, 180, 60, 0, 0, 0])
    palette.paste(1, (32, 0, 64, 48))
    palette.paste(2, (0, 24, 32, 48))
    assert_colours(corners(encode(palette, "PNG", transparency=2)), [RED, GREEN, WHITE, GREEN])
    assert_colours(corners(encode(palette, "PNG", transparency=bytes([255, 255, 0]))), [RED, GREEN, WHITE, GREEN])
    assert_colours(corners(encode(palette, "GIF", transparency=2)), [RED, GREEN, WHITE, GREEN])
    assert_colours(corners(encode(quarters(), "PNG", transparency=BLUE)), [RED, GREEN, WHITE, WHITE])


def grey_corners(*levels, dtype=np.uint8):
    array = np.empty((48, 64), dtype)
    array[:24, :32], array[:24, 32:], array[24:, :32], array[24:, 32:] = levels
    return array


def greys(*levels):
    return [(level,) * 3 for level in levels]


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "BMP", "GIF"])
def test_greyscale(form):
    content = encode(Image.fromarray(grey_corners(0, 80, 160, 255)), form)
    assert_colours(corners(content), greys(0, 80, 160, 255))


def test_grey_with_alpha_and_one_bit():
    image = Image.merge(
        "LA", [Image.fromarray(grey_corners(0, 80, 0, 0)), Image.fromarray(grey_corners(255, 255, 0, 128))]
    )
    assert_colours(corners(encode(image, "PNG")), greys(0, 80, 255, 127))
    bits = Image.fromarray(grey_corners(0, 255, 255, 0)).convert("1")
    assert_colours(corners(encode(bits, "PNG")), greys(0, 255, 255, 0))
    assert_colours(corners(encode(bits, "TIFF", compression="group4")), greys(0, 255, 255, 0))


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_and_not_clipped(form):
    content = encode(Image.fromarray(grey_corners(0, 20000, 40000, 65535, dtype=np.uint16)), form)
    assert_colours(corners(content), greys(0, 78, 156, 255), within=1)


def png16(array):
    """A PNG of 16 bits in each of several channels, which Pillow cannot write."""
    height, width, channels = array.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in array)
    header = struct.pack(">IIBBBBB", width, height, 16, {2: 4, 3: 2, 4: 6}[channels], 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_sixteen_bits_of_colour_and_alpha():
    array = np.asarray(quarters()).astype(np.uint16) * 257
    assert_colours(corners(png16(array)), [RED, GREEN, BLUE, WHITE], within=1)
    alpha = np.full((48, 64, 1), 65535, np.uint16)
    alpha[:24, 32:] = 0
    assert_colours(corners(png16(np.concatenate([array, alpha], axis=2))), [RED, WHITE, BLUE, WHITE], within=1)


def test_deep_tiffs_are_scaled():
    unit = Image.fromarray(grey_corners(0, 0.25, 0.5, 1, dtype=np.float32))
    assert_colours(corners(encode(unit, "TIFF")), greys(0, 64, 128, 255), within=1)
    bytes_as_floats = Image.fromarray(grey_corners(0, 80, 160, 255, dtype=np.float32))
    assert_colours(corners(encode(bytes_as_floats, "TIFF")), greys(0, 80, 160, 255), within=1)
    heights = Image.fromarray(grey_corners(-1000, np.nan, 0, 1000, dtype=np.float32))
    assert_colours(corners(encode(heights, "TIFF")), greys(0, 0, 128, 255), within=1)
    flat = Image.fromarray(grey_corners(-5, -5, -5, np.inf, dtype=np.float32))
    assert_colours(corners(encode(flat, "TIFF")), greys(0, 0, 0, 255), within=1)
    integers = Image.fromarray(grey_corners(0, 20000, 40000, 65535, dtype=np.int32))
    assert_colours(corners(encode(integers, "TIFF")), greys(0, 78, 156, 255), within=1)
    negative = Image.fromarray(grey_corners(0, 20000, 40000, 65535, dtype=np.uint16))
    assert_colours(corners(encode(negative, "TIFF", tiffinfo={262: 0})), greys(255, 177, 99, 0), within=1)


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG"])
def test_the_first_frame_of_an_animation(form):
    others = [Image.new("RGB", (64, 48), colour) for colour in ("black", "yellow")]
    options = {"lossless": True} if form == "WEBP" else {}
    content = encode(quarters(), form, save_all=True, append_images=others, **options)
    assert_colours(corners(content), [RED, GREEN, BLUE, WHITE])


TURNED = {
    1: [RED, GREEN, BLUE, WHITE],
    2: [GREEN, RED, WHITE, BLUE],
    3: [WHITE, BLUE, GREEN, RED],
    4: [BLUE, WHITE, RED, GREEN],
    5: [RED, BLUE, GREEN, WHITE],
    6: [BLUE, RED, WHITE, GREEN],
    7: [WHITE, GREEN, BLUE, RED],
    8: [GREEN, WHITE, RED, BLUE],
}


@pytest.mark.parametrize("turn", TURNED)
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "CMYK"])
def test_pictures_are_turned_upright(form, turn):
    exif = Image.Exif()
    exif[0x0112] = turn
    image = quarters().convert("CMYK") if form == "CMYK" else quarters()
    options = {"JPEG": {"quality": 95, "subsampling": 0}, "CMYK": {"quality": 95}, "WEBP": {"lossless": True}}
    content = encode(image, "JPEG" if form == "CMYK" else form, exif=exif, **options.get(form, {}))
    prepared = decode_picture(content, 32, 32, 0.0)
    assert_colours(corners(content), TURNED[turn])
    size = (48.0, 64.0) if turn >= 5 else (64.0, 48.0)
    assert (prepared.statistics["width"], prepared.statistics["height"]) == size
    small = Image.open(io.BytesIO(thumbnail(content, 16)))
    assert small.size == ((12, 16) if turn >= 5 else (16, 12))


def stripes(width, height, axis):
    """A ramp from 0 to 255 along one axis: what is cut off can be read from what is left."""
    ramp = np.linspace(0, 255, width if axis else height)
    grey = np.broadcast_to(ramp[None, :] if axis else ramp[:, None], (height, width))
    return Image.fromarray(np.repeat(np.rint(grey).astype(np.uint8)[:, :, None], 3, axis=2))


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
@pytest.mark.parametrize(("axis", "size", "turn"), [(1, (400, 100), 1), (0, (100, 400), 1), (1, (400, 100), 6)])
@pytest.mark.parametrize(("crop", "zoom"), [(0.0, 1.0), (0.5, 1.0), (1.0, 1.0), (1.0, 0.5), (0.0, 0.8)])
def test_crop_and_zoom(form, axis, size, turn, crop, zoom):
    exif = Image.Exif()
    exif[0x0112] = turn
    content = encode(stripes(*size, axis), form, exif=exif, **({"quality": 95} if form == "JPEG" else {}))
    array = decode_picture(content, 50, 50, crop, zoom).value.astype(float)
    along = array.mean(axis=(0, 2) if axis and turn == 1 else (1, 2))
    kept = 400 ** (1 - crop) * 100**crop * zoom / 400  # geometric between the whole side and the square's
    margin = kept / 50 / 2
    low, high = 255 * ((1 - kept) / 2 + margin), 255 * ((1 + kept) / 2 - margin)
    np.testing.assert_allclose([along.min(), along.max()], [low, high], atol=4)


def test_the_box_has_the_aspect_ratio_of_the_result():
    array = decode_picture(encode(stripes(400, 100, 1), "PNG"), 20, 40, 1.0).value.astype(float)
    np.testing.assert_allclose([array.min(), array.max()], [255 * (0.25 + 0.00625), 255 * (0.75 - 0.00625)], atol=2)


def test_a_scaled_decode_shows_the_same_picture_as_a_full_one():
    rng = np.random.default_rng(0)
    smooth = Image.fromarray(rng.integers(0, 256, (12, 16, 3), np.uint8)).resize((1601, 1203), Image.Resampling.BICUBIC)
    as_jpeg, as_png = encode(smooth, "JPEG", quality=95), encode(smooth, "PNG", compress_level=1)
    for crop in (0.0, 0.5, 1.0):
        jpeg, png = (decode_picture(c, 100, 120, crop).value.astype(int) for c in (as_jpeg, as_png))
        reference = np.asarray(smooth.resize((120, 100), Image.Resampling.HAMMING), int)
        assert np.abs(jpeg - png).mean() < 1
        if crop == 0.0:
            assert np.abs(png - reference).mean() < 1.0


@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("times", [1, 2, 4, 8])
def test_a_jpeg_has_the_pixels_that_other_decoders_make_of_it(subsampling, times):
    rng = np.random.default_rng(subsampling)
    colours = Image.fromarray(rng.integers(0, 256, (24, 32, 3), np.uint8)).resize((320, 240), Image.Resampling.BICUBIC)
    content = encode(colours, "JPEG", quality=80, subsampling=subsampling)
    own = decode_picture(content, 240 // times, 320 // times, crop=0.0).value
    with Image.open(io.BytesIO(content)) as image:
        image.draft(None, (320 // times, 240 // times))
        others = np.asarray(image.convert("RGB"))
    assert np.abs(own.astype(int) - others).max() <= 1


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (3, 2), (2, 2)])
@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_tiny_and_thin_pictures(form, size):
    content = encode(Image.new("RGB", size, RED), form, **({"quality": 95} if form == "JPEG" else {}))
    for crop in (0.0, 0.5, 1.0):
        assert_colours(decode_picture(content, 30, 30, crop, 0.875).value.reshape(-1, 3)[[0, 450, -1]], [RED] * 3)
    assert max(Image.open(io.BytesIO(thumbnail(content, 64))).size) <= 500


def test_statistics_tell_bright_from_dark_and_sharp_from_blurred():
    rng = np.random.default_rng(1)
    noise = Image.fromarray(rng.integers(0, 256, (200, 300, 3), np.uint8))
    sharp = decode_picture(encode(noise, "PNG"), 224, 224).statistics
    soft = decode_picture(encode(noise.resize((20, 10)).resize((300, 200)), "PNG"), 224, 224).statistics
    assert sharp["sharpness"] > 20 * soft["sharpness"] > 0
    flat = [
        decode_picture(encode(Image.new("RGB", (30, 30), c), "PNG"), 224, 224).statistics for c in ("black", "white")
    ]
    assert [one["brightness"] for one in flat] == [0.0, 1.0]
    assert [one["sharpness"] for one in flat] == [0.0, 0.0]
    assert (sharp["width"], sharp["height"]) == (300.0, 200.0)
    assert all(type(value) is float for value in sharp.values())


def test_a_chessboard_of_rows_has_the_variance_that_the_formula_says():
    rows = np.zeros((8, 8), np.uint8)
    rows[:, ::2] = 100  # every Laplacian is 4 * 100 - 2 * 100 = 200 on a bright column, and -200 on a dark one
    sharpness = decode_picture(encode(Image.fromarray(rows), "PNG"), 8, 8).statistics["sharpness"]
    assert sharpness == pytest.approx(200.0**2)


def test_thumbnails_keep_the_aspect_ratio_and_never_grow():
    assert Image.open(io.BytesIO(thumbnail(encode(quarters(640, 480), "PNG"), 96))).size == (96, 72)
    assert Image.open(io.BytesIO(thumbnail(encode(quarters(64, 48), "PNG"), 96))).size == (64, 48)


def test_what_is_no_picture():
    assert reason(b"") == "empty"
    for content in (
        b"hello, world",
        b"%PDF-1.7 ...",
        b"<html><body>404</body></html>",
        bytes(100),
        b"\xff\x4f\xff\x51",
    ):
        assert reason(content) == "not_a_picture"
    with pytest.raises(ItemError, match=r"JPEG XL.*Save it as JPEG or PNG"):
        decode_picture(b"\xff\x0a" + bytes(30), 8, 8)
    assert reason(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n") == "not_a_picture"  # no interpreter is started


@pytest.mark.parametrize("name", FILES)
def test_cut_short_anywhere(name):
    content = FILES[name]
    whole = decode_picture(content, 32, 32, 0.0).value
    for length in sorted(
        {1, 2, 5, 16, 31, 60, *range(100, len(content), max(1, len(content) // 25)), len(content) - 30}
    ):
        try:
            rest = decode_picture(content[:length], 32, 32, 0.0).value
        except ItemError as error:
            assert error.reason in ("truncated", "corrupt", "not_a_picture")  # noqa: PT017
        else:  # only bytes that hold no pixels were lost
            assert np.abs(rest.astype(int) - whole).max() < 8, length
    assert reason(content[: len(content) * 6 // 10]) == "truncated"


def test_large_pictures_are_shrunk_on_the_way():
    image = quarters(3000, 2001).convert("RGBA")
    image.paste((0, 0, 0, 0), (1500, 0, 3000, 1000))
    content = encode(image, "PNG", compress_level=1)
    assert_colours(corners(content), [RED, WHITE, BLUE, WHITE], within=2)
    plain = encode(quarters(3000, 2001), "PNG", compress_level=1)
    whole = np.asarray(quarters(3000, 2001).resize((40, 40), Image.Resampling.HAMMING, reducing_gap=2.0), int)
    assert np.abs(decode_picture(plain, 40, 40, 0.0).value - whole).mean() < 1


def test_large_profiles_and_texts_do_no_harm():
    info = PngImagePlugin.PngInfo()
    info.add_text("story", "once upon a time " * 500_000, zip=True)
    profile = bytes(3_000_000)
    assert_colours(corners(encode(quarters(), "PNG", pnginfo=info, icc_profile=profile)), [RED, GREEN, BLUE, WHITE])
    jpeg = encode(quarters(), "JPEG", quality=95, subsampling=0, icc_profile=profile)
    assert_colours(corners(jpeg), [RED, GREEN, BLUE, WHITE])


def test_neither_warnings_nor_globals_are_touched():
    broken_exif = b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + bytes(30)
    content = encode(quarters(), "WEBP", lossless=True, exif=broken_exif)
    bytes_transparency = Image.new("P", (64, 48), 0)
    bytes_transparency.putpalette([200, 30, 40])
    tiff = bytearray(encode(quarters(), "TIFF", tiffinfo={270: "x" * 50}))
    filters = list(warnings.filters)
    tolerant = ImageFile.LOAD_TRUNCATED_IMAGES
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        inside = list(warnings.filters)
        corners(content)
        corners(encode(bytes_transparency, "PNG", transparency=b"\x00"))
        for position in range(8, len(tiff), max(1, len(tiff) // 60)):
            spoilt = tiff.copy()
            spoilt[position] ^= 0xFF
            with contextlib.suppress(ItemError):
                decode_picture(bytes(spoilt), 16, 16)
        assert warnings.filters == inside
    assert [str(one.message) for one in caught] == []
    assert warnings.filters == filters
    assert tolerant == ImageFile.LOAD_TRUNCATED_IMAGES


def test_many_threads_get_what_one_gets():
    contents = list(FILES.values()) * 8
    alone = [decode_picture(content, 40, 40).value for content in contents]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda content: decode_picture(content, 40, 40).value, contents))
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))


HEADS = [
    b"",
    b"\xff\xd8\xff\xe0",
    b"\x89PNG\r\n\x1a\n",
    b"GIF89a",
    b"II*\0",
    b"MM\0*",
    b"BM" + bytes(12) + b"\x28\0\0\0",
    b"RIFF\xff\0\0\0WEBP",
    b"P6 4 4 255\n",
    b"P2\n# by hand\n4 4\n255\n",
    b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
]


def decodes_or_names_the_item(content):
    for call in (lambda: decode_picture(content, 16, 16, 0.5), lambda: thumbnail(content, 16)):
        try:
            call()
        except ItemError as error:
            assert error.reason in ("empty", "truncated", "not_a_picture", "not_supported", "too_large", "corrupt")  # noqa: PT017


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(head=st.sampled_from(HEADS), rest=st.binary(max_size=400))
def test_any_bytes_decode_or_are_named(head, rest):
    decodes_or_names_the_item(head + rest)


@settings(max_examples=250, suppress_health_check=[HealthCheck.too_slow])
@given(
    name=st.sampled_from(sorted(FILES)),
    changes=st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(0, 255)), min_size=1, max_size=8),
    cut=st.integers(0, 1 << 16),
)
def test_spoilt_pictures_decode_or_are_named(name, changes, cut):
    content = bytearray(FILES[name])
    for position, value in changes:
        content[position % min(len(content), 700 if position % 2 else len(content))] = value
    decodes_or_names_the_item(bytes(content[: len(content) - cut % len(content) if cut % 3 == 0 else len(content)]))


@pytest.mark.shared
def test_real_pictures(shared):
    files = [*sorted((shared / "ants_bees").rglob("*.jpg"))[::8], *sorted((shared / "bears_scraped").rglob("0*"))[::8]]
    for file in files:
        prepared = decode_picture(file.read_bytes(), 64, 64, 0.5)
        with Image.open(file) as image:
            assert prepared.statistics["width"] * prepared.statistics["height"] == image.width * image.height
        assert prepared.value.shape == (64, 64, 3)


@pytest.mark.shared
def test_real_photos_are_seen_as_pillow_shows_them_at_full_size(shared):
    for file in [
        *sorted((shared / "ants_bees").rglob("*.jpg"))[::40],
        *sorted((shared / "potato_leaves").rglob("*.jpg"))[::150],
    ]:
        content = file.read_bytes()
        with Image.open(file) as image:
            whole = encode(image.convert("RGB"), "PNG", compress_level=1)
        own, others = (decode_picture(one, 224, 224, 1.0, 0.875).value.astype(int) for one in (content, whole))
        assert np.abs(own - others).mean() < 0.5, file


@pytest.mark.shared
def test_a_real_photo_on_its_side_is_turned(shared):
    turned = 0
    for file in sorted((shared / "hemlock_cherry").rglob("*.jpg")):
        with Image.open(file) as image:
            orientation, size = image.getexif().get(0x0112, 1), image.size
        statistics = decode_picture(file.read_bytes(), 64, 64).statistics
        turned += orientation > 1
        assert (statistics["width"], statistics["height"]) == (size[::-1] if orientation >= 5 else size)
    assert turned == 1
