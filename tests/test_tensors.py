"""Files of arrays: of the safetensors format, the same bytes for the same contents, every byte of them doubted."""

import json

import numpy as np
import pytest
from safetensors.numpy import load, save

from graft import tensors
from graft.errors import BundleError
from graft.tensors import Tensors

ARRAYS = {
    "weights": np.arange(6, dtype=np.float16).reshape(2, 3),
    "bias": np.array([0.5, -1], np.float32),
    "places": np.array([[1, 2], [3, 4]], np.int32),
    "scales": np.arange(3, dtype=np.int8),
    "columns": np.arange(4, dtype=np.uint16),
    "hashes": np.arange(16, dtype=np.uint8),
    "buckets": np.array([2**32 - 1], np.uint32),
    "none": np.zeros((0, 3), np.float32),
    "neither": np.zeros((2, 0), np.float16),
    "nothing": np.zeros(0, np.uint8),
    "one": np.array(3, np.float32),
}


def test_what_was_written_is_read_and_by_safetensors_too() -> None:
    data = tensors.dump(Tensors(ARRAYS, {"classes": ["蜂", "a"], "level": 0.1 + 0.2}))
    ours, theirs = tensors.parse(data), load(data)
    assert ours.settings == {"classes": ["蜂", "a"], "level": 0.1 + 0.2}
    assert ours.arrays.keys() == theirs.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        for found in (ours.arrays[name], theirs[name]):
            assert (found.dtype, found.shape) == (array.dtype, array.shape)
            assert np.array_equal(found, array)


def test_every_array_begins_where_its_numbers_may_lie() -> None:
    data = tensors.dump(Tensors(ARRAYS, {}))
    header, _ = header_of(data)
    assert int.from_bytes(data[:8], "little") % 8 == 0
    assert all(header[name]["data_offsets"][0] % array.itemsize == 0 for name, array in ARRAYS.items())


@pytest.mark.parametrize("number", ["1e400", "NaN", "-Infinity"])
def test_settings_hold_finite_numbers_alone(number) -> None:
    with pytest.raises(ValueError, match="is not JSON"):
        tensors.from_json(f'{{"level": {number}}}')


def test_arrays_alone_are_read_as_safetensors_writes_them() -> None:
    found = tensors.parse(save(ARRAYS), bare=True)
    assert all(np.array_equal(found.arrays[name], array) for name, array in ARRAYS.items())
    with pytest.raises((TypeError, ValueError)):
        tensors.parse(save(ARRAYS))


def header_of(data: bytes) -> tuple[dict, bytes]:
    length = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def with_header(header: object, data: bytes) -> bytes:
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


@pytest.mark.parametrize(
    "change",
    [
        lambda header: header["bias"].update(dtype="F64"),
        lambda header: header["bias"].update(dtype=["F32"]),
        lambda header: header["bias"].update(shape=[3]),
        lambda header: header["bias"].update(shape=[-2]),
        lambda header: header["bias"].update(shape=[2.0]),
        lambda header: header["weights"].update(shape=[3, 2]),
        lambda header: header["bias"].update(shape=[True, 2]),
        lambda header: header["bias"].update(shape=[1] * 70 + [2]),
        lambda header: header["bias"].update(shape=[2**62, 4]),
        lambda header: header["bias"].update(data_offsets=[0, 2**70]),
        lambda header: header["bias"].update(data_offsets=[-8, 0]),
        lambda header: header["bias"].update(data_offsets=[8, 0]),
        lambda header: header["bias"].update(data_offsets=["0", "8"]),
        lambda header: header["bias"].update(data_offsets=[0]),
        lambda header: header["bias"].update(data_offsets=header["weights"]["data_offsets"]),
        lambda header: header["bias"].pop("shape"),
        lambda header: header.pop("bias"),
        lambda header: header.update(other=header.pop("hashes")),
        lambda header: header.update(bias=3),
        lambda header: header.update(more={"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}),
        lambda header: header["__metadata__"].pop("digest"),
        lambda header: header["__metadata__"].update(digest="0" * 64),
        lambda header: header["__metadata__"].update(settings='{"a": 2}'),
        lambda header: header["__metadata__"].update(settings=3),
        lambda header: header.update(__metadata__=[]),
        lambda header: header.pop("__metadata__"),
    ],
)
def test_a_header_that_makes_no_sense_is_refused(change) -> None:
    header, data = header_of(tensors.dump(Tensors(ARRAYS, {"a": 1})))
    change(header)
    with pytest.raises((ValueError, LookupError, TypeError, AttributeError)):
        tensors.parse(with_header(header, data))


@pytest.mark.parametrize(
    ("entries", "size", "said"),
    [
        ({"a": ("F64", [1], 0, 8)}, 8, "of the type 'F64'"),
        ({"a": ("U8", [True, 4], 0, 4)}, 4, "the shape"),
        ({"a": ("U8", [2.0, 2], 0, 4)}, 4, "the shape"),
        ({"a": ("U8", [-2, -2], 0, 4)}, 4, "the shape"),
        ({"a": ("U8", [1] * 70 + [4], 0, 4)}, 4, "the shape"),
        ({"a": ("U8", [4], 0, 4), "b": ("U8", [4], 0, 4)}, 4, "b does not lie where"),
        ({"a": ("U8", [4], 0, 4), "b": ("U8", [2], 6, 8)}, 8, "b does not lie where"),
        ({"a": ("F32", [2], 0, 4)}, 8, "a does not lie where"),
        ({"a": ("U8", [2**62, 4], 0, 2**64)}, 4, "a does not lie where"),
        ({"a": ("U8", [8], 0, 8)}, 4, "a does not lie where"),
        ({"a": ("U8", [0], False, False)}, 0, "a does not lie where"),
        ({"a": ("U8", [4], -4, 0)}, 4, "a does not lie where"),
        ({"a": ("U8", [4], 0, 4)}, 5, "longer than its arrays"),
    ],
)
def test_no_check_of_the_header_leans_on_the_digest(entries, size, said) -> None:
    header = {
        name: {"dtype": code, "shape": shape, "data_offsets": [start, stop]}
        for name, (code, shape, start, stop) in entries.items()
    }
    with pytest.raises(ValueError, match=said):
        tensors.parse(with_header(header, bytes(size)), bare=True)


@pytest.mark.parametrize(
    "header", [[], None, 3, "x", {"a": {"dtype": "F32", "shape": [1e400], "data_offsets": [0, 4]}}]
)
def test_a_header_that_is_none_is_refused(header) -> None:
    with pytest.raises((ValueError, TypeError)):
        tensors.parse(with_header(header, b"\0" * 4), bare=True)


def test_numbers_that_are_not_finite_are_neither_written_nor_read() -> None:
    with pytest.raises(BundleError, match="not finite"):
        tensors.dump(Tensors({"w": np.array([np.inf], np.float16)}, {}))
    with pytest.raises(ValueError, match="w holds numbers that are not finite"):
        tensors.parse(save({"w": np.array([np.nan], np.float32)}), bare=True)


def test_a_length_that_is_longer_than_the_file_is_refused() -> None:
    for data in (b"", b"\0" * 7, (2**60).to_bytes(8, "little") + b"{}", b"\x03\0\0\0\0\0\0\0{}"):
        with pytest.raises(ValueError, match="cut short"):
            tensors.parse(data)
