"""What is asked of items: each task is an entry of ``TASKS``, and whatever else there is asks the task."""

from graft.tasks.examples import Examples
from graft.tasks.fit_result import AnyTask, FitResult
from graft.tasks.held_out import HeldOut
from graft.tasks.table import NUMBERS, READING_FLAGS, TASKS, named, reading_of, task_of

__all__ = [
    "NUMBERS",
    "READING_FLAGS",
    "TASKS",
    "AnyTask",
    "Examples",
    "FitResult",
    "HeldOut",
    "named",
    "reading_of",
    "task_of",
]
