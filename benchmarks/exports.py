"""Whether an exported graph answers as its model does, on what the graph takes and from files that others decode."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.results import keep, progress, show
from benchmarks.sets import DATA
from graft import Model, fit, read
from graft.data.dataset import Dataset
from graft.errors import ExportError
from graft.export.building import exact
from graft.export.draft import GRAPH
from graft.export.examples import run_example
from graft.export.exporting import export_model
from graft.export.precisions import PRECISIONS
from graft.export.proof.agreement import FILE_TOLERANCE, Agreement
from graft.export.proof.golden_set import GoldenSet, gather
from graft.export.proof.goldens import Golden
from graft.export.proof.inference import GraphSession, decoder_of
from graft.export.proof.replay import replayed

SHOTS = 40
READ: dict[str, Any] = {"spoken_digits": {"pattern": "{label}_{group}_{index}.wav"}}
"""How a set is read whose files do not lie in folders of classes."""


@dataclass(frozen=True, slots=True)
class Row:
    """A data set, and of how many of its items is asked."""

    data: str
    asked: int


ROWS = (
    Row("ants_bees", 500),
    Row("beds_sofas", 500),
    Row("potato_leaves", 500),
    Row("banking77", 500),
    Row("trec6", 500),
    Row("sms_spam", 500),
    Row("spoken_digits", 200),
)


def measure(names: Sequence[str] = ()) -> None:
    """Fit, export in both precisions, ask for other items in three ways; write ``results/export.json``."""
    cells: list[dict[str, Any]] = []
    for row in ROWS:
        if not (DATA / row.data).is_dir() or (names and row.data not in names):
            progress.print(f"[dim]{row.data} is left out[/dim]")
            continue
        for cell in _compare(row):
            progress.print(cell)
            cells.append(cell)
    show(
        "An exported graph beside its model in f32",
        ("set", "weights", "MB", "of its values", "alike", "near", "from files", "alike", "near", "labels"),
        [_line(cell) for cell in cells],
        "Largest difference of a probability; the share of items with the same label, set and unknown, those near to a "
        "threshold left out, and how many these are. From files: the example beside the graph, which decodes with "
        f"Pillow or soundfile. Models of {SHOTS} items a class, asked about others.",
    )
    keep("export", {"cells": cells})


def _line(cell: dict[str, Any]) -> tuple[str, ...]:
    found = [
        text
        for road in ("values", "files")
        for text in (f"{cell[road]['largest']:.4f}", f"{cell[road]['alike']:.2%}", str(cell[road]["near"]))
    ]
    labels = f"{cell['files']['labels']:.2%}"
    return (f"{cell['set']}, {cell['items']} items", cell["precision"], f"{cell['mb']:.1f}", *found, labels)


def exported_each(
    sets: Sequence[str], names: Sequence[str], tried: Callable[[str], dict[str, Any]]
) -> list[dict[str, Any]]:
    """What ``tried`` finds of each set that is here and was asked for; what cannot be exported is told."""
    cells: list[dict[str, Any]] = []
    for name in sets:
        if not (DATA / name).is_dir() or (names and name not in names):
            progress.print(f"[dim]{name} is left out[/dim]")
            continue
        try:
            cells.append(tried(name))
        except ExportError as error:
            progress.print(f"[dim]{name}: {error}[/dim]")
            continue
        progress.print(cells[-1])
    return cells


def fitted(data: str) -> tuple[Model, Dataset]:
    """A model of ``SHOTS`` items a class, and the items that it has not seen, in an order of chance."""
    dataset = read(DATA / data, **READ.get(data, {}))
    order = np.random.default_rng(0).permutation(len(dataset))
    shown = np.concatenate([order[dataset.y[order] == y][:SHOTS] for y in range(len(dataset.classes))])
    train = dataset.select(shown)
    others = dataset.select(order[~np.isin(order, shown)])
    return fit(Dataset(train.items, train.labels, modality=train.modality)), others


def _compare(row: Row) -> list[dict[str, Any]]:
    model, others = fitted(row.data)
    cells = []
    with TemporaryDirectory() as place:
        goldens: GoldenSet | None = None
        for precision in PRECISIONS:
            folder = Path(place) / precision
            done = export_model(model, "onnx", folder, precision=precision)
            decode = decoder_of(others.modality, folder)
            goldens = goldens or gather(exact(model), files_of(others, row.asked), decode)
            session = GraphSession((folder / GRAPH).read_bytes(), len(model.classes))
            replay = replayed(session, goldens, decode, precision, model.classes)
            files = _as_the_example_does(folder, goldens, model.classes)
            cells.append(
                {
                    "set": row.data,
                    "precision": precision,
                    "items": len(goldens.items),
                    "mb": done.mb,
                    "values": figures_of(replay.of_values),
                    "files": figures_of(files),
                }
            )
    return cells


def files_of(dataset: Dataset, most: int) -> list[Golden]:
    """Its first items as files."""
    kind = "txt" if dataset.modality == "text" else ""
    items = dataset.items[:most]
    return [Golden(kind or Path(item.name).suffix[1:].lower(), item.read(), item.name) for item in items]


def _as_the_example_does(folder: Path, goldens: GoldenSet, classes: Sequence[str]) -> Agreement:
    """Every file through ``example.py``, which knows nothing of Graft."""
    found = Agreement(goldens.boundary, FILE_TOLERANCE, classes)
    own = folder / "asked"
    own.mkdir()
    for item in goldens.items:
        (own / item.name).write_bytes(item.content)
    names = [f"asked/{item.name}" for item in goldens.items]
    for item, answer in zip(goldens.items, run_example(folder, names, classes), strict=True):
        found.add(item.name, item.of_file, answer)
    return found


def figures_of(found: Agreement) -> dict[str, Any]:
    """What is said of how two roads agree."""
    same = [
        not isinstance(pair.found, str)
        and pair.expected["probabilities"].argmax() == pair.found["probabilities"].argmax()
        for pair in found.pairs
    ]
    return {
        "largest": found.largest_difference,
        "alike": found.share,
        "near": len(found.near),
        "labels": float(np.mean(same)),
        "ok": found.ok,
    }
