"""Options that stand in several commands and mean the same in each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from graft.cli.paths import Mixed, Output
from graft.errors import UsageError

if TYPE_CHECKING:
    from graft.monitoring.keeping import LogOptions

NAMES_OF_ENCODERS = "A name that graft encoders shows, owner/model, a folder, A+B"

prompt_option = click.option(
    "--prompt", default="", help="Put before every text, for encoders that were trained with one."
)
backend_option = click.option("--backend", default="auto", show_default=True, help="openvino, onnxruntime, or auto.")
seed_option = click.option("--seed", default=0, show_default=True, help="Every random choice follows from it.")
cache_option = click.option("--no-cache", is_flag=True, help="Neither read nor write the cache of embeddings.")
download_option = click.option(
    "--allow-download", is_flag=True, help="Fetch MODEL's encoder if it is not on this machine; for models you trust."
)


def encoder_option(told: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The option of a command that takes one encoder; ``told`` is its help."""
    return click.option("--encoder", type=Mixed(), default="auto", show_default=True, help=told)


def log_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of a command whose answers can be kept."""
    options = (
        click.option(
            "--log", "log_file", type=Output("journal"), help="Keep a sample of what is answered, for graft monitor."
        ),
        click.option("--log-mb", type=click.IntRange(1, 1024), help="How large a new log may become. [64]"),
        click.option(
            "--log-items", is_flag=True, help="Keep the items too, in FILE.items; they are not kept otherwise."
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def log_asked(log_file: Path | None, log_mb: int | None, *, log_items: bool) -> LogOptions | None:
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
