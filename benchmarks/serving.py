"""What ``graft serve`` costs beside the same model in process, and what it does when too much is asked of it."""

from __future__ import annotations

import io
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image

import graft
from benchmarks.goals import Goal, plain_goals, show_goals
from benchmarks.results import keep
from benchmarks.sets import DATA, Example, read_folders, read_tables

REQUESTS = 10_000
"""That are broken."""
CLIENTS = 16
PHOTOS, TEXTS = 240, 480
ROUNDS = 5
OVERLOAD_SECONDS = 30.0
SIDE = 500
"""Pixels of a photo's longer side."""


class RunningServer:
    """``graft serve MODEL`` in a process of its own."""

    def __init__(self, model: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "graft", "serve", str(model), "--port", "0"], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout
        self.port = int(self.process.stdout.readline().rstrip().removesuffix("/docs").rpartition(":")[2])

    def ready(self) -> bool:
        """Whether it answers."""
        connection = HTTPConnection("127.0.0.1", self.port)
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200

    def seconds(self) -> float:
        """Processor time of the server and all its children, those that have ended too."""
        return sum(map(_seconds, self._tree()))

    def megabytes(self) -> float:
        """Memory of all of them that is nobody else's."""
        return sum(map(_megabytes, self._tree()))

    def _tree(self) -> list[int]:
        running = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
        parents = {pid: _parent(pid) for pid in running}
        found = [self.process.pid]
        for pid in found:
            found += [child for child, parent in parents.items() if parent == pid]
        return found


def _fields(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _parent(pid: int) -> int:
    fields = _fields(pid)
    return int(fields[1]) if fields else -1


def _seconds(pid: int) -> float:
    fields = _fields(pid)
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK") if fields else 0.0


def _megabytes(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1024


Malformed = Callable[[RunningServer, list[bytes], int], tuple[list[Goal], dict[str, Any]]]


@contextmanager
def serving(model: Path) -> Iterator[RunningServer]:
    """A server that answers."""
    server = RunningServer(model)
    try:
        while not server.ready():
            time.sleep(0.1)
        yield server
    finally:
        server.process.terminate()
        server.process.wait()


def clients(server: RunningServer, bodies: Path, kind: str, **told: Any) -> dict[str, Any]:
    """What the clients' own process says."""
    given = json.dumps({"port": server.port, "bodies": str(bodies), "type": kind, **told})
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.http_clients"], input=given, capture_output=True, text=True, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def measure(rounds: int = ROUNDS, requests: int = REQUESTS) -> list[Goal]:
    """Measure; print the table and write ``results/serving.json``."""
    from benchmarks.malformed import malformed

    with TemporaryDirectory() as folder:
        goals: list[Goal] = []
        figures: dict[str, Any] = {}
        for part in (_photos, _probes, _texts, lambda own, _: _malformed(own, malformed, requests)):
            found, own = part(Path(folder), rounds)
            goals += found
            figures |= own
    show_goals("graft serve", goals)
    keep("serving", {**figures, "goals": plain_goals(goals)})
    return goals


def _photos(folder: Path, rounds: int) -> tuple[list[Goal], dict[str, Any]]:
    examples = read_folders(DATA / "ants_bees")
    model = _fitted([one for one in examples if one.split == "train"], folder / "photos.graft")
    contents = [_resized(one.item) for one in examples if one.split == "val"][:PHOTOS]
    bodies = _written(folder / "photos", contents)
    here: list[float] = []
    there: list[float] = []
    rates: list[float] = []
    with serving(folder / "photos.graft") as server:
        model.predict(contents[:32], cache=None)
        clients(server, bodies, "image/jpeg", clients=CLIENTS, n=64)
        for _ in range(rounds):
            began = time.process_time()
            model.predict(contents, cache=None)
            here.append((time.process_time() - began) / len(contents))
            began = server.seconds()
            done = clients(server, bodies, "image/jpeg", clients=CLIENTS, n=len(contents))
            there.append((server.seconds() - began) / len(contents))
            rates.append(len(contents) / done["seconds"])
            assert done["statuses"] == {"200": len(contents)}, done
        rate = statistics.median(rates)
        over = clients(server, bodies, "image/jpeg", rate=2 * rate, seconds=OVERLOAD_SECONDS)
    answered = over["statuses"].get("200", 0) / over["seconds"]
    ratio = statistics.median(b / a for a, b in zip(here, there, strict=True))
    return [
        Goal("processor time a photo, server and children against in process", ratio, "at most", 1.33, "x"),
        Goal("429s where twice as much is asked", over["statuses"].get("429", 0), "at least", 1),
        Goal("answered a second then, against the rate before", answered / rate, "at least", 0.8, "x"),
    ], {
        "photo_ms_in_process": 1e3 * statistics.median(here),
        "photo_ms_served": 1e3 * statistics.median(there),
        "photos_a_second": rate,
        "overload": over,
    }


def _probes(folder: Path, rounds: int) -> tuple[list[Goal], dict[str, Any]]:
    """How long ``/healthz`` takes while the server has all to do that it may have, and bodies of 30 MB are read."""
    waits: list[float] = []
    with serving(folder / "photos.graft") as server:
        load = {"port": server.port, "bodies": str(folder / "photos"), "type": "image/jpeg", "clients": CLIENTS}
        command = [sys.executable, "-m", "benchmarks.http_clients"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as others:
            assert others.stdin
            others.stdin.write(json.dumps({**load, "n": PHOTOS * rounds}) + "\n")
            others.stdin.flush()
            large = threading.Thread(target=_send_large, args=(server.port, others), daemon=True)
            large.start()
            while others.poll() is None:
                began = time.monotonic()
                connection = HTTPConnection("127.0.0.1", server.port)
                connection.request("GET", "/healthz")
                assert connection.getresponse().status == 200
                waits.append(1e3 * (time.monotonic() - began))
                time.sleep(0.05)
            large.join()
    middle, most = statistics.median(waits), statistics.quantiles(waits, n=100)[98]
    return [Goal("/healthz under full load, 99 of 100 within", most, "at most", 100, "ms")], {
        "healthz_ms": {"median": middle, "p99": most, "max": max(waits), "n": len(waits)}
    }


def _send_large(port: int, others: subprocess.Popen[str]) -> None:
    body = b'{"images": [' + b",".join([b'"' + b"A" * 1_000_000 + b'"'] * 28) + b"]}"
    while others.poll() is None:
        connection = HTTPConnection("127.0.0.1", port)
        connection.request("POST", "/predict", body, {"Content-Type": "application/json"})
        connection.getresponse().read()


def _malformed(folder: Path, send: Malformed, requests: int) -> tuple[list[Goal], dict[str, Any]]:
    photos = [file.read_bytes() for file in sorted((folder / "photos").iterdir())]
    with serving(folder / "photos.graft") as server:
        return send(server, photos, requests)


def _texts(folder: Path, rounds: int) -> tuple[list[Goal], dict[str, Any]]:
    examples = read_tables(DATA / "banking77")
    train = [one for one in examples if one.split == "train"]
    model = _fitted(train[:: max(1, len(train) // 1500)], folder / "texts.graft")
    texts = [str(one.item) for one in examples if one.split == "test"][:TEXTS]
    bodies = _written(folder / "texts", [json.dumps({"texts": [text]}).encode() for text in texts])
    ratios, rates = [], []
    with serving(folder / "texts.graft") as server:
        clients(server, bodies, "application/json", clients=CLIENTS, n=64)
        model.predict_one(texts[0], cache=None)
        for _ in range(rounds):
            began = time.monotonic()
            for text in texts:
                model.predict_one(text, cache=None)
            alone = len(texts) / (time.monotonic() - began)
            done = clients(server, bodies, "application/json", clients=CLIENTS, n=len(texts))
            assert done["statuses"] == {"200": len(texts)}, done
            rates.append(len(texts) / done["seconds"])
            ratios.append(rates[-1] / alone)
    ratio = statistics.median(ratios)
    return [Goal(f"texts a second, {CLIENTS} clients against one at a time in process", ratio, "at least", 2.0, "x")], {
        "texts_a_second": statistics.median(rates)
    }


def _fitted(examples: Sequence[Example], place: Path) -> graft.Model:
    model = graft.fit([one.item for one in examples], [one.label for one in examples])
    model.save(place)
    return graft.load(place)


def _resized(path: Path | str) -> bytes:
    with Image.open(path) as image:
        picture = image.convert("RGB")
    scale = SIDE / max(picture.size)
    buffer = io.BytesIO()
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    picture.resize(size).save(buffer, format="JPEG", quality=90)
    return buffer.getvalue()


def _written(folder: Path, contents: Sequence[bytes]) -> Path:
    folder.mkdir()
    for place, content in enumerate(contents):
        (folder / f"{place:05}").write_bytes(content)
    return folder
