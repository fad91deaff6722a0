"""``python -m benchmarks [speed | accuracy | honesty | fit]``; without a name, all of them."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import click

from benchmarks import accuracy, fit, speed
from benchmarks.draws import DRAWS

draws_option = click.option(
    "--draws", type=click.IntRange(1), default=DRAWS, show_default=True, help="Draws per data set."
)
peers_option = click.option("--peers/--no-peers", default=True, help="Whether the peers are measured too.")


@click.group(invoke_without_command=True)
@click.pass_context
def main(context: click.Context) -> None:
    """Measure Graft on this machine: tables on stdout, JSON in benchmarks/results/."""
    if context.invoked_subcommand is None:
        speed.measure()
        accuracy.measure()
        _honesty().measure()
        fit.measure()


@main.command("fit")
@click.argument("data", nargs=-1, type=click.Path(exists=True, file_okay=False, path_type=Path))
@draws_option
@click.option("--shots", type=click.IntRange(1), help="Photos of each class to learn from.")
@peers_option
def fit_command(data: tuple[Path, ...], draws: int, shots: int | None, peers: bool) -> None:
    """Time and accuracy of graft fit on DATA beside the tutorial, logistic regression and fastai."""
    fit.measure(data, draws, shots, peers)


@main.command("accuracy")
@draws_option
def accuracy_command(draws: int) -> None:
    """Accuracy on the real sets beside the project."""
    accuracy.measure(draws)


@main.command("honesty")
@click.option("--draws", type=click.IntRange(1), help="Draws of each set and size.")
def honesty_command(draws: int | None) -> None:
    """Whether intervals, calibration, prediction sets and unknown scores are true."""
    honesty = _honesty()
    honesty.measure(draws or honesty.DRAWS)


@main.command("speed")
@click.option("--images", type=click.IntRange(100), default=speed.MANY, show_default=True, help="For the memory row.")
def speed_command(images: int) -> None:
    """Time of import, of embedding and of refits, and memory of a large fit."""
    speed.measure(images)


def _honesty() -> ModuleType:
    # Imported last: it works within this process, whose memory a child inherits in what the system counts as its peak.
    from benchmarks import honesty

    return honesty


if __name__ == "__main__":
    main(prog_name="python -m benchmarks")
