"""From a model and items without labels to a shortlist."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from graft.contracts import Progress, silent
from graft.data.dataset import Dataset, Item, as_item
from graft.encoders.embed import chunks_of
from graft.errors import DataError, NothingToRead, UsageError
from graft.labelling.pool import UnlabelledPool
from graft.labelling.shortlist import Shortlist
from graft.model import Model
from graft.model.inputs import CacheChoice, as_run, at_least_one
from graft.reading.inputs import gather
from graft.run import NEVER, Flag
from graft.tasks.examples import nothing_readable


def label_next(
    model: Model,
    items: Dataset | str | Path | Iterable[Any],
    n: int = 20,
    *,
    cache: CacheChoice = "default",
    progress: Progress = silent,
    cancelled: Flag = NEVER,
) -> Shortlist:
    """The items whose labels would help a model most, the one to label first in front.

    Items of which the model is unsure, that are like many others and unlike each other: see ``choose``. What the model
    was fitted to is known by content and left out, test split included. Memory does not grow with the number of items,
    but for a hash of each.

    Args:
        model: A fitted model.
        items: A folder, zip, table or file; a data set, whose labels are not looked at; or items one by one as
            ``Model.predict`` takes them.
        n: How many to choose; of fewer items, all are put into order.
        cache: Where embeddings are kept.
        progress: Told how far the work has come.
        cancelled: Ends the work once it is set, such as a ``threading.Event``.

    Raises:
        NothingToRead: There are no items, or none can be read.
        DataError: The model was fitted to a matrix, so that it cannot read items.
        UsageError: ``n`` is no whole number from 1 on.
    """
    n = at_least_one(n)
    if model.encoder is None:
        raise DataError("This model was fitted to a matrix of embeddings.", "Fit one to items, which it can then read.")
    if not model.classes:
        raise UsageError(
            "What to label next is chosen among classes, and this model predicts numbers.",
            "Begin with the items that graft predict calls unknown.",
        )
    modality = model.report.modality
    found = _items_of(items, modality)
    pool = UnlabelledPool(model)
    run = as_run(cache, progress, cancelled)
    done = 0
    for chunk in chunks_of(model.encoder, found, run):
        pool.add(chunk)
        done += len(chunk.items)
        run.tell("embed", done, 0)
    if not done:
        raise NothingToRead("There are no items to choose from.", "Give a folder, zip or table with items in it.")
    if not pool.n_items and not pool.n_labelled:
        raise nothing_readable(pool.skipped, modality)
    return pool.shortlist(n)


def _items_of(items: Dataset | str | Path | Iterable[Any], modality: str) -> Iterable[Item]:
    if isinstance(items, str | Path):
        return gather([items], modality)
    values = items.items if isinstance(items, Dataset) else items
    return (as_item(value, position, modality) for position, value in enumerate(values))
