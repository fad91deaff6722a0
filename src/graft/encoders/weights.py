"""Reads the published weights of the built-in networks, without running anything in them.

A torch file of the older format is a pickle followed by raw numbers. ``pickletools`` is used to *look at* the pickle's
instructions; the dozen that describe tensors are interpreted here, and any other is refused. Nothing is imported and
nothing is called, so a file can only become arrays.
"""

from __future__ import annotations

import io
import pickletools
import struct
from collections.abc import Callable, Sequence
from typing import Any, BinaryIO

import numpy as np

from graft.contracts import Float32
from graft.errors import EncoderError

STORAGES: dict[str, np.dtype[Any]] = {"torch FloatStorage": np.dtype("<f4"), "torch LongStorage": np.dtype("<i8")}
REDUCIBLE = {"collections OrderedDict", "torch._utils _rebuild_tensor_v2"}
MAGIC = 0x1950A86A20F9469CFC6C
"""First number of a torch file of the older format (``torch.serialization.MAGIC_NUMBER``)."""


def read_safetensors(content: bytes) -> dict[str, Float32]:
    """The float tensors of a safetensors file, by name.

    Raises:
        EncoderError: The content is anything else.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        tensors = load(content)
    except (SafetensorError, ValueError, KeyError) as error:
        raise EncoderError(f"The weights cannot be read: {error}.", "Reinstall their package.") from None
    return {name: array for name, array in tensors.items() if array.dtype == np.float32}


def read_torch(content: bytes) -> dict[str, Float32]:
    """The float tensors of a torch state dict in the older (pre-1.6) file format, by name.

    Raises:
        EncoderError: The content is anything else than tensors.
    """
    file = io.BytesIO(content)
    try:
        if _interpret(file) != MAGIC:
            raise EncoderError(
                "The weights are not a torch file of the older format.", "Reinstall the weights' package."
            )
        _interpret(file)  # the protocol's version
        _interpret(file)  # sizes of C types on the machine that wrote it
        tensors = _interpret(file)
        storages = _read_storages(file, tensors, _interpret(file))
        arrays = {name: _view(tensor, storages) for name, tensor in tensors.items()}
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError, struct.error) as error:
        raise EncoderError(
            f"The weights hold something else than tensors: {error}.", "Reinstall their package."
        ) from None
    return {name: array for name, array in arrays.items() if array.dtype == np.float32}


class _Storage(tuple[Any, ...]):
    """A reference to numbers that follow: ("storage", type, key, device, length, ...)."""


class _Tensor(tuple[Any, ...]):
    """A tensor before its numbers are known: (storage, offset, shape, strides, ...)."""


def _read_storages(file: BinaryIO, tensors: dict[str, _Tensor], keys: list[str]) -> dict[str, Any]:
    kinds = {tensor[0][2]: STORAGES[tensor[0][1]] for tensor in tensors.values()}
    storages = {}
    for key in keys:
        (length,) = struct.unpack("<q", file.read(8))
        storages[key] = np.frombuffer(file.read(length * kinds[key].itemsize), kinds[key], length)
    return storages


def _view(tensor: _Tensor, storages: dict[str, Any]) -> Any:
    storage, offset, shape, strides = tensor[:4]
    numbers = storages[storage[2]]
    last = offset + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
    if offset < 0 or min(shape, default=1) < 1 or min(strides, default=1) < 0 or last >= len(numbers):
        raise ValueError(f"a tensor of shape {shape} reaches outside its storage")
    byte_strides = tuple(stride * numbers.itemsize for stride in strides)  # converted weights are not C-contiguous
    return np.lib.stride_tricks.as_strided(numbers[offset:], shape, byte_strides, writeable=False).copy()


def _interpret(file: BinaryIO) -> Any:
    """The value that one pickle describes, made of numbers, strings, tuples, lists, dicts and tensors only.

    It works on a stack, on places that are marked in it, and on a memo, by the instructions that are allowed.
    """
    stack: list[Any] = []
    marks: list[int] = []
    memo: dict[int, Any] = {}
    push = stack.append

    def cut(start: int) -> tuple[Any, ...]:
        values = tuple(stack[start:])
        del stack[start:]
        return values

    def extend(values: Sequence[Any]) -> None:
        stack[-1].extend(values)

    def set_items(values: Sequence[Any]) -> None:
        stack[-1].update(zip(values[::2], values[1::2], strict=True))

    def reduce(function: str, arguments: tuple[Any, ...]) -> None:
        if function not in REDUCIBLE:
            raise ValueError(f"a call of {function}")
        push({} if function == "collections OrderedDict" else _Tensor(arguments))

    actions: dict[str, Callable[[Any], object]] = {
        "PROTO": lambda _: None,
        "MARK": lambda _: marks.append(len(stack)),
        "NONE": lambda _: push(None),
        "NEWTRUE": lambda _: push(True),
        "NEWFALSE": lambda _: push(False),
        "EMPTY_TUPLE": lambda _: push(()),
        "EMPTY_LIST": lambda _: push([]),
        "EMPTY_DICT": lambda _: push({}),
        "TUPLE": lambda _: push(cut(marks.pop())),
        "TUPLE1": lambda _: push(cut(-1)),
        "TUPLE2": lambda _: push(cut(-2)),
        "TUPLE3": lambda _: push(cut(-3)),
        "APPENDS": lambda _: extend(cut(marks.pop())),
        "SETITEM": lambda _: set_items(cut(-2)),
        "SETITEMS": lambda _: set_items(cut(marks.pop())),
        "BUILD": lambda _: cut(-1),  # attributes of the dict, where torch keeps versions: not wanted
        "REDUCE": lambda _: reduce(*cut(-2)),
        "BINPERSID": lambda _: push(_Storage(stack.pop())),
        **dict.fromkeys(("BINUNICODE", "BININT", "BININT1", "BININT2", "LONG1", "GLOBAL"), push),
        **dict.fromkeys(("BINPUT", "LONG_BINPUT"), lambda index: memo.update({index: stack[-1]})),
        **dict.fromkeys(("BINGET", "LONG_BINGET"), lambda index: push(memo[index])),
    }
    for opcode, argument, _ in pickletools.genops(file):
        if opcode.name == "STOP":
            return stack[-1]
        if opcode.name not in actions:
            raise ValueError(f"the instruction {opcode.name}")
        actions[opcode.name](argument)
    raise ValueError("no end")
