"""``graft demo``."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import click

from graft.cli.output import progress_bar, show_json
from graft.errors import OutputExists

FOLDER = Path("doors")
MARKER = ".graft-demo"
NEW = 6
"""New photos that the demo names."""


@click.command(name="demo")
@click.argument("sample", type=click.Choice(["image"]), default="image")
@click.option("-o", "--output", type=click.Path(path_type=Path), default=FOLDER, show_default=True, help="Folder.")
@click.option("--seed", default=0, show_default=True, help="Another seed draws other doors.")
@click.option("--overwrite", is_flag=True, help="Draw again into a folder that is there already.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def command(sample: str, output: Path, seed: int, overwrite: bool, as_json: bool) -> None:
    """A built-in sample, from fit to report, offline.

    Draws 200 photos of doors, open and closed, with a few wrong labels and a few signs among them; fits a model, says
    how good it is, names new photos, and says what to try next. Nothing is downloaded.
    """
    from graft.data.read import read
    from graft.model import fit
    from graft.recipe import Recipe
    from graft.samples import draw_doors, draw_new_doors

    start = time.perf_counter()
    photos, model_folder, page = output / "photos", output / "doors.graft", output / "report.html"
    _clear(output, overwrite=overwrite)
    with progress_bar(quiet=as_json) as progress:
        drawn = draw_doors(photos, seed=seed, progress=progress)
        new = draw_new_doors(output / "new", n=NEW, seed=seed + 1)
        model = fit(read(photos), Recipe(seed=seed), progress=progress)
    model = model.save(model_folder, overwrite=overwrite, page=page)
    answers = model.predict([path for path, _ in new])
    seconds = time.perf_counter() - start
    if as_json:
        show_json(model.report.to_dict())
        return
    click.echo(str(model.report))
    _heading("New photos, which the model has not seen")
    for (path, truth), answer in zip(new, answers, strict=True):
        verdict = "right" if answer.label == truth else f"wrong: it is {truth}"
        click.echo(f"  {answer.label:<7} {answer.confidence:>6.1%}  {path}  ({verdict})")
    planted = {str(path.relative_to(photos)) for path in (*drawn.wrong_labels, *drawn.signs)}
    found = [judged for judged in model.report.hardest if judged.path in planted]
    _heading("What was planted")
    click.echo(
        f"  Of the {len(planted)} photos that are wrongly labelled or no door at all, {len(found)} stand among the\n"
        f"  {len(model.report.hardest)} hardest examples of the report: look at them in {page}."
    )
    _heading(f"Done in {seconds:.1f} s. What to try next")
    click.echo(f"  graft predict {model_folder} {output / 'new'}")
    click.echo(f"  open {page}")
    click.echo("  graft fit YOUR_PHOTOS/          a folder with one folder of photos for each class")


def _heading(text: str) -> None:
    click.echo(f"\n{click.style(text, bold=True)}")


def _clear(output: Path, *, overwrite: bool) -> None:
    """Make room for the demo; only what a former demo made, which its marker tells, is ever taken away.

    Raises:
        OutputExists: The folder holds something that may not go.
    """
    marker = output / MARKER
    if output.exists() and not (output.is_dir() and not any(output.iterdir())):
        if not marker.is_file():
            raise OutputExists(f"{output} holds something that no demo made; nothing was drawn.", "Give -o NEW_FOLDER.")
        if not overwrite:
            raise OutputExists(f"{output} is there already; nothing was drawn.", "Give --overwrite, or -o NEW_FOLDER.")
        for part in ("photos", "new"):
            shutil.rmtree(output / part, ignore_errors=True)
    output.mkdir(parents=True, exist_ok=True)
    marker.write_text("This folder was drawn by graft demo, which may draw it again.\n")
