"""Options that stand in several commands and mean the same in each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from graft.cli.paths import Mixed

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
