"""What is learned from, once it is embedded: everything that fitting, cleaning, tuning and comparing start from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np

from graft.contracts import Encoder, Int, Stages
from graft.data.dataset import Dataset, Skipped
from graft.data.split import choose_folds, merge, stratified_group_folds
from graft.data.texts import texts_of
from graft.decoding.formats import NOUNS, OPEN_ADVICE
from graft.duplicates.clusters import Clusters
from graft.duplicates.copies import Copies
from graft.duplicates.likeness import clusters_of, copies_of
from graft.encoders.embed import Embedded, embed
from graft.errors import NothingToRead, TooFewClasses, UsageError
from graft.evaluation.rows import Rows
from graft.heads.features import GIVEN
from graft.learning.lexical import Words
from graft.recipe import Recipe
from graft.run import Run
from graft.tasks.fit_result import AnyTask
from graft.tasks.table import task_of


@dataclass(frozen=True, eq=False)
class Examples:
    """Items with their embeddings, and what has to stay together among them.

    Attributes:
        task: What is asked of them.
        dataset: The items that can be used, n of them, those of a test split too.
        embedded: Their embeddings.
        stages: Widths of the stages of these.
        alike: What is a copy, or nearly one, of what; two shots of one thing are.
        copies: What is a copy of what, as strictly as it can be told; ``None`` where that was not asked for.
        units: What must stand on one side of every split: what is alike, and given groups ``(n,) int64``.
        texts: The texts, where the items are texts.
        words: Their words, of those to learn from, where the task looks at them.
        train: Which rows are to be learned from ``(m,) int64``.
        test: Which are not ``(n - m,) int64``.
        seed: Decides how folds are dealt.
    """

    task: AnyTask
    dataset: Dataset
    embedded: Embedded
    stages: Stages
    alike: Clusters
    copies: Copies | None
    units: Int
    texts: Sequence[str] | None
    words: Words | None
    train: Int
    test: Int
    seed: int

    @classmethod
    def of(
        cls,
        dataset: Dataset,
        encoder: Encoder | None,
        recipe: Recipe,
        run: Run,
        embedded: Embedded | None = None,
        alike: Clusters | None = None,
        *,
        everything: bool = False,
    ) -> Self:
        """Embed the items, find out what is alike, and look at words.

        Args:
            dataset: The items; those of the split ``"test"`` are kept apart.
            encoder: What embeds them; ``None`` for a matrix that was given.
            recipe: Its task and seed count here.
            run: Keeps embeddings and what copies are told by.
            embedded: Of the rows of ``dataset``, where they are there already.
            alike: What is nearly a copy of what; by default it is found out here.
            everything: Learn from all splits, and tell copies from what is only alike.

        Raises:
            NothingToRead: No item can be read.
            TooFewClasses: All items stand in the test split.
            DataError: The data are of another task.
        """
        if embedded is None:
            assert encoder is not None, "items are embedded by an encoder"
            dataset, embedded = embed_dataset(encoder, dataset, run)
        task = task_of(recipe, dataset)
        dataset = task.prepared(dataset)
        held_out = np.array([split == "test" and not everything for split in dataset.splits], np.bool_)
        train, test = np.flatnonzero(~held_out), np.flatnonzero(held_out)
        if not len(dataset):
            raise nothing_readable(dataset.skipped, dataset.modality)
        if not len(train):
            raise TooFewClasses(
                f"All {len(dataset)} items that can be read stand in the test split; there is nothing to train on.",
                "Mark items to train on, or give the data without a split.",
            )
        stages = encoder.stages if encoder else GIVEN
        texts = texts_of(dataset.items) if encoder and dataset.modality == "text" else None

        def look_for_copies() -> tuple[Clusters, Copies | None]:
            found = clusters_of(dataset, embedded, stages, run) if alike is None else alike
            return found, copies_of(dataset, embedded, stages, run, found) if everything else None

        def look_at_words() -> Words | None:
            return Words.of([texts[row] for row in train], recipe.seed) if task.words and texts is not None else None

        (found, copies), words = run.executor.both(look_for_copies, look_at_words)
        ungrouped = np.array([group == "" for group in dataset.groups], np.bool_)
        found = found._replace(doubtful=found.doubtful & ungrouped)  # groups are the user's word
        units = merge(found.clusters, dataset.groups)
        return cls(task, dataset, embedded, stages, found, copies, units, texts, words, train, test, recipe.seed)

    @cached_property
    def rows(self) -> Rows:
        """Those to learn from, with their targets and folds.

        Raises:
            TooFewClasses: There is nothing to tell apart.
        """
        train, learned = self.train, self.dataset.select(self.train)
        units, copies = self.units[train], self.alike.clusters[train]
        targets = self.task.targets(learned, units)
        grouped = len(set(learned.groups) - {""}) > 1
        statistics = self.embedded.statistics
        return Rows(
            x=self.embedded.x[train] if len(self.test) else self.embedded.x,
            y=targets.strata,
            folds=folds_of(targets.strata, units, self.seed),
            units=units,
            copies=copies,
            items=learned.items,
            words=self.words,
            groups=learned.groups,
            ignoring=folds_of(targets.strata, copies, self.seed) if grouped else (),
            seconds=statistics["seconds"][train] if "seconds" in statistics else None,
            doubtful=self.alike.doubtful[train],
            negatives=learned.negatives,
            classes=targets.classes,
            values=targets.values,
            stages=self.stages,
        )


def folds_of(strata: Int, units: Int, seed: int) -> Sequence[Int]:
    """For each repetition the fold of each row ``(n,) int64``; -1: never scored. Nothing where nothing can be dealt.

    Args:
        strata: What every fold holds the same share of ``(n,) int64``.
        units: What stays together ``(n,) int64``.
        seed: Decides which rows they are.
    """
    n_folds, repeats = choose_folds(strata, units)
    return stratified_group_folds(strata, units, n_folds, seed, repeats) if n_folds else []


def embed_dataset(encoder: Encoder, dataset: Dataset, run: Run) -> tuple[Dataset, Embedded]:
    """The items that can be used, and their embeddings row by row.

    Raises:
        UsageError: The encoder takes items of another modality.
    """
    check_modality(dataset, encoder)
    with run.clock.timing("embed"):
        embedded = embed(encoder, dataset.items, run)
    usable = replace(
        dataset.select(embedded.rows),
        reading=dataset.reading,
        skipped=(*dataset.skipped, *embedded.skipped_items(dataset.items)),
        warnings=(*dataset.warnings, *([run.cache.trouble] if run.cache and run.cache.trouble else [])),
    )
    return usable, embedded


def check_modality(dataset: Dataset, encoder: Encoder) -> None:
    """Whether the encoder takes such items.

    Raises:
        UsageError: It does not.
    """
    if dataset.modality != encoder.modality:
        raise UsageError(
            f"{dataset.name} holds {NOUNS[dataset.modality][1]}, and the encoder {encoder.name} takes "
            f"{NOUNS[encoder.modality][1]}.",
            f"Choose an encoder of {NOUNS[dataset.modality][1]}, or leave the choice to Graft.",
        )


def nothing_readable(skipped: Sequence[Skipped], modality: str) -> NothingToRead:
    """The error for data of which every item had to be skipped."""
    advice = OPEN_ADVICE[modality]
    if skipped and all(item.code == "unreadable" for item in skipped):  # no viewer opens what is not there
        advice = "Check the paths: they start where you are. Check the permissions of what is there."
    first = f"{skipped[0].path}: {skipped[0].reason.rstrip('.')}" if skipped else ""
    if len(skipped) == 1:
        return NothingToRead(f"The one item cannot be read; {first}.", advice)
    return NothingToRead(f"None of the {len(skipped):,} items can be read{first and '; the first, '}{first}.", advice)
