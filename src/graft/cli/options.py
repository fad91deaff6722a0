"""Options that stand in several commands and mean the same in each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click
from click.core import ParameterSource

from graft.cli.output import progress_bar, say, show_json
from graft.cli.paths import Grouped, Mixed, Output
from graft.errors import GraftError, UsageError

if TYPE_CHECKING:
    from graft.contracts import Progress
    from graft.monitoring.keeping import LogOptions

NAMES_OF_ENCODERS = "A name that graft encoders shows, owner/model, a folder, A+B"

Caching = Literal["default"] | None
"""What every public function takes for ``cache``."""


@dataclass(frozen=True, slots=True)
class How:
    """What was said of how a command is to work; a command that does not take an option has its default.

    Attributes:
        as_json: Print one JSON value, and nothing else, to stdout.
        overwrite: What is there already may be replaced.
        cache: Where embeddings are kept.
        allow_download: A model's encoder may be fetched.
    """

    as_json: bool = False
    overwrite: bool = False
    cache: Caching = "default"
    allow_download: bool = False

    def progress(self) -> AbstractContextManager[Progress]:
        """A bar for every step that takes a while, unless a program reads what is printed."""
        return progress_bar(quiet=self.as_json)

    def show(self, found: Callable[[], Any], lines: Iterable[str], refusal: GraftError | None = None) -> int:
        """Print what was found; the exit code.

        As JSON it is one value with the error inside, if there is one: the figures are wanted most then.

        Args:
            found: Gives JSON-able values.
            lines: The same for people.
            refusal: Why it is not good enough, or what went wrong at last.

        Raises:
            GraftError: ``refusal``, once the lines are printed.
        """
        if self.as_json:
            show_json({**found(), "error": refusal.to_dict()} if refusal else found())
            return refusal.exit_code if refusal else 0
        for line in lines:
            say(line)
        if refusal:
            raise refusal
        return 0


Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def together(*options: Decorator) -> Decorator:
    """Several options as one decorator."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


recipe_option = partial(click.option, cls=Grouped, group="recipe")
"""An option of what is to be fitted, or embedded with: all of a command arrive as one ``dict`` for ``Recipe``."""
prompt_option = recipe_option(
    "--prompt", default="", help="Put before every text, for encoders that were trained with one."
)
recipe_options = together(
    prompt_option,
    recipe_option("--backend", default="auto", show_default=True, help="openvino, onnxruntime, or auto."),
    recipe_option("--seed", default=0, show_default=True, help="Every random choice follows from it."),
)
"""Those of every command that fits."""
encoder_option = partial(recipe_option, "--encoder", type=Mixed(), default="auto", show_default=True)
"""The option of a command that takes one encoder."""


def _caching(_: click.Context, __: click.Parameter, no_cache: bool) -> Caching:
    return None if no_cache else "default"


def how_options(
    *, json: str = "Print JSON.", overwrite: str = "", cache: bool | str = False, download: bool = False
) -> Decorator:
    """The options of how a command works, ``--json`` and those that are asked for; they arrive as one ``How``, ``how``.

    Args:
        json: The help of ``--json``.
        overwrite: That of ``--overwrite``.
        cache: Whether there is ``--no-cache``, or its help.
        download: Whether there is ``--allow-download``.
    """
    flag = partial(click.option, cls=Grouped, group="how", record=How, is_flag=True)
    options = [flag("--json", "as_json", help=json)]
    if overwrite:
        options.append(flag("--overwrite", help=overwrite))
    if cache:
        told = cache if isinstance(cache, str) else "Neither read nor write the cache of embeddings."
        options.append(flag("--no-cache", "cache", callback=_caching, help=told))
    if download:
        whose = "Fetch MODEL's encoder if it is not on this machine; for models you trust."
        options.append(flag("--allow-download", help=whose))
    return together(*options)


_log_option = partial(click.option, cls=Grouped, group="log")
log_options = together(
    _log_option(
        "--log", "log_file", type=Output("journal"), help="Keep a sample of what is answered, for graft monitor."
    ),
    _log_option("--log-mb", type=click.IntRange(1, 1024), help="How large a new log may become. [64]"),
    _log_option("--log-items", is_flag=True, help="Keep the items too, in FILE.items; they are not kept otherwise."),
)
"""The options of a command whose answers can be kept; they arrive as one ``dict``, ``log``, for ``log_asked``."""


def given(names: Collection[str | None]) -> list[str]:
    """Those of the running command's parameters that were given, as they are called on the command line."""
    context = click.get_current_context()
    return [
        one.opts[-1] if isinstance(one, click.Option) else one.human_readable_name
        for one in context.command.params
        if one.name in names and context.get_parameter_source(one.name or "") == ParameterSource.COMMANDLINE
    ]


def log_asked(log_file: Path | None, log_mb: int | None, log_items: bool) -> LogOptions | None:
    """What ``log_options`` were given; ``None`` where nothing is to be kept.

    Raises:
        UsageError: What is to be kept was said, and not where.
    """
    if log_file is None:
        if log_items or log_mb:
            raise UsageError("No log was named.", "Say where answers are to be kept: --log FILE.")
        return None
    from graft.monitoring.keeping import LogOptions

    return LogOptions(log_file, None if log_mb is None else log_mb << 20, log_items)
