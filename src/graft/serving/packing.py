"""Prepared items and requests as bytes between a server and its children: JSON and arrays, and no pickle."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graft.contracts import Prepared
from graft.errors import ItemError
from graft.serving.predict_request import PredictRequest

_SIZE = struct.Struct("<I")


def pack(head: Any, blobs: Sequence[bytes | memoryview]) -> bytes:
    """A value of JSON, and contents one after the other."""
    text = json.dumps({"head": head, "sizes": [len(blob) for blob in blobs]}).encode()
    return b"".join((_SIZE.pack(len(text)), text, *blobs))


def unpack(message: bytes) -> tuple[Any, list[memoryview]]:
    """What was packed; the contents are views of the message.

    Raises:
        ValueError, LookupError, TypeError, struct.error: It is something else.
    """
    (length,) = _SIZE.unpack_from(message)
    view = memoryview(message)
    told = json.loads(bytes(view[_SIZE.size : _SIZE.size + length]))
    found, at = [], _SIZE.size + length
    for size in told["sizes"]:
        if not 0 <= size <= len(view) - at:
            raise ValueError("a content beyond the end")
        found.append(view[at : at + size])
        at += size
    return told["head"], found


def pack_prepared(prepared: Prepared) -> bytes:
    """A decoded item: arrays, alone or in tuples of tuples."""
    arrays: list[np.ndarray] = []
    form = _form(prepared.value, arrays)
    statistics = {name: float(value) for name, value in prepared.statistics.items()}
    return pack({"form": form, "statistics": statistics}, [array.tobytes() for array in arrays])


def unpack_prepared(message: bytes) -> Prepared:
    """The same again; its arrays are views of the message, which nobody changes.

    Raises:
        ValueError, LookupError, TypeError, struct.error: It is something else.
    """
    head, blobs = unpack(message)
    return Prepared(_value(head["form"], blobs), head["statistics"])


def pack_request(asked: PredictRequest) -> bytes:
    """A request that was read elsewhere."""
    bad = {str(place): [item.reason, item.message, item.hint] for place, item in _errors(asked)}
    head = {"names": asked.names, "ids": asked.ids, "top": asked.top, "rest": dict(asked.rest), "bad": bad}
    return pack(head, [item if isinstance(item, bytes) else b"" for item in asked.items])


def unpack_request(message: bytes) -> PredictRequest:
    """The same again.

    Raises:
        ValueError, LookupError, TypeError, struct.error: It is something else.
    """
    head, blobs = unpack(message)
    bad = {int(place): ItemError(*told) for place, told in head["bad"].items()}
    items = tuple(bad.get(place) or bytes(blob) for place, blob in enumerate(blobs))
    return PredictRequest(items, tuple(head["names"]), tuple(head["ids"]), head["top"], head["rest"])


def read_there(read: Callable[..., PredictRequest], message: bytes) -> bytes:
    """In a child: what ``read`` makes of a body and of the arguments that were packed before it."""
    arguments, (body,) = unpack(message)
    return pack_request(read(bytes(body), *arguments))


def _errors(asked: PredictRequest) -> list[tuple[int, ItemError]]:
    return [(place, item) for place, item in enumerate(asked.items) if isinstance(item, ItemError)]


def _form(value: Any, arrays: list[np.ndarray]) -> Any:
    if isinstance(value, tuple | list):
        return [_form(part, arrays) for part in value]
    array = np.ascontiguousarray(value)
    arrays.append(array)
    return {"dtype": array.dtype.str, "shape": np.shape(value)}


def _value(form: Any, blobs: list[memoryview]) -> Any:
    if isinstance(form, list):
        return tuple(_value(part, blobs) for part in form)
    dtype = np.dtype(str(form["dtype"]))
    if dtype.kind not in "biuf":
        raise ValueError(f"an array of {dtype}")
    return np.frombuffer(blobs.pop(0), dtype).reshape(form["shape"])
