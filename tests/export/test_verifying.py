"""An export carries its proof: it verifies where nothing was touched, and does not where anything was."""

import hashlib
import json
import os
import shutil
import subprocess
import sys

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from safetensors.numpy import load, save

from graft.errors import ExportError
from graft.export.verifying import verify


@pytest.fixture
def copied(exported, tmp_path):
    """An export that may be broken."""
    return shutil.copytree(exported, tmp_path / "copy")


def rewrite(folder, change, *, certificate="certificate.json"):
    """Change the certificate, as somebody would who knows of it."""
    values = json.loads((folder / certificate).read_text())
    change(values)
    (folder / certificate).write_text(json.dumps(values))


def vouch(folder, *names):
    """Let the certificate vouch for what the files are now."""

    def change(values):
        for name in names:
            values["hashes"][name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()

    rewrite(folder, change)


def with_weights(folder, change):
    """Change the numbers of a graph."""
    graph = onnx.load(folder / "model.onnx")
    for tensor in graph.graph.initializer:
        array = numpy_helper.to_array(tensor)
        changed = change(tensor.name, array)
        if changed is not None:
            tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(changed, array.dtype), tensor.name))
    (folder / "model.onnx").write_bytes(graph.SerializeToString())


def test_an_export_verifies(exported):
    told: list[tuple[str, int, int]] = []
    found = verify(exported, progress=lambda *step: told.append(step))
    assert told[-1] == ("replay", len(found.certificate.items), len(found.certificate.items))
    assert found.ok
    told = found.to_dict()
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert (told["agreement"], told["differing"], told["files"]["missing"]) == (1, [], [])
    assert told["largest_difference"] < 0.005
    assert told["of_files"]["largest_difference"] < 0.02
    assert told["goldens"] == len(list((exported / "goldens").glob("[0-9]*")))
    assert told["versions"]["then"] == told["versions"]["now"]
    assert {"graft", "python", "numpy", "onnxruntime", "pillow"} <= told["versions"]["now"].keys()


def test_the_certificate_holds_every_file_and_the_models_answers(exported, model_in_f32):
    certificate = json.loads((exported / "certificate.json").read_text())
    files = {path.relative_to(exported).as_posix() for path in exported.rglob("*") if path.is_file()}
    assert certificate["hashes"].keys() == files - {"certificate.json"}
    assert certificate["answers"]["backend"] == "onnxruntime"
    assert certificate["answers"]["precision"] == "f32"
    answers = load((exported / "goldens" / "answers.safetensors").read_bytes())
    inputs = load((exported / "goldens" / "inputs.safetensors").read_bytes())
    goldens = sorted((exported / "goldens").glob("[0-9]*"))
    assert {path.name for path in goldens} == certificate["items"].keys()
    for path, said in zip(goldens, model_in_f32.predict(goldens), strict=True):
        number = path.name.split(".")[0]
        np.testing.assert_allclose(answers[f"{number}.probabilities"][0], list(said.scores.values()), atol=1e-6)
        assert answers[f"{number}.unknown_score"][0] == pytest.approx(said.unknown_score, abs=1e-4)
        inside = answers[f"{number}.set"][0]
        assert tuple(np.array(model_in_f32.classes)[inside]) == said.set
    large = [name for name, what in certificate["items"].items() if what == "more than 2 megapixels"]
    kept = {key.split(".")[0] for key in inputs}
    assert {path.name.split(".")[0] for path in goldens} - kept == {name.split(".")[0] for name in large}
    assert all(array.dtype == np.uint8 and array.shape[0] == 1 for array in inputs.values())


def test_one_weight_is_noticed_by_its_hash_and_by_the_answers(copied):
    with_weights(copied, lambda name, array: array + np.array([3, 0, 0]) if name == "head.bias" else None)
    found = verify(copied)
    assert found.contents.changed == ("model.onnx",)
    assert not found.ok
    vouch(copied, "model.onnx")
    found = verify(copied)
    assert found.contents.ok
    assert not found.ok
    assert any("label" in one.why for one in found.replay.differing)
    assert found.replay.of_values.share < 0.9


def test_weights_rounded_otherwise_are_noticed_by_their_hash(copied):
    def truncated(name, array):
        if array.dtype != np.float32 or array.ndim < 2:
            return None
        return (array.view(np.uint32) & 0xFFFF_E000).view(np.float32)

    with_weights(copied, truncated)
    found = verify(copied)
    assert not found.ok
    assert found.contents.changed == ("model.onnx",)
    assert found.replay.of_values.largest_difference > 0


def test_two_classes_that_changed_places_are_noticed(copied):
    def swapped(name, array):
        return array[..., [1, 0, 2]] if name in ("head.weights", "head.bias") else None

    with_weights(copied, swapped)
    vouch(copied, "model.onnx")
    found = verify(copied)
    assert not found.ok
    assert any("label" in one.why for one in found.replay.differing)


@pytest.mark.parametrize("classes", [["ring", "square", "triangle"], ["square", "circle", "triangle"]])
def test_labels_that_are_not_those_of_the_graph_are_noticed(copied, classes):
    rewrite(copied, lambda values: values.update(classes=classes), certificate="labels.json")
    assert verify(copied).contents.changed == ("labels.json",)
    vouch(copied, "labels.json")
    found = verify(copied)
    assert not found.ok
    assert "do not belong together: they differ in 'classes'" in found.problem


def test_a_golden_item_or_a_known_answer_that_changed_is_noticed(copied):
    golden = copied / "goldens" / "001.jpg"
    golden.write_bytes((copied / "goldens" / "004.jpg").read_bytes())
    found = verify(copied)
    assert found.contents.changed == ("goldens/001.jpg",)
    assert not found.ok
    place = copied / "goldens" / "answers.safetensors"
    answers = load(place.read_bytes())
    answers["002.unknown_score"] += 3
    place.write_bytes(save(answers))
    vouch(copied, "goldens/answers.safetensors", "goldens/001.jpg")
    found = verify(copied)
    assert found.contents.ok
    assert {"001.jpg", "002.jpg"} >= {one.item for one in found.replay.differing} >= {"002.jpg"}


def test_what_is_missing_is_named_and_what_lies_beside_does_no_harm(copied):
    (copied / "notes.txt").write_text("mine")
    (copied / ".DS_Store").write_bytes(b"")
    found = verify(copied)
    assert found.ok
    assert found.contents.extra == ("notes.txt",)
    (copied / "example.py").unlink()
    found = verify(copied)
    assert not found.ok
    assert found.contents.missing == ("example.py",)
    assert found.replay.ok
    (copied / "model.onnx").unlink()
    found = verify(copied)
    assert found.replay is None
    assert found.problem == "model.onnx is missing."


def test_it_may_be_moved_and_reached_through_a_link(exported, tmp_path):
    place = tmp_path / "mit Leerzeichen \u00fc \u6f22"
    shutil.copytree(exported, place)
    (tmp_path / "link").symlink_to(place)
    assert verify(tmp_path / "link").ok


HOSTILE = {
    "no object": lambda values: values.clear(),
    "newer": lambda values: values.update(schema=2),
    "a schema that is a text": lambda values: values.update(schema="1"),
    "a place too deep": lambda values: values["hashes"].update({"d/" * 10 + "x": "0" * 64}),
    "a number that is true": lambda values: values.update(agreement=True),
    "a text in place of true": lambda values: values["boundary"].update(exclusive="yes"),
    "a target that is a book": lambda values: values.update(target="x" * 101),
    "a path that leaves": lambda values: values["hashes"].update({"../../secret": "0" * 64}),
    "an absolute path": lambda values: values["hashes"].update({"/etc/passwd": "0" * 64}),
    "a drive": lambda values: values["hashes"].update({"C:/x": "0" * 64}),
    "a backslash": lambda values: values["hashes"].update({"a\\..\\b": "0" * 64}),
    "no hash": lambda values: values["hashes"].update({"model.onnx": "x"}),
    "a hash that is a list": lambda values: values["hashes"].update({"model.onnx": []}),
    "a precision of its own": lambda values: values.update(precision="fp4"),
    "a precision that is a list": lambda values: values.update(precision=[]),
    "a threshold that is a text": lambda values: values["boundary"].update(unknown="1"),
    "a number too large": lambda values: values.update(agreement=10**400),
    "numbers for no list": lambda values: values["boundary"].update(members=3),
    "too many files": lambda values: values["hashes"].update({f"{n}.x": "0" * 64 for n in range(6000)}),
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE)
def test_a_certificate_that_no_export_has_is_refused_in_words(copied, change):
    rewrite(copied, change)
    with pytest.raises(ExportError) as told:
        verify(copied)
    assert told.value.hint
    assert len(told.value.message) < 400


UNUSABLE = {
    "items that lead away": lambda values: values.update(items={"../../x.png": "a"}),
    "no items": lambda values: values.update(items={}),
    "items that nothing vouches for": lambda values: values["items"].update({"999.png": "a"}),
    "another number of classes": lambda values: values["boundary"].update(members=[0.1]),
}


@pytest.mark.parametrize("change", UNUSABLE.values(), ids=UNUSABLE)
def test_what_cannot_be_asked_is_not_ok(copied, change):
    rewrite(copied, change)
    found = verify(copied)
    assert not found.ok
    assert found.replay is None
    assert found.problem


@pytest.mark.parametrize("content", [b"", b"{", b"[" * 100_000, b"\xff\xfe", b"NaN", b'{"schema": 1}', b"null"])
def test_a_certificate_or_labels_that_are_no_json_object_are_refused_in_words(copied, content):
    (copied / "labels.json").write_bytes(content)
    vouch(copied, "labels.json")
    assert verify(copied).problem
    (copied / "certificate.json").write_bytes(content)
    with pytest.raises(ExportError):
        verify(copied)


def broken_answers(arrays):
    """Files of known answers that cannot be right, by what is wrong."""
    wrong = dict(arrays)
    wrong["001.probabilities"] = np.full((1, 3), np.nan, np.float32)
    yield save(wrong)
    yield save({**arrays, "001.probabilities": np.zeros((3,), np.float32)})
    yield save({**arrays, "001.probabilities": np.zeros((1, 3), np.int64)})
    yield save({key: array for key, array in arrays.items() if not key.startswith("001.")})
    yield b"\xff" * 20
    yield b""


def test_known_answers_that_cannot_be_right_are_not_believed(copied):
    place = copied / "goldens" / "answers.safetensors"
    for content in broken_answers(load(place.read_bytes())):
        place.write_bytes(content)
        vouch(copied, "goldens/answers.safetensors")
        found = verify(copied)
        assert not found.ok
        assert found.problem


@pytest.mark.parametrize(
    "value",
    [np.zeros((1, 4, 4, 4), np.uint8), np.zeros((4, 4, 3), np.uint8), np.zeros(3)],
)
def test_values_that_the_graph_cannot_take_are_told_for_their_item(copied, value):
    place = copied / "goldens" / "inputs.safetensors"
    place.write_bytes(save({**load(place.read_bytes()), "003.pixels": value}))
    vouch(copied, "goldens/inputs.safetensors")
    found = verify(copied)
    assert not found.ok
    (one,) = found.replay.differing
    assert (one.item, one.why) == ("003.jpg", "error")
    assert one.to_dict()["difference"] is None


@pytest.mark.parametrize("content", [b"", b"no graph", b"\x08\x08" + b"\xff" * 100])
def test_a_graph_that_is_none_is_told_in_words(copied, content):
    (copied / "model.onnx").write_bytes(content)
    vouch(copied, "model.onnx")
    assert verify(copied).problem.startswith("model.onnx cannot be opened")


def test_a_graph_of_something_else_is_told_in_words(copied):
    node = onnx.helper.make_node("Identity", ["pixels"], ["probabilities"])
    entry = [onnx.helper.make_tensor_value_info(name, 2, ["n"]) for name in ("pixels", "probabilities")]
    graph = onnx.helper.make_graph([node], "other", entry[:1], entry[1:])
    opset = [onnx.helper.make_opsetid("", 17)]
    content = onnx.helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()
    (copied / "model.onnx").write_bytes(content)
    vouch(copied, "model.onnx")
    assert "gives no set, unknown_score" in verify(copied).problem


def test_links_pipes_and_huge_files_are_no_part_of_an_export(copied, tmp_path):
    secret = tmp_path / "secret.json"
    shutil.copy(copied / "labels.json", secret)
    (copied / "labels.json").unlink()
    (copied / "labels.json").symlink_to(secret)
    found = verify(copied)
    assert found.contents.missing == ("labels.json",)
    assert "is a link" in found.problem
    (copied / "labels.json").unlink()
    os.mkfifo(copied / "labels.json")
    assert verify(copied).problem == "labels.json is missing."
    (copied / "labels.json").unlink()
    with (copied / "labels.json").open("wb") as file:
        file.truncate(1 << 42)  # which nobody has the time to hash
    found = verify(copied)
    assert found.contents.changed == ("labels.json",)
    assert "larger than" in found.problem


def test_folders_within_folders_do_not_end_the_walk(copied, tmp_path):
    place = os.open(copied, os.O_RDONLY)
    for _ in range(1200):  # deeper than Python calls itself, and than a path may be long
        os.mkdir("d", dir_fd=place)
        inner = os.open("d", os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = inner
    os.close(place)
    try:
        assert verify(copied).ok
    finally:
        subprocess.run(["rm", "-rf", str(copied)], check=True)


def test_files_that_would_fill_the_memory_are_refused(copied):
    names = [f"goldens/{number}.png" for number in range(900, 906)]
    for name in names:
        with (copied / name).open("wb") as file:
            file.truncate(90_000_000)  # takes no room on the disk
    rewrite(copied, lambda values: values["hashes"].update(dict.fromkeys(names, "0" * 64)))
    with pytest.raises(ExportError, match=r"beside the graph have 54\d MB"):
        verify(copied)


def endless_loop(metadata):
    """A graph with the outputs of a model that never gives them."""
    make, entry = onnx.helper.make_node, onnx.helper.make_tensor_value_info
    kept = [entry("i", 7, []), entry("go", 9, []), entry("x", 1, [1, 3])]
    body = onnx.helper.make_graph(
        [make("Identity", ["go"], ["on"]), make("Identity", ["x"], ["y"])],
        "body",
        kept,
        [entry("on", 9, []), entry("y", 1, [1, 3])],
    )
    arrays = {"most": np.array(2**62), "true": np.array(True), "p": np.zeros((1, 3), np.float32)}
    arrays |= {"u": np.zeros(1, np.float32), "s": np.ones((1, 3), bool)}
    graph = onnx.helper.make_graph(
        [
            make("Loop", ["most", "true", "p"], ["probabilities"], body=body),
            make("Identity", ["u"], ["unknown_score"]),
            make("Identity", ["s"], ["set"]),
        ],
        "endless",
        [entry("pixels", 2, ["n", "h", "w", 3])],
        [entry("probabilities", 1, [1, 3]), entry("unknown_score", 1, [1]), entry("set", 9, [1, 3])],
        [numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    model.metadata_props.extend(metadata)
    return model.SerializeToString()


def test_a_graph_that_never_ends_is_stopped(copied, monkeypatch):
    content = endless_loop(onnx.load(copied / "model.onnx").metadata_props)
    (copied / "model.onnx").write_bytes(content)
    vouch(copied, "model.onnx")
    monkeypatch.setattr("graft.export.proof.inference.PATIENCE", 0.3)
    found = verify(copied)
    assert not found.ok
    assert found.problem.startswith("model.onnx does not answer: it was stopped")


def test_a_long_number_in_place_of_the_schema_is_not_repeated(copied):
    (copied / "certificate.json").write_text('{"schema": ' + "9" * 4000 + "}")
    with pytest.raises(ExportError, match=r"has the schema 9{20}, and") as caught:
        verify(copied)
    assert len(str(caught.value)) < 300


def test_what_is_no_export_is_refused_in_words(tmp_path, saved):
    (tmp_path / "file").write_text("x")
    for path, told in (("nothing", "not there"), ("file", "a file"), (".", "no certificate.json")):
        with pytest.raises(ExportError, match=told):
            verify(tmp_path / path)
    with pytest.raises(ExportError, match="is no export"):
        verify(saved)


@pytest.mark.parametrize("kind", ["texts", "sounds"])
def test_texts_and_recordings_verify_too(kind, request):
    found = verify(request.getfixturevalue(f"exported_{kind}"))
    assert found.ok
    assert found.replay.of_values.largest_difference < 0.005
    assert found.replay.of_files.largest_difference < 0.02


@pytest.fixture
def copied_texts(exported_texts, tmp_path):
    """An export of texts whose small files may be broken; the graph is the same file."""

    def copy(source, target):
        return os.link(source, target) if source.endswith(".onnx") else shutil.copy(source, target)

    return shutil.copytree(exported_texts, tmp_path / "copy", copy_function=copy)


def test_a_tokenizer_that_cannot_be_used_is_told_in_words(copied_texts):
    for content in (b"", b"[]", b"{" * 100_000, b'{"fates": 3}', b"\xff"):
        (copied_texts / "tokenizer" / "characters.json").write_bytes(content)
        vouch(copied_texts, "tokenizer/characters.json")
        found = verify(copied_texts)
        assert not found.ok
        assert "The tokenizer beside the graph cannot be used" in found.problem
    (copied_texts / "tokenizer" / "vocabulary.txt").unlink()
    os.mkfifo(copied_texts / "tokenizer" / "vocabulary.txt")
    assert verify(copied_texts).problem == "tokenizer/vocabulary.txt is missing."
    rewrite(copied_texts, lambda values: values["hashes"].pop("tokenizer/vocabulary.txt"))
    assert "The tokenizer beside the graph cannot be used" in verify(copied_texts).problem


def test_a_program_beside_the_graph_is_never_run(copied_texts, tmp_path):
    trap = f"import pathlib\npathlib.Path({str(tmp_path / 'sprung')!r}).touch()\n"
    for name in ("example.py", "tokenizer/tokenizer.py", "tokenizer/__init__.py"):
        (copied_texts / name).write_text(trap)
        vouch(copied_texts, name)
    assert verify(copied_texts).ok
    assert not (tmp_path / "sprung").exists()


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no cores to choose here")
def test_a_graph_is_asked_on_the_cores_that_are_granted(exported):
    program = (
        "import os, sys, pathlib\n"
        "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
        "import onnxruntime\n"
        "from graft.export.proof.inference import GraphSession\n"
        "before = len(os.listdir('/proc/self/task'))\n"
        "session = GraphSession(pathlib.Path(sys.argv[1]).read_bytes(), 3)\n"
        "print(len(os.listdir('/proc/self/task')) - before)\n"
    )
    command = [sys.executable, "-c", program, exported / "model.onnx"]
    assert subprocess.run(command, capture_output=True, check=True).stdout.strip() == b"0"
