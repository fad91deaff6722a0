"""Whether an exported page answers as its model does, in a headless Chromium from files, and what that costs."""

from __future__ import annotations

import gzip
import os
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.exports import figures_of, files_of, fitted
from benchmarks.goals import Goal, plain_goals, show_goals
from benchmarks.results import keep, progress, show
from benchmarks.sets import DATA
from graft.data.dataset import Dataset
from graft.export.building import exact
from graft.export.draft import GRAPH
from graft.export.exporting import export_model
from graft.export.proof.agreement import FILE_TOLERANCE, Agreement, Answer
from graft.export.proof.golden_set import FOLDER, GoldenSet, gather
from graft.export.proof.inference import GraphSession, decoder_of
from graft.model import Model

CHROMIUM, DRIVER = "/usr/bin/chromium", "/usr/bin/chromedriver"
FLAGS = ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage", "disable-background-networking")
SETS = {"ants_bees": 500, "beds_sofas": 500, "potato_leaves": 500, "trec6": 500, "spoken_digits": 200}
"""Of how many items of each set is asked; where it has fewer, all that the model has not seen."""
ROUNDS, EACH = 8, 25
"""Rounds of so many items by which the cost is measured, in the browser and natively in turn."""
_ASK = """
const [name, isText, done] = arguments;
fetch(name)
  .then((response) => (isText ? response.text() : response.blob()))
  .then(async (item) => (await import(new URL("answerer.js", document.baseURI).href)).answer(item))
  .then(done, (error) => done({ error: { message: String(error) } }));
"""


def measure(names: Sequence[str] = ()) -> None:
    """Fit, export, open, ask for other items; write ``results/browser.json``."""
    cells = []
    for name, most in SETS.items():
        if not (DATA / name).is_dir() or (names and name not in names):
            progress.print(f"[dim]{name} is left out[/dim]")
            continue
        cells.append(_measured(name, most))
        progress.print(cells[-1])
    show(
        "A page in headless Chromium beside its model in f32",
        ("set", "MB", "gzipped", "starts in", "largest", "alike", "near", "labels", "an item", "natively", "ratio"),
        [_line(cell) for cell in cells],
        "All files but the golden items. Largest difference of a probability; the share of items with the same label, "
        "set and unknown, those near to a threshold left out, and how many these are. Milliseconds of processor time "
        "an item, warm: of the renderer, and of onnxruntime with the same graph, decoding included; the "
        "median of their ratios in rounds that take turns.",
    )
    goals = [goal for cell in cells for goal in _goals(cell)]
    show_goals("What a page has to reach", goals)
    keep("browser", {"cells": cells, "goals": plain_goals(goals)})


def _line(cell: dict[str, Any]) -> tuple[str, ...]:
    return (
        f"{cell['set']}, {cell['items']} items",
        *(f"{cell[key] / 1e6:.1f}" for key in ("bytes", "gzipped")),
        f"{cell['starts']:.1f} s",
        f"{cell['largest']:.4f}",
        f"{cell['alike']:.2%}",
        str(cell["near"]),
        f"{cell['labels']:.2%}",
        *(f"{1000 * cell[key]:.1f} ms" for key in ("seconds", "natively")),
        f"{cell['ratio']:.1f}",
    )


def _goals(cell: dict[str, Any]) -> list[Goal]:
    name = cell["set"]
    goals = [
        Goal(f"{name}: same label", 100 * cell["labels"], "at least", 99.8, "%"),
        Goal(f"{name}: largest difference", cell["largest"], "at most", 0.02),
    ]
    if cell["modality"] == "image":
        goals += [
            Goal(f"{name}: files", cell["bytes"] / 1e6, "at most", 22, "MB"),
            Goal(f"{name}: files, gzipped", cell["gzipped"] / 1e6, "at most", 11, "MB"),
            Goal(f"{name}: processor time against native", cell["ratio"], "at most", 10),
        ]
    return goals


def _measured(name: str, most: int) -> dict[str, Any]:
    model, others = fitted(name)
    with TemporaryDirectory() as place:
        folder = Path(place) / "page"
        export_model(model, "browser", folder)
        files = [file for file in folder.rglob("*") if file.is_file() and FOLDER not in file.parts]
        contents = [file.read_bytes() for file in files]
        sizes = {"bytes": sum(map(len, contents)), "gzipped": sum(len(gzip.compress(each, 9)) for each in contents)}
        return {"set": name, "modality": others.modality, **sizes, **_asked(model, others, folder, most)}


def _asked(model: Model, others: Dataset, folder: Path, most: int) -> dict[str, Any]:
    decode = decoder_of(others.modality, folder)
    goldens = gather(exact(model), files_of(others, most), decode)
    found = Agreement(goldens.boundary, FILE_TOLERANCE, model.classes)
    own = folder / "asked"
    own.mkdir()
    for item in goldens.items:
        (own / item.name).write_bytes(item.content)
    with _page(folder) as (browser, starts):

        def ask(item: Any) -> dict[str, Any]:
            answer: dict[str, Any] = browser.execute_async_script(_ASK, f"asked/{item.name}", others.modality == "text")
            return answer

        for item in goldens.items:
            found.add(item.name, item.of_file, _as_arrays(ask(item), model.classes))
        cost = _cost(browser, ask, goldens, GraphSession((folder / GRAPH).read_bytes(), len(model.classes)), decode)
    return {"items": len(goldens.items), "starts": starts, **figures_of(found), **cost}


def _as_arrays(answer: dict[str, Any], classes: Sequence[str]) -> Answer | str:
    """An answer of the page as a graph gives it, or why there is none."""
    if "error" in answer:
        return str(answer["error"]["message"])
    return {
        "probabilities": np.array([[answer["scores"][label] for label in classes]], np.float32),
        "unknown_score": np.array([answer["unknown_score"]], np.float32),
        "set": np.array([[label in answer["set"] for label in classes]]),
    }


def _cost(
    browser: Any, ask: Callable[[Any], Any], goldens: GoldenSet, session: GraphSession, decode: Callable[[bytes], Any]
) -> dict[str, float]:
    """Processor time an item in the page's own process, and natively, in rounds that take turns."""
    there, here = [], []
    for start in range(0, ROUNDS * EACH, EACH):
        items = [goldens.items[place % len(goldens.items)] for place in range(start, start + EACH)]
        before = _renderer_seconds(browser)
        for item in items:
            ask(item)
        there.append((_renderer_seconds(browser) - before) / EACH)
        begun = time.process_time()
        for item in items:
            session.ask(decode(item.content))
        here.append((time.process_time() - begun) / EACH)
    ratio = statistics.median(one / other for one, other in zip(there, here, strict=True))
    return {"seconds": statistics.median(there), "natively": statistics.median(here), "ratio": ratio}


@contextmanager
def _page(folder: Path) -> Iterator[tuple[Any, float]]:
    """A headless Chromium that shows the page, and after how many seconds it answered."""
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """What was asked for is not told."""

    options = Options()
    options.binary_location = CHROMIUM
    for flag in FLAGS:
        options.add_argument(f"--{flag}")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser = webdriver.Chrome(options=options, service=Service(DRIVER))
        try:
            browser.set_script_timeout(600)
            begun = time.perf_counter()
            browser.get(f"http://127.0.0.1:{server.server_address[1]}/")
            while not (state := browser.execute_script("return document.documentElement.dataset.ready")):
                time.sleep(0.02)
            if state != "yes":
                raise RuntimeError(browser.execute_script("return document.body.innerText"))
            yield browser, time.perf_counter() - begun
        finally:
            browser.quit()
            server.shutdown()


def _renderer_seconds(browser: Any) -> float:
    """Processor time of the browser's processes that run pages."""
    parents, spent = {}, {}
    for entry in Path("/proc").iterdir():
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            command = (entry / "cmdline").read_bytes()
        except (OSError, ValueError):
            continue
        if not entry.name.isdigit():
            continue
        parents[int(entry.name)] = int(fields[1])
        if b"--type=renderer" in command:
            spent[int(entry.name)] = sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")
    return sum(seconds for pid, seconds in spent.items() if browser.service.process.pid in _line_of(pid, parents))


def _line_of(pid: int, parents: dict[int, int]) -> Iterator[int]:
    while pid in parents:
        pid = parents[pid]
        yield pid
