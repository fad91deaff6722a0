"""``--to space``: what is written, and what its page says; a page that really runs is in ``test_installed.py``."""

import importlib
import re
import sys

import pytest
import yaml
from PIL import Image

from graft.contracts import SERVED
from graft.decoding.decode import decode_picture
from graft.errors import ItemError
from graft.export.examples import NEEDS
from graft.export.space.folder import PYTHON_VERSION, SDK_VERSION, asset, front_of, requirements_of
from graft.export.verifying import verify
from graft.front_matter import headed, split

HOSTILE = '<img src=x onerror="hacked=1">'


@pytest.fixture
def script(space, monkeypatch):
    """Imports one of the Space's scripts as it lies there."""
    monkeypatch.syspath_prepend(str(space))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    names = ("answering", "example", "words")
    for name in names:
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield importlib.import_module
    for name in names:
        sys.modules.pop(name, None)


def test_it_holds_all_that_it_needs_and_nothing_of_graft(space):
    names = {path.name for path in space.iterdir()}
    assert {"app.py", "answering.py", "words.py", "example.py", "model.onnx", "requirements.txt", "README.md"} <= names
    for path in space.glob("*.py"):
        assert not re.search(r"^\s*(import|from) (graft|torch)", path.read_text(), re.MULTILINE), path.name
    assert not re.search(r"graft|torch", (space / "requirements.txt").read_text(), re.IGNORECASE)
    assert verify(space).ok
    assert verify(space).certificate.precision == "fp16"


@pytest.mark.parametrize("needed", [*NEEDS.values(), (*NEEDS["text"], "tokenizers")])
def test_every_requirement_stands_at_one_version(needed):
    lines = [line for line in requirements_of(needed).splitlines() if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][\w.]*", line) for line in lines)
    names = [line.partition("==")[0].lower() for line in lines]
    assert len(set(names)) == len(names) > 70
    assert f"gradio=={SDK_VERSION}" in lines
    assert set(needed) <= set(names)
    assert {"soundfile", "tokenizers"} & set(names) == {"soundfile", "tokenizers"} & set(needed)


@pytest.mark.parametrize(
    "name",
    ["no", "1e3", "2024-01-31", "null", "~", "yes: no", "- a", "# b", "a\nb: c", "'", '"', "\\", "é\u2028x", "\ufeff",
     "\x07bell", "🙂", "---", "{a}", "%", "@x", "\x85", "12:30"],
)  # fmt: skip
def test_whatever_the_model_is_called_its_readme_says_so_to_every_reader_of_yaml(name):
    front, body = split(headed(front_of(name, ["a", "b"]), "# Words\n"))
    values = yaml.safe_load(front)
    assert values["title"] == (name.strip() or "model")
    assert values["sdk_version"] == SDK_VERSION
    assert values["python_version"] == PYTHON_VERSION == "3.11"
    assert len(values["short_description"]) <= 60
    assert body.strip() == "# Words"


def test_it_answers_as_the_model_does(space, script, model_in_f32, photos):
    answering = script("answering")
    for path in sorted(photos.rglob("*.png"))[::9]:
        found, known = answering.answer(str(path)), model_in_f32.predict_one(path).to_dict()
        assert found.keys() == known.keys() - {"input"}
        assert (found["label"], found["unknown"], found["set"]) == (known["label"], known["unknown"], known["set"])
        assert max(abs(found["scores"][label] - p) for label, p in known["scores"].items()) < 0.01


def test_its_limits_are_those_of_every_page(script):
    answering = script("answering")
    own = (answering.MOST_BYTES, answering.MOST_PIXELS, answering.LONGEST_SIDE, answering.MOST_SECONDS)
    assert own == (SERVED.bytes, SERVED.pixels, SERVED.side, SERVED.seconds)
    assert SERVED.characters == answering.MOST_CHARACTERS


def heic():
    return b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64)


@pytest.mark.parametrize(
    ("name", "content", "code", "said"),
    [
        ("photo.heic", heic(), "not_supported", "a HEIC picture, as phones make them"),
        ("photo.jpg", heic(), "not_supported", "a HEIC picture, as phones make them"),
        ("empty.png", b"", "empty", "The file is empty."),
        ("page.png", b"<html>404</html>", "not_a_picture", "not a picture that can be read"),
    ],
)
def test_what_is_no_picture_is_said_in_words(script, tmp_path, name, content, code, said):
    (tmp_path / name).write_bytes(content)
    error = script("answering").answer(str(tmp_path / name))["error"]
    assert error["code"] == code
    assert said in error["message"]
    assert error["hint"]


def test_a_picture_that_is_cut_short_is_said_in_words_without_its_place(script, tmp_path):
    Image.effect_noise((300, 300), 90).save(tmp_path / "whole.jpg")
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "whole.jpg").read_bytes()[:9000])
    error = script("answering").answer(str(tmp_path / "cut.jpg"))["error"]
    assert error["code"] == "corrupt"
    assert str(tmp_path) not in error["message"]


@pytest.mark.parametrize(
    ("size", "said"), [((5001, 5000), "25 megapixels"), ((32_768, 1), "limit of a side is 32,767")]
)
def test_what_is_too_large_is_said_in_the_words_of_graft(script, tmp_path, size, said):
    path = tmp_path / "large.png"
    Image.new("1", size).save(path)
    error = script("answering").answer(str(path))["error"]
    assert error["code"] == "too_large"
    assert said in error["message"]
    with pytest.raises(ItemError) as caught:
        decode_picture(path.read_bytes(), 224, 224, limits=SERVED)
    assert (caught.value.message, caught.value.hint) == (error["message"], error["hint"])


def test_threads_are_counted_from_affinity_and_quota(script, monkeypatch, tmp_path):
    answering = script("answering")
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(64)), raising=False)
    monkeypatch.setattr(answering, "GROUP", tmp_path)
    for quota, count in (("150000 100000", 2), ("max 100000", 64), ("50000 100000", 1), ("nonsense", 64)):
        (tmp_path / "cpu.max").write_text(quota)
        assert answering.cores() == count
    (tmp_path / "cpu.max").unlink()
    assert answering.cores() == 64
    (tmp_path / "cpu").mkdir()  # of older kernels
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    for quota, count in (("150000\n", 2), ("-1\n", 64), ("50000\n", 1)):
        (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text(quota)
        assert answering.cores() == count


@pytest.mark.parametrize("length", [SERVED.bytes, SERVED.bytes + 1])
def test_a_file_over_the_limit_is_said_in_the_words_of_every_page(script, tmp_path, length):
    path = tmp_path / "long.png"
    with path.open("wb") as file:
        file.truncate(length)
    error = script("answering").answer(str(path))["error"]
    if length > SERVED.bytes:
        words = ("too_large", "The item has more than 32 MB, the limit.", "Make it smaller.")
        assert (error["code"], error["message"], error["hint"]) == words
    else:
        assert error["code"] == "not_a_picture"


def classes(unknown=False, members=("bee",), **scores):
    return {"label": next(iter(scores)), "unknown": unknown, "set": list(members), "scores": scores}


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (classes(bee=0.97, wasp=0.03), "bee, 97 in 100 Nothing else is likely."),
        (classes(bee=0.996, wasp=0.004), "bee, over 99 in 100 Nothing else is likely."),
        (classes(members=("bee", "wasp"), bee=0.7, wasp=0.3), "bee, 70 in 100 Could also be wasp."),
        (classes(members=("bee", "wasp"), bee=0.52, wasp=0.48), "bee or wasp Not sure which of them."),
        (classes(members="abcdef", a=0.3, b=0.2, c=0.1, d=0.1, e=0.1, f=0.1), "a, b or 4 others Not sure"),
        (classes(unknown=True, bee=0.4, wasp=0.3), "none of these It is unlike all that the model has seen."),
        ({**classes(members=("red", "blue"), red=0.9, blue=0.8, green=0.1), "labels": ["red", "blue"]}, "red and blue"),
        ({"value": 3.14159, "low": 2.9, "high": 3.4, "unknown": False}, "3.142 Between 2.9 and 3.4."),
        ({"error": {"code": "empty", "message": "The file is empty.", "hint": "Copy it."}}, "not read The file is"),
    ],
)
def test_answers_are_said_in_words(script, found, said):
    text = re.sub(r"<[^>]+>", " ", script("words").of_answer(found))
    assert re.sub(r"\s+([,.])", r"\1", " ".join(text.split())).startswith(said)


def test_names_are_text_whatever_they_look_like(script):
    words = script("words")
    shown = words.of_answer(classes(members=(HOSTILE,), **{HOSTILE: 0.9, "b": 0.1}))
    shown += words.of_model({"name": HOSTILE, "classes": [HOSTILE, "b"]})
    shown += words.of_answer({"error": {"code": "x", "message": HOSTILE, "hint": HOSTILE}})
    assert "<img" not in shown
    assert shown.count("&lt;img") >= 4


def test_the_page_tells_nobody_and_gives_the_model_the_file_itself():
    page = asset("app.py")
    first = page.index("GRADIO_ANALYTICS_ENABLED")
    assert first < page.index("import gradio")
    for setting in ("analytics_enabled=False", "share=False", "mirror=False", 'type="filepath"', "ssr_mode=False"):
        assert setting in page
    assert "GoogleFont" not in page
    assert "http" not in page.replace("HF_HUB", "")
