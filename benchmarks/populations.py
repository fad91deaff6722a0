"""Whole data sets to draw from: embedded once, with their near-duplicates, and with groups where they have them."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

import graft
from benchmarks.sets import DATA
from graft.contracts import Bool, Float32, Int
from graft.data.dataset import Dataset
from graft.data.texts import texts_of
from graft.duplicates.likeness import clusters_of
from graft.encoders import encoder_for
from graft.encoders.cache import Cache
from graft.encoders.embed import embed
from graft.heads.classifier import Answer
from graft.run import Run


@dataclass(frozen=True, slots=True)
class Source:
    """A data set and how many of each class are drawn from it: at most a fifth or so, so that the rest is the truth.

    Attributes:
        name: Its folder's name.
        shots: How many of each class.
        modality: What it holds.
        classes: Of a set with many classes so many are taken, evenly spread over their names; 0: all.
        pattern: What the names of its files tell.
        groups: Only items of so many groups are drawn, and those of the others are the rest; 0: groups do not matter.
    """

    name: str
    shots: tuple[int, ...]
    modality: str = "image"
    classes: int = 0
    pattern: str | None = None
    groups: int = 0


SOURCES = (
    Source("potato_leaves", (5, 10, 20, 50, 100)),
    Source("beds_sofas", (5, 10, 20, 50, 100)),
    Source("bears_scraped", (5, 10, 20, 30)),
    Source("ants_bees", (5, 10, 20, 40)),
    Source("trec6", (5, 10, 20), "text"),
    Source("banking77", (5, 10, 20), "text", classes=10),
    Source("sms_spam", (5, 10, 20, 50, 100), "text"),
    Source("spoken_digits", (5, 10, 20), "audio", pattern="{label}_{group}_*.wav", groups=3),
)


@dataclass(frozen=True, eq=False)
class Population:
    """A whole data set, embedded once.

    Attributes:
        dataset: Its items that can be read, given splits put together.
        x: ``(n, dim) float32``.
        clusters: What is a near-duplicate of what ``(n,) int64``, in the whole set.
        drawn_groups: From how many groups a draw takes its items; 0: groups do not matter.
    """

    dataset: Dataset
    x: Float32
    clusters: Int
    drawn_groups: int = 0

    def ask(self, model: graft.Model, rows: Int | None = None) -> Answer:
        """What a model says of these rows, by default all."""
        rows = np.arange(len(self.x)) if rows is None else rows
        texts = texts_of(self.dataset.items[row] for row in rows) if self.dataset.modality == "text" else None
        return model.classifier.answer(self.x[rows], texts)

    def draw(self, shots: int, seed: int) -> tuple[Int, Int]:
        """The rows that a user would have had, and the rest, which tells what the user could not know.

        Args:
            shots: How many of each class.
            seed: The same seed gives the same rows.

        Raises:
            ValueError: A class has not that many.
        """
        inside = np.ones(len(self.x), np.bool_)
        if self.drawn_groups:
            inside = rows_of_groups(self.dataset.groups, self.drawn_groups, seed)
        rows = np.flatnonzero(inside)
        drawn, rest = draw_rows(self.dataset.y[rows], self.clusters[rows], shots, seed)
        drawn = rows[drawn]
        if self.drawn_groups:  # a new recording is of somebody else; copies across groups are no part of this
            return drawn, np.flatnonzero(~inside)
        return drawn, rows[rest]


def population(folder: Path, source: Source | None = None) -> Population:
    """Embed all that can be read of a data set, and find its near-duplicates."""
    source = source or Source(folder.name, ())
    dataset = graft.read(folder, pattern=source.pattern)
    dataset = replace(dataset, splits=(), skipped=(), warnings=())
    if source.classes:
        dataset = some_classes(dataset, source.classes)
    encoder = encoder_for("auto", dataset.modality)
    with closing(Cache()) as store:
        run = Run(store)
        embedded = embed(encoder, dataset.items, run)
        usable = dataset.select(embedded.rows)
        return Population(
            usable, embedded.x, clusters_of(usable, embedded, encoder.stages, run).clusters, source.groups
        )


def population_of(name: str) -> Population:
    """The population of one of ``SOURCES``."""
    return population(DATA / name, next(source for source in SOURCES if source.name == name))


def some_classes(dataset: Dataset, count: int) -> Dataset:
    """The items of so many of the classes, evenly spread over the names."""
    names = dataset.classes
    chosen = {names[index] for index in np.linspace(0, len(names) - 1, count).round().astype(int)}
    return dataset.select([row for row, label in enumerate(dataset.labels) if label in chosen])


def rows_of_groups(groups: tuple[str, ...], count: int, seed: int) -> Bool:
    """Which rows belong to so many of the groups, taken at random ``(n,) bool``."""
    chosen = np.random.default_rng(seed).permutation(np.unique(groups))[:count]
    return np.isin(np.array(groups), chosen)


def draw_rows(y: Int, clusters: Int, shots: int, seed: int) -> tuple[Int, Int]:
    """So many rows of each class at random, and the rest: what was not drawn and has no near-duplicate that was.

    Args:
        y: Class of each row ``(n,) int64``.
        clusters: Cluster of near-duplicates of each row ``(n,) int64``.
        shots: How many of each class.
        seed: The same seed gives the same rows.

    Raises:
        ValueError: A class has not that many.
    """
    chance = np.random.default_rng(seed)
    parts = []
    for label in np.unique(y):
        members = np.flatnonzero(y == label)
        if len(members) < shots:
            raise ValueError(f"class {label} has {len(members)} items, and {shots} are to be drawn")
        parts.append(chance.permutation(members)[:shots])
    drawn = np.sort(np.concatenate(parts))
    return drawn, np.flatnonzero(~np.isin(clusters, clusters[drawn]))
