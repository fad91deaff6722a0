"""``graft encoders``."""

from __future__ import annotations

import click

from graft.cli.options import How, how_options
from graft.cli.output import show_json
from graft.cli.paths import Command


@click.command(name="encoders", cls=Command)
@how_options()
def command(how: How) -> None:
    """What encoders are here, what they cost, under which licence."""
    from graft.encoders import ENCODERS
    from graft.encoders.runtime import choose_backend

    backend = str(choose_backend())
    if how.as_json:
        show_json(
            [
                {
                    "key": key,
                    "name": card.name,
                    "modality": card.modality,
                    "dim": card.dim,
                    "mb": card.megabytes,
                    "licence": card.licence,
                    "source": card.source,
                    "backend": backend,
                }
                for key, card in ENCODERS.items()
            ]
        )
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("name", "modality", "dimension", "MB", "licence", "runs on", box=None, pad_edge=False)
    for card in ENCODERS.values():
        table.add_row(card.name, card.modality, str(card.dim), f"{card.megabytes:.1f}", card.licence, backend)
    Console().print(table)
