"""How often ``graft monitor`` raises a false alarm, how soon it finds a change, and whether its accuracy is true.

Reference and model are one part of a set, streams come from the rest, no item twice. Where a class has to become more
frequent, it has a fifth of the reference.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import Any

import numpy as np

from benchmarks.populations import Population, Source, population
from benchmarks.results import keep, progress, show
from benchmarks.sets import DATA
from graft.contracts import Float32, Int
from graft.data.texts import texts_of
from graft.encoders import encoder_for
from graft.model import fit_embeddings
from graft.monitoring.accuracy import accuracy_now, effective
from graft.monitoring.reference import Reference
from graft.monitoring.watching import LEVELS, watch

STREAMS = 1000
LONGEST = 2000
SETS = (
    Source("beds_sofas", ()),
    Source("potato_leaves", ()),
    Source("ants_bees", ()),
    Source("trec6", (), "text"),
    Source("banking77", (), "text", classes=20),
    Source("spoken_digits", (), "audio", pattern="{label}_{group}_*.wav"),
    Source("sms_spam", (), "text"),
)
KINDS = ("image", "text", "audio")
PARTS = ("real", "normal", "inputs", "share", "accuracy")
CAMERAS = ("blurred", "darker", "coarse")
NEVER = 10**9


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream: which part of the benchmark, which set, and how its items are drawn."""

    part: str
    name: str
    seed: int


def measure(names: Sequence[str] = (), streams: int = STREAMS) -> None:
    """Simulate; print the tables and write ``results/monitor-PART.json``.

    Args:
        names: Parts of ``PARTS``; by default all.
        streams: So many of each kind; a tenth of them where a change is to be found.
    """
    present = [one for one in SETS if (DATA / one.name).is_dir()]
    if not present:
        progress.print(f"[yellow]none of the sets lies in {DATA}[/yellow]")
        return
    for part in names or PARTS:
        many = streams if part in ("real", "normal") else max(len(present), streams // 5)
        tasks = [Stream(part, _one_of(part, present, seed), seed) for seed in range(many)]
        for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
            os.environ[name] = "1"
        tasks.sort(key=lambda task: task.name)
        with ProcessPoolExecutor(min(2, os.cpu_count() or 1), multiprocessing.get_context("spawn")) as pool:
            found = list(pool.map(run_once, tasks, chunksize=4))
        keep(f"monitor-{part}", {"streams": len(found), "runs": found})
        _tabulate(part, found)


def _one_of(part: str, present: Sequence[Source], seed: int) -> str:
    """A set; each modality gets as many streams."""
    own = [one for one in present if one.modality == KINDS[seed % len(KINDS)]] or list(present)
    own = [one for one in own if part != "inputs" or one.name not in ("sms_spam", "beds_sofas", "potato_leaves")] or own
    return own[(seed // len(KINDS)) % len(own)].name


def _tabulate(part: str, found: Sequence[Mapping[str, Any]]) -> None:
    groups = {name: [run for run in found if run["set"] == name] for name in dict.fromkeys(run["set"] for run in found)}
    rows = [(name, *_cells(part, runs)) for name, runs in [*groups.items(), ("all", found)]]
    if part in ("real", "normal"):
        show(f"Streams without change: {part}", ("set", "streams", "items", "alarms", *LEVELS), rows,
             "Share of streams with an alarm, ever; at most 5 % are promised.")  # fmt: skip
    elif part == "accuracy":
        show("Accuracy where shares moved", ("set", "streams", "holds", "width", "none given"), rows)
    else:
        show(
            f"Found after: {part}", ("set", "streams", "median", "found", "reference"), rows, "Items after the change."
        )


def _cells(part: str, runs: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    n = str(len(runs))
    if part in ("real", "normal"):
        shares = [np.mean([run["found"][name] < NEVER for run in runs]) for name in LEVELS]
        anything = np.mean([min(run["found"].values()) < NEVER for run in runs])
        items = np.median([run["n"] for run in runs])
        return (n, f"{items:.0f}", f"{anything:.1%}", *(f"{share:.1%}" for share in shares))
    if part == "accuracy":
        given = [run for run in runs if run["low"] is not None]
        holds = np.mean([run["low"] <= run["truth"] <= run["high"] for run in given])
        return (
            n,
            f"{holds:.1%}",
            f"{np.median([run['high'] - run['low'] for run in given]):.3f}",
            str(len(runs) - len(given)),
        )
    after = [run["after"] for run in runs]
    median, early = float(np.median(after)), np.mean([one < NEVER for one in after])
    return (
        n,
        f"{median:.0f}" if median < NEVER else "never",
        f"{early:.0%}",
        f"{np.median([run['m'] for run in runs]):.0f}",
    )


def run_once(task: Stream) -> dict[str, Any]:
    """What is found in one stream."""
    return {"set": task.name, "seed": task.seed, **PART_OF[task.part](task, np.random.default_rng(task.seed))}


def _found(reference: Reference, x: Float32) -> dict[str, int]:
    drifts = watch(reference, x)
    every = {name: getattr(drifts, name) for name in LEVELS}
    return {name: one.found if one.changed else NEVER for name, one in every.items()}


def _reference(own: Population, rows: Int) -> Reference:
    labels = [own.dataset.classes[one] for one in own.dataset.y[rows]]
    return Reference.of(own.x[rows], labels, stages=_stages(own))


def _real(task: Stream, chance: np.random.Generator) -> dict[str, Any]:
    own = _population(task.name)
    order = chance.permutation(len(own.x))
    m = min(int(chance.choice([100, 200, 400])), len(order) // 2)
    rest = order[m : m + LONGEST]
    return {"m": m, "n": len(rest), "found": _found(_reference(own, order[:m]), own.x[rest])}


def _normal(task: Stream, chance: np.random.Generator) -> dict[str, Any]:
    own = _population(task.name)
    y, k = own.dataset.y, len(own.dataset.classes)
    means = np.array([own.x[y == one].mean(axis=0) for one in range(k)])
    rest = (own.x - means[y])[np.random.default_rng(0).permutation(len(y))[:600]]
    m = int(chance.choice([100, 200, 400]))
    drawn = chance.choice(y, m + LONGEST)
    noise = chance.standard_normal((len(drawn), len(rest)), np.float32) @ rest / np.sqrt(len(rest), dtype=np.float32)
    x = means[drawn] + noise
    labels = [own.dataset.classes[one] for one in drawn[:m]]
    reference = Reference.of(x[:m], labels, stages=_stages(own))
    return {"m": m, "n": LONGEST, "found": _found(reference, x[m:])}


def _inputs(task: Stream, chance: np.random.Generator) -> dict[str, Any]:
    """Another camera, another speaker, other topics: from the first item on, or after two hundred."""
    own = _population(task.name)
    before = 200 if task.seed % 2 else 0
    y, groups = own.dataset.y, np.array(own.dataset.groups or [""] * len(own.x))
    if own.dataset.modality == "image":
        order = chance.permutation(len(own.x))
        others = _camera(task.name, CAMERAS[(task.seed // 6) % len(CAMERAS)])
        m = min(200, len(order) - 300)
        if m < 60:
            before, m = 0, len(order) // 2
        usual = order[: m + before]
        new = others[order[m + before :]]
    elif own.dataset.modality == "audio":
        speaker = chance.choice(np.unique(groups))
        usual, new = chance.permutation(np.flatnonzero(groups != speaker)), own.x[groups == speaker]
        m = 200
    else:
        topics = chance.permutation(len(own.dataset.classes))
        known = topics[: len(topics) // 2]
        usual, new = chance.permutation(np.flatnonzero(np.isin(y, known))), own.x[~np.isin(y, known)]
        m = 200
    x = np.concatenate([own.x[usual[m : m + before]], chance.permutation(new)[:400]])
    found = _found(_reference(own, usual[:m]), x)["input"]
    return {"m": m, "n": len(x), "before": before, "after": found - before if before <= found < NEVER else NEVER}


def _share(task: Stream, chance: np.random.Generator) -> dict[str, Any]:
    """A class that a fifth of the reference belongs to, and then two fifths of the items."""
    own = _population(task.name)
    y, one = own.dataset.y, int(chance.integers(len(own.dataset.classes)))
    order = chance.permutation(len(y))
    inside, outside = order[y[order] == one], order[y[order] != one]
    m = min(400, 5 * (len(inside) // 3), len(outside) // 2)
    usual = [inside[: m // 5], outside[: m - m // 5]]
    picked = chance.random(400) < 0.4
    left, right = iter(inside[m // 5 :]), iter(outside[m - m // 5 :])
    rows = [next(left if member else right, -1) for member in picked]
    rows = rows[: rows.index(-1)] if -1 in rows else rows
    found = _found(_reference(own, np.concatenate(usual)), own.x[rows])
    return {"m": m, "n": len(rows), "found": found, "after": found["answers"]}


def _accuracy(task: Stream, chance: np.random.Generator) -> dict[str, Any]:
    """Shares of the classes are drawn anew."""
    own = _population(task.name)
    y, classes = own.dataset.y, own.dataset.classes
    order = chance.permutation(len(y))
    m = min(400, len(order) // 2)
    model = fit_embeddings(own.x[order[:m]], [classes[one] for one in y[order[:m]]])
    rest, shares = order[m:], chance.dirichlet(np.ones(len(classes)))
    rows = np.concatenate([rest[y[rest] == one][: round(share * 300)] for one, share in enumerate(shares)])
    answer = model.classifier.answer(own.x[rows], texts_of(own.dataset.items[row] for row in rows))
    said = [model.classes[one] for one in answer.p.argmax(axis=1)]
    truth = float(np.mean([label == classes[one] for label, one in zip(said, y[rows], strict=True)]))
    return {"m": m, "n": len(rows), "truth": truth, **_estimate(model, answer.p)}


def _estimate(model: Any, p: Float32) -> dict[str, Any]:
    confusion, own = np.array(model.report.confusion, np.float64), model.report.accuracy
    if len(np.unique(p.argmax(axis=1))) < 2:
        return {"value": None, "low": None, "high": None}
    doubt = effective(own.value, own.low, own.high, int(confusion.sum()))
    value, low, high = accuracy_now(confusion, p.astype(np.float64), doubt)
    return {"value": value, "low": low, "high": high}


PART_OF: Mapping[str, Callable[[Stream, np.random.Generator], dict[str, Any]]] = {
    "real": _real, "normal": _normal, "inputs": _inputs, "share": _share, "accuracy": _accuracy,
}  # fmt: skip


def _stages(own: Population) -> Any:
    return encoder_for("auto", own.dataset.modality).stages


@cache
def _population(name: str) -> Population:
    own = population(DATA / name, next(source for source in SETS if source.name == name))
    _, first = np.unique(own.x, axis=0, return_index=True)
    rows = np.sort(first)  # no item twice
    return Population(own.dataset.select(rows), own.x[rows], own.clusters[rows])


@cache
def _camera(name: str, how: str) -> Float32:
    """The embeddings of the photos as another camera takes them."""
    from PIL import Image, ImageEnhance, ImageFilter, ImageOps

    own = _population(name)
    encoder, found = encoder_for("auto", "image"), []
    for item in own.dataset.items:
        image = ImageOps.exif_transpose(Image.open(BytesIO(item.read()))).convert("RGB")
        image.thumbnail((512, 512))
        quality = 90
        if how == "blurred":
            image = image.filter(ImageFilter.GaussianBlur(2))
        elif how == "darker":
            image = ImageEnhance.Color(ImageEnhance.Brightness(image).enhance(0.6)).enhance(0.6)
        else:
            quality = 10
        buffer = BytesIO()
        image.save(buffer, "JPEG", quality=quality)
        found.append(encoder.embed([encoder.prepare(buffer.getvalue()).value])[0])
    return np.array(found, np.float32)
