"""Named arrays and the settings that belong to them in one file, as safetensors lays them out: it cannot hold code.

::

    8 bytes      length of the header
    header       JSON: type, shape and place of each array; settings and digest as texts under ``__metadata__``
    the rest     the arrays, one after another, those of wide numbers first

Arrays that are read are views of the bytes that were read: nothing is copied, and a file in memory takes its size.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any, NamedTuple, NoReturn

import numpy as np

from graft.contracts import Array
from graft.errors import BundleError

_METADATA, _SETTINGS, _DIGEST = "__metadata__", "settings", "digest"
_DTYPES = {
    "F16": "float16",
    "F32": "float32",
    "I32": "int32",
    "U32": "uint32",
    "U16": "uint16",
    "I8": "int8",
    "U8": "uint8",
}
_CODES = {name: code for code, name in _DTYPES.items()}
_WIDEST_HEADER = 64 * 1024 * 1024
_MOST_AXES = 8


class Tensors(NamedTuple):
    """What one file holds.

    Attributes:
        arrays: By name, of float16, float32 and integers of at most 32 bits.
        settings: JSON-able values.
    """

    arrays: Mapping[str, Array]
    settings: Mapping[str, Any]


def dump(tensors: Tensors) -> bytes:
    """The bytes of a file; the same contents give the same bytes.

    Raises:
        BundleError: An array is of another type or not finite, or the settings are not JSON.
    """
    header: dict[str, Any] = {}
    parts: list[bytes] = []
    told: list[str] = []
    end = 0
    for name in sorted(tensors.arrays, key=lambda name: (-tensors.arrays[name].dtype.itemsize, name)):
        array = _checked(name, tensors.arrays[name])
        part = array.tobytes()
        code, shape = _CODES[array.dtype.name], list(array.shape)
        header[name] = {"dtype": code, "shape": shape, "data_offsets": [end, end := end + len(part)]}
        told.append(_told(name, code, shape))
        parts.append(part)
    data = b"".join(parts)
    settings = to_json(tensors.settings, "settings", indent=None).decode().rstrip("\n")
    header[_METADATA] = {_SETTINGS: settings, _DIGEST: _digest(told, settings, data)}
    text = to_json(header, "header", indent=None).rstrip(b"\n")
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data


def parse(data: bytes, bare: bool = False) -> Tensors:
    """What a file holds, every value of its header checked.

    Args:
        data: The whole file.
        bare: It has arrays alone, neither settings nor digest.

    Raises:
        ValueError: It is cut short or changed, or holds what ``dump`` does not write.
    """
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > min(len(data) - 8, _WIDEST_HEADER):
        raise ValueError("it is cut short")
    header = from_json(data[8 : 8 + length])
    if not isinstance(header, dict):
        raise ValueError("its header is no object")
    metadata = header.pop(_METADATA, None)
    arrays, told, end = {}, [], 0
    for name, entry in sorted(header.items(), key=_place):
        code, shape, (start, stop) = entry["dtype"], entry["shape"], entry["data_offsets"]
        if code not in _DTYPES or not _is_shape(shape):
            raise ValueError(f"the array {name[:100]} is of the type {str(code)[:20]!r} and the shape {shape!r:.100}")
        dtype = np.dtype(_DTYPES[code])
        count = math.prod(shape)
        if start != end or stop - start != count * dtype.itemsize or 8 + length + stop > len(data):
            raise ValueError(f"the array {name[:100]} does not lie where its header says")
        array = np.frombuffer(data, dtype, count, 8 + length + start).reshape(shape)
        if not _is_finite(array):
            raise ValueError(f"the array {name[:100]} holds numbers that are not finite")
        told.append(_told(name, code, shape))
        arrays[name], end = array, stop
    if 8 + length + end != len(data):
        raise ValueError("it is longer than its arrays")
    if bare:
        return Tensors(arrays, {})
    settings = metadata[_SETTINGS]
    if metadata[_DIGEST] != _digest(told, settings, memoryview(data)[8 + length :]):
        raise ValueError("it was changed: its digest is another one")
    return Tensors(arrays, from_json(settings))


def to_json(value: Any, what: str, indent: int | None = 1) -> bytes:
    """A value as JSON that reads the same everywhere: keys sorted, finite numbers, UTF-8.

    Raises:
        BundleError: It has none.
    """
    try:
        text = json.dumps(value, sort_keys=True, indent=indent, ensure_ascii=False, allow_nan=False)
        return (text + "\n").encode(errors="backslashreplace")  # half a surrogate, from an odd file name, as \\udcff
    except (TypeError, ValueError, RecursionError) as error:
        raise BundleError(f"The {what} cannot be written as JSON: {error}.", "Use plain, finite values.") from error


def from_json(data: bytes | str) -> Any:
    """The value of a JSON text without NaN and infinities.

    Raises:
        ValueError: It is none.
    """
    try:
        return _DECODER.decode(data if isinstance(data, str) else data.decode())
    except RecursionError as error:
        raise ValueError(str(error)) from None


def _checked(name: str, array: Array) -> Array:
    if array.dtype.name not in _CODES:
        raise BundleError(f"The array {name} is {array.dtype}.", f"A bundle keeps {', '.join(_CODES)}.")
    array = np.asarray(array, dtype=np.dtype(array.dtype.name).newbyteorder("<"), order="C")
    if not _is_finite(array):
        raise BundleError(f"The array {name} holds numbers that are not finite.", "Check the data of the fit.")
    return array


def _is_finite(array: Array) -> bool:
    if array.dtype.itemsize == 2 and array.dtype.kind == "f":  # by their bits: numpy widens each number first
        return not ((array.view("<u2") & 0x7C00) == 0x7C00).any()
    return array.dtype.kind != "f" or bool(np.isfinite(array).all())


def _place(named: tuple[str, Any]) -> tuple[int, int]:
    start, stop = named[1]["data_offsets"]
    if not (type(start) is type(stop) is int and 0 <= start <= stop):
        raise ValueError(f"the array {named[0][:100]} does not lie where its header says")
    return start, stop


def _is_shape(shape: Any) -> bool:
    return isinstance(shape, list) and len(shape) <= _MOST_AXES and all(type(n) is int and n >= 0 for n in shape)


def _told(name: str, code: str, shape: list[int]) -> str:
    return f"{len(name)}:{name}:{code}:{shape}"


def _digest(told: list[str], settings: str, data: bytes | memoryview) -> str:
    """Of all that the file says but the digest: settings; names, types and shapes; the arrays."""
    digest = hashlib.sha256("\n".join([settings, *sorted(told)]).encode())
    digest.update(data)
    return digest.hexdigest()


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _finite(number: str) -> float:
    if not math.isfinite(value := float(number)):
        _refuse(number)
    return value


_DECODER = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite)
