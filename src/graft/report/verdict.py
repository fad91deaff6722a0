"""What came of a tuning, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from graft.data.dataset import Skipped
from graft.report import runs, words
from graft.report.terminal import Lines, draw, grid, page_width, room_of, skipped_lines
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
    return draw([words.clean(tuning.reason)], sections, width)


def _sections(tuning: Tuning, modality: str, skipped: Sequence[Skipped], room: int) -> Iterator[tuple[str, Lines]]:
    yield "Decided by", [words.amount(tuning.n_decided, modality)]
    for when, accuracy, loss in runs.compared(tuning):
        yield when.capitalize(), [f"accuracy {accuracy}, log loss {loss}"]
    if tuning.runs:
        rows = [(run.name, run.epochs, run.best, run.each, run.ended) for run in runs.runs(tuning)]
        shown = grid(("left", "right", "right", "right", "fold"), rows, ("run", "epochs", "kept", "an epoch", "ended"))
        yield "", [""]
        yield "Runs", (shown, "")
        yield "Trained", (runs.trained(tuning).removeprefix("Trained: "), "")
    if skipped:
        yield "Skipped", (*skipped_lines(skipped, modality, room), "")
    yield "Time", [runs.spent(tuning)]
