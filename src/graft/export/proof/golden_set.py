"""Golden items with what a graph takes for them and what the model said: how they are made, written and read again.

::

    goldens/001.png               the files
    goldens/inputs.safetensors    what a graph takes for them, ``001.pixels`` and so on, small ones alone
    goldens/answers.safetensors   what the model said of the files, ``001.probabilities`` and so on

Graft decodes a large picture at a part of its size, and a graph is given all of it: the two are near, and not the same.
What the model says of the very values that the graph takes stands under ``001.values.probabilities`` where it is
another answer than that to the file.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from graft.contracts import Array
from graft.errors import ExportError, ItemError
from graft.export.proof.agreement import Answer, Boundary
from graft.export.proof.answers import answers_of, boundary_of
from graft.export.proof.goldens import OF_DATA, Golden
from graft.export.proof.inference import Decode, Values, checked_answer, expected_outputs
from graft.model import Model

FOLDER = "goldens"
INPUTS, ANSWERS = f"{FOLDER}/inputs.safetensors", f"{FOLDER}/answers.safetensors"
MOST_ITEMS = 1_000
LARGEST_VALUE = 1_000_000
"""Bytes of what a graph takes for one item; of larger ones the file alone is kept."""
MOST_VALUES = 16_000_000
"""Bytes of all of them."""
_FILE = re.compile(r"(\d{3})\.[a-z0-9]{1,5}")
_VALUES = "values."


class GoldenItem(NamedTuple):
    """One item with its answers.

    Attributes:
        name: Of its file, such as ``001.png``.
        content: The file's bytes.
        what: What it is, in words.
        values: What a graph takes for it; ``None`` where that is too large to be kept.
        of_file: What the model said of the file.
        of_values: What it said of the values.
    """

    name: str
    content: bytes
    what: str
    values: Values | None
    of_file: Answer
    of_values: Answer

    @property
    def own(self) -> bool:
        """Whether it is from data that were given."""
        return self.what.startswith(OF_DATA)

    @property
    def number(self) -> str:
        """What stands before the point of its name."""
        return self.name.split(".")[0]


@dataclass(frozen=True, slots=True)
class GoldenSet:
    """Items whose answers are known.

    Attributes:
        items: In the order of their numbers.
        boundary: Where answers tip over.
    """

    items: Sequence[GoldenItem]
    boundary: Boundary

    def files(self) -> dict[str, bytes]:
        """Contents by their place in an export; the same set gives the same bytes."""
        from safetensors.numpy import save

        inputs: dict[str, Array] = {}
        answers: dict[str, Array] = {}
        room = MOST_VALUES
        for item in self.items:
            size = sum(array.nbytes for array in item.values.values()) if item.values else 0
            if item.values and size <= min(room, LARGEST_VALUE):
                inputs |= {f"{item.number}.{name}": np.ascontiguousarray(array) for name, array in item.values.items()}
                room -= size
            answers |= {f"{item.number}.{name}": np.ascontiguousarray(array) for name, array in item.of_file.items()}
            if not _same(item.of_file, item.of_values):
                answers |= {
                    f"{item.number}.{_VALUES}{name}": np.ascontiguousarray(array)
                    for name, array in item.of_values.items()
                }
        files = {f"{FOLDER}/{item.name}": item.content for item in self.items}
        return {**files, INPUTS: save(inputs), ANSWERS: save(answers)}


def gather(model: Model, goldens: Sequence[Golden], decode: Decode) -> GoldenSet:
    """Ask the model about golden items; those that it cannot read are left out.

    Args:
        model: On a backend that computes in float32.
        goldens: What is to be asked.
        decode: From a file to what a graph takes.
    """
    contents = [golden.content for golden in goldens]
    values = [_decoded(decode, content) for content in contents]
    of_files = answers_of(model, contents)
    of_values = list(of_files)
    packed = {place: content for place, one in enumerate(values) if one and (content := _as_file(one)) is not None}
    for place, answer in zip(packed, answers_of(model, list(packed.values())), strict=True):
        of_values[place] = answer
    items: list[GoldenItem] = []
    for golden, one, of_file, of_value in zip(goldens, values, of_files, of_values, strict=True):
        if one is not None and of_file is not None and of_value is not None:
            name = f"{len(items) + 1:03}.{golden.extension}"
            items.append(GoldenItem(name, golden.content, golden.what, one, of_file, of_value))
    return GoldenSet(items, boundary_of(model))


def restore(
    told: Mapping[str, str],
    content: Callable[[str], bytes],
    boundary: Boundary,
    classes: int,
) -> GoldenSet:
    """The set that ``files`` wrote; every value is doubted.

    Args:
        told: What each file is in words, by its name.
        content: Reads a file of the export, bounded.
        boundary: Where answers tip over.
        classes: How many there are.

    Raises:
        ExportError: Something is missing, or is not what an export has.
    """
    if not 1 <= len(told) <= MOST_ITEMS or not all(_FILE.fullmatch(name) for name in told):
        raise ExportError("The certificate names no golden items, or impossible ones.")
    inputs, answers = _by_number(content(INPUTS), INPUTS), _by_number(content(ANSWERS), ANSWERS)
    outputs = expected_outputs(classes)
    items = []
    for name, what in sorted(told.items()):
        number = name.split(".")[0]
        found = answers.get(number, {})
        of_values = {key.removeprefix(_VALUES): array for key, array in found.items() if key.startswith(_VALUES)}
        try:
            of_file = checked_answer(found, outputs)
            of_value = checked_answer(of_values, outputs) if of_values else of_file
        except ItemError as error:
            raise ExportError(f"The known answer to {name} cannot be used: {error.message}") from None
        if not all(np.isfinite(array).all() for answer in (of_file, of_value) for array in answer.values()):
            raise ExportError(f"The known answer to {name} holds numbers that are not finite.")
        values = inputs.get(number)
        items.append(GoldenItem(name, content(f"{FOLDER}/{name}"), what, values, of_file, of_value))
    return GoldenSet(items, boundary)


def _decoded(decode: Decode, content: bytes) -> Values | None:
    try:
        return decode(content)
    except ItemError:
        return None


def _as_file(values: Values) -> bytes | None:
    """What a graph takes as the file of a picture again; ``None`` of what is the same on both roads anyway."""
    if "pixels" not in values:
        return None
    buffer = io.BytesIO()
    Image.fromarray(values["pixels"][0]).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _same(first: Answer, second: Answer) -> bool:
    return all(np.array_equal(first[name], second[name]) for name in first)


def _by_number(content: bytes, name: str) -> dict[str, dict[str, Any]]:
    """The arrays of a file: by the number of the item, and what they are."""
    from safetensors.numpy import load

    try:
        arrays = load(content)
    except Exception as error:  # of a damaged file the library raises errors of its own
        raise ExportError(f"{name} cannot be read: {str(error)[:200]}.") from None
    found: dict[str, dict[str, Any]] = {}
    for key, array in arrays.items():
        number, _, what = key.partition(".")
        found.setdefault(number, {})[what] = array
    return found
