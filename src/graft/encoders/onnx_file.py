"""ONNX files as far as Graft needs them, without the library onnx: weights are read out of them and put into them.

A file is a message of protocol buffers: fields, each with a number and a value; some values are messages themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from graft.contracts import Float32

GRAPH = 7
"""Numbers of fields, as ``onnx.proto`` gives them: here of a model."""
INITIALIZER = 5
"""Of a graph."""
DIMS, DATA_TYPE, FLOAT_DATA, NAME, RAW_DATA = 1, 2, 4, 8, 9
"""Of a tensor."""
FLOAT = 1
"""The type of a tensor of float32."""

_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5
"""How a value is written: a whole number in as many bytes as it needs, 8 bytes, any bytes, 4 bytes."""

Part = bytes | memoryview


def read_floats(model: bytes) -> dict[str, Float32]:
    """The tensors of float32 that an ONNX model holds, by name; those that lie in another file are left out.

    Raises:
        ValueError: It is no ONNX model.
    """
    found: dict[str, Float32] = {}
    for number, graph, _ in _fields(memoryview(model)):
        for inner, tensor, _ in _fields(graph) if number == GRAPH else ():
            values = {number: value for number, value, _ in _fields(tensor)} if inner == INITIALIZER else {}
            numbers = values.get(RAW_DATA, values.get(FLOAT_DATA))
            if numbers is not None and _numbers(values[DATA_TYPE]) == [FLOAT]:
                shape = [size for number, value, _ in _fields(tensor) if number == DIMS for size in _numbers(value)]
                found[_name(tensor)] = np.frombuffer(bytes(numbers), "<f4").reshape(shape)
    return found


def with_floats(model: bytes, arrays: Mapping[str, Float32]) -> bytes:
    """An ONNX model that holds these tensors of float32, each in the place of its own of that name.

    Raises:
        ValueError: It is no ONNX model.
    """
    rest: list[Part] = []
    graph: list[Part] = []
    for number, value, whole in _fields(memoryview(model)):
        if number != GRAPH:
            rest.append(whole)
            continue
        graph += [part for inner, own, part in _fields(value) if inner != INITIALIZER or _name(own) not in arrays]
    for name, array in arrays.items():
        dims = b"".join(map(_varint, array.shape))
        raw = np.ascontiguousarray(array, "<f4").data.cast("B") if array.size else b""
        tensor = [*_message(DIMS, [dims]), _varint(DATA_TYPE << 3), _varint(FLOAT), *_message(NAME, [name.encode()])]
        graph += _message(INITIALIZER, [*tensor, *_message(RAW_DATA, [raw])])
    return b"".join([*rest, *_message(GRAPH, graph)])


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview, memoryview]]:
    """Number, value and the whole of each field."""
    at = 0
    while at < len(message):
        start = at
        key, at = _next_number(message, at)
        first = at
        if key & 7 == _VARINT:
            _, at = _next_number(message, at)
        elif key & 7 == _BYTES:
            size, first = _next_number(message, at)
            at = first + size
        elif key & 7 in (_EIGHT, _FOUR):
            at += 8 if key & 7 == _EIGHT else 4
        else:
            raise ValueError(f"a field of an unknown kind at byte {start}")
        if at > len(message):
            raise ValueError(f"a field at byte {start} that is cut short")
        yield key >> 3, message[first:at], message[start:at]


def _name(tensor: memoryview) -> str:
    return next((str(value, "utf-8") for number, value, _ in _fields(tensor) if number == NAME), "")


def _numbers(value: memoryview) -> list[int]:
    """Whole numbers, one or several in a row."""
    found, at = [], 0
    while at < len(value):
        number, at = _next_number(value, at)
        found.append(number)
    return found


def _next_number(message: memoryview, at: int) -> tuple[int, int]:
    """The whole number that begins there, and where it ends: seven bits a byte, the lowest first."""
    number = shift = 0
    while at < len(message) and shift < 64:
        number |= (message[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if message[at - 1] < 128:
            return number, at
    raise ValueError(f"no whole number before byte {at}")


def _varint(number: int) -> bytes:
    written = bytearray()
    while number > 127:
        written.append(number & 127 | 128)
        number >>= 7
    return bytes([*written, number])


def _message(number: int, parts: Iterable[Part]) -> list[Part]:
    content = list(parts)
    return [_varint(number << 3 | _BYTES), _varint(sum(map(len, content))), *content]
