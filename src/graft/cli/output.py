"""How results, errors and progress are shown."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from graft.errors import GraftError

if TYPE_CHECKING:
    from graft.contracts import Progress

STEPS = {
    "read": "Reading",
    "list": "Listing",
    "fetch": "Fetching",
    "fetch_mb": "Fetching MB",
    "download": "Downloading",
    "export": "Converting",
    "embed": "Embedding",
    "fit": "Fitting",
    "index": "Indexing",
    "tune": "Tuning",
    "draw": "Drawing",
    "predict": "Predicting",
    "explain": "Explaining",
    "upload": "Sending",
    "prove": "Proving",
    "replay": "Asking",
    "install": "Installing",
}


_STRANGE = re.compile("(\x1b\\[[0-9;]*m)|[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""What could drive a terminal; its first group is what makes colours, which ``click.style`` writes."""


def say(text: str = "", *, err: bool = False, nl: bool = True) -> None:
    """Print for people: nothing but colours drives their terminal, and not even these with ``NO_COLOR``."""
    plain = bool(os.environ.get("NO_COLOR"))
    click.echo(_STRANGE.sub(lambda found: found[1] or "\ufffd", text), err=err, nl=nl, color=False if plain else None)


def pasted(*words: str | Path) -> str:
    """A command that works as it is pasted into the shell that this one came from: ``.venv/bin/graft fit 'my photos'``.

    Args:
        words: What follows the program: quoted where they need it.
    """
    return " ".join((_program(), *(clean_word(str(word)) for word in words)))


def clean_word(word: str) -> str:
    """A word quoted for a shell where it needs to be, with nothing in it that could drive a terminal."""
    return shlex.quote(_STRANGE.sub("\ufffd", word))


def _program() -> str:
    """How this program was called, or as it is found by its name."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py" and called.parent.name in ("graft", "cli"):
        python = Path(sys.executable)
        here = Path.cwd()
        if shutil.which(python.name) == str(python):
            return f"{python.name} -m graft"
        return f"{shlex.quote(str(python.relative_to(here) if here in python.parents else python))} -m graft"
    if called.name not in ("graft", "graft.exe") or shutil.which("graft") == str(called):
        return "graft"
    return shlex.quote(str(called))


def shown(text: object) -> str:
    """A name or a text of somebody's as one line that is safe to look at; colours are none of its own."""
    from graft.report.words import clean

    return clean(str(text))


def show_json(value: Any) -> None:
    """One JSON value on stdout, and nothing else."""
    click.echo(to_json(value))


def to_json(value: Any, stream: TextIO | None = None) -> str:
    """Strict JSON on one line, in ASCII where the stream (by default stdout) takes no UTF-8, and safe to look at."""
    encoding = getattr(stream or sys.stdout, "encoding", None) or ""
    in_utf8 = encoding.lower().replace("-", "") == "utf8"
    text = json.dumps(value, ensure_ascii=not in_utf8, allow_nan=False)
    return _STRANGE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def show_error(error: GraftError, *, as_json: bool) -> None:
    """What was wrong, what was found, what to do: as JSON on stdout, or as text on stderr."""
    if as_json:
        show_json({"error": error.to_dict()})
    else:
        say(f"{click.style('Error:', fg='red', bold=True)} {shown(error.message)}", err=True)
        if error.hint:
            say(f"       {shown(error.hint)}", err=True)


def wants_json(arguments: Sequence[str]) -> bool:
    """Whether machine-readable output was asked for, which holds for errors too."""
    return any(argument in ("--json", "--jsonl") for argument in arguments)


@contextmanager
def progress_bar(*, quiet: bool = False) -> Iterator[Progress]:
    """A bar with ETA on stderr for every step that takes a while; nothing where nobody watches.

    A Ctrl-C that was lost on its way ends the work when it next tells how far it has come.
    """
    from graft.executors import interrupts

    with interrupts() as heed:
        if quiet or not sys.stderr.isatty():
            yield lambda *_: heed()
        else:
            with _bars() as show:

                def tell(step: str, done: int, total: int) -> None:
                    heed()
                    show(step, done, total)

                yield tell


@contextmanager
def _bars() -> Iterator[Progress]:
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
