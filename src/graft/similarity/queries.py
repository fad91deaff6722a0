"""Why a query cannot be answered."""

from __future__ import annotations

from pathlib import PurePosixPath

from graft.data.dataset import Dataset, Item
from graft.data.formats import NOUNS, belongs_to
from graft.data.items import File, Text
from graft.data.kinds import UNREADABLE, is_there, look_at
from graft.errors import ItemError


def explained(error: ItemError, query: Item, dataset: Dataset) -> ItemError:
    """Why a query cannot be answered, with what is searched where it is of another modality."""
    searched = NOUNS[dataset.modality]
    found = _modality_of(query)
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


def _modality_of(query: Item) -> str | None:
    if isinstance(query, Text):
        return "text"
    try:
        return belongs_to(look_at(query))
    except UNREADABLE:
        return None
