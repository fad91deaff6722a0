"""How results, errors and progress are shown."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from graft.errors import GraftError

if TYPE_CHECKING:
    from graft.contracts import Progress

STEPS = {
    "read": "Reading",
    "download": "Downloading",
    "export": "Converting",
    "embed": "Embedding",
    "fit": "Fitting",
    "judge": "Judging",
    "index": "Indexing",
    "tune": "Tuning",
    "draw": "Drawing",
    "predict": "Predicting",
}


def show_json(value: Any) -> None:
    """One JSON value on stdout, and nothing else."""
    click.echo(to_json(value))


def to_json(value: Any) -> str:
    """Strict JSON on one line, in ASCII where stdout takes no UTF-8."""
    in_utf8 = (getattr(sys.stdout, "encoding", None) or "").lower().replace("-", "") == "utf8"
    return json.dumps(value, ensure_ascii=not in_utf8, allow_nan=False)


def show_error(error: GraftError, *, as_json: bool) -> None:
    """What was wrong, what was found, what to do: as JSON on stdout, or as text on stderr."""
    if as_json:
        show_json({"error": error.to_dict()})
    else:
        from graft.report.words import clean

        click.echo(f"{click.style('Error:', fg='red', bold=True)} {clean(error.message)}", err=True)
        if error.hint:
            click.echo(f"       {clean(error.hint)}", err=True)


def wants_json(arguments: Sequence[str]) -> bool:
    """Whether machine-readable output was asked for, which holds for errors too."""
    return any(argument in ("--json", "--jsonl") for argument in arguments)


@contextmanager
def progress_bar(*, quiet: bool = False) -> Iterator[Progress]:
    """A bar with ETA on stderr for every step that takes a while; nothing where nobody watches."""
    if quiet or not sys.stderr.isatty():
        from graft.contracts import silent

        yield silent
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description:>10}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("eta"),
        TimeRemainingColumn(),
        TimeElapsedColumn(),
    )
    # Left to itself, rich sends what is printed meanwhile to the bar's stream: results would be lost from stdout.
    with Bars(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False) as bars:
        tasks: dict[str, Any] = {}

        def tell(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(STEPS.get(step, step), total=None)
            bars.update(tasks[step], completed=done, total=total or None)

        yield tell
