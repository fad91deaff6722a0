"""The one way from items to answers: they are embedded chunk by chunk, whoever asks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from graft.contracts import Encoder
from graft.data.items import Item
from graft.encoders.embed import Embedded, stream
from graft.run import Run


class Chunk(NamedTuple):
    """Some of the items, in order.

    Attributes:
        items: The items.
        embedded: Their embeddings; its ``rows`` and ``skipped`` count from the first of them.
    """

    items: Sequence[Item]
    embedded: Embedded

    @property
    def readable(self) -> list[Item]:
        """The items of ``embedded.x``, row by row."""
        return [self.items[row] for row in self.embedded.rows.tolist()]


def chunks_of(encoder: Encoder, items: Iterable[Item], run: Run) -> Iterator[Chunk]:
    """Any number of items with their embeddings, in bounded memory."""
    waiting: list[Item] = []

    def noted() -> Iterator[Item]:
        for item in items:
            waiting.append(item)
            yield item

    offset = 0
    for chunk in stream(encoder, noted(), run):
        n = len(chunk.rows) + len(chunk.skipped)
        skipped = {row - offset: error for row, error in chunk.skipped.items()}
        yield Chunk(tuple(waiting[:n]), replace(chunk, rows=chunk.rows - offset, skipped=skipped))
        del waiting[:n]
        offset += n
