"""``graft run``."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from graft.cli.options import How, how_options
from graft.cli.output import clean_word, say
from graft.cli.paths import Command, InputPath, Output
from graft.errors import Cancelled, UsageError
from graft.executors import on_sigterm

if TYPE_CHECKING:
    from graft.notebooks import NotebookRun, OutputEvent

_SHOWN = 20


@click.command(name="run", cls=Command)
@click.argument("notebook", metavar="NOTEBOOK.ipynb", type=InputPath(Path))
@click.option("-p", "parameters", multiple=True, metavar="NAME=VALUE", help="A value for a name that a cell sets.")
@click.option("--secret", "secrets", multiple=True, metavar="NAME", help="Its value is shown nowhere. [-p, or $NAME]")
@click.option("--time-limit", type=click.FloatRange(0, min_open=True), help="Seconds for all of it.")
@click.option("--strict", is_flag=True, help="A shell line that fails ends the run.")
@click.option("-o", "--output", type=Output("data"), help="Copy and files. [the notebook's name with -run]")
@how_options(json="Print JSON; what the notebook prints goes to stderr.", overwrite="Take the place of an earlier run.")
def command(
    notebook: Path,
    parameters: tuple[str, ...],
    secrets: tuple[str, ...],
    output: Path | None,
    how: How,
    **wanted: Any,
) -> int:
    """Run NOTEBOOK as it is, with other values for what its cells set, in its own folder.

    Its executed copy and the files and models that it writes are kept in the folder -o. When the time limit is over, at
    Ctrl-C, and however this command ends, no process that the notebook started goes on.
    """
    from graft.notebooks import run_notebook
    from graft.run import Run

    output = output or Path(f"{notebook.stem}-run")
    given = _given(parameters, secrets)
    stop = threading.Event()
    try:
        with on_sigterm(lambda *_: stop.set()):  # the notebook ends in order
            ran = run_notebook(
                notebook,
                given,
                output=output,
                run=Run(cancelled=stop),
                on_output=partial(_show, as_json=how.as_json),
                secrets=secrets,
                paths_from=Path.cwd(),
                overwrite=how.overwrite,
                **wanted,
            )
    except KeyboardInterrupt:
        raise Cancelled(
            "The notebook was stopped.", f"Its executed copy, as far as it came, is {output / notebook.name}."
        ) from None
    how.show(ran.to_dict, _lines(ran))
    return 0 if ran.ok else 1


def _given(parameters: tuple[str, ...], secrets: tuple[str, ...]) -> dict[str, str]:
    given: dict[str, str] = {}
    for text in parameters:
        name, equals, value = text.partition("=")
        if not equals or not name.isidentifier():
            raise UsageError("-p takes a name and a value, and was given something else.", "Such as -p data=photos/.")
        if name in given:
            raise UsageError(f"-p {name}=... is given twice.", "Give one value.")
        given[name] = value
    for name in secrets:
        if name not in given:
            if name not in os.environ:
                raise UsageError(
                    f"There is no value for the secret {name}: neither -p nor the environment has one.",
                    f"Set the environment variable {name}.",
                )
            given[name] = os.environ[name]
    return given


def _show(event: OutputEvent, *, as_json: bool) -> None:
    if event.kind == "cell":
        say(click.style(f"Cell {event.cell} of {event.cells}", dim=True), err=True)
    elif event.kind in ("note", "error"):
        say(event.text, err=True)
    else:
        text = event.text.removesuffix("\n")
        say(text, err=as_json or event.kind == "stderr")


def _lines(ran: NotebookRun) -> Iterator[str]:
    if ran.error is None:
        yield f"Ran to its end in {ran.seconds:.1f} s."
    else:
        where = f"cell {ran.error.cell}" if ran.error.cell else "its start"
        yield f"{click.style('Failed', fg='red', bold=True)} in {where}: {ran.error.name}: {ran.error.message}"
    for failure in ran.shell[:_SHOWN]:
        yield f"Shell     cell {failure.cell}: {failure.command} ended with exit code {failure.exit_code}"
    yield f"Notebook  {clean_word(str(ran.notebook))}"
    for title, paths in (("Model", ran.models), ("File", ran.files)):
        for path in paths[:_SHOWN]:
            yield f"{title:<9} {clean_word(str(path))}"
        if len(paths) > _SHOWN:
            yield f"          and {len(paths) - _SHOWN} more"
