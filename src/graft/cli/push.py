"""``graft push``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from graft.cli.options import How, how_options
from graft.cli.output import clean_word
from graft.cli.paths import Command, InputPath

if TYPE_CHECKING:
    from graft.publishing import Pushed


@click.command(name="push", cls=Command)
@click.argument("folder", metavar="MODEL|DIR", type=InputPath(Path))
@click.argument("repository", metavar="OWNER/NAME")
@click.option("--private/--public", default=None, help="Who sees a repository that is made: by default only its owner.")
@click.option("--token-file", type=InputPath(Path), help="Holds the token; else HF_TOKEN, else that of hf auth login.")
@how_options()
def command(folder: Path, repository: str, private: bool | None, token_file: Path | None, how: How) -> None:
    """Send MODEL, with a card, or the export DIR to the repository OWNER/NAME of a hub, in one commit.

    What graft export --to space or browser wrote becomes a Space, anything else a model repository. Files of others in
    the repository stay, and so does who sees it. A model goes without job.json and without the names of single items.
    """
    from graft.publishing import push

    with how.progress() as progress:
        pushed = push(folder, repository, private=private, token_file=token_file, progress=progress)
    how.show(pushed.to_dict, _lines(pushed))


def _lines(pushed: Pushed) -> Iterator[str]:
    seen = "only its owner sees it" if pushed.private else "everybody sees it"
    if not pushed.changed:
        yield f"{pushed.url} holds all of it already: nothing was sent."
        return
    made = "Made and sent" if pushed.created else "Sent"
    yield f"{made} {pushed.files} files, {pushed.mb} MB, to {clean_word(pushed.url)}; {seen}."
    if pushed.removed:
        yield f"Removed {len(pushed.removed)} files that an earlier export had brought."
    if pushed.kept:
        yield "README.md was left as it is there: somebody has written it."
    if pushed.type == "space":
        yield "The hub builds the Space now, which takes some minutes; its page shows how far it is."
