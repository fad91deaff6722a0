"""``graft demo``."""

from __future__ import annotations

import shutil
import textwrap
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click

from graft.cli.options import How, how_options
from graft.cli.output import pasted, say
from graft.cli.paths import Command, Output
from graft.cli.saving import show_and_save
from graft.contracts import Progress
from graft.errors import OutputExists

MARKER = ".graft-demo"
NEW = 6
"""New photos that the demo names."""
WIDEST_TEXT = 68
"""Columns that a new message may take."""


@dataclass(frozen=True, slots=True)
class Written:
    """A sample that lies in the demo's folder.

    Attributes:
        data: What the model is fitted to.
        new: Inputs that it has not seen: the file, how it is shown, and its true label.
        planted: Names of the items that are wrongly labelled, or of no class at all.
    """

    data: Path
    new: tuple[tuple[Path, str, str], ...]
    planted: frozenset[str]


@dataclass(frozen=True, slots=True)
class Sample:
    """One kind of demo.

    Attributes:
        folder: Where its files go by default; the model in it has the same name.
        write: Writes the sample into a folder, from a seed.
        items: What its items are called.
        junk: What is said of those that belong to no class.
        yours: How data of the user's own are fitted, and what they must be.
    """

    folder: str
    write: Callable[[Path, int, Progress], Written]
    items: str
    junk: str
    yours: tuple[str, str]


def _draw_doors(output: Path, seed: int, progress: Progress) -> Written:
    from graft.samples import draw_doors, draw_new_doors

    photos = output / "photos"
    drawn = draw_doors(photos, seed=seed, progress=progress)
    new = draw_new_doors(output / "new", n=NEW, seed=seed + 1)
    planted = (path.relative_to(photos) for path in (*drawn.wrong_labels, *drawn.signs))
    return Written(photos, tuple((path, str(path), truth) for path, truth in new), frozenset(map(str, planted)))


def _write_messages(output: Path, seed: int, progress: Progress) -> Written:
    from graft.encoders import encoder_for
    from graft.samples import write_messages, write_new_messages

    # Where its extra is not installed, that is said before anything is written.
    encoder_for("text", progress=progress).prepare(b"Hello.")
    sample = write_messages(output / "messages.csv", seed)
    new = tuple(
        (path, f'"{textwrap.shorten(message.text, WIDEST_TEXT, placeholder=" ...")}"', message.label)
        for path, message in write_new_messages(output / "new")
    )
    return Written(sample.path, new, frozenset(message.text for message in (*sample.wrong_labels, *sample.junk)))


SAMPLES = {
    "image": Sample(
        folder="doors",
        write=_draw_doors,
        items="photos",
        junk="no door at all",
        yours=("YOUR_PHOTOS/", "a folder with one folder of photos for each class"),
    ),
    "text": Sample(
        folder="messages",
        write=_write_messages,
        items="messages",
        junk="no customer's at all",
        yours=("YOUR_TEXTS.csv", "a table with the columns text and label"),
    ),
}
"""By modality."""
PARTS = ("photos", "messages.csv", "new")
"""What a demo draws or writes, and may draw or write again."""


@click.command(name="demo", cls=Command)
@click.argument("sample", type=click.Choice(list(SAMPLES)), default="image")
@click.option("-o", "--output", type=Output("model"), help="Folder.  [default: doors; of the text demo, messages]")
@click.option("--seed", default=0, show_default=True, help="Another seed draws other doors, or shuffles the messages.")
@how_options(json="Print the report as JSON.", overwrite="Begin again in a folder in which a demo was run.")
def command(sample: str, output: Path | None, seed: int, how: How) -> int:
    """A built-in sample, from fit to report, offline.

    `graft demo` draws 200 photos of doors, open and closed, with a few wrong labels and a few signs among them; `graft
    demo text` takes 240 messages of customers to a shop, with a few wrong labels and some junk. It fits a model, says
    how good it is, names new photos or messages, and says what to try next. Nothing is downloaded.
    """
    from graft.model import fit
    from graft.reading.read import read
    from graft.recipe import Recipe

    start = time.perf_counter()
    kind = SAMPLES[sample]
    output = output or Path(kind.folder)
    model_folder, page = output / f"{kind.folder}.graft", output / "report.html"
    _clear(output, overwrite=how.overwrite)
    with how.progress() as progress:
        written = kind.write(output, seed, progress)
        model = fit(read(written.data), Recipe(seed=seed), progress=progress)
    answers = model.predict([path for path, _, _ in written.new])
    seconds = time.perf_counter() - start
    failed = show_and_save(model, model_folder, page, how)
    if how.as_json or failed:
        return failed
    _heading(f"New {kind.items}, which the model has not seen")
    widest = max(map(len, model.classes)) + 1
    for (_, shown, truth), answer in zip(written.new, answers, strict=True):
        verdict = "right" if answer.label == truth else f"wrong: it is {truth}"
        say(f"  {answer.label:<{widest}} {answer.confidence:>6.1%}  {shown}  ({verdict})")
    hardest = model.report.hardest
    planted, found = len(written.planted), sum(judged.path in written.planted for judged in hardest)
    _heading("What was planted")
    say(
        f"  Of the {planted} {kind.items} that are wrongly labelled or {kind.junk}, {found} stand among the\n"
        f"  {len(hardest)} hardest examples of the report: look at them in {page}."
    )
    _heading(f"Done in {seconds:.1f} s. What to try next")
    data, needed = kind.yours
    say(f"  {pasted('predict', model_folder, output / 'new')}")
    say(f"  {page.resolve().as_uri()}    the report, for a browser")
    say(f"  {pasted('fit', data)}    {needed}")
    return 0


def _heading(text: str) -> None:
    say(f"\n{click.style(text, bold=True)}")


def _clear(output: Path, *, overwrite: bool) -> None:
    """Make room for the demo; only what a former demo made, which its marker tells, is ever taken away.

    Raises:
        OutputExists: The folder holds something that may not go.
    """
    marker = output / MARKER
    if output.exists() and not (output.is_dir() and all(path == marker for path in output.iterdir())):
        if not marker.is_file():
            raise OutputExists(
                f"{output} holds something that no demo made; nothing was written.", "Give -o NEW_FOLDER."
            )
        if not overwrite:
            raise OutputExists(
                f"{output} is there already; nothing was written.", "Give --overwrite, or -o NEW_FOLDER."
            )
        for part in PARTS:
            _remove(output / part)
    output.mkdir(parents=True, exist_ok=True)
    marker.write_text("This folder was made by graft demo, which may make it again.\n")


def _remove(part: Path) -> None:
    if part.is_dir() and not part.is_symlink():
        shutil.rmtree(part, ignore_errors=True)
    else:
        part.unlink(missing_ok=True)
