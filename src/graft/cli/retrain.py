"""``graft retrain``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from graft.cli.options import How, how_options
from graft.cli.output import shown
from graft.cli.paths import Command, InputPath
from graft.cli.reading import reading_options
from graft.errors import GateError, UsageError

if TYPE_CHECKING:
    from graft.retraining import Retrained


@click.command(name="retrain", cls=Command)
@click.argument("model", type=InputPath(Path))
@click.argument("data", type=InputPath(), required=False)
@click.option("--log", type=InputPath(Path), help="What MODEL has answered: its mix stands beside that of DATA.")
@click.option(
    "--corrections", type=InputPath(Path), help="Learn from the corrections that graft app has kept here, too."
)
@click.option("--journal", type=InputPath(Path), help="Follow the decisions about items of DATA in this journal.")
@click.option("--force", is_flag=True, help="The new model takes MODEL's place, whatever the gate says.")
@click.option("--back", is_flag=True, help="MODEL and MODEL.previous change places; nothing is fitted.")
@click.option("--require-better", is_flag=True, help="Exit with 3 when nothing ships.")
@reading_options
@how_options(json="Print the outcome as JSON.", cache=True, download=True)
def command(
    model: Path,
    data: str | None,
    back: bool,
    require_better: bool,
    reading: dict[str, Any],
    how: How,
    **wanted: Any,
) -> int:
    """Fit MODEL anew to DATA, old items and new; the new one takes its place only if it is better.

    Both are judged on items that neither has seen. The old one stays as MODEL.previous. Exit code 75: MODEL is being
    retrained already.
    """
    from graft.retraining import retrain, roll_back

    if back:
        if data or require_better or any(wanted.values()):
            raise UsageError("--back takes nothing but MODEL.", "Give graft retrain MODEL --back.")
        found = roll_back(model)
    elif data is None:
        raise UsageError("There are no DATA to learn from.", "Give them: graft retrain MODEL DATA; or --back.")
    else:
        with how.progress() as progress:
            found = retrain(
                model,
                data,
                cache=how.cache,
                progress=progress,
                allow_download=how.allow_download,
                **wanted,
                **{name: given for name, given in reading.items() if given},
            )
    refusal = GateError(found.reason, "Add items, or look at their labels: graft clean DATA.")
    refused = require_better and not found.shipped
    return how.show(found.to_dict, _lines(found, told=not refused), refusal if refused else None)


def _lines(found: Retrained, *, told: bool) -> Iterator[str]:
    """What could not be used and, where ``told``, what came of it."""
    from graft.report.report import SKIPPED

    for entry in found.skipped[:SKIPPED]:
        yield f"Skipped {shown(entry.path)}: {shown(entry.reason)}"
    if (rest := len(found.skipped) - SKIPPED) > 0:
        yield f"Skipped {rest:,} more: --json names them"
    yield from (f"Note    {shown(warning)}" for warning in found.warnings)
    if told:
        yield shown(found.reason)
    if told and found.shipped:
        yield f"Model   {shown(found.model)}    the one before is {shown(found.previous or '')}"
