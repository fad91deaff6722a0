import dataclasses
import os
import pickle
import struct

import numpy as np
import pytest

from graft.encoders.image import WEIGHTS
from graft.encoders.weights import MAGIC, read_torch
from graft.errors import EncoderError


def torch_file(state: object, keys: list[str], numbers: bytes = b"") -> bytes:
    return b"".join(pickle.dumps(part, protocol=2) for part in (MAGIC, 1001, {}, state, keys)) + numbers


def test_the_pretrained_weights_are_read_whole():
    weights = read_torch(WEIGHTS.read())
    assert weights["_conv_stem.weight"].shape == (32, 3, 3, 3)
    assert weights["_conv_head.weight"].shape == (1280, 320, 1, 1)
    assert sum(array.size for name, array in weights.items() if "running" not in name) == 4_652_008  # 4.7 M parameters
    assert all(np.isfinite(array).all() for array in weights.values())
    assert all((array >= 0).all() for name, array in weights.items() if name.endswith("running_var"))


def test_another_file_is_refused_by_its_hash():
    with pytest.raises(EncoderError, match=r"another file \(sha256 579344248a93\.\.\., expected 000000000000\.\.\.\)"):
        dataclasses.replace(WEIGHTS, sha256="0" * 64).read()


def test_what_is_no_file_is_not_read(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe")
    with (tmp_path / "hollow").open("wb") as file:
        file.truncate(2**40)
    elsewhere = dataclasses.replace(WEIGHTS, packages={}, name="other.pth")
    for place, said in (("pipe", "is no file"), ("hollow", r"is another file \(1,099,511,627,776 bytes")):
        monkeypatch.setenv("GRAFT_WEIGHTS", str(tmp_path / place))
        with pytest.raises(EncoderError, match=f"GRAFT_WEIGHTS: {tmp_path / place} {said}"):
            elsewhere.read()


def test_a_missing_package_is_named():
    with pytest.raises(EncoderError, match="the package no_such_package is not installed"):
        dataclasses.replace(WEIGHTS, packages={"no_such_package": "weights.pth"}).read()


def test_a_file_that_would_run_code_is_refused_and_nothing_runs(tmp_path):
    marker = tmp_path / "marker"

    class Touch:
        def __reduce__(self):
            return os.system, (f"touch {marker}",)

    with pytest.raises(EncoderError, match="something else than tensors"):
        read_torch(torch_file({"weight": Touch()}, []))
    assert not marker.exists()


@pytest.mark.parametrize("cut", [0, 1, 20, 200, 5000, 50_000, 1_000_000])
def test_a_cut_file_is_refused(cut):
    content = WEIGHTS.read()[:cut]
    with pytest.raises(EncoderError):
        read_torch(content)


def test_a_tensor_that_reaches_outside_its_storage_is_refused():
    content = bytearray(WEIGHTS.read())
    first_length = content.index(struct.pack("<q", 864))  # the stem's storage holds 32 x 3 x 3 x 3 numbers
    content[first_length : first_length + 8] = struct.pack("<q", 8)
    with pytest.raises(EncoderError):
        read_torch(bytes(content))
