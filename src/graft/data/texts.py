"""The texts behind the items of a data set, for what looks at words and not at embeddings."""

from __future__ import annotations

from collections.abc import Iterable

from graft.data.items import Item
from graft.decoding.encoding import read_text
from graft.errors import ItemError
from graft.executors import checkpoint


def texts_of(items: Iterable[Item]) -> list[str] | None:
    """The text of each item; ``None`` where one is not at hand, such as an item of a former fit."""
    found = [text_of(item) for item in items]
    texts = [text for text in found if text is not None]
    return texts if len(texts) == len(found) else None


def text_of(item: Item) -> str | None:
    """The text of an item, if it is at hand."""
    checkpoint()
    try:
        return read_text(item.read())
    except ItemError:
        return None
