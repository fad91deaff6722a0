import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from graft.encoders.efficientnet import POOLED, STRUCTURE, WIDTHS, folded, same_padding
from graft.encoders.image import ImageEncoder
from graft.encoders.runtime import Backend, choose_backend, open_session, processor_features
from graft.errors import EncoderError, UsageError


@pytest.fixture(scope="module")
def graph() -> bytes | Path:
    return STRUCTURE.opened(lambda: folded(ImageEncoder().pinned()), pinned=True)[0]


@pytest.fixture(scope="module")
def batch() -> np.ndarray:
    smooth = np.random.default_rng(0).random((9, 8, 8, 3)).repeat(28, axis=1).repeat(28, axis=2)
    return (smooth * 255).astype(np.uint8)


@pytest.fixture(scope="module")
def reference(graph, batch) -> np.ndarray:
    return open_session(graph, Backend("onnxruntime", "f32")).run(batch)


def cosine(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


def test_both_backends_agree_in_single_precision(graph, batch, reference):
    found = open_session(graph, Backend("openvino", "f32")).run(batch)
    assert found.shape == (9, sum(WIDTHS[i] for i in POOLED))
    assert np.abs(found - reference).max() < 1e-3


def test_half_precision_stays_close(graph, batch, reference):
    if not processor_features() & {"avx512_bf16", "amx_bf16"}:
        pytest.skip("this processor does not multiply bf16")
    found = open_session(graph, Backend("openvino", "bf16")).run(batch)
    assert cosine(found, reference).min() > 0.98


@pytest.mark.parametrize(
    "backend", [Backend("openvino", "f32"), Backend("openvino", "bf16"), Backend("onnxruntime", "f32")]
)
def test_an_embedding_does_not_depend_on_its_batch(graph, batch, backend):
    if backend.precision == "bf16" and not processor_features() & {"avx512_bf16", "amx_bf16"}:
        pytest.skip("this processor does not multiply bf16")
    session = open_session(graph, backend)
    whole = session.run(batch)
    alone = np.concatenate([session.run(batch[i : i + 1]) for i in range(len(batch))])
    tolerance = 1e-2 if backend.precision == "bf16" else 1e-5  # a bf16 number has 8 significant bits
    assert np.abs(whole - alone).max() <= tolerance * np.abs(whole).max()


def test_auto_follows_the_processor_and_not_a_stopwatch(monkeypatch):
    monkeypatch.delenv("GRAFT_PRECISION", raising=False)
    assert choose_backend() == choose_backend()
    native = processor_features() & {"avx512_bf16", "amx_bf16"}
    assert choose_backend("openvino").precision == ("bf16" if native else "f32")
    assert choose_backend("onnxruntime") == Backend("onnxruntime", "f32")


def test_single_precision_can_be_asked_for(monkeypatch):
    monkeypatch.setenv("GRAFT_PRECISION", "f32")
    assert choose_backend("openvino") == Backend("openvino", "f32")
    monkeypatch.setenv("GRAFT_PRECISION", "f16")
    with pytest.raises(UsageError, match="GRAFT_PRECISION is 'f16'"):
        choose_backend("openvino")


def test_an_unknown_backend_is_named():
    with pytest.raises(UsageError, match="tensorrt"):
        choose_backend("tensorrt")


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "expected"),
    [
        (224, 3, 2, (0, 1, 112)),
        (112, 5, 2, (1, 2, 56)),
        (7, 5, 1, (2, 2, 7)),
        (7, 1, 1, (0, 0, 7)),
        (15, 3, 2, (1, 1, 8)),
    ],
)
def test_padding_is_tensorflows(size, kernel, stride, expected):
    assert same_padding(size, kernel, stride) == expected


def test_a_backend_that_is_installed_in_part_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(EncoderError, match="The backend onnxruntime is installed and cannot be used") as told:
        open_session(b"", Backend("onnxruntime", "f32"))
    assert told.value.hint == "pip install --force-reinstall onnxruntime"


def test_a_backend_whose_loading_is_interrupted_is_not_called_broken(monkeypatch, tmp_path):
    (tmp_path / "onnxruntime.py").write_text(
        "try:\n    raise KeyboardInterrupt\nexcept KeyboardInterrupt as stop:\n"
        "    raise ImportError('initialization failed') from stop\n"  # as modules of pybind11 say it
    )
    monkeypatch.delitem(sys.modules, "onnxruntime", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        open_session(b"", Backend("onnxruntime", "f32"))


@pytest.mark.parametrize("earlier", ["", "import onnxruntime; "])
def test_onnx_runtime_reports_to_nobody(earlier, tmp_path):
    """From 1.31 on it makes an identifier of the machine as soon as it is imported, and sends what it does."""
    code = (
        f"{earlier}from graft.encoders.runtime import onnx_runtime; onnx_runtime(); import os; "
        "print(os.environ['ORT_DISABLE_TELEMETRY'])"
    )
    own = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path), "HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=own, capture_output=True, text=True)
    assert done.stdout.strip() == "1", done.stderr
    assert earlier or not list(tmp_path.rglob("*deviceid*"))
