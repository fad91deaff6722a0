"""``graft evaluate``."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from graft.cli.options import How, how_options
from graft.cli.output import pasted, say, shown
from graft.cli.paths import Command, InputPath, ModelPath, OutputFile
from graft.cli.reading import read_like, reading_options
from graft.errors import GateError, TooFewClasses, UsageError

if TYPE_CHECKING:
    from graft.results.figures import Interval


class Share(click.FloatRange):
    """A number from 0 to 1, which is easily taken for per cent."""

    def __init__(self) -> None:
        super().__init__(0, 1)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number.

        Raises:
            click.BadParameter: It is none, or out of range.
        """
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter as error:
            self.fail(f"{error.message} 0.95 is 95 %.", param, ctx)


def _refusal(accuracy: Interval, least: float, confident: bool) -> GateError | None:
    """Why the gate says no, if it does: where there is no score nothing was shown to be good enough."""
    if math.isnan(accuracy.value):
        return GateError(
            f"There is no accuracy to hold against the {least:g} that was asked for: {accuracy.method}.",
            "Score the model on more labelled items.",
        )
    if confident and not accuracy.low >= least:
        return GateError(
            f"The accuracy is at least {accuracy.low:.4f} (95 % interval; {accuracy.value:.4f} as measured), below the "
            f"{least:g} that was asked for.",
            "Score the model on more items, which narrows the interval, or make it better: add examples.",
        )
    if not accuracy.value >= least:
        return GateError(
            f"The accuracy is {accuracy.value:.4f}, below the {least:g} that was asked for.",
            "Add examples, or look at the report's hardest ones.",
        )
    return None


@click.command(name="evaluate", cls=Command)
@click.argument("model", type=ModelPath())
@click.argument("data", type=InputPath())
@click.option("--split", type=click.Choice(["auto", "all", "train", "val", "test"]), default="auto", show_default=True,
              help="Which part of DATA to score: auto is the test part where there is one, else all.")  # fmt: skip
@click.option("--min-accuracy", type=Share(), help="Exit with 3 when the accuracy is below.")
@click.option("--confident", is_flag=True,
              help="Compare the lower bound of the 95 % interval with --min-accuracy, not the value.")  # fmt: skip
@reading_options
@click.option("--report", "report_file", type=OutputFile(), help="Write the evaluation as one HTML file.")
@how_options(overwrite="Replace a report that is there already.", cache=True, download=True)
def command(
    model: Path,
    data: str,
    split: str,
    min_accuracy: float | None,
    confident: bool,
    report_file: Path | None,
    how: How,
    reading: dict[str, Any],
) -> int:
    """Score MODEL on the labelled DATA."""
    if confident and min_accuracy is None:
        raise UsageError("--confident compares a bound, and there is none.", "Say which: --min-accuracy 0.9.")
    from graft.model import load
    from graft.report.words import noun

    fitted = load(model, allow_download=how.allow_download)
    if min_accuracy is not None and not fitted.classes:
        raise UsageError(f"{model} predicts numbers, which have no accuracy.", "Leave --min-accuracy out.")
    with how.progress() as progress:
        try:
            dataset = read_like(fitted, data, reading, progress=progress)
        except TooFewClasses as error:
            items = noun(fitted.report.modality)
            raise TooFewClasses(
                error.message,
                f"To score, {items} need labels: one folder for each class, or a manifest; "
                f"to name unlabelled {items}: {pasted('predict', model, data)}",
            ) from None
        evaluation = fitted.evaluate(dataset, split=split, cache=how.cache, progress=progress)
    refusal = None if min_accuracy is None else _refusal(evaluation.accuracy, min_accuracy, confident)
    if not how.as_json:
        say(str(evaluation))
    if report_file:
        evaluation.to_html(report_file, overwrite=how.overwrite)
    return how.show(evaluation.to_dict, [f"\nReport  {shown(report_file)}"] if report_file else [], refusal)
