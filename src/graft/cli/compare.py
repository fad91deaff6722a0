"""``graft compare``."""

from __future__ import annotations

from typing import Any

import click

from graft.cli.options import How, how_options, recipe_option, recipe_options
from graft.cli.paths import Command, InputPath, Mixed
from graft.cli.reading import read_data, reading_options


@click.command(name="compare", cls=Command)
@click.argument("data", type=InputPath())
@click.option(
    "--encoder", "encoders", type=Mixed(), multiple=True, required=True, help="An encoder; give it twice or more."
)
@recipe_options
@recipe_option("--head", default="auto", show_default=True, help="Which head, for all of them.")
@reading_options
@how_options(cache=True)
def command(
    data: str,
    encoders: tuple[str, ...],
    recipe: dict[str, Any],
    reading: dict[str, Any],
    how: How,
) -> int:
    """Compare encoders on DATA: cross-validated score on the same folds, milliseconds for an item, MB, licence.

    The cheapest whose score may well be as good as the best is recommended. A+B joins two encoders.
    """
    from graft.comparison import compare
    from graft.recipe import Recipe

    wanted = Recipe(**recipe)
    with how.progress() as progress:
        dataset = read_data(data, progress=progress, **reading)
        found = compare(dataset, encoders, wanted, cache=how.cache, progress=progress)
    return how.show(found.to_dict, [str(found)])
