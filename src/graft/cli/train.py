"""``graft train``."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from graft.cli.options import How, how_options
from graft.cli.output import say, shown
from graft.cli.paths import Command, FolderPath, InputPath, Output
from graft.errors import Cancelled, GraftError, UsageError

if TYPE_CHECKING:
    from graft.training_jobs.stopping import Stopping
    from graft.training_jobs.tree import JobTree

ROOT = "GRAFT_JOB_ROOT"
CRASHED = 1


@click.command(name="train", cls=Command)
@click.option("--root", type=FolderPath(), envvar=ROOT, help=f"Holds input/, model/, output/. [{ROOT}, or /opt/ml]")
@click.option("--input", "data", type=InputPath(Path), help="The training data. [the channel training of the root]")
@click.option("-o", "--output", type=Output("model"), help="The folder to fill. [model/ of the root]")
@click.option("--checkpoints", type=FolderPath(), help="Kept for the next start. [checkpoints/ of the root]")
@click.option("--set", "given", multiple=True, metavar="NAME=VALUE", help="A setting, as hyperparameters.json has it.")
@click.option("--prices", type=InputPath(Path), help="What machines cost an hour: the receipt says the sum.")
@click.option("--machine", metavar="NAME", help="What --prices calls the machine. [as SageMaker says]")
@how_options(json="Print the report as JSON, with the receipt.")
def command(
    root: Path | None,
    data: Path | None,
    output: Path | None,
    checkpoints: Path | None,
    given: tuple[str, ...],
    prices: Path | None,
    machine: str | None,
    how: How,
) -> int:
    """Fit as a platform's training job: what the image of `graft export --to docker` does when it is told `train`.

    Data, settings and results lie where SageMaker has them, or where the options say. SIGTERM ends it cleanly.
    """
    from graft.training_jobs.stopping import STOPPED, Stopping
    from graft.training_jobs.tree import ROOT as OPT_ML
    from graft.training_jobs.tree import JobTree

    tree = JobTree(root or OPT_ML, data, output, checkpoints, machine or "")

    def stopped() -> None:
        from graft.training_jobs.training import clear_half

        clear_half(tree)
        tree.fail(_stopped(tree))

    stopping = Stopping(stopped)
    stopping.heed()
    try:
        _train(tree, given, prices, stopping, how)
    except Cancelled:
        stopped()
        say(_stopped(tree), err=True)
        return STOPPED
    except GraftError as error:
        tree.fail(f"{error.message} {error.hint}".strip())
        raise
    except Exception as error:  # whatever it is: the platform shows this file, and nothing else of it
        tree.fail(f"Crashed: {type(error).__name__}: {error}")
        traceback.print_exc()
        return CRASHED
    return 0


def _train(tree: JobTree, given: tuple[str, ...], prices: Path | None, stopping: Stopping, how: How) -> None:
    from graft.receipts import Prices
    from graft.training_jobs.settings import JobSettings
    from graft.training_jobs.training import train

    known = None if prices is None else Prices.from_file(prices)
    settings = JobSettings.from_texts(_together(tree.hyperparameters(), given))
    if settings.skipped:
        say(f"Names of the platform's own were skipped: {shown(', '.join(settings.skipped))}", err=True)
    done = train(tree, settings, prices=known, cancelled=stopping, say=lambda text: say(shown(text), err=True))

    def lines() -> Iterator[str]:
        yield str(done.model.report)
        yield f"Model   {shown(done.folder)}    {done.receipt.in_words(known)}"

    how.show(lambda: done.to_dict(known), lines())


def _together(handed: dict[str, Any], given: tuple[str, ...]) -> dict[str, Any]:
    """The settings of the platform and those of the command line, of which none may be said twice.

    Raises:
        UsageError: One is, or one has no value.
    """
    found = dict(handed)
    for one in given:
        name, equals, value = one.partition("=")
        if not equals:
            raise UsageError(f"--set {one[:60]!r} has no value.", "Write --set NAME=VALUE.")
        if name in found:
            raise UsageError(f"The setting {name[:60]} was given twice.", "Give it once.")
        found[name] = value
    return found


def _stopped(tree: JobTree) -> str:
    """What the failure file says of a job that was told to end."""
    kept = tree.checkpoints
    again = (
        "The next start begins anew: there is no checkpoint folder."
        if kept is None
        else f"What was embedded is in {kept}: a start on that folder goes on from there."
    )
    return f"Stopped: the platform told the job to end (SIGTERM). No model was written. {again}"
