"""The graph of a picture model answers as the model does, whatever the file, wherever the graph lies."""

import io

import numpy as np
import onnx
import pytest
from PIL import Image

from exports import Asked, pixels_of
from graft.export.proof.inference import pixels_of as pixels_in_graft

TURNS = range(1, 9)
"""All values of the tag that says how a camera was held."""
GROUNDS = ("RGBA", "LA", "PA", "P with a clear colour", "RGB with a clear colour")


@pytest.fixture(scope="module")
def asked(exported):
    return Asked(exported / "model.onnx")


@pytest.fixture(scope="module")
def files(photos):
    return sorted(photos.rglob("*.png"))[::4]


def alike(found, wanted, model, atol):
    """Whether one row of a graph's answer is this prediction."""
    np.testing.assert_allclose(found["probabilities"][0], list(wanted.scores.values()), atol=atol)
    assert model.classes[found["probabilities"][0].argmax()] == wanted.label
    assert found["set"][0].tolist() == [label in wanted.set for label in model.classes]
    assert (found["unknown_score"][0] > model.classifier.unknown.threshold) == wanted.unknown


def test_files_decoded_by_pillow_are_answered_as_by_the_model(model_in_f32, asked, files):
    for file, wanted in zip(files, model_in_f32.predict(files), strict=True):
        alike(asked(pixels=pixels_of(file)), wanted, model_in_f32, 0.005)


def test_the_metadata_say_what_labels_json_says(exported, asked):
    import json

    assert asked.metadata == json.loads((exported / "labels.json").read_text(encoding="utf-8"))
    assert asked.metadata["classes"] == ["circle", "square", "triangle"]
    assert asked.metadata["input"]["max_pixels"] == 2_000_000


def test_format_and_operators_are_the_lowest_that_do_whichever_onnx_writes_them(exported):
    graph = onnx.load(exported / "model.onnx")
    onnx.checker.check_model(graph, full_check=True)
    assert graph.ir_version == 8
    assert [(entry.domain, entry.version) for entry in graph.opset_import] == [("", 17)]
    assert not any(tensor.external_data for tensor in graph.graph.initializer)


def test_the_file_opens_from_bytes_under_other_names_through_links_and_from_any_folder(exported, files, tmp_path):
    content = (exported / "model.onnx").read_bytes()
    place = tmp_path / "große Mappe με κενά 模型"
    place.mkdir()
    (place / "renamed.bin").write_bytes(content)
    (tmp_path / "link").symlink_to(place / "renamed.bin")
    pixels = pixels_of(files[0])
    answers = [Asked(graph)(pixels=pixels) for graph in (content, place / "renamed.bin", tmp_path / "link")]
    for other in answers[1:]:
        assert (other["probabilities"] == answers[0]["probabilities"]).all()


def test_an_answer_does_not_depend_on_its_company(asked, files):
    batch = np.concatenate([pixels_of(file) for file in files])
    together = asked(pixels=batch)
    for row in range(len(files)):
        alone = asked(pixels=batch[row : row + 1])
        assert together["set"][row].tolist() == alone["set"][0].tolist()
        for name in ("probabilities", "unknown_score"):
            np.testing.assert_allclose(together[name][row], alone[name][0], atol=1e-4)


@pytest.mark.parametrize("turn", TURNS)
def test_a_photo_is_turned_as_its_tag_says_once(model_in_f32, asked, turn, tmp_path):
    photo = tmp_path / "photo.jpg"
    tags = Image.Exif()
    tags[0x0112] = turn
    Image.fromarray(scene()).save(photo, quality=95, exif=tags)
    plain, turned = pixels_of(photo), pixels_in_graft(photo.read_bytes())["pixels"]
    assert plain.shape == turned.shape
    assert np.abs(plain.astype(int) - turned).mean() < 1  # two decoders of JPEG round each in its own way
    (wanted,) = model_in_f32.predict([photo])
    np.testing.assert_allclose(asked(pixels=plain)["probabilities"][0], list(wanted.scores.values()), atol=0.01)


@pytest.mark.parametrize("kind", GROUNDS)
def test_what_is_clear_lies_on_white(model_in_f32, asked, kind, tmp_path):
    drawing = tmp_path / "drawing.png"
    drawing.write_bytes(clear(kind))
    plain = pixels_of(drawing)
    assert (plain == pixels_in_graft(drawing.read_bytes())["pixels"]).all()
    assert (plain[0, 0, 0] == 255).all()
    (wanted,) = model_in_f32.predict([drawing])
    np.testing.assert_allclose(asked(pixels=plain)["probabilities"][0], list(wanted.scores.values()), atol=0.005)


def test_a_profile_of_colours_changes_no_value(tmp_path):
    from PIL import ImageCms

    photo = tmp_path / "photo.png"
    wide = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    Image.fromarray(scene()).save(photo, icc_profile=wide)
    assert (pixels_of(photo)[0] == scene()).all()
    assert (pixels_in_graft(photo.read_bytes())["pixels"][0] == scene()).all()


def test_a_large_picture_is_divided_before_it_is_asked_about(model_in_f32, asked, files, tmp_path):
    large = tmp_path / "large.png"
    with Image.open(files[0]) as picture:
        picture.convert("RGB").resize((1801, 2400), Image.Resampling.BICUBIC).save(large)
    pixels = pixels_of(large)
    assert pixels.shape == (1, 1200, 900, 3)
    alike(asked(pixels=pixels), model_in_f32.predict([large])[0], model_in_f32, 0.02)


def scene():
    """A picture of which no two corners are alike."""
    y, x = np.mgrid[:60, :80]
    return np.stack([x * 3, y * 4, (x > 40) * 200 + (y > 30) * 50], axis=2).astype(np.uint8)


def clear(kind):
    """The same with a corner that is clear, as a PNG; what it hides is black."""
    pixels = scene()
    hidden = np.zeros(pixels.shape[:2], bool)
    hidden[:20, :30] = True
    pixels[hidden] = 0
    alpha = np.where(hidden, 0, 255).astype(np.uint8)
    picture = Image.fromarray(pixels)
    options = {}
    if kind in ("RGBA", "LA", "PA"):
        picture.putalpha(Image.fromarray(alpha))
        picture = picture.convert("LA" if kind == "LA" else "RGBA")
        picture = picture.quantize(64) if kind == "PA" else picture
    elif kind.startswith("P "):
        picture = picture.quantize(64)
        options["transparency"] = picture.getpixel((0, 0))
    else:
        options["transparency"] = (0, 0, 0)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", **options)
    return buffer.getvalue()
