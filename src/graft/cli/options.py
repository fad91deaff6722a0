"""Options that stand in several commands and mean the same in each."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from graft.cli.how import Caching
from graft.cli.paths import Grouped, Mixed, Output
from graft.errors import UsageError

if TYPE_CHECKING:
    from graft.monitoring.keeping import LogOptions

NAMES_OF_ENCODERS = "A name that graft encoders shows, owner/model, a folder, A+B"

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


_how_option = partial(click.option, cls=Grouped, group="how")
"""An option of how a command works: all of a command arrive as one ``How``, with that of ``--json``."""
download_option = _how_option(
    "--allow-download", is_flag=True, help="Fetch MODEL's encoder if it is not on this machine; for models you trust."
)
overwrite_option = partial(_how_option, "--overwrite", is_flag=True)
no_cache_option = partial(_how_option, "--no-cache", "cache", is_flag=True, callback=_caching)
cache_option = no_cache_option(help="Neither read nor write the cache of embeddings.")

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
