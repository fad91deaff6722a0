"""Scoring on items that were given as a test."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from graft.contracts import Int
from graft.errors import DataError
from graft.evaluation.outcomes import Outcomes
from graft.evaluation.rows import AskedItems
from graft.results.scores import Scores


def check_shared_labels(what: str, labels: Collection[str], whose: str, known: Collection[str]) -> None:
    """Whether anything at all can be named rightly; ask before the work, not after it.

    Args:
        what: How the data to score are called.
        labels: Their labels; if there is none, there is nothing to say against it.
        whose: Whose classes ``known`` are.
        known: What the classifier can name.

    Raises:
        DataError: Not one label is known.
    """
    if labels and not set(labels) & set(known):
        raise DataError(
            f"{what} share no label with {whose} ({some(sorted(set(labels)))} / {some(sorted(set(known)))}).",
            "Check that these data belong together, and that their labels are spelled alike.",
        )


def score_held_out(answered: AskedItems, copies: Int, split: str) -> Scores:
    """Score a head by its answers to items that it was not fitted to.

    An item with a label that the head does not know counts as wrong: it cannot be named rightly.

    Args:
        answered: The items and its answers; of given groups the interval is one for new ones.
        copies: What is a copy of what ``(n,) int64``, so that copies do not narrow the interval.
        split: What these items are called in the result.
    """
    said, groups, sets = Outcomes.of(answered), answered.dataset.groups, answered.answer.sets
    covered = float((sets & said.given[:, : sets.shape[1]]).any(axis=1).mean()) if len(sets) else float("nan")
    return Scores(
        accuracy=said.score(copies, groups),
        macro_f1=said.macro_f1,
        per_class=said.per_class(copies, groups),
        n_items=len(said.p),
        split=split,
        classes=tuple(said.classes),
        confusion=said.confusion,
        ece=said.calibration.ece,
        coverage=covered if said.exclusive else float("nan"),
        warnings=warn_of_unknown_labels(said.strange, int((~said.known).sum())),
        multi=said.multi,
    )


def warn_of_unknown_labels(labels: Sequence[str], items: int) -> tuple[str, ...]:
    """What to say of so many items with labels that the model does not know."""
    if not labels:
        return ()
    return (f"The model does not know {some(labels)}: the {items} items with such labels count as wrong.",)


def some(labels: Sequence[str]) -> str:
    """The first five labels, and whether there are more."""
    return ", ".join(labels[:5]) + (", ..." if len(labels) > 5 else "")
