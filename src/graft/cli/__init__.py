"""The command line: parse, call, show.

Results go to stdout, progress to stderr. Exit codes: 0 done, 1 the user can mend it, 2 usage, 3 a gate said no.
Each command is a module of this room and a line in ``COMMANDS``; a module is imported only when its command runs.
"""

from __future__ import annotations

import importlib
import io
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import click

from graft.cli.output import pasted, say, show_error, wants_json
from graft.errors import GraftError, MissingColumn, UsageError
from graft.version import __version__

_WHOLE = (["export"], ["verify"])
"""Commands that end whole or leave nothing behind: neither a cache nor half a result."""
COMMANDS = {
    "demo": "A built-in sample, from fit to report, offline.",
    "fit": "Fit a model to labelled data and say how good it is.",
    "predict": "Name the class of files, folders, or what stdin lists.",
    "evaluate": "Score a model on labelled data.",
    "extend": "Give a fitted model more classes, without its old items.",
    "app": "Try a model in a web page: photos, texts, camera, microphone.",
    "clean": "Find what is wrong in the data; go through it in a web page.",
    "search": "Find the items that are most like a picture, text or recording.",
    "index": "Embed a collection once, to search it or to predict beside it.",
    "collect": "Download pictures from an image search, a folder for each class.",
    "label-next": "Of unlabelled items, those whose labels would help most.",
    "tune": "Fine-tune a model's encoder; it ships only if that is better.",
    "retrain": "Fit a model anew; the new one ships only if it is better.",
    "export": "Write a model in a form that answers without Graft.",
    "verify": "Check an export: its files, and that it answers as the model did.",
    "push": "Send a model or an export to a hub, with a card.",
    "compare": "Compare encoders on your data: score, speed, size, licence.",
    "train": "Fit as a training job of a platform, in a container.",
    "monitor": "Say whether what a model is asked has changed, by its log.",
    "serve": "Answer over HTTP with a model.",
    "run": "Run a notebook unchanged, with other values, and collect what it writes.",
    "encoders": "What encoders are here, what they cost, under which licence.",
    "cache": "Look at the cache of embeddings, or clear it.",
}


class _ReaderGone(Exception):
    """The reader of stdout, such as ``head``, had enough; click itself would call that a failure."""


class _Commands(click.Group):
    """Imports a command's module when it is asked for, so that ``graft --help`` is immediate."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"graft.cli.{cmd_name.replace('-', '_')}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from difflib import get_close_matches

            meant = get_close_matches(args[0], COMMANDS, n=1)
            if not meant:
                raise
            raise click.UsageError(f"{error.message} Did you mean {meant[0]}?", ctx) from None

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise _ReaderGone from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _print_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        say(f"graft {__version__}")
        ctx.exit()


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Show the version."
)
def cli() -> None:
    """Practical transfer learning: a few labelled examples in, an honest classifier out.

    Begin with `graft demo`, or with your own photos or recordings in a folder per class (`graft fit photos/`) or texts
    in a table (`graft fit messages.csv`).
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name that the terminal cannot show is no reason to stop
            as_told = stream.isatty() or "PYTHONIOENCODING" in os.environ
            stream.reconfigure(encoding=None if as_told else "utf-8", errors="replace")
    sys.exit(exit_code(sys.argv[1:] if arguments is None else arguments))


def exit_code(arguments: Sequence[str]) -> int:
    """Run the command line; the exit code."""
    try:
        return _run(list(arguments))
    except (_ReaderGone, BrokenPipeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _run(arguments: list[str]) -> int:
    try:
        outcome = cli.main(arguments, prog_name="graft", standalone_mode=False)
        sys.stdout.flush()
        return outcome if isinstance(outcome, int) else 0
    except GraftError as error:
        if isinstance(error, MissingColumn) and error.proposal:
            error.hint += f" That is: {pasted(*_with(arguments, error.proposal))}"
        show_error(error, as_json=wants_json(arguments))
        return error.exit_code
    except click.ClickException as error:
        if not wants_json(arguments) and isinstance(error, click.UsageError):
            _show_usage(error)
        else:
            show_error(UsageError(error.format_message(), "See graft --help."), as_json=wants_json(arguments))
        return UsageError.exit_code
    except (click.Abort, KeyboardInterrupt):
        kept = "What was done is kept; the same command goes on from there."
        if "--no-cache" in arguments:
            kept = "With --no-cache nothing is kept to go on from."
        say(f"Stopped. {'Nothing was written.' if arguments[:1] in _WHOLE else kept}", err=True)
        return 128 + signal.SIGINT
    except BrokenPipeError:
        raise
    except OSError as error:
        show_error(_from_system(error), as_json=wants_json(arguments))
        return GraftError.exit_code


def _show_usage(error: click.UsageError) -> None:
    """As click does it, with nothing of what was typed that could drive a terminal."""
    if error.ctx is not None:
        say(error.ctx.get_usage(), err=True)
        if error.ctx.command.get_help_option(error.ctx) is not None:
            say(f"Try '{error.ctx.command_path} {error.ctx.help_option_names[0]}' for help.\n", err=True)
    say(f"Error: {error.format_message()}", err=True)


def _with(arguments: Sequence[str], options: Mapping[str, str]) -> list[str]:
    """A command's arguments with these options in the place of those that were given."""
    flags = {f"--{name.replace('_', '-')}": value for name, value in options.items()}
    kept = [
        word
        for before, word in pairwise(["", *arguments])
        if before not in flags and word.split("=", 1)[0] not in flags
    ]
    return [*kept, *(word for flag in flags.items() for word in flag)]


def _from_system(error: OSError) -> GraftError:
    where = f" ({error.filename})" if error.filename else ""
    return GraftError(
        f"The system refused: {error.strerror or error}{where}.", "Check the disk's free space and your permissions."
    )
