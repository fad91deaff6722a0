"""The texts behind the items of a data set, for what looks at words and not at embeddings."""

from __future__ import annotations

from collections.abc import Iterable

from graft.data.encoding import read_text
from graft.data.items import Item
from graft.errors import ItemError


def texts_of(items: Iterable[Item]) -> list[str] | None:
    """The text of each item; ``None`` where one is not at hand, such as an item of a former fit."""
    try:
        return [read_text(item.read()) for item in items]
    except ItemError:
        return None
