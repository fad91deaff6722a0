"""A data set as the decisions of a journal have it, once its items are embedded and so known by their content."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from graft.data.dataset import Dataset
from graft.encoders.embed import Embedded
from graft.errors import NothingToRead
from graft.journal.journal import Journal, JournalState
from graft.journal.resolution import apply
from graft.results.facts import JournalEffect


def decisions_of(journal: Journal | str | Path) -> JournalState:
    """The decisions of a journal, or of the one at a path.

    Raises:
        DataError: There is no journal, or it cannot be read.
    """
    return (journal if isinstance(journal, Journal) else Journal(journal)).follow()


def follow_journal(
    decided: JournalState, dataset: Dataset, embedded: Embedded
) -> tuple[Dataset, Embedded, JournalEffect]:
    """The items that remain with the labels that were decided on, their embeddings, and what was changed.

    Args:
        decided: From ``decisions_of``.
        dataset: Has the rows of ``embedded``.
        embedded: From ``embed_dataset``.

    Raises:
        NothingToRead: The journal drops every item.
    """
    applied = apply(dataset.read_with(decided.path), embedded.digests, decided.decisions)
    name = Path(decided.path).name
    if len(dataset) and not len(applied.dataset):
        raise NothingToRead(f"{name} drops all {len(dataset):,} items.", "Undo some of its decisions.")
    effect = JournalEffect(
        name=name,
        digest=hashlib.sha256(b"".join(decision.to_line() for decision in decided.decisions)).hexdigest()[:32],
        relabelled=len(applied.relabelled),
        dropped=len(applied.dropped),
        kept=len(applied.kept),
        unsure=len(applied.unsure),
        unmatched=len(applied.unmatched),
    )
    warnings = (*applied.dataset.warnings, *warn_of_lines(decided))
    return replace(applied.dataset, warnings=warnings), embedded.select(applied.rows), effect


def warn_of_lines(decided: JournalState) -> list[str]:
    """What is to be said of lines of the journal that hold no decision."""
    if not decided.n_bad:
        return []
    lines = "1 line" if decided.n_bad == 1 else f"{decided.n_bad:,} lines"
    named = ", ".join(map(str, decided.bad)) + (", ..." if decided.n_bad > len(decided.bad) else "")
    return [f"{lines} of {Path(decided.path).name} hold no decision and had no effect: line {named}."]
