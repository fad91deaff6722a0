"""Asking a graph about golden items again, from the values that it takes and from the files."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from graft.contracts import Progress, silent
from graft.errors import ItemError
from graft.export.proof.agreement import FILE_TOLERANCE, TOLERANCE, Agreement, Answer, Differing
from graft.export.proof.golden_set import GoldenItem, GoldenSet
from graft.export.proof.inference import Decode, GraphSession, Values


class Replay(NamedTuple):
    """How alike a graph answers.

    Attributes:
        of_values: To the values that were kept.
        of_files: To the files, decoded here.
    """

    of_values: Agreement
    of_files: Agreement

    @property
    def ok(self) -> bool:
        """Whether it answers as the model did."""
        return self.of_values.ok and self.of_files.ok

    @property
    def differing(self) -> tuple[Differing, ...]:
        """What it answers otherwise, an item once."""
        told = {one.item: one for found in (self.of_files, self.of_values) for one in found.differing}
        return tuple(sorted(told.values(), key=lambda one: (-one.difference, one.item)))


def replayed(
    session: GraphSession,
    goldens: GoldenSet,
    decode: Decode,
    precision: str,
    classes: tuple[str, ...],
    progress: Progress = silent,
) -> Replay:
    """Ask about every item.

    Args:
        session: The graph.
        goldens: Items with the model's answers.
        decode: From a file to what the graph takes.
        precision: In which kind of numbers the graph keeps its weights.
        classes: The labels.
        progress: Told of the step ``"replay"``.
    """
    of_values = Agreement(goldens.boundary, TOLERANCE[precision], classes)
    of_files = Agreement(goldens.boundary, FILE_TOLERANCE, classes)
    for done, item in enumerate(goldens.items):
        progress("replay", done, len(goldens.items))
        found = None
        if item.values is not None:
            found = _asked(session, item.values)
            of_values.add(item.name, item.of_values, found)
        of_files.add(item.name, item.of_file, _from_file(session, item, decode, found), item.of_values)
    progress("replay", len(goldens.items), len(goldens.items))
    return Replay(of_values, of_files)


def _from_file(session: GraphSession, item: GoldenItem, decode: Decode, known: Answer | str | None) -> Answer | str:
    try:
        values = decode(item.content)
    except ItemError as error:
        return error.message
    if known is not None and item.values is not None and _equal(values, item.values):
        return known
    return _asked(session, values)


def _asked(session: GraphSession, values: Values) -> Answer | str:
    try:
        return session.ask(values)
    except ItemError as error:
        return error.message


def _equal(first: Values, second: Values) -> bool:
    return first.keys() == second.keys() and all(np.array_equal(first[name], second[name]) for name in first)
