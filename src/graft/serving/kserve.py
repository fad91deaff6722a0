"""The inference protocol that KServe, Triton and others share ("v2"), in JSON and in its binary form."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

from graft.errors import ItemError
from graft.serving.json_items import check_number, content_of, parse, text_bytes
from graft.serving.loaded import LoadedModel
from graft.serving.predict_request import PredictRequest
from graft.serving.problems import Problem, to_json

INPUTS = {"text": "text", "image": "image", "audio": "recording"}
"""What the one input is called, by the model's modality; other names are taken as well."""
HEADER_LENGTH = "inference-header-content-length"
"""The header of the binary form: how long its JSON is, behind which the tensors lie."""
_NUMPY = {"BOOL": np.bool_, "FP32": np.float32, "FP64": np.float64}
_LENGTH = struct.Struct("<I")
_CONTENT_TYPES = {"str": "text", "base64": "file", "": ""}


def read_infer(body: bytes, modality: str, header_length: int | None) -> PredictRequest:
    """The items of a request.

    Args:
        body: JSON, or JSON and tensors.
        modality: What the model takes.
        header_length: How long the JSON is, where tensors follow.

    Raises:
        Problem: It is no request, or not one for this model.
    """
    head, tail = (body, b"") if header_length is None else (body[:header_length], body[header_length:])
    value = parse(head)
    if not isinstance(value, dict) or not isinstance(inputs := value.get("inputs"), list):
        _refuse('The body has no list of "inputs".')
    if len(inputs) != 1 or not isinstance(inputs[0], dict):
        _refuse(f"The request has {len(inputs)} inputs, and this model takes one.")
    tensor = inputs[0]
    name = tensor.get("name", INPUTS[modality])
    if not isinstance(name, str):
        _refuse("The name of the input is no text.")
    if tensor.get("datatype") != "BYTES":
        _refuse(f"The input {name[:40]!r} is not of the datatype BYTES.")
    own = _parameters(tensor)
    size = own.get("binary_data_size")
    if size is None:
        kind = _CONTENT_TYPES.get(str(own.get("content_type", "")), "")
        contents = [content_of(item, kind or modality) for item in _flat(tensor.get("data"))]
    else:
        contents = list(_binary(tail, size))
    _check_shape(tensor.get("shape"), len(contents))
    names = tuple(f"{name[:40]}[{place}]" for place in range(len(contents)))
    return PredictRequest(tuple(contents), names, rest=_wanted(value))


def header_length(value: str | None, body: bytes) -> int | None:
    """Where the tensors begin; ``None`` where there are none.

    Raises:
        Problem: The header is no such number.
    """
    if value is None:
        return None
    if not (value.isascii() and value.isdigit() and len(value) < 12 and 0 < int(value) <= len(body)):
        _refuse(f"{HEADER_LENGTH} is no number up to the length of the body.")
    return int(value)


def _parameters(value: Mapping[str, Any]) -> Mapping[str, Any]:
    own = value.get("parameters") or {}
    return own if isinstance(own, dict) else _refuse("parameters is no object.")


def _flat(data: Any) -> list[str]:
    """The elements of a tensor, written flat or nested."""
    found: list[str] = []
    left = [data] if isinstance(data, list) else _refuse("The input has no list of data.")
    while left:
        value = left.pop()
        if isinstance(value, list):
            left.extend(reversed(value))
        elif isinstance(value, str):
            found.append(value)
            check_number(len(found))
        else:
            _refuse("An element of the input is no text.")
    return found


def _binary(tail: bytes, size: Any) -> Sequence[bytes]:
    """The elements of a tensor of BYTES: a length of four bytes before each."""
    if not isinstance(size, int) or isinstance(size, bool) or size != len(tail):
        _refuse("binary_data_size is not the number of bytes behind the JSON.")
    found, at = [], 0
    while at < len(tail):
        if at + 4 > len(tail):
            _refuse("The tensor ends within a length.")
        (length,) = _LENGTH.unpack_from(tail, at)
        at += 4
        if length > len(tail) - at:
            _refuse("The tensor ends within an element.")
        found.append(tail[at : at + length])
        check_number(len(found))
        at += length
    return found


def _check_shape(shape: Any, n: int) -> None:
    whole = isinstance(shape, list) and all(isinstance(side, int) and not isinstance(side, bool) for side in shape)
    if not whole or any(side < 0 for side in shape) or math.prod(shape[:8]) != n or len(shape) > 8:
        _refuse(f"The shape of the input is not that of its {n:,} elements.")
    if not n:
        _refuse("The input is empty.")


def _wanted(value: Mapping[str, Any]) -> dict[str, Any]:
    """Which outputs are asked for, in which form, and the request's id."""
    own = value.get("id", "")
    if not isinstance(own, str) or isinstance(text_bytes(own), ItemError) or len(own) > 1000:
        _refuse("id is no text.")
    outputs = value.get("outputs") or []
    if not isinstance(outputs, list) or not all(
        isinstance(one, dict) and isinstance(one.get("name"), str) for one in outputs
    ):
        _refuse("outputs is no list of objects with a name.")
    everything = _parameters(value).get("binary_data_output") is True
    asked = {one["name"]: _parameters(one).get("binary_data", everything) is True for one in outputs}
    return {"id": own, "outputs": asked, "binary": everything}


def _refuse(message: str) -> NoReturn:
    raise Problem(400, "bad_request", message, "GET /docs shows a request.")


def outputs_of(model: LoadedModel) -> dict[str, str]:
    """What the model answers with, and of which datatype."""
    if model.classes:
        return {
            "label": "BYTES",
            "confidence": "FP32",
            "unknown": "BOOL",
            "unknown_score": "FP32",
            "set": "BYTES",
            "probabilities": "FP32",
        }
    return {"value": "FP64", "low": "FP64", "high": "FP64", "unknown": "BOOL"}


def model_data(model: LoadedModel) -> dict[str, Any]:
    """What is known of the model; ``set`` holds labels joined by ``|``, ``probabilities`` are as ``classes``."""
    sides = {"probabilities": [-1, len(model.classes)]}
    return {
        "name": model.name,
        "versions": [model.version],
        "platform": "graft",
        "inputs": [{"name": INPUTS[model.modality], "datatype": "BYTES", "shape": [-1]}],
        "outputs": [
            {"name": name, "datatype": kind, "shape": sides.get(name, [-1])} for name, kind in outputs_of(model).items()
        ],
        "parameters": {"classes": list(model.classes)},
    }


def infer_answer(model: LoadedModel, request: PredictRequest, answers: Sequence[Any]) -> tuple[bytes, int | None]:
    """The body of an answer; in the binary form, how long its JSON is.

    Raises:
        Problem: An item could not be answered, for which the protocol has no place beside the others; or outputs were
            asked for that there are not.
    """
    for name, answer in zip(request.names, answers, strict=True):
        if answer.error is not None:
            found = Problem.of_item(answer.error, name)
            raise Problem(found.status, found.code, f"{name}: {found.message}", found.hint, item=name)
    known, asked = outputs_of(model), request.rest["outputs"]
    if strange := [name for name in asked if name not in known]:
        _refuse(f"There is no output {strange[0][:40]!r}; there are {', '.join(known)}.")
    outputs, blobs = [], []
    for name in asked or known:
        values = [_value(name, answer, model.classes) for answer in answers]
        shape = [len(answers), len(model.classes)] if name == "probabilities" else [len(answers)]
        told: dict[str, Any] = {"name": name, "datatype": known[name], "shape": shape}
        if asked.get(name, request.rest["binary"]):
            blobs.append(_blob(known[name], values))
            told["parameters"] = {"binary_data_size": len(blobs[-1])}
        else:
            told["data"] = [one for row in values for one in row] if name == "probabilities" else values
        outputs.append(told)
    head = to_json(
        {
            "model_name": model.name,
            "model_version": model.version,
            **({"id": request.rest["id"]} if request.rest["id"] else {}),
            "outputs": outputs,
        }
    )
    return head + b"".join(blobs), len(head) if blobs else None


def _value(name: str, answer: Any, classes: Sequence[str]) -> Any:
    if name == "probabilities":
        return [answer.scores[label] for label in classes]
    if name == "set":
        return "|".join(answer.set)
    return getattr(answer, name)


def _blob(kind: str, values: Sequence[Any]) -> bytes:
    if kind == "BYTES":
        parts = [value.encode() for value in values]
        return b"".join(_LENGTH.pack(len(part)) + part for part in parts)
    return np.asarray(values, _NUMPY[kind]).tobytes()


def refusal(problem: Problem) -> bytes:
    """An error in the protocol's own form."""
    return json.dumps({"error": str(problem)}).encode()
