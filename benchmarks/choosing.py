"""Whether two versions of Graft choose the same heads, those of a minimisation to the end, and in what processor time.

``python -m benchmarks choosing OTHER`` fits the same draws of real sets, their embeddings cached, by the code of this
folder and by that of another checkout, turn about, and says what of it the choosing alone took; ``--converged`` also
chooses among heads that ``benchmarks/converged.py`` fits. ``python benchmarks/choosing.py CACHE`` is one of the two: it
answers a line of JSON with another.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

HERE = Path(__file__).parents[1]
SETS: tuple[tuple[str, int, int], ...] = (
    ("potato_leaves", 1000, 2),
    ("potato_leaves", 1200, 3),
    ("spoken_digits", 1500, 10),
    ("trec6", 2000, 6),
    ("banking77", 2000, 20),
    ("ants_bees", 240, 2),
    ("sms_spam", 1000, 2),
)
"""Folder, items, and classes of a draw."""
DRAWS = 3
ROUNDS = 3
PATTERNS = {"spoken_digits": "{label}_{group}_{index}.wav"}


@dataclass(frozen=True, slots=True)
class Pair:
    """One draw, fitted by this version and by the other: what they chose, and seconds of processor time.

    Attributes:
        converged: What is chosen among heads that are fitted to the end; ``None`` where that was not asked.
        choosing: Of choosing alone.
        seconds: Of the whole refit.
    """

    name: str
    items: int
    classes: int
    seed: int
    chosen: list[Any]
    other: list[Any]
    converged: list[Any] | None
    choosing: float
    choosing_before: float
    seconds: float
    before: float


def measure(
    other: Path, draws: int = DRAWS, rounds: int = ROUNDS, sets: tuple[str, ...] = (), converged: bool = False
) -> None:
    """Fit every draw by both versions; print the table and write ``results/choosing.json``."""
    from benchmarks.results import keep, progress, show
    from benchmarks.sets import DATA

    pairs = []
    with (
        TemporaryDirectory() as folder,
        _worker(HERE, Path(folder) / "own") as own,
        _worker(other, Path(folder) / "other") as peer,
        _worker(HERE, Path(folder) / "own", "converged") as reference,
    ):
        for name, items, classes in SETS:
            if (sets and name not in sets) or not (DATA / name).is_dir():
                continue
            for seed in range(draws):
                progress.print(f"{name}, {items} items, draw {seed}")
                asked = {"data": str(DATA / name), "items": items, "classes": classes, "seed": seed}
                _ask(own, asked), _ask(peer, asked)  # embeddings are cached
                answers = [(_ask(own, asked), _ask(peer, asked)) for _ in range(rounds)]
                chosen = [answers[0][side]["chosen"] for side in (0, 1)]
                best = _ask(reference, asked)["chosen"] if converged else None
                seconds = [
                    statistics.median(pair[side][what] for pair in answers)
                    for what in ("choosing", "seconds")
                    for side in (0, 1)
                ]
                pairs.append(Pair(name, items, classes, seed, chosen[0], chosen[1], best, *seconds))
    rows = [
        (f"{pair.name} {pair.items}/{pair.classes} draw {pair.seed}", _words(pair.chosen), _words(pair.other),
         _words(pair.converged or []), f"{pair.choosing:.2f} s", f"{pair.choosing / pair.choosing_before:.2f}",
         f"{pair.seconds:.2f} s", f"{pair.seconds / pair.before:.2f}")
        for pair in pairs
    ]  # fmt: skip
    columns = ("", "chosen", "by the other", "fitted to the end", "choosing", "ratio", "refit", "ratio")
    show("A refit by two versions", columns, rows)
    progress.print(f"{sum(pair.chosen == pair.other for pair in pairs)} of {len(pairs)} choices are the same")
    if converged:
        for whose, choices in (
            ("here", [pair.chosen for pair in pairs]),
            ("the other's", [pair.other for pair in pairs]),
        ):
            same = sum(choice == pair.converged for choice, pair in zip(choices, pairs, strict=True))
            progress.print(f"{same} of {len(pairs)} {whose} are those among heads that are fitted to the end")
    keep("choosing", {"pairs": [asdict(pair) for pair in pairs]})


def _words(chosen: list[Any]) -> str:
    return " ".join(map(str, chosen))


@contextmanager
def _worker(root: Path, cache: Path, *how: str) -> Iterator[subprocess.Popen[str]]:
    environment = {**os.environ, "PYTHONPATH": str(root / "src")}
    command = [sys.executable, str(Path(__file__)), str(cache), *how]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


def _ask(process: subprocess.Popen[str], asked: dict[str, Any]) -> dict[str, Any]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(asked) + "\n")
    process.stdin.flush()
    answer: dict[str, Any] = json.loads(process.stdout.readline())
    return answer


def answer(cache: Path) -> None:
    """Fit what each line of stdin asks for; only what both versions have in common is called."""
    choosing = _timed()
    import random
    from dataclasses import replace

    import graft
    from graft.encoders.cache import Cache

    store, read = Cache(cache), {}
    for line in sys.stdin:
        asked = json.loads(line)
        data = Path(asked["data"])
        if data not in read:
            read[data] = graft.read(data, pattern=PATTERNS.get(data.name))
        dataset, draw = read[data], random.Random(asked["seed"])
        labels = sorted(set(dataset.labels))
        kept = set(draw.sample(labels, min(len(labels), asked["classes"])))
        rows = [row for row, label in enumerate(dataset.labels) if label in kept]
        own = sorted(draw.sample(rows, min(len(rows), asked["items"])))
        drawn = replace(dataset.select(own), splits=())
        choosing.clear()
        started = time.process_time()
        head = graft.fit(drawn, cache=store).report.head
        seconds = time.process_time() - started
        chosen = [head.kind, head.features, head.strength]
        print(json.dumps({"chosen": chosen, "seconds": seconds, "choosing": sum(choosing)}), flush=True)


def _timed() -> list[float]:
    """The seconds of processor time of every choosing of a head from now on, wherever the function was imported."""
    import graft.model  # noqa: F401  imports all that choose
    from graft.learning import selection

    plain, seconds = selection.choose, list[float]()

    def timed(*arguments: Any, **named: Any) -> Any:
        started = time.process_time()
        choice = plain(*arguments, **named)
        seconds.append(time.process_time() - started)
        return choice

    for name in [name for name in sys.modules if name.startswith("graft.")]:
        if vars(sys.modules[name]).get("choose") is plain:
            sys.modules[name].choose = timed  # type: ignore[attr-defined]
    return seconds


if __name__ == "__main__":
    if "converged" in sys.argv[2:]:
        from converged import converged  # type: ignore[import-not-found]  # it stands beside this script

        with converged():
            answer(Path(sys.argv[1]))
    else:
        answer(Path(sys.argv[1]))
