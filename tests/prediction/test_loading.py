"""What answers is loaded alone: from a folder, a file or bytes, checked, small, and for any number of threads."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import graft
from graft import tensors
from graft.contracts import Float32
from graft.errors import BundleError, DamagedBundle, NewerBundle, NotABundle, UsageError
from graft.prediction import load_head
from graft.prediction.predictor import Predictor
from graft.tensors import Tensors

LIGHT = """
import json, sys
from graft.prediction import load_head
head = load_head(sys.argv[1])
head.head, head.report, head.record
print(json.dumps(sorted(sys.modules)))
"""
HEAVY = (
    *("learning", "evaluation", "tasks", "model", "report", "reading", "duplicates", "encoders", "decoding", "data"),
)
FOREIGN = ("onnx", "onnxruntime", "openvino", "sklearn", "scipy", "torch", "rich", "click", "PIL", "safetensors")


@pytest.fixture
def rows(model: graft.Model) -> Float32:
    return np.random.default_rng(0).standard_normal((40, model.encoder.dim)).astype(np.float32)


def test_folder_file_and_bytes_are_the_same_head(saved: Path, model: graft.Model, rows: Float32) -> None:
    file = saved / "head.safetensors"
    data = file.read_bytes()
    given = (saved, str(saved), file, data, bytearray(data), memoryview(data))
    heads = [load_head(source) for source in given]
    expected = model.classifier.predictions(model.classes, model.classifier.answer(rows))
    for head in heads:
        assert head.classes == model.classes
        assert (head.modality, head.encoder.version) == ("image", model.encoder.version)
        assert head.answer(rows) == expected


def test_report_and_record_are_read_when_they_are_asked_for(saved: Path, model: graft.Model, tmp_path: Path) -> None:
    for head in (load_head(saved), load_head(saved / "head.safetensors")):
        assert head.report["n_items"] == model.report.n_items
        assert len(head.record.arrays["digests"]) == len(model.training)
    model.save(tmp_path / "copy.graft")
    head = load_head(tmp_path / "copy.graft")
    (tmp_path / "copy.graft" / "record.safetensors").write_bytes(b"")
    assert head.report["n_items"] == model.report.n_items
    with pytest.raises(DamagedBundle, match=r"record\.safetensors"):
        head.record.arrays.keys()
    alone = load_head((saved / "head.safetensors").read_bytes())
    with pytest.raises(BundleError, match="loaded alone"):
        alone.report.keys()


def test_nothing_of_an_item_stands_in_the_head(saved: Path, photos: Path) -> None:
    told = (saved / "head.safetensors").read_bytes()
    record = tensors.parse((saved / "record.safetensors").read_bytes())
    assert b".png" not in told
    assert not any(row.tobytes() in told for row in record.arrays["digests"])
    assert len(record.arrays["digests"]) == sum(1 for _ in photos.rglob("*.png"))


def test_many_threads_get_what_one_gets(saved: Path, rows: Float32) -> None:
    head = load_head(saved)
    expected = [head.answer(rows[start : start + 4]) for start in range(0, 40, 4)]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            assert list(pool.map(lambda start: head.answer(rows[start : start + 4]), range(0, 40, 4))) == expected


def test_what_it_answers_from_cannot_be_changed(saved: Path) -> None:
    head = load_head(saved)
    with pytest.raises(ValueError, match="read-only"):
        head.head.linear.weights[0] = 0
    with pytest.raises(AttributeError):
        head.classes = ("a", "b")  # type: ignore[misc]


def test_embeddings_of_another_encoder_are_refused(saved: Path) -> None:
    with pytest.raises(UsageError, match="do not fit"):
        load_head(saved).answer(np.ones((1, 384), np.float32))


@pytest.mark.parametrize("change", [lambda x: x[0], lambda x: x[None], lambda x: x.tolist(), lambda x: x.astype(object),
                                    lambda x: x.astype(complex), lambda x: x * np.nan, lambda x: x + np.inf,
                                    lambda x: None])  # fmt: skip
def test_what_is_no_matrix_of_finite_numbers_is_refused(saved: Path, rows: Float32, change) -> None:
    with pytest.raises(UsageError, match=r"Embeddings (are|hold)"):
        load_head(saved).answer(change(rows))


def test_a_flipped_bit_anywhere_in_the_head_is_noticed(saved: Path) -> None:
    data = (saved / "head.safetensors").read_bytes()
    length = int.from_bytes(data[:8], "little")
    for position in [*range(0, 8 + length, 7), *range(8 + length, len(data), 211), len(data) - 1]:
        changed = bytearray(data)
        changed[position] ^= 0x01
        with pytest.raises(BundleError):
            load_head(bytes(changed))


@pytest.mark.parametrize("size", [0, 7, 8, 100, 3000, -1])
def test_a_head_that_is_cut_short_is_damaged(saved: Path, size: int) -> None:
    with pytest.raises(DamagedBundle, match=r"The given head is damaged: .*\. Copy it again"):
        load_head((saved / "head.safetensors").read_bytes()[:size])


def written_again(saved: Path, **changes: object) -> bytes:
    own = tensors.parse((saved / "head.safetensors").read_bytes())
    return tensors.dump(Tensors(own.arrays, {**own.settings, **changes}))


def test_a_newer_head_says_so(saved: Path) -> None:
    with pytest.raises(NewerBundle, match="schema is 99"):
        load_head(written_again(saved, schema=99))


@pytest.mark.parametrize(
    "changes", [{"task": "nonsense"}, {"task": []}, {"schema": "2"}, {"settings": 3}, {"encoder": {}}]
)
def test_a_head_that_no_model_has_is_refused(saved: Path, changes: dict[str, object]) -> None:
    with pytest.raises(BundleError, match="does not hold what a model needs"):
        load_head(written_again(saved, **changes))


def test_there_is_none(tmp_path: Path, photos: Path) -> None:
    for place in (tmp_path / "nothing.graft", photos, tmp_path / "head.safetensors"):
        with pytest.raises(NotABundle):
            load_head(place)


def test_what_answers_is_light(saved: Path) -> None:
    ran = subprocess.run([sys.executable, "-c", LIGHT, saved], capture_output=True, text=True, check=True)
    loaded = json.loads(ran.stdout)
    own = [name for name in loaded if name.split(".")[0] == "graft"]
    assert len(own) <= 35
    assert not [name for name in own if name.startswith(tuple(f"graft.{room}" for room in HEAVY))]
    assert not [name for name in loaded if name.split(".")[0] in FOREIGN]


def test_a_head_takes_hardly_more_memory_than_its_file(saved: Path) -> None:
    data = (saved / "head.safetensors").read_bytes()
    head = load_head(data)
    held = [head.head.linear.weights, head.head.unknown.prototypes, head.head.linear.bias]
    assert all(np.shares_memory(array, np.frombuffer(data, np.uint8)) for array in held)
    assert {array.dtype.name for array in held} == {"float16", "float32"}


def test_a_predictor_is_what_its_file_says(saved: Path) -> None:
    head = load_head(saved)
    again = Predictor.restore(tensors.parse(tensors.dump(head.tensors())))
    assert again.encoder == head.encoder
    assert tensors.dump(again.tensors()) == (saved / "head.safetensors").read_bytes()
