"""The tasks that there are.

A new one is a class that does what ``graft.contracts.Task`` says, and a line here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graft.data.dataset import Dataset
from graft.errors import UsageError
from graft.recipe import Recipe
from graft.tasks.classification import Classification
from graft.tasks.fit_result import AnyTask
from graft.tasks.multi_label import MultiLabel
from graft.tasks.regression import Regression

TASKS: dict[str, AnyTask] = {task.name: task for task in (Classification(), MultiLabel(), Regression())}
"""By the name that stands in recipes and bundles."""
NUMBERS = Regression().name
"""The task of a number for each item, which no data show by themselves."""
READING_FLAGS = tuple(name for task in TASKS.values() for name, value in task.reading.items() if value is True)
"""What ``graft.read`` can be told of targets by a yes: options of events and of jobs."""


def task_of(recipe: Recipe, dataset: Dataset) -> AnyTask:
    """The task that the recipe names; by default the one that the data show.

    Raises:
        UsageError: There is no such task.
    """
    return named(("multi_label" if dataset.tags else "classification") if recipe.task == "auto" else recipe.task)


def reading_of(recipe: Recipe) -> Mapping[str, Any]:
    """Arguments of ``graft.read`` for the task that the recipe names; none where the data are to show it.

    Raises:
        UsageError: There is no such task.
    """
    return {} if recipe.task == "auto" else named(recipe.task).reading


def named(task: str) -> AnyTask:
    """The task of this name.

    Raises:
        UsageError: There is none.
    """
    if task not in TASKS:
        raise UsageError(f"There is no task {task!r}.", f"There are {', '.join(TASKS)}, and auto.")
    return TASKS[task]
