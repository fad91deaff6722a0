"""What a page answers in a browser is what the model answers, from files of every kind."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import graft
from graft.contracts import SERVED
from graft.export.proof.goldens.pictures import draw_pictures

pytestmark = pytest.mark.browser
NEAR = 0.02


def compare(found: dict[str, Any], expected: Any) -> float:
    """The largest difference of a probability; label, set and unknown have to be the same."""
    assert "error" not in found, found
    wanted = expected.to_dict()
    assert [found[key] for key in ("label", "unknown", "set")] == [wanted[key] for key in ("label", "unknown", "set")]
    assert found["confidence"] == max(found["scores"].values())
    return max(abs(found["scores"][label] - share) for label, share in wanted["scores"].items())


def test_photos_are_answered_as_by_the_model(visit: Any, model_in_f32: graft.Model, photos: Path) -> None:
    contents = [path.read_bytes() for path in sorted(photos.rglob("*.png"))[::3]]
    assert max(compare(visit.ask(content), model_in_f32.predict_one(content)) for content in contents) <= NEAR


def test_pictures_of_every_kind_are_answered_as_by_the_model(visit: Any, model_in_f32: graft.Model) -> None:
    """Transparency of each form, all turn tags, profiles, depths, sizes at the ends of the range."""
    apart = {}
    for golden in draw_pictures(1):
        found, expected = visit.ask(golden.content), model_in_f32.predict_one(golden.content)
        assert "error" not in found, (golden.what, found)
        apart[golden.what] = max(abs(found["scores"][label] - share) for label, share in expected.scores.items())
    assert {what: value for what, value in apart.items() if value > NEAR} == {}
    assert len(apart) > 20


def test_a_photo_beyond_what_a_canvas_holds_is_read_in_pieces(visit: Any, model_in_f32: graft.Model) -> None:
    rng = np.random.default_rng(3)
    small = Image.fromarray(rng.integers(0, 256, (30, 40, 3), dtype=np.uint8)).resize((5600, 4200))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=85)
    found, expected = visit.ask(buffer.getvalue()), model_in_f32.predict_one(buffer.getvalue())
    assert max(abs(found["scores"][label] - share) for label, share in expected.scores.items()) <= NEAR


def saved(image: Image.Image, kind: str) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        (b"", "empty", "The file is empty."),
        (b"\0\0\0\x18ftypheic" + bytes(40), "not_supported", "HEIC"),
        (b"\0\0\0\x18ftypmif1" + bytes(40), "not_supported", "HEIC"),
        (b"<!doctype html><title>404</title>", "not_a_picture", "a web page"),
        (b"%PDF-1.7", "not_a_picture", "PDF"),
        (saved(Image.new("RGB", (300, 300), "red"), "PNG")[:200], "corrupt", "cut short"),
        (saved(Image.new("1", (5001, 5000)), "PNG"), "too_large", "5,001 x 5,000 pixels; the limit is 25 megapixels"),
    ],
    ids=["empty", "heic", "mif1", "html", "pdf", "cut", "large"],
)
def test_what_is_no_picture_is_answered_in_words(visit: Any, content: bytes, code: str, said: str) -> None:
    error = visit.ask(content)["error"]
    assert error["code"] == code
    assert said in error["message"]
    assert error["hint"]


def test_a_file_over_the_limit_is_said_in_the_words_of_every_page(visit: Any) -> None:
    script = """
    const [length, done] = arguments;
    import(new URL("answerer.js", document.baseURI).href)
      .then(({ answer }) => answer(new Blob([new Uint8Array(length)]))).then(done);
    """
    error = visit.browser.execute_async_script(script, SERVED.bytes + 1)["error"]
    words = ("too_large", "The item has more than 32 MB, the limit.", "Make it smaller.")
    assert (error["code"], error["message"], error["hint"]) == words
    assert visit.browser.execute_async_script(script, SERVED.bytes)["error"]["code"] == "not_a_picture"


def test_why_is_that_of_the_model(visit: Any, model_in_f32: graft.Model, photos: Path) -> None:
    content = next(photos.rglob("*.png")).read_bytes()
    found, expected = visit.ask(content, why=True)["why"], model_in_f32.why(content).to_dict()
    assert {key: found[key] for key in ("kind", "label", "rows", "columns")} == {
        key: expected[key] for key in ("kind", "label", "rows", "columns")
    }
    np.testing.assert_allclose(found["box"], expected["box"], atol=1e-3)
    np.testing.assert_allclose(found["effects"], expected["effects"], atol=NEAR / 2)


def test_answers_come_in_order_and_each_belongs_to_its_item(
    visit: Any, model_in_f32: graft.Model, photos: Path
) -> None:
    """A second item during the first, one that is taken back, one that cannot be read."""
    import base64

    contents = [path.read_bytes() for path in sorted(photos.rglob("*.png"))[::8]]
    script = """
    const [given, done] = arguments;
    const items = given.map((one) => new Blob([Uint8Array.from(atob(one), (letter) => letter.charCodeAt(0))]));
    import(new URL("answerer.js", document.baseURI).href).then(async ({ answer }) => {
      const order = [];
      const stopped = new AbortController();
      const all = items.map((item, i) => answer(item).then((found) => { order.push(i); return found.label; }));
      const late = answer(items[0], { why: true, signal: stopped.signal }).then(() => 0, (error) => error.name);
      const broken = answer(new Blob(["no picture"])).then((found) => found.error.code);
      stopped.abort();
      done({ labels: await Promise.all(all), late: await late, broken: await broken, order });
    });
    """
    found = visit.browser.execute_async_script(script, [base64.b64encode(content).decode() for content in contents])
    assert found["labels"] == [model_in_f32.predict_one(content).label for content in contents]
    assert found["order"] == list(range(len(contents)))
    assert (found["late"], found["broken"]) == ("AbortError", "not_a_picture")


def test_the_page_complained_of_nothing_and_asked_no_other_host(visit: Any) -> None:
    assert visit.console == []
    assert visit.hosts == {"127.0.0.1"}
