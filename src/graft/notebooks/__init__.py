"""A notebook as a function, unchanged: run with parameters, watched, stopped in time, what it left collected."""

from graft.notebooks.results import CellError, NotebookRun, OutputEvent, ShellFailure
from graft.notebooks.running import run_notebook

__all__ = ["CellError", "NotebookRun", "OutputEvent", "ShellFailure", "run_notebook"]
