"""``graft cache``."""

from __future__ import annotations

import dataclasses

import click

from graft.cli.options import How, how_options
from graft.cli.output import say, shown
from graft.cli.paths import Command
from graft.errors import GraftError


@click.command(name="cache", cls=Command)
@click.argument("action", type=click.Choice(["show", "clear"]), default="show")
@how_options()
def command(action: str, how: How) -> None:
    """Look at the cache of embeddings, or clear it.

    It may be cleared at any time: the next fit embeds again.
    """
    from graft.encoders.cache import Cache

    cache = Cache()
    freed = cache.clear() if action == "clear" else 0
    if action == "clear" and cache.trouble:
        raise GraftError(cache.trouble, "Check the folder, or delete the file yourself.")
    info = cache.info()
    lines = [f"Freed {_megabytes(freed)}."] if action == "clear" else []
    lines.append(f"{shown(info.path)}: {_megabytes(info.size)} of at most {_megabytes(info.limit)}")
    lines += [f"  {count:>9,} embeddings by {encoder}" for encoder, count in info.entries.items()]
    how.show(lambda: {**dataclasses.asdict(info), "freed": freed}, lines)
    if cache.trouble and not how.as_json:
        say(cache.trouble, err=True)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f} MB" if size >= 1e8 else f"{size / 1e6:.1f} MB"
