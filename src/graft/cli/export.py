"""``graft export``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from graft.cli.options import How, how_options
from graft.cli.output import clean_word, pasted, shown
from graft.cli.paths import Command, InputPath, ModelPath, Output
from graft.cli.reading import as_flags, read_like, reading_options
from graft.errors import UsageError

if TYPE_CHECKING:
    from graft.export.exporting import ExportedModel
    from graft.export.notebook import ExportedNotebook
    from graft.export.options import TargetOptions
    from graft.export.targets import Target


@click.command(name="export", cls=Command)
@click.argument("model", type=ModelPath())
@click.option(
    "--to",
    "target",
    required=True,
    help="onnx: one graph. browser: a static page. space: with Gradio. serverless: a function. docker: an image.",
)
@click.option("-o", "--output", type=Output("model"), required=True, help="The folder to write.")
@click.option("--precision", help="fp32 or fp16: how weights are kept. [default: as the target has it]")
@click.option("--data", type=InputPath(), help="Up to 50 of its items join the golden ones, and leave with them.")
@click.option("--runtime", type=InputPath(Path), help="browser: the folder dist of the npm package onnxruntime-web.")
@click.option("--platform", help="serverless: the function's processor, x86_64 or arm64. [default: x86_64]")
@click.option("--python", help="serverless: the function's Python, 3.12 or 3.13. [default: 3.13]")
@click.option("--output-prefix", help="serverless: where answers to objects go, as answers/ or s3://bucket/answers/.")
@click.option("--wheels", type=InputPath(Path), help="serverless: a folder of wheels, so that no index is asked.")
@click.option("--gpu", is_flag=True, help="docker: an image on CUDA, which fine-tunes on a graphics processor.")
@click.option("--train", is_flag=True, help="serverless: the function trains new models, too.")
@reading_options
@how_options(overwrite="Replace an export that is there already.", download=True)
def command(
    model: Path,
    target: str,
    output: Path,
    precision: str | None,
    data: str | None,
    how: How,
    reading: dict[str, Any],
    **of_target: Any,
) -> None:
    """Write MODEL in a form that answers without Graft, with the proof that it answers alike.

    MODEL may be a notebook (.ipynb), which goes --to serverless or docker: an image that runs it for who asks.
    """
    from graft.export.exporting import check_free, export_model, target_called
    from graft.export.options import TargetOptions
    from graft.model import load
    from graft.run import Run

    options = TargetOptions(**of_target)
    if model.suffix.lower() == ".ipynb":
        if given := as_flags({"precision": precision, "data": data, **reading}):
            raise UsageError(f"{given[0]} is for a model, and {model.name} is a notebook.", "Leave it out.")
        _export_notebook(model, target, output, options, how)
        return
    kind = target_called(target)
    kind.check_options(target, options)
    check_free(output, how.overwrite)
    fitted = load(model, allow_download=how.allow_download)
    with how.progress() as progress:
        dataset = None if data is None else read_like(fitted, data, reading, progress=progress)
        done = export_model(
            fitted,
            target,
            output,
            precision=precision,
            data=dataset,
            overwrite=how.overwrite,
            options=options,
            run=Run(progress=progress),
        )
    how.show(done.to_dict, _lines(done, kind, output, data))


def _lines(done: ExportedModel, kind: Target, output: Path, data: str | None) -> Iterator[str]:
    yield f"Export  {shown(done.path)}    {kind.told}; {done.mb:.1f} MB, {done.precision}"
    known = done.certificate
    if done.fell_back:
        yield f"        Weights stay fp32: {shown(done.fell_back)}"
    yield (
        f"Proof   {known.agreement:.1%} of {len(known.items)} golden items answered alike, largest difference "
        f"{known.largest_difference:.4f}"
    )
    if known.data_items:
        yield f"        {known.data_items} of them are items of {shown(data)}: their files leave with the export."
    for word, sentence in done.added.lines:
        yield f"{word:<7} {shown(sentence)}"
    yield f"Next    {pasted(*_placed(kind.next_step, output))}"
    if kind.opened:
        yield f"        {' '.join(map(clean_word, _placed(kind.opened, output)))}    shows it at http://localhost:8000"


def _export_notebook(notebook: Path, target: str, output: Path, options: TargetOptions, how: How) -> None:
    from graft.export.notebook import export_notebook

    done = export_notebook(notebook, target, output, overwrite=how.overwrite, options=options)
    how.show(done.to_dict, _notebook_lines(done))


def _notebook_lines(done: ExportedNotebook) -> Iterator[str]:
    yield f"Export  {clean_word(str(done.path))}    an image that runs {clean_word(done.notebook)}; {done.mb:.1f} MB"
    yield f"Asks    {', '.join(map(clean_word, done.names)) or 'nothing'}: names that its cells set"
    yield f"Brings  {len(done.requirements)} packages, when it is built; Graft itself as a wheel"
    if done.missing:
        modules = ", ".join(map(clean_word, done.missing))
        yield f"        Nothing here brings {modules}: list what does in a requirements.txt beside the notebook."
    yield "Next    docker build --provenance=false --platform linux/amd64 . (in the folder; README.md says the rest)"


def _placed(words: Sequence[str], folder: Path) -> list[str]:
    """The words of a command, with the folder in the place of ``DIR``."""
    return [str(folder) if word == "DIR" else word for word in words]
