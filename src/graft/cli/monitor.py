"""``graft monitor``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from graft.cli.options import How, how_options
from graft.cli.output import shown
from graft.cli.paths import Command, InputPath
from graft.cli.reading import read_like, reading_options

if TYPE_CHECKING:
    from graft.monitoring.verdict import MonitorReport

ALARM = 3
"""The exit code of an alarm."""


@click.command(name="monitor", cls=Command)
@click.argument("model", type=InputPath(Path))
@click.argument("log", type=InputPath(Path))
@click.option(
    "--data", type=InputPath(), help="Labelled items that show what is usual; else those MODEL was fitted to."
)
@reading_options
@how_options(cache=True)
def command(model: Path, log: Path, data: str | None, reading: dict[str, Any], how: How) -> int:
    """Say whether what MODEL is asked has changed, by the LOG of predict --log or serve --log.

    Over the whole life of a log, false alarms happen with a chance of at most 5 %, however often it is looked at. The
    exit code of an alarm is 3.
    """
    from graft.model import load
    from graft.monitoring.monitoring import monitor

    fitted = load(model)
    with how.progress() as progress:
        own = None if data is None else read_like(fitted, data, reading, progress=progress)
        found = monitor(fitted, log, own, cache=how.cache, progress=progress)
    how.show(found.to_dict, _lines(found))
    return ALARM if found.alarm else 0


def _lines(found: MonitorReport) -> Iterator[str]:
    from graft.monitoring.reference import LEAST_ROWS
    from graft.monitoring.watching import LEAST_ITEMS

    enough = found.n > LEAST_ITEMS and found.n_reference >= LEAST_ROWS
    reference = f"{shown(found.reference)}; used of these, copies once: {found.n_reference:,}"
    told = (
        ("Changed", "red")
        if found.alarm
        else ("No change", "green")
        if enough
        else ("Nothing can be told yet", "yellow")
    )
    head = click.style(told[0], bold=True, fg=told[1])
    yield f"{head}  in {found.n:,} items" + (f", since {found.since}" if found.since else "")
    yield ""
    for name, finding in (("Inputs", found.input), ("Answers", found.answers), ("Unknown", found.unknown)):
        text = f"changed: {shown(finding.text)}" if finding.changed else "as before" if enough else "not known yet"
        p = f"{finding.p:.2g}" if finding.p else "< 1e-300"  # what is smaller is no number of a computer's
        yield f"{name:<10}{text}" + click.style(f"  (p {p})", dim=True)
    own = found.accuracy
    if own.value is not None:
        interval = f"{own.low:.1%} to {own.high:.1%}"
        yield f"{'Accuracy':<10}probably {own.value:.1%} now ({interval}), by the last {own.n:,} answers"
    else:
        yield f"{'Accuracy':<10}not known: {own.reason}"
        which = "newest" if found.n >= found.to_label else "next"
        yield f"{'':<10}label {found.to_label:,} of the {which} items to know it within 5 points"
    for what, names in (("New", found.new), ("Gone", found.gone)):
        if names:
            yield f"{what:<10}{shown(', '.join(names[:10]))}"
    if found.examples:
        yield ""
        yield "Strangest of the newest items:"
        for one in found.examples:
            sure = f" {one.confidence:.0%}" if one.confidence is not None else ""
            yield f"  {one.item:>7,}  {one.time}  {shown(one.label)}{sure}" + click.style(f"  {one.key[:12]}", dim=True)
    yield ""
    yield click.style(f"Compared with {reference}", dim=True)
    if found.known:
        yield click.style(f"{found.known:,} items of the log are among these, and are left out.", dim=True)
    if found.repeats:
        yield click.style(f"{found.repeats:,} more lines repeat items that are counted once.", dim=True)
    if found.broken:
        numbers = ", ".join(map(str, found.broken_lines[:5])) + (" ..." if found.broken > 5 else "")
        yield f"{found.broken:,} lines cannot be read: {numbers}"
    if found.others:
        yield click.style(f"{sum(found.others.values()):,} items of other models are left out.", dim=True)
    yield from found.notes
