"""``graft tune``."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import click

from graft.cli.output import progress_bar, show_json
from graft.cli.reading import read_data, reading_options
from graft.errors import GateError

LIVE_EVERY = 5.0
"""Seconds between two lines that say where the run stands."""


@click.command(name="tune")
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("data", type=click.Path())
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="The new model's folder. [default: MODEL's name + -tuned]"
)
@click.option("--method", default="blocks", show_default=True, help="blocks, full, lora, pairs or partway.")
@click.option("--no-flips", "flips", flag_value=False, default=True, help="Left and right matter: mirror no pictures.")
@click.option("--time-limit", type=click.FloatRange(min=0, min_open=True), help="Seconds for everything, about.")
@click.option("--force", is_flag=True, help="Ship the tuned model, whatever the gate says.")
@click.option("--require-better", is_flag=True, help="Exit with 3 when the tuned model is not better.")
@click.option("--seed", type=int, help="Every random choice follows from it. [default: that of MODEL]")
@click.option("--no-cache", is_flag=True, help="Embed anew, and keep nothing.")
@reading_options
@click.option(
    "--report", "report_file", type=click.Path(path_type=Path), help="Write the report as one HTML file, with curves."
)
@click.option("--overwrite", is_flag=True, help="Replace a model or report that is there already.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def command(
    model: Path,
    data: str,
    output: Path | None,
    method: str,
    flips: bool,
    time_limit: float | None,
    force: bool,
    require_better: bool,
    seed: int | None,
    no_cache: bool,
    report_file: Path | None,
    overwrite: bool,
    as_json: bool,
    **reading: Any,
) -> int:
    """Fine-tune MODEL's encoder on DATA, and ship it only if it is better.

    Whether it is, is told by items that are set aside before. MODEL stays as it is.
    """
    from graft import bundle
    from graft.model import load
    from graft.report import html, verdict
    from graft.report.content import plain
    from graft.tuning.kept import forget
    from graft.tuning.tuning import tune

    name = model.resolve().name.removesuffix(".graft")
    target = output or model.resolve().with_name(f"{name or 'model'}-tuned.graft")
    bundle.check_free(target, overwrite)
    if report_file:
        html.check_free(report_file, overwrite=overwrite)
    fitted = load(model)
    checkpoint = target.resolve().with_name(f".{target.name}.tune")
    with progress_bar(quiet=as_json) as progress:
        reading["modality"] = reading["modality"] or fitted.report.modality
        dataset = read_data(data, min_classes=1, **reading)
        tuned = tune(
            fitted,
            dataset,
            method=method,
            time_limit=time_limit,
            force=force,
            seed=seed,
            cache=None if no_cache else "default",
            checkpoint=checkpoint,
            flips=flips,
            progress=progress,
            note=_Notes(quiet=as_json),
        )
    saved = tuned.model.save(target, overwrite=overwrite, page=report_file)
    forget(checkpoint)  # not before: whatever stops the work here costs nothing
    refusal = None
    if require_better and not tuned.better:
        refusal = GateError(tuned.reason, "Add items, or try another method.")
    if as_json:
        told = plain(saved.report.tuning) | {"model": saved.report.model, "report": saved.report.report}
        show_json(told | ({"error": refusal.to_dict()} if refusal else {}))
        return refusal.exit_code if refusal else 0
    assert saved.report.tuning is not None
    click.echo(verdict.render(saved.report.tuning, saved.report.modality))
    click.echo(f"Model   {target}    {'tuned' if tuned.shipped else 'as it was'}; {tuned.seconds:.0f} s")
    if report_file:
        click.echo(f"Report  {report_file}")
    if refusal:
        raise refusal
    return 0


class _Notes:
    """Sentences on stderr; where the run stands only if somebody watches, and not too often."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._said = 0.0

    def __call__(self, text: str, *, live: bool = False) -> None:
        if self._quiet or (live and not (sys.stderr.isatty() and time.monotonic() - self._said > LIVE_EVERY)):
            return
        if live:
            self._said = time.monotonic()
        click.echo(text, err=True)
