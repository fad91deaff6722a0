"""What the words of a head cost: bytes and accuracy of every size, beside all weights as they were learnt."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass

from benchmarks.draws import DRAWS, Draw
from benchmarks.goals import Goal, plain_goals, show_goals
from benchmarks.results import keep, mean, progress, show
from benchmarks.text import Row, divide
from graft import tensors
from graft.contracts import Float32
from graft.data.dataset import Dataset
from graft.encoders import encoder_for
from graft.encoders.cache import Cache
from graft.heads.classifier import Classifier
from graft.heads.features import transform
from graft.heads.ngrams import count
from graft.learning.classifier import fit_classifier
from graft.learning.lexical import divided
from graft.learning.packing import packed, sizes
from graft.learning.selection import fit_final
from graft.recipe import Recipe
from graft.run import Run
from graft.tasks.examples import Examples

SHOTS = 8
SETS = ("banking77", "trec6", "sms_spam")
ROWS = tuple(Row(f"{name}, {shots or 'all'}", name, shots=shots) for shots in (None, SHOTS) for name in SETS)
LOADS = 50


@dataclass(frozen=True, slots=True)
class Trial:
    """One fit.

    Attributes:
        row: How its set and division are called.
        seed: Of the draw.
        classes: How many there are.
        features: What was taken.
        whole: Accuracy on the test with every weight as it was learnt.
        kept: The same with the words in the size that was taken.
        size: That size.
        bytes: What its words take; 0 where words play no part.
        before: What every n-gram takes with weights in float16.
        load: Milliseconds from the bytes of the head to a head, the median.
        curve: Bytes and accuracy of each size that there was room for.
    """

    row: str
    seed: int
    classes: int
    features: str
    whole: float
    kept: float
    size: str
    bytes: int
    before: int
    load: float
    curve: tuple[tuple[str, int, float], ...]


def measure(names: Sequence[str] = (), draws: int = DRAWS) -> list[Goal]:
    """Fit every division once; print the tables and write ``results/words.json``.

    Args:
        names: Folders of the sets, by default all.
        draws: Draws of the rows that have few texts of each class.
    """
    trials = []
    for row in ROWS:
        if names and row.data not in names:
            continue
        for division in divide(row, draws):
            progress.print(f"{row.name}, seed {division.seed}")
            trials.append(run_once(row.name, division))
    rows = dict.fromkeys(trial.row for trial in trials)
    cells = {row: [trial for trial in trials if trial.row == row] for row in rows}
    goals = goals_of(trials, [mean([t.kept - t.whole for t in cell]) for cell in cells.values()])
    show("Words of heads", COLUMNS, [_line(row, cell) for row, cell in cells.items()])
    for trial in trials:
        if trial.curve and trial.row.endswith("all"):
            show(f"{trial.row}: sizes", ("", "bytes", "accuracy"), _curve(trial))
    show_goals("Words", goals)
    keep("words", {"trials": [asdict(trial) for trial in trials], "goals": plain_goals(goals)})
    return goals


def goals_of(trials: Sequence[Trial], changes: Sequence[float]) -> list[Goal]:
    """What the words may take, cost and last, as far as it was measured."""
    most = max(trials, key=lambda trial: trial.classes)
    return [
        Goal(f"bytes at {most.classes} classes", most.bytes / 1000, "at most", 100, "KB"),
        Goal("points of accuracy, mean of all rows", 100 * mean(changes), "at least", -0.1),
        Goal("loading the largest head", max(trial.load for trial in trials), "at most", 1, "ms"),
    ]


def run_once(row: str, division: Draw) -> Trial:
    """Fit one division's head as ``graft.fit`` does and judge it in every size on the test."""
    examples = [(e, "") for e in division.train] + [(e, "test") for e in division.test]
    dataset = Dataset.from_lists(
        [str(e.item) for e, _ in examples],
        [e.label for e, _ in examples],
        splits=[split for _, split in examples],
        modality="text",
    )
    recipe, encoder = Recipe(seed=division.seed), encoder_for("text", "text")
    with closing(Cache()) as store:
        found = Examples.of(dataset, encoder, recipe, Run(cache=store))
    rows, k, texts = found.rows, len(found.rows.classes), [str(e.item) for e in division.test]
    head, out_of_fold = fit_classifier(rows.x, rows.y, k, rows.stages, rows.folds, recipe, rows.units, rows.words)
    x = found.embedded.x[found.test]
    truth = [e.label for e in division.test]

    def accuracy(scores: Float32) -> float:
        return mean([rows.classes[best] == label for best, label in zip(scores.argmax(axis=1), truth, strict=True)])

    kept, choice, words = accuracy(head.probabilities(x, texts)), out_of_fold.choice, rows.words
    data, features = tensors.dump(tensors.Tensors(head.arrays(), head.settings())), choice.chosen.features
    load = _load(data)
    if head.lexical is None or words is None:
        return Trial(row, division.seed, k, features, kept, kept, "", 0, 0, load, ())
    final = choice.final or fit_final(rows.x, rows.y, k, rows.stages, choice.chosen, axes=choice.axes, words=words.z)
    own, learnt = divided(final, words.projection, features)
    rest, weights = own.scores(transform(x, rows.stages, features)), words.projection.fold(learnt)
    whole = accuracy(rest + words.lexicon.rows(count(texts)).dot(weights))
    curve = []
    for size in sizes(len(words.lexicon.buckets), k):
        scores = rest + packed(words, weights, size).scores(texts)
        curve.append((f"{size.ngrams} n-grams, {size.bits} bits", size.bytes(k), accuracy(scores)))
    taken = sum(array.nbytes for array in head.lexical.arrays().values())
    named = next(name for name, each, _ in curve if each == taken)
    return Trial(
        row, division.seed, k, features, whole, kept, named, taken, len(weights) * (8 + 2 * k), load, tuple(curve)
    )


def _load(data: bytes) -> float:
    times = []
    for _ in range(LOADS):
        start = time.perf_counter()
        content = tensors.parse(data)
        Classifier.restore(content.settings, content.arrays)
        times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times)


def _line(row: str, cell: Sequence[Trial]) -> tuple[str, ...]:
    return (
        row,
        str(len(cell)),
        str(sum(trial.bytes > 0 for trial in cell)),
        f"{100 * mean([trial.whole for trial in cell]):.2f}",
        f"{100 * mean([trial.kept for trial in cell]):.2f}",
        f"{100 * mean([trial.kept - trial.whole for trial in cell]):+.2f}",
        f"{max(trial.before for trial in cell) / 1000:.0f}",
        f"{max(trial.bytes for trial in cell) / 1000:.1f}",
        f"{max(trial.load for trial in cell):.2f}",
    )


def _curve(trial: Trial) -> Iterable[tuple[str, ...]]:
    for name, size, accuracy in trial.curve:
        yield f"{name}{' (taken)' if name == trial.size else ''}", f"{size:,}", f"{100 * accuracy:.2f}"
    yield "all, as learnt", f"{trial.before:,}", f"{100 * trial.whole:.2f}"


COLUMNS = ("", "fits", "with words", "whole %", "kept %", "points", "KB before", "KB", "load ms")
