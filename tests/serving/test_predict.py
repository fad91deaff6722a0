"""What is answered over HTTP is what ``graft predict`` answers."""

from __future__ import annotations

import io
import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import graft
import shapes
from serving_checks import form, hum, in_base64, same

pytest.importorskip("fastapi", reason="FastAPI is not installed: pip install 'graft-learn[serve]'")


def awkward_pictures() -> dict[str, bytes]:
    """A triangle in forms that decoders are known to disagree about."""
    image = shapes.picture("triangle", 3).convert("RGB")
    found: dict[str, bytes] = {}

    def add(name: str, picture: Image.Image, kind: str = "PNG", **options: Any) -> None:
        buffer = io.BytesIO()
        picture.save(buffer, format=kind, **options)
        found[name] = buffer.getvalue()

    clear = image.convert("RGBA")
    clear.putalpha(Image.fromarray(np.tile(np.linspace(0, 255, image.width).astype(np.uint8), (image.height, 1))))
    add("rgba", clear)
    add("grey and alpha", clear.convert("LA"))
    add("a clear colour", image.convert("P", palette=Image.Palette.ADAPTIVE), transparency=0)
    add("webp with alpha", clear, "WEBP", lossless=True)
    add("cmyk", image.convert("CMYK"), "JPEG", quality=95)
    add("16 bits", Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257))
    for turn in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = turn
        add(f"turned {turn}", image.crop((0, 0, 96, 60)), "JPEG", exif=exif, quality=95)
    return found


AWKWARD = awkward_pictures()


def test_photos_raw_in_json_and_in_a_form_are_answered_as_in_process(pictures, model: graft.Model, photos: Path):
    files = sorted(photos.rglob("*.*"))[::7]
    expected = model.predict(files, cache=None)
    raw = [pictures.predict(file.read_bytes(), "image/png") for file in files]
    assert [reply.status for reply in raw] == [200] * len(files)
    said = [one for reply in raw for one in reply.json["predictions"]]
    same(said, expected)
    assert {one["input"] for one in said} == {"body"}
    reply = pictures.predict({"images": [in_base64(file.read_bytes()) for file in files]})
    same(reply.json["predictions"], expected)
    assert [one["input"] for one in reply.json["predictions"]] == [f"images[{n}]" for n in range(len(files))]
    assert reply.json["model"] == "shapes"
    assert len(reply.json["version"]) == 12
    assert reply.headers["content-type"] == "application/json"
    reply = pictures.predict(*form(*(("file", file.name, file.read_bytes()) for file in files)))
    same(reply.json["predictions"], expected)
    assert [one["input"] for one in reply.json["predictions"]] == [file.name for file in files]


@pytest.mark.parametrize("name", AWKWARD)
def test_alpha_turn_tags_and_modes_are_read_as_predict_reads_the_file(pictures, model, name: str, tmp_path: Path):
    (tmp_path / "picture").write_bytes(AWKWARD[name])
    expected = model.predict([tmp_path / "picture"], cache=None)
    assert expected[0].error is None
    same(pictures.predict(AWKWARD[name], "application/octet-stream").json["predictions"], expected)
    same(pictures.predict(*form(("photo", "x.png", AWKWARD[name]))).json["predictions"], expected)


def test_a_recording_of_48_khz_in_stereo(sounds, sound_model: graft.Model, tmp_path: Path):
    content = hum(920, rate=48_000, channels=2)
    (tmp_path / "a.wav").write_bytes(content)
    expected = sound_model.predict([tmp_path / "a.wav"], cache=None)
    same(sounds.predict(content, "audio/wav").json["predictions"], expected)
    same(sounds.predict({"recordings": [in_base64(content)]}).json["predictions"], expected)
    reply = sounds.predict(b"\x1aE\xdf\xa3" + bytes(200), "audio/webm")
    assert reply.status == 415
    assert "WebM" in reply.problem["message"]


def test_texts_raw_in_json_and_in_a_form(texts, text_model: graft.Model):
    asked = ["It rains, and it is wet.", "Where is my money?", "crème brûlée \N{UMBRELLA WITH RAIN DROPS}"]
    expected = text_model.predict(asked, cache=None)
    reply = texts.predict({"texts": asked, "top": 1, "ids": ["a", "b", "c"]})
    assert [one["id"] for one in reply.json["predictions"]] == ["a", "b", "c"]
    assert [len(one["scores"]) for one in reply.json["predictions"]] == [1, 1, 1]
    same(texts.predict({"texts": asked}).json["predictions"], expected)
    same(texts.predict(asked[2].encode(), "text/plain").json["predictions"], expected[2:])
    same(
        texts.predict("crème".encode("cp1252"), "text/plain; charset=windows-1252").json["predictions"],
        text_model.predict(["crème"], cache=None),
    )
    same(texts.predict(*form(*(("texts", None, text.encode()) for text in asked))).json["predictions"], expected)
    for charset in ("punycode", "idna", "unicode_escape", "rot13", "x" * 5000):  # slow, no text, or remembered for ever
        reply = texts.predict(b"a", f"text/plain; charset={charset}")
        assert (reply.status, reply.problem["code"]) == (415, "unsupported_encoding")
    reply = texts.predict({"instances": asked, "parameters": {"top": 1}}, path="/invocations")
    assert [one["label"] for one in reply.json["predictions"]] == [one.label for one in expected]


def test_an_answer_does_not_depend_on_its_company_and_a_bad_item_fails_alone(texts, text_model: graft.Model):
    asked = [f"rain and wind, number {n}" + " and more of it" * (n % 5) for n in range(24)]
    alone = text_model.predict(asked, cache=None)
    replies: dict[int, Any] = {}

    def ask(place: int) -> None:
        replies[place] = texts.predict({"texts": [asked[place], "", asked[-1 - place]]})

    threads = [threading.Thread(target=ask, args=(place,)) for place in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for place, reply in replies.items():
        first, bad, last = reply.json["predictions"]
        same([first, last], [alone[place], alone[-1 - place]])
        assert (bad["input"], bad["error"]["code"]) == ("texts[1]", "empty")
        assert bad["error"]["hint"]


def test_where_no_item_can_be_answered_that_is_the_answer(texts, pictures):
    reply = texts.predict({"texts": ["", " "]})
    assert reply.status == 422
    assert reply.problem["item"] == "texts[0]"
    assert [one["item"] for one in reply.problem["errors"]] == ["texts[0]", "texts[1]"]
    heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100)
    for reply in (pictures.predict(heic, "image/heic"), pictures.predict({"images": [in_base64(heic)]})):
        assert reply.status == 415
        assert "HEIC" in reply.problem["message"]
        assert "JPEG" in reply.problem["hint"]


def test_pictures_beyond_25_megapixels_and_long_rows_are_refused_by_their_header(pictures):
    for width, height in ((25_001, 1000), (1, 50_000_000), (40_000, 1)):
        reply = pictures.predict(shapes.png_header(width, height), "image/png")
        assert reply.status == 413, (width, height)
        assert reply.problem["code"] == "too_large"


def test_look_alikes_in_an_index(start, saved: Path, photos: Path, tmp_path: Path, model):
    index = graft.Index.of(photos, encoder=str(saved))
    index.save(tmp_path / "shapes.idx")
    server = start(saved, index=tmp_path / "shapes.idx")
    file = sorted(photos.rglob("*.png"))[5]
    reply = server.predict({"images": [in_base64(file.read_bytes()), "AAAA"], "n": 3}, path="/search")
    found, bad = reply.json["results"]
    assert [(match["rank"], match["same"]) for match in found["matches"]] == [(1, True), (2, False), (3, False)]
    expected = index.search(file, 3)
    assert [match["path"] for match in found["matches"]] == [match.name for match in expected]
    assert bad["error"]["code"] == "not_a_picture"
    same(server.predict(file.read_bytes(), "image/png").json["predictions"], model.predict([file], cache=None))


@pytest.mark.parametrize("kind", ["numbers", "labels", "joined"])
def test_models_of_every_kind(start, kind: str, tmp_path: Path):
    contents = [shapes.bar(4.0 * n, n) for n in range(24)]
    if kind == "numbers":
        model = graft.fit(contents, [float(n) for n in range(24)], task="regression")
    elif kind == "labels":
        tags = [["low"] * (n < 12) + ["odd"] * (n % 2) + ["all"] for n in range(24)]
        model = graft.fit(contents, ["|".join(own) for own in tags], task="multi_label")
    else:
        model = graft.fit(contents, ["low" if n < 12 else "high" for n in range(24)], encoder="image+image")
    model.save(tmp_path / "own.graft")
    server = start(tmp_path / "own.graft")
    expected = model.predict(contents[::5], cache=None)
    found = server.predict({"images": [in_base64(content) for content in contents[::5]]}).json["predictions"]
    same(found, expected, tolerance=0.3 if kind == "numbers" else 0.02)
    if kind == "numbers":
        assert server.predict({"images": [in_base64(contents[0])], "top": 1}).status == 422
        body = {"inputs": [{"name": "image", "shape": [1], "datatype": "BYTES", "data": [in_base64(contents[0])]}]}
        outputs = server.ask("POST", "/v2/models/own/infer", body).json["outputs"]
        assert [one["name"] for one in outputs] == ["value", "low", "high", "unknown"]


def test_without_an_index_there_is_nothing_to_search(pictures):
    assert pictures.predict({"images": ["AAAA"]}, path="/search").problem["status"] == 404


def test_no_key_of_an_answer_differs_from_the_command_line(texts, graft_command, text_model, tmp_path: Path):
    (tmp_path / "one.txt").write_text("it rains all day")
    done = graft_command("predict", text_model.report.model, tmp_path / "one.txt", "--json", "--no-cache")
    (expected,) = json.loads(done.stdout)
    (found,) = texts.predict(b"it rains all day", "text/plain").json["predictions"]
    assert found.keys() == expected.keys()
    assert (found["label"], found["set"], found["unknown"]) == (expected["label"], expected["set"], expected["unknown"])
    assert found["confidence"] == pytest.approx(expected["confidence"], abs=0.02)
