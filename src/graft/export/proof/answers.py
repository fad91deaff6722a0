"""What the model itself says of golden items, in float32: the answers that an export has to give wherever it runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np

from graft.contracts import silent
from graft.data.items import Item, Memory, Text
from graft.data.texts import texts_of
from graft.encoders.embed import embed
from graft.export.proof.agreement import Answer, Boundary
from graft.model.inputs import as_run

if TYPE_CHECKING:
    from graft.model import Model

_NAMES = {"p": "probabilities", "sets": "set"}


def answers_of(model: Model, contents: Sequence[bytes]) -> list[Answer | None]:
    """What ``Model.predict`` says of files, as arrays of one row each; ``None`` of what it cannot read.

    Args:
        model: On a backend that computes in float32.
        contents: The files' bytes.
    """
    assert model.encoder is not None
    items = [_item(content, model.report.modality, place) for place, content in enumerate(contents)]
    found = embed(model.encoder, items, as_run(None, silent))
    if not len(found.rows):
        return [None] * len(contents)
    texts = texts_of([items[row] for row in found.rows.tolist()]) if model.classifier.words else None
    said = model.classifier.answer(found.x, texts)
    answers: list[Answer | None] = [None] * len(contents)
    for place, row in enumerate(found.rows.tolist()):
        answers[row] = {_name(each.name): getattr(said, each.name)[place : place + 1] for each in fields(said)}
    return answers


def boundary_of(model: Model) -> Boundary:
    """Where its answers tip over."""
    head: Any = model.classifier
    k = len(model.classes)
    sets = getattr(head, "sets", None)
    members = np.full(k, getattr(head, "threshold", 0.0)) if sets is None else sets.reached
    return Boundary(float(head.unknown.threshold), tuple(map(float, members)), bool(head.exclusive))


def _item(content: bytes, modality: str, place: int) -> Item:
    return Text(content.decode(errors="replace")) if modality == "text" else Memory(content, f"golden {place}")


def _name(field: str) -> str:
    return _NAMES.get(field, field)
