"""A data set as the decisions of a journal have it, once its items are embedded and so known by their content."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from graft.data.dataset import Dataset
from graft.encoders.embed import Embedded
from graft.errors import NothingToRead
from graft.journal.journal import Journal, JournalState
from graft.journal.resolution import apply
from graft.results.facts import JournalEffect


@dataclass(frozen=True, slots=True)
class Decided:
    """What a journal held when it was read, the name of its file, and where it lies."""

    name: str
    reading: JournalState
    path: Path | None = None


def decisions_of(journal: Journal | str | Path) -> Decided:
    """The decisions of a journal, or of the one at a path.

    Raises:
        DataError: There is no journal, or it cannot be read.
    """
    journal = journal if isinstance(journal, Journal) else Journal(journal)
    return Decided(journal.path.name, journal.follow(), journal.path)


def follow_journal(decided: Decided, dataset: Dataset, embedded: Embedded) -> tuple[Dataset, Embedded, JournalEffect]:
    """The items that remain with the labels that were decided on, their embeddings, and what was changed.

    Args:
        decided: From ``decisions_of``.
        dataset: Has the rows of ``embedded``.
        embedded: From ``embed_dataset``.

    Raises:
        NothingToRead: The journal drops every item.
    """
    decisions = decided.reading.decisions
    applied = apply(dataset, embedded.digests, decisions)
    if len(dataset) and not len(applied.dataset):
        raise NothingToRead(f"{decided.name} drops all {len(dataset):,} items.", "Undo some of its decisions.")
    effect = JournalEffect(
        name=decided.name,
        digest=hashlib.sha256(b"".join(decision.to_line() for decision in decisions)).hexdigest()[:32],
        relabelled=len(applied.relabelled),
        dropped=len(applied.dropped),
        kept=len(applied.kept),
        unsure=len(applied.unsure),
        unmatched=len(applied.unmatched),
    )
    warnings = (*applied.dataset.warnings, *warn_of_lines(decided))
    return replace(applied.dataset, warnings=warnings), embedded.select(applied.rows), effect


def warn_of_lines(decided: Decided) -> list[str]:
    """What is to be said of lines of the journal that hold no decision."""
    reading = decided.reading
    if not reading.n_bad:
        return []
    lines = "1 line" if reading.n_bad == 1 else f"{reading.n_bad:,} lines"
    more = ", ..." if reading.n_bad > len(reading.bad) else ""
    return [
        f"{lines} of {decided.name} hold no decision and had no effect: line {', '.join(map(str, reading.bad))}{more}."
    ]
