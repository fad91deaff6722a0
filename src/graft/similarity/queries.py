"""What is asked: queries as items, and why one cannot be answered."""

from __future__ import annotations

import math
import os
from pathlib import PurePosixPath
from typing import Any

from graft.data.dataset import Dataset, Item
from graft.data.items import Broken, File, Text, as_item
from graft.data.kinds import is_there, kind_or_reason
from graft.decoding.formats import NOUNS, belongs_to, is_tabular
from graft.errors import ItemError, UsageError


def check_asked(queries: Any, min_similarity: float) -> None:
    """Whether these are several queries, and the least similarity is one.

    Raises:
        UsageError: It is one query, of which the parts would be searched; or the least similarity is no number.
    """
    if isinstance(queries, str | bytes | os.PathLike):
        raise UsageError(
            f"Several queries are a list, and this is one {type(queries).__name__}.", "Use search, or give a list."
        )
    if math.isnan(min_similarity):
        raise UsageError("The least similarity is no number: nan.", "Give a number from -1 to 1.")


def as_query(value: Any, place: int, modality: str) -> Item:
    """The item for a query; a table is none, for it would be read as one long text.

    Raises:
        DataError: The value is of a type that Graft cannot read.
    """
    item = as_item(value, place, modality)
    is_table = isinstance(item, File) and is_tabular(item.path.name) and item.path.is_file()
    if modality == "text" and is_table:
        return Broken(
            item.name,
            "not_a_text",
            f"{item.name} is a table, and a query is one text.",
            "Give its texts, one query each.",
        )
    return item


def explained(error: ItemError, query: Item, dataset: Dataset) -> ItemError:
    """Why a query cannot be answered, with what is searched where it is of another modality."""
    searched = NOUNS[dataset.modality]
    found = belongs_to(kind_or_reason(query)[0])
    if found and found != dataset.modality:
        return ItemError(
            error.reason,
            f"{query.name} is a {NOUNS[found][0]}, and {dataset.name} holds {searched[1]}.",
            f"Search it with a {searched[0]}.",
        )
    if isinstance(query, Text) and not query.text.strip():
        return ItemError(error.reason, "The query has no text.", "Write something.")
    if isinstance(query, File) and not is_there(str(query.path)):
        instead = f"{dataset.name} holds {searched[1]}: search it with a {searched[0]}'s file."
        return ItemError(error.reason, error.message, error.hint if PurePosixPath(query.name).suffix else instead)
    if isinstance(query, File) and query.path.is_dir():
        return ItemError(error.reason, f"{query.name} is a folder.", "Give the files in it, one query each.")
    return error
