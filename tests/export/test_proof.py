"""Nothing leaves that does not answer as its model does, whatever its head and however its weights are kept."""

import ast
import json
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

import graft
import shapes
from graft.contracts import SEPARATOR
from graft.errors import ExportError
from graft.export.building import exact, front_of
from graft.export.draft import Draft
from graft.export.examples import EXAMPLE, NEEDS, example_of, run_example
from graft.export.exporting import export_model
from graft.export.labels import labels_of
from graft.export.proof.goldens import drawn
from graft.export.proving import Unlike, golden_set, prove_example
from graft.export.verifying import verify
from graft.heads.features import transform


def with_linear(model, weights, bias):
    """The same model with another last layer."""
    linear = replace(model.classifier.linear, weights=weights, bias=bias)
    return replace(model, classifier=replace(model.classifier, linear=linear))


def on_the_brink(model, golden):
    """A model that tells by the last digits of its embedding what a golden item is."""
    head = model.classifier
    embedding = model.encoder.embed([model.encoder.prepare(golden.content).value])
    weights = 300 * head.linear.weights.astype(np.float32)
    scores = transform(embedding, head.stages, head.features) @ weights
    return with_linear(model, weights, -scores[0])


def test_an_encoder_in_half_precision_that_is_not_near_enough_stays_as_it_is(sound_model, tmp_path):
    brink = on_the_brink(sound_model, drawn("audio")[0])
    done = export_model(brink, "onnx", tmp_path / "x", precision="fp16")
    assert done.precision == "fp32"
    assert "does not answer as the model does" in done.fell_back
    assert json.loads((tmp_path / "x" / "labels.json").read_text())["precision"] == "fp32"
    found = verify(tmp_path / "x")
    assert found.ok
    assert found.certificate.tolerance == 0.005


def test_what_does_not_answer_as_the_model_is_not_written(exported, model, tmp_path):
    """Where numbers have no digits left for what tells the classes apart, no two programs say the same."""
    head = model.classifier.linear
    shutil.copytree(exported, tmp_path / "x")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(Unlike) as told:
        export_model(
            with_linear(model, head.weights + np.float32(3e6), head.bias), "onnx", tmp_path / "x", overwrite=True
        )
    assert told.value.exit_code == 3
    assert "of 33 golden items differ" in told.value.message
    assert "The worst is 0" in told.value.message
    assert told.value.hint.startswith("Nothing was written.")
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    assert list(tmp_path.iterdir()) == [tmp_path / "x"]


def test_the_same_model_leaves_as_the_same_bytes(exported, model, tmp_path):
    export_model(model, "onnx", tmp_path / "x")
    for path in exported.rglob("*"):
        if path.is_file():
            assert (tmp_path / "x" / path.relative_to(exported)).read_bytes() == path.read_bytes()


def tagged():
    """Pictures with any number of labels."""
    labels = [["round"], ["round", "dark"], ["dark"], []] * 8
    contents = [shapes.encoded("circle" if "round" in some else "square", n) for n, some in enumerate(labels)]
    return graft.fit(contents, labels)


def two_classes():
    return graft.fit(*shapes.lists(circle=10, square=10))


def heights():
    values = [float(10 + 80 * n / 23) for n in range(24)]
    return graft.fit([shapes.bar(value, n) for n, value in enumerate(values)], values, task="regression")


@pytest.mark.parametrize("fit", [tagged, two_classes, heights])
def test_heads_of_every_kind_leave_with_their_proof(fit, tmp_path):
    model = exact(fit())
    done = export_model(model, "onnx", tmp_path / "x", precision="fp16")
    assert verify(tmp_path / "x").ok
    assert done.certificate.largest_difference < 0.01
    names = [f"goldens/{name}" for name in list(done.certificate.items)[:12]]
    found = run_example(tmp_path / "x", names, model.classes)
    for answer, said in zip(found, model.predict([tmp_path / "x" / name for name in names]), strict=True):
        if model.classes:
            np.testing.assert_allclose(answer["probabilities"][0], list(said.scores.values()), atol=0.02)
            inside = [label for label, member in zip(model.classes, answer["set"][0], strict=True) if member]
            assert said.labels is None or said.label == SEPARATOR.join(inside)
        else:
            width = said.high - said.low
            assert answer["value"][0] == pytest.approx(said.value, abs=0.02 * width)
            assert answer["high"][0] - answer["low"][0] == pytest.approx(width)


@pytest.fixture(params=["image", "text", "audio"])
def of_each_kind(request):
    """An export of each modality."""
    name = {"image": "exported", "text": "exported_texts", "audio": "exported_sounds"}[request.param]
    return request.param, request.getfixturevalue(name)


def test_the_example_imports_nothing_but_what_it_names(of_each_kind):
    modality, folder = of_each_kind
    program = (folder / EXAMPLE).read_text()
    assert program == example_of(modality)
    imported = set()
    for node in ast.walk(ast.parse(program)):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module.split(".")[0])
    others = {name for name in imported if name not in sys.stdlib_module_names} - {"tokenizer"}
    assert others == {"PIL" if name == "pillow" else name for name in NEEDS[modality]}
    pinned = [line.split("==") for line in (folder / "requirements.txt").read_text().split()]
    assert [name for name, _ in pinned] == list(NEEDS[modality])
    assert all(version[0].isdigit() for _, version in pinned)


def test_the_example_answers_where_graft_is_not(of_each_kind):
    """A meta path that knows no Graft stands for an environment without it."""
    _, folder = of_each_kind
    blocked = (
        "import sys, runpy\n"
        "class Without:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in ('graft', 'onnx', 'tokenizers', 'torch', 'soxr', 'simplejpeg'):\n"
        "            raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Without())\n"
        f"sys.path.insert(0, {str(folder)!r})\n"
        f"sys.argv = ['example.py', *sys.argv[1:]]\n"
        f"runpy.run_path({str(folder / EXAMPLE)!r}, run_name='__main__')\n"
    )
    goldens = sorted((folder / "goldens").glob("[0-9]*"))[:3]
    done = subprocess.run(
        [sys.executable, "-c", blocked, folder / "model.onnx", *goldens], capture_output=True, check=True
    )
    assert len(done.stdout.splitlines()) == 3


def test_an_example_that_is_asked_nothing_says_how_it_is_asked(exported):
    done = subprocess.run([sys.executable, exported / EXAMPLE, "model.onnx"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert "python example.py model.onnx PICTURE ..." in done.stderr
    assert "Traceback" not in done.stderr


def test_an_example_that_fails_is_told_with_its_last_words(exported, tmp_path):
    for name in ("model.onnx", "goldens"):
        (tmp_path / name).symlink_to(exported / name)
    (tmp_path / EXAMPLE).write_text("raise SystemExit('no such thing')")
    with pytest.raises(ExportError, match="answered 0 of 1 golden items and ended with 1: no such thing"):
        run_example(tmp_path, ["goldens/001.jpg"], ["a"])
    (tmp_path / EXAMPLE).write_text("print('{}')")
    with pytest.raises(ExportError, match="says something else"):
        run_example(tmp_path, ["goldens/001.jpg"], ["a"])


def test_the_turn_that_only_a_description_names_is_no_turn(exported, model_in_f32, tmp_path):
    """Some programs write the turn into XMP as well, which browsers and Graft do not read."""
    packet = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>"
    packet += (
        b"<rdf:Description xmlns:tiff='http://ns.adobe.com/tiff/1.0/' tiff:Orientation='6'/></rdf:RDF></x:xmpmeta>"
    )
    body = b"http://ns.adobe.com/xap/1.0/\0" + packet
    plain = shapes.encoded("triangle", 3, "JPEG", 200)
    turned = plain[:2] + b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body + plain[2:]
    (tmp_path / "a.jpg").write_bytes(turned)
    done = subprocess.run(
        [sys.executable, exported / EXAMPLE, exported / "model.onnx", tmp_path / "a.jpg"],
        capture_output=True,
        check=True,
    )
    said = json.loads(done.stdout)
    wanted = model_in_f32.predict_one(turned)
    np.testing.assert_allclose(said["probabilities"], list(wanted.scores.values()), atol=0.005)


def test_an_export_whose_example_does_not_run_is_not_written(model, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    with pytest.raises(ExportError, match="answered 0 of 33 golden items") as told:
        export_model(model, "onnx", tmp_path / "x")
    assert told.value.hint.startswith("Nothing was written.")
    assert list(tmp_path.iterdir()) == []


def test_an_example_that_answers_otherwise_is_refused(exported, model_in_f32, tmp_path):
    place = tmp_path / "x"
    shutil.copytree(exported, place)
    front = front_of(model_in_f32)
    draft = Draft(place, model_in_f32, front, labels_of(model_in_f32, front, "fp32"), "fp32")
    goldens = golden_set(model_in_f32, place)
    prove_example(draft, goldens)
    program = (place / EXAMPLE).read_text()
    upside_down = program.replace("np.uint8)[None]", "np.uint8)[None, ::-1]")
    assert upside_down != program
    (place / EXAMPLE).write_text(upside_down)
    with pytest.raises(Unlike, match=f"The {EXAMPLE} does not answer as the model does"):
        prove_example(draft, goldens)
