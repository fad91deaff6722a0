"""``graft predict``."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from graft.cli.output import progress_bar
from graft.errors import UsageError

if TYPE_CHECKING:
    from graft.data.dataset import Item
    from graft.model import Model
    from graft.prediction import Prediction

FORMATS = ("text", "json", "jsonl", "csv")


@click.command(name="predict")
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("inputs", nargs=-1, required=True)
@click.option("--top", type=click.IntRange(min=1), help="Show only the K most probable classes.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON list.")
@click.option("--jsonl", "as_jsonl", is_flag=True, help="Print one JSON object a line, as they come.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@click.option("--strict", is_flag=True, help="Exit with 1 when an input could not be answered.")
def command(
    model: Path, inputs: tuple[str, ...], top: int | None, as_json: bool, as_jsonl: bool, as_csv: bool, strict: bool
) -> int:
    """Name the class of INPUTS: files, folders, or - for what stdin lists (one path a line, or one picture)."""
    from graft.model import load

    chosen = [name for name, wanted in zip(FORMATS[1:], (as_json, as_jsonl, as_csv), strict=True) if wanted]
    if len(chosen) > 1:
        raise UsageError(f"Two formats were asked for: {', '.join(chosen)}.", "Give one of --json, --jsonl, --csv.")
    fitted = load(model)
    bad = 0

    def predictions() -> Iterator[Prediction]:
        nonlocal bad
        with progress_bar(quiet=bool(chosen)) as progress:
            for done, prediction in enumerate(fitted.stream(_items(inputs)), 1):
                bad += prediction.error is not None
                progress("predict", done, done)
                yield prediction

    WRITERS[chosen[0] if chosen else "text"](predictions(), fitted, top)
    return 1 if bad and strict else 0


def _items(inputs: tuple[str, ...]) -> Iterator[Item]:
    from graft.data.dataset import MAX_ITEM_BYTES, Memory
    from graft.data.decode import sniff
    from graft.data.read import gather

    for name in inputs:
        if name != "-":
            yield from gather([name])
            continue
        stream = cast("io.BufferedReader", sys.stdin.buffer)
        head = stream.peek(32)
        if sniff(head[:32]):
            yield Memory(stream.read(MAX_ITEM_BYTES + 1), "stdin")
        else:
            yield from gather(path for line in stream if (path := line.decode(errors="surrogateescape").rstrip("\r\n")))


def _write_json(predictions: Iterable[Prediction], model: Model, top: int | None) -> None:
    before = "["
    for prediction in predictions:
        click.echo(before + _as_json(prediction, top), nl=False)
        before = ",\n "
    click.echo("[]" if before == "[" else "]")


def _write_jsonl(predictions: Iterable[Prediction], model: Model, top: int | None) -> None:
    for prediction in predictions:
        click.echo(_as_json(prediction, top))


def _write_csv(predictions: Iterable[Prediction], model: Model, top: int | None) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    columns = [] if top else list(model.classes)
    writer.writerow(["input", "label", "confidence", "unknown", "set", "error", *columns])
    for p in predictions:
        figures = [f"{p.scores[label]:.6g}" for label in columns] if p.error is None else [""] * len(columns)
        confidence = f"{p.confidence:.6g}" if p.error is None else ""
        error = p.error.message if p.error else ""
        unknown = str(p.unknown).lower() if p.error is None else ""
        writer.writerow([p.input, p.label, confidence, unknown, "|".join(p.set), error, *figures])


def _write_text(predictions: Iterable[Prediction], model: Model, top: int | None) -> None:
    width = max(len(label) for label in model.classes)
    for p in predictions:
        if p.error is not None:
            click.echo(f"{click.style('skipped', fg='red'):<{width}}          {p.error.message}")
            continue
        label = click.style(f"{p.label:<{width}}", bold=True)
        notes = []
        if p.unknown:
            notes.append("perhaps none of the classes")
        elif not p.set:
            notes.append("not typical of any class")
        elif len(p.set) > 1:
            notes.append("could be " + " or ".join(p.set[:5]) + (" ..." if len(p.set) > 5 else ""))
        ranking = "  " + ", ".join(f"{name} {score:.0%}" for name, score in p.top(top)) if top else ""
        note = click.style(f"  ({'; '.join(notes)})", dim=True) if notes else ""
        click.echo(f"{label}  {p.confidence:>6.1%}  {p.input}{ranking}{note}")


def _as_json(prediction: Prediction, top: int | None) -> str:
    return json.dumps(prediction.to_dict(top), ensure_ascii=False, allow_nan=False)


WRITERS = {"text": _write_text, "json": _write_json, "jsonl": _write_jsonl, "csv": _write_csv}
