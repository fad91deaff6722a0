"""What came of a tuning, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from graft.data.dataset import Skipped
from graft.report import runs, words
from graft.report.terminal import columns, draw, heads, page_width, plain, room_of, skipped_lines
from graft.results.history import Tuning


def render(tuning: Tuning, modality: str, width: int | None = None, *, skipped: Sequence[Skipped] = ()) -> str:
    """Why it ships or not, both models' figures, a row for each run and what was skipped, ``width`` columns at most.

    Args:
        tuning: How it went.
        modality: Of the items that decided.
        width: 60 to 100; by default what the terminal has.
        skipped: The items that could not be used.
    """
    width = page_width(width)
    sections = _sections(tuning, modality, skipped, room_of(width))
    return draw(Text(words.clean(tuning.reason), "bold"), sections, width)


def _sections(
    tuning: Tuning, modality: str, skipped: Sequence[Skipped], room: int
) -> Iterator[tuple[str, RenderableType]]:
    yield "Decided by", Text(words.amount(tuning.n_decided, modality))
    for when, accuracy, loss in runs.compared(tuning):
        yield when.capitalize(), plain(f"accuracy {accuracy}, log loss {loss}")
    if tuning.runs:
        yield "", Text()
        yield "Runs", Group(_runs(tuning), Text())
        yield "Trained", Group(plain(runs.trained(tuning).removeprefix("Trained: ")), Text())
    if skipped:
        yield "Skipped", Group(*skipped_lines(skipped, modality, room), Text())
    yield "Time", plain(runs.spent(tuning), "dim")


def _runs(tuning: Tuning) -> Table:
    grid = columns("left", "right", "right", "right", fold=True)
    heads(grid, "run", "epochs", "kept", "an epoch", "ended")
    for run in runs.runs(tuning):
        grid.add_row(run.name, run.epochs, run.best, plain(run.each), run.ended)
    return grid
