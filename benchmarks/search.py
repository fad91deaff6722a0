"""Look-alikes: whether what is found is of the same class, how long it takes, and what the graph misses."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

import graft
from benchmarks.processes import GRAFT
from benchmarks.results import keep, mean, progress, show
from benchmarks.sets import DATA
from graft.contracts import Float32, Stages
from graft.encoders import encoder_for
from graft.encoders.cache import Cache, Entry
from graft.encoders.embed import content_digest, content_key, embed
from graft.heads.features import transform
from graft.learning.neighbours import nearest, unit
from graft.run import Run
from graft.similarity import Index
from graft.similarity.space import Space

CHOSEN_ON = ("ants_bees", "potato_leaves", "trec6", "spoken_digits, speakers 1 to 3")
CONFIRMED_ON = ("beds_sofas", "bears_scraped", "banking77", "spoken_digits, speakers 4 to 6")
QUERIES = 1500
"""Of each set at most, drawn at random."""
SIZES = (1_000, 10_000, 100_000)
MANY = 200_000
REPEATS = 5
NEIGHBOURS = 10
COMMAND: tuple[str | Path, ...] = (GRAFT, "search")


def measure(many: int = MANY) -> None:
    """Measure all three; print the tables and write ``results/search.json``."""
    likeness = measure_likeness()
    speed = [measure_speed(n) for n in SIZES]
    graph = measure_graph(many)
    _show_likeness(likeness)
    show(
        "Seconds for one query, embeddings cached",
        ("items", "read and index", "new text", "known text", "graft search"),
        [(f"{one['items']:,}", *(f"{one[key]:.3f}" for key in ("index", "new", "known", "process"))) for one in speed],
    )
    show("The graph", tuple(graph), [tuple(f"{value:,.4g}" for value in graph.values())])
    keep("search", {"likeness": likeness, "speed": speed, "graph": graph})


def measure_likeness() -> dict[str, dict[str, float]]:
    """Share of the ten nearest others that have the query's label, for each set and space."""
    found: dict[str, dict[str, float]] = {}
    for name, dataset in _sets():
        progress.print(name)
        encoder = encoder_for("auto", dataset.modality)
        embedded = embed(encoder, dataset.items, Run(Cache()))
        dataset = dataset.select(embedded.rows)
        for space, vectors in _spaces(embedded.x, encoder.stages):
            found.setdefault(space, {})[name] = _precision(vectors, dataset)
    return found


def measure_speed(n: int) -> dict[str, Any]:
    """Seconds until ``n`` cached texts can be searched, and for a query: in this process, and as one of its own."""
    progress.print(f"{n:,} texts")
    with TemporaryDirectory() as folder:
        lines = [f"Message {number}: where is parcel {number * 7919 % 100_003}?" for number in range(n)]
        data, cache = Path(folder) / "lines.txt", Cache(Path(folder) / "cache")
        data.write_text("\n".join(lines), encoding="utf-8")
        encoder = encoder_for("text", "text")
        vectors = np.random.default_rng(0).normal(size=(n, encoder.dim)).astype(np.float32)
        keys = [content_key(encoder, content_digest(line.encode())) for line in lines]
        cache.put(encoder.fingerprint, {key: Entry(x, {}) for key, x in zip(keys, vectors, strict=True)})
        start = time.perf_counter()
        index = Index.of(data, cache=cache)
        built = time.perf_counter() - start
        index.search("The network is loaded by the first query.")
        new = [_seconds(index, f"Has parcel number {number} arrived?") for number in range(REPEATS)]
        known = [_seconds(index, line) for line in lines[:REPEATS]]
        cache.close()
        environment = {**os.environ, "GRAFT_CACHE": str(Path(folder) / "cache")}
        command = [*map(str, COMMAND), str(data), "Has my parcel arrived?"]
        walls = []
        for _ in range(REPEATS):
            start = time.perf_counter()
            subprocess.run(command, env=environment, capture_output=True, check=True)
            walls.append(time.perf_counter() - start)
    return {
        "items": n,
        "index": built,
        "new": statistics.median(new),
        "known": statistics.median(known),
        "process": statistics.median(walls),
    }


def measure_graph(n: int) -> dict[str, float]:
    """What the graph takes to build over ``n`` vectors, and what share of the ten nearest it finds."""
    progress.print(f"a graph over {n:,} vectors")
    chance = np.random.default_rng(0)
    dataset, encoder = graft.read(DATA / "banking77"), encoder_for("text", "text")
    _, real = Space.around(embed(encoder, dataset.items, Run(Cache())).x, encoder.stages)
    differences = real - real[chance.permutation(len(real))]

    def near_real(size: int) -> Float32:
        """Beside real vectors, off in a direction in which two real ones differ: their spectrum, more of them."""
        rows, others = chance.integers(len(real), size=(2, size))
        return unit(real[rows] + 0.5 * differences[others])

    x = np.concatenate([near_real(min(50_000, n - start)) for start in range(0, n, 50_000)])
    queries = near_real(500)
    true, exact = _timed(lambda: nearest(queries, x, NEIGHBOURS).rows)
    _, single = _timed(lambda: nearest(queries[:1], x, NEIGHBOURS))
    index = Index.from_embeddings(x, exact=False)
    before = time.process_time()
    _, build = _timed(lambda: index.search(queries[0]))
    processor = time.process_time() - before
    found, quick = _timed(lambda: index.search_many(list(queries), NEIGHBOURS))
    one = statistics.median(_seconds(index, query) for query in queries[:50])
    hits = [len({match.row for match in a.matches} & set(b)) for a, b in zip(found, true.tolist(), strict=True)]
    return {
        "items": n,
        "build s": build,
        "build, processor s": processor,
        "recall@10": mean(hits) / NEIGHBOURS,
        "one query ms": 1000 * one,
        "of 500, ms": 1000 * quick / len(queries),
        "exact: one, ms": 1000 * single,
        "exact: of 500, ms": 1000 * exact / len(queries),
        "peak GB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e9,
    }


def _sets() -> Iterator[tuple[str, graft.Dataset]]:
    for name in ("ants_bees", "potato_leaves", "trec6", "beds_sofas", "bears_scraped", "banking77"):
        yield name, graft.read(DATA / name)
    takes = graft.read(DATA / "spoken_digits", pattern="{label}_{group}_{index}.wav")
    speakers = sorted(set(takes.groups))
    for name, part in (("1 to 3", speakers[:3]), ("4 to 6", speakers[3:])):
        rows = [row for row, group in enumerate(takes.groups) if group in part]
        yield f"spoken_digits, speakers {name}", takes.select(rows)


def _spaces(x: Float32, stages: Stages) -> Iterator[tuple[str, Float32]]:
    for features in ("last", "late", "even"):
        vectors = unit(transform(x, stages, features))
        yield features, vectors
        centred = vectors - vectors.mean(axis=0)
        yield f"{features}, centred", unit(centred)
        yield f"{features}, whitened a little", _whitened(centred, 0.25)
    yield "as graft search", Space.around(x, stages)[1]


def _whitened(centred: Float32, power: float) -> Float32:
    moments, axes = np.linalg.eigh((centred.T @ centred / len(centred)).astype(np.float64))
    scale = (np.maximum(moments, 0) + 0.1 * moments.mean()) ** (-power / 2)
    return unit((centred @ axes.astype(np.float32)) * scale.astype(np.float32))


def _precision(vectors: Float32, dataset: graft.Dataset) -> float:
    """Without the query, and without all of its group."""
    y, groups = dataset.y, np.array(dataset.groups)
    rows = np.sort(np.random.default_rng(0).permutation(len(y))[:QUERIES])
    scores = vectors[rows] @ vectors.T
    scores[np.arange(len(rows)), rows] = -np.inf
    scores[(groups[rows][:, None] == groups) & (groups != "")] = -np.inf
    top = np.argpartition(-scores, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
    return float((y[top] == y[rows][:, None]).mean())


def _seconds(index: Index, query: Any) -> float:
    return _timed(lambda: index.search(query))[1]


def _timed(function: Any) -> tuple[Any, float]:
    start = time.perf_counter()
    result = function()
    return result, time.perf_counter() - start


def _show_likeness(found: dict[str, dict[str, float]]) -> None:
    rows = [
        (space, *(f"{mean([figures[name] for name in names]):.4f}" for names in (CHOSEN_ON, CONFIRMED_ON)))
        for space, figures in found.items()
    ]
    note = f"Chosen on {'; '.join(CHOSEN_ON)}. Confirmed on {'; '.join(CONFIRMED_ON)}."
    show("Share of the 10 nearest that have the query's label", ("space", "chosen on", "confirmed on"), rows, note)
