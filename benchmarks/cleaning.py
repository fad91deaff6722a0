"""Wrong labels: how well they are found beside cleanlab, how precise the flags are, and how long it all takes."""

from __future__ import annotations

import csv
import statistics
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

import graft
from benchmarks.environments import PEERS, UnavailableError, python_of
from benchmarks.goals import Goal, plain_goals, show_goals
from benchmarks.processes import finish
from benchmarks.results import keep, mean, progress, show
from benchmarks.samples import draw_photos
from benchmarks.sets import DATA
from graft.cleaning.label_errors import LabelQuality, score_labels
from graft.cleaning.pool import Pool, gather
from graft.contracts import Bool, Float32, Int
from graft.data.dataset import Dataset
from graft.encoders.cache import Cache
from graft.heads.features import GIVEN
from graft.heads.ngrams import count
from graft.learning.classifier import OutOfFold, fit_classifier
from graft.learning.lexical import coordinates, fit_lexicon
from graft.metrics import average_precision
from graft.recipe import Recipe
from graft.run import Run

DRAWS = 3
RATES = (0.1, 0.2)
"""Shares of the labels that are flipped."""
GOAL_SETS = ("potato_leaves", "beds_sofas", "banking77")
FURTHER_SETS = ("trec6", "sms_spam", "ants_bees", "spoken_digits")
SEEDS = 5
"""Of the folds, where nothing else is left to chance."""
MANY = 10_000
HAUSA_GOAL = 0.65
SECONDS = 5.0
NEVER_BELOW = 0.01

_TIMED = (
    "import json, sys, time; from pathlib import Path; start = time.perf_counter(); import graft; "
    "from graft.cleaning.issues import find_issues; found = find_issues(sys.argv[1]); "
    "print(json.dumps({'items': len(found), 'seconds': time.perf_counter() - start}))"
)


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What heads said of one set of labels, and which of these are wrong.

    Attributes:
        name: Of the data set and of what was done to it.
        y: Given labels ``(n,) int64``.
        wrong: ``(n,) bool``.
        p: Out-of-fold probabilities ``(n, k)``, those that cleanlab is given too.
        quality: What Graft makes of them.
    """

    name: str
    y: Int
    wrong: Bool
    p: Float32
    quality: LabelQuality

    @property
    def judged(self) -> Bool:
        """Which rows can be compared ``(n,) bool``."""
        return self.quality.judged


def measure(draws: int = DRAWS, peers: bool = True, names: Sequence[str] = (), many: int = MANY) -> None:
    """Measure everything; print the tables and write ``results/cleaning.json``.

    Args:
        draws: Of the labels that are flipped.
        peers: Whether cleanlab is asked too.
        names: The sets, by default all.
        many: Items of the set whose findings are timed; 0: none.
    """
    wanted = names or (*GOAL_SETS, *FURTHER_SETS)
    python = _cleanlab() if peers else None
    cells = [_cell(found, python) for name in wanted for found in flipped(name, draws)]
    automatic = [_cell(found, python) for found in hausa()] if not names else []
    timing = measure_time(many) if many else {}
    _show(cells, automatic, timing)
    goals = list(_goals(cells, automatic, timing))
    show_goals("Goals", goals)
    keep("cleaning", {"flipped": cells, "hausa_news": automatic, "time": timing, "goals": plain_goals(goals)})


def flipped(name: str, draws: int) -> Iterator[Found]:
    """Each rate and draw of one set, a share of whose labels is changed to another at random."""
    if not (DATA / name).is_dir():
        progress.print(f"[yellow]{name} does not lie in {DATA}[/yellow]")
        return
    dataset = _read(name)
    k = len(dataset.classes)
    with closing(Cache()) as store:
        for rate in RATES:
            for draw in range(draws):
                chance = np.random.default_rng([draw, round(100 * rate)])
                y = dataset.y.copy()
                rows = chance.choice(len(y), round(rate * len(y)), replace=False)
                y[rows] = (y[rows] + chance.integers(1, k, len(rows))) % k
                noisy = replace(dataset, labels=tuple(dataset.classes[label] for label in y.tolist()))
                pool = gather(noisy, Recipe(seed=draw), Run(store))
                wrong = np.array([a != b for a, b in zip(pool.dataset.labels, _truth(dataset, pool), strict=True)])
                progress.print(f"[dim]{name}, {rate:.0%}, draw {draw}[/dim]")
                yield found_in(f"{name}, {rate:.0%}", pool, wrong)


def hausa() -> Iterator[Found]:
    """Automatic labels of headlines beside true ones: by the bundled encoder, and by n-grams of characters alone."""
    folder = DATA / "hausa_news"
    if not folder.is_dir():
        progress.print(f"[yellow]hausa_news does not lie in {DATA}[/yellow]")
        return
    given, true = (_table(folder / name) for name in ("train_noisy_labels.csv", "train.csv"))
    assert [text for text, _ in given] == [text for text, _ in true]
    wrong = np.array([a != b for (_, a), (_, b) in zip(given, true, strict=True)])
    texts, labels = zip(*given, strict=True)
    dataset = Dataset.from_lists(list(texts), list(labels), modality="text")
    with closing(Cache()) as store:
        for seed in range(SEEDS):
            pool = gather(dataset, Recipe(seed=seed), Run(store))
            yield found_in("bundled encoder", pool, wrong)
            yield _of("characters", _by_characters(pool, texts), pool, wrong)


def found_in(name: str, pool: Pool, wrong: Bool) -> Found:
    """What is found in a pool whose wrong labels are known."""
    assert pool.out_of_fold is not None
    return _of(name, pool.out_of_fold, pool, wrong)


def measure_time(many: int) -> dict[str, Any]:
    """Seconds of all findings on so many photos, whose embeddings and statistics are cached."""
    with TemporaryDirectory() as folder:
        photos, store = Path(folder) / "photos", Path(folder) / "cache"
        draw_photos(_bears(Path(folder) / "source"), photos, 3 * many // 10)
        draw_photos(DATA, photos, many - 3 * many // 10)
        environment = {"GRAFT_CACHE": str(store)}
        command: list[str | Path] = [sys.executable, "-c", _TIMED, photos]
        first = finish(command, environment).answer["seconds"]
        again = [finish(command, environment) for _ in range(3)]
        return {
            "items": again[0].answer["items"],
            "classes": sum(1 for _ in photos.iterdir()),
            "first s": first,
            "again s": statistics.median(run.answer["seconds"] for run in again),
            "process s": statistics.median(run.wall for run in again),
            "peak GB": again[0].peak / 1e9,
        }


def _bears(folder: Path) -> Path:
    """The readable photos of bears_scraped, three more classes, under a name that ``draw_photos`` knows."""
    with closing(Cache()) as store:
        usable = gather(graft.read(DATA / "bears_scraped"), Recipe(), Run(store)).dataset
    for row, (item, label) in enumerate(zip(usable.items, usable.labels, strict=True)):
        target = folder / "ants_bees" / label / f"{row:03}.jpg"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(item.read())
    return folder


def _of(name: str, out_of_fold: OutOfFold, pool: Pool, wrong: Bool) -> Found:
    quality = score_labels(out_of_fold, pool.y, len(pool.classes), pool.folds)
    return Found(name, pool.y, wrong, out_of_fold.p, quality)


def _by_characters(pool: Pool, texts: Sequence[str]) -> OutOfFold:
    """The same folds, and nothing but TF-IDF of n-grams of characters."""
    characters = count(texts, ["characters"])
    z = coordinates(fit_lexicon(characters).rows(characters)).z
    return fit_classifier(z, pool.y, len(pool.classes), GIVEN, pool.folds, pool.recipe, pool.units)[1]


def _cell(found: Found, python: Path | None) -> dict[str, Any]:
    """The figures of one draw."""
    judged, wrong, quality = found.judged, found.wrong[found.judged], found.quality
    issue = quality.is_issue[judged]
    cell: dict[str, Any] = {
        "name": found.name,
        "n": int(judged.sum()),
        "chance": float(wrong.mean()),
        "graft": average_precision(wrong, -quality.score[judged]),
        "flagged": int(issue.sum()),
        "precision": float(wrong[issue].mean()) if issue.any() else float("nan"),
        "recall": float(issue[wrong].mean()),
    }
    if python:
        cell["cleanlab"] = _scored(python, found.y[judged], found.p[judged], wrong)
        cell["cleanlab, refitted"] = _scored(python, found.y[judged], quality.p[judged], wrong)
    return cell


def _scored(python: Path, y: Int, p: Float32, wrong: Bool) -> dict[str, Any]:
    """Average precision of each of cleanlab's scores, the best of them, and its flags."""
    with TemporaryDirectory() as folder:
        place = Path(folder)
        np.save(place / "labels.npy", y)
        np.save(place / "p.npy", p)
        said = finish([python, PEERS / "cleanlab_scores.py", place]).answer
        scores = {
            name: average_precision(wrong, -np.load(place / f"{name}.npy", allow_pickle=False))
            for name in said["methods"]
        }
        issue = np.load(place / "issues.npy", allow_pickle=False)
    return {
        "best": max(scores.values()),
        "scores": scores,
        "flagged": int(issue.sum()),
        "precision": float(wrong[issue].mean()) if issue.any() else float("nan"),
        "recall": float(issue[wrong].mean()),
        "versions": said["versions"],
    }


def _cleanlab() -> Path | None:
    try:
        return python_of("cleanlab")
    except UnavailableError as problem:
        progress.print(f"[yellow]cleanlab: {problem}[/yellow]", soft_wrap=True)
        return None


def _read(name: str) -> Dataset:
    """All of a set as one pool; of banking77 what is to be trained on."""
    if name == "banking77":
        return graft.read(DATA / name / "train.csv")
    pattern = "{label}_{group}_{index}.wav" if name == "spoken_digits" else None
    return replace(graft.read(DATA / name, pattern=pattern), splits=())


def _truth(dataset: Dataset, pool: Pool) -> list[str]:
    """The labels before any was flipped, of the items that could be read."""
    known = {id(item): label for item, label in zip(dataset.items, dataset.labels, strict=True)}
    return [known[id(item)] for item in pool.dataset.items]


def _table(path: Path) -> list[tuple[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return [(row["text"], row["label"]) for row in csv.DictReader(file)]


def _means(cells: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The means over the draws of each name."""
    result = []
    for name in dict.fromkeys(cell["name"] for cell in cells):
        own = [cell for cell in cells if cell["name"] == name]
        keys = ("n", "chance", "graft", "precision", "recall")
        row: dict[str, Any] = {"name": name, **{key: mean([cell[key] for cell in own]) for key in keys}}
        row["least"] = min(cell["graft"] for cell in own)
        for peer in ("cleanlab", "cleanlab, refitted"):
            if peer in own[0]:
                methods = own[0][peer]["scores"]
                row[peer] = max(mean([cell[peer]["scores"][method] for cell in own]) for method in methods)
                row[f"{peer}, flags"] = [mean([cell[peer][key] for cell in own]) for key in ("precision", "recall")]
                row[f"{peer}, worst lead"] = min(cell["graft"] - cell[peer]["best"] for cell in own)
        result.append(row)
    return result


def _show(cells: Sequence[dict[str, Any]], automatic: Sequence[dict[str, Any]], timing: dict[str, Any]) -> None:
    rows = []
    for row in _means([*cells, *automatic]):
        flags = row.get("cleanlab, flags", ())
        rows.append((
            row["name"],
            *(f"{row[key]:.4f}" for key in ("chance", "graft")),
            *(f"{row[key]:.4f}" if key in row else "-" for key in ("cleanlab", "cleanlab, refitted")),
            f"{row['cleanlab, worst lead']:+.4f}" if "cleanlab" in row else "-",
            f"{row['precision']:.2f} / {row['recall']:.2f}",
            " / ".join(f"{value:.2f}" for value in flags) or "-",
        ))  # fmt: skip
    columns = ("labels", "chance", "graft", "cleanlab", "on our p", "least lead", "flags", "cleanlab's")
    note = (
        "Average precision of the scores: cleanlab's best on the same out-of-fold probabilities, and on our refitted "
        "ones. Least lead: of any draw, over its best score in that draw. Flags: precision / recall."
    )
    show("Wrong labels", columns, rows, note)
    if timing:
        show("All findings, everything cached", tuple(timing), [tuple(f"{value:,.4g}" for value in timing.values())])


def _goals(
    cells: Sequence[dict[str, Any]], automatic: Sequence[dict[str, Any]], timing: dict[str, Any]
) -> Iterator[Goal]:
    own = [cell for cell in cells if cell["name"].split(",")[0] in GOAL_SETS and "cleanlab" in cell]
    if own:
        lead = [cell["graft"] - cell["cleanlab"]["best"] for cell in own]
        yield Goal("mean lead over cleanlab's best", mean(lead), "above", 0.0)
        yield Goal("least lead over cleanlab's best", min(lead), "at least", -NEVER_BELOW)
    for row in _means(automatic):
        yield Goal(f"hausa_news, {row['name']}: average precision", row["graft"], "at least", HAUSA_GOAL)
    if timing:
        yield Goal("all findings", timing["again s"], "at most", SECONDS, "s")
