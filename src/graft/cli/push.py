"""``graft push``."""

from __future__ import annotations

from pathlib import Path

import click

from graft.cli.options import How, how_options
from graft.cli.output import clean_word, say, show_json
from graft.cli.paths import Command, InputPath


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
    if how.as_json:
        show_json(pushed.to_dict())
        return
    seen = "only its owner sees it" if pushed.private else "everybody sees it"
    if not pushed.changed:
        say(f"{pushed.url} holds all of it already: nothing was sent.")
        return
    made = "Made and sent" if pushed.created else "Sent"
    say(f"{made} {pushed.files} files, {pushed.mb} MB, to {clean_word(pushed.url)}; {seen}.")
    if pushed.removed:
        say(f"Removed {len(pushed.removed)} files that an earlier export had brought.")
    if pushed.kept:
        say("README.md was left as it is there: somebody has written it.")
    if pushed.type == "space":
        say("The hub builds the Space now, which takes some minutes; its page shows how far it is.")
