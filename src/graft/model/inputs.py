"""What may be given: data sets and paths to them, caches and none."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from inspect import signature
from operator import index
from pathlib import Path
from typing import Any, Literal

from graft.contracts import Progress
from graft.data.dataset import Dataset
from graft.encoders.cache import Cache
from graft.errors import UsageError
from graft.reading.read import read
from graft.recipe import Recipe
from graft.run import NEVER, Flag, Run, Stopwatch

Source = Dataset | str | Path | Any
"""A data set, a path to one, or a data frame."""
CacheChoice = Cache | Literal["default"] | None


def as_labelled(data: Any, labels: Any, groups: Any) -> Dataset:
    """The data set of items and labels that are given side by side.

    Raises:
        UsageError: There are groups and no labels, or the items are a data set, which has labels already.
        DataError: They do not fit together.
    """
    if labels is None:
        raise UsageError("There are groups and no labels.", "Give graft.fit(items, labels, groups=groups).")
    if isinstance(data, Dataset):
        raise UsageError(
            "A data set has its labels already, and others were given beside it.",
            "Give the items as a list, or make another data set: graft.Dataset.from_lists(items, labels).",
        )
    return Dataset.from_lists(data, labels, groups=groups)


def as_recipe(recipe: Recipe | None, options: Mapping[str, Any]) -> Recipe:
    """The recipe with these of its fields changed.

    Raises:
        UsageError: A recipe has no such field, or not such a value.
    """
    recipe = recipe or Recipe()
    known = {field.name for field in dataclasses.fields(recipe)}
    if unknown := [name for name in options if name not in known]:
        raise UsageError(f"fit takes no {unknown[0]!r}.", _where_it_belongs(unknown[0], known))
    return dataclasses.replace(recipe, **options)


def _where_it_belongs(option: str, known: Collection[str]) -> str:
    """Who takes an option that ``fit`` does not."""
    if option in signature(read).parameters:
        return f"Read the data with it: graft.fit(graft.read(data, {option}=...))."
    if option in ("output", "report", "overwrite"):
        return "Save what fit returns: model.save(path), with its report as a page: model.save(path, page=...)."
    close = get_close_matches(option, known, n=1)
    return f"Did you mean {close[0]!r}?" if close else f"A recipe knows {', '.join(sorted(known))}."


def as_run(cache: CacheChoice, progress: Progress, cancelled: Flag = NEVER, clock: Stopwatch | None = None) -> Run:
    """What a piece of work is done with, from what a public function was given."""
    return Run(Cache() if cache == "default" else cache, progress, clock or Stopwatch(), cancelled=cancelled)


def at_least_one(n: Any) -> int:
    """How many items were asked for.

    Raises:
        UsageError: It is no whole number, or below 1.
    """
    try:
        number = index(n)
    except TypeError:
        number = 0
    if number < 1:
        raise UsageError(f"{n!r} items were asked for.", "Ask for a whole number, 1 or more.")
    return number
