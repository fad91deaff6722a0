"""What the user should know about the data before believing the score."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np

from graft.contracts import Array, Int
from graft.data.dataset import Dataset
from graft.data.kinds import some_of
from graft.data.split import straddling
from graft.decoding.measures import FORMATS
from graft.errors import DataError

FEW = 5
"""Classes with fewer training items are named."""
EXAMPLES = 3


def warn_of_the_data(
    dataset: Dataset, digests: Sequence[str], clusters: Int, train: Int, y: Int, classes: Sequence[str]
) -> tuple[str, ...]:
    """Leaks across a given split, copies under two labels, classes that are too small to judge.

    Args:
        dataset: All items.
        digests: Content hash of each.
        clusters: Cluster of near-duplicates of each ``(n,) int64``.
        train: Rows to train on.
        y: Class of each training row.
        classes: Their names.
    """
    return (
        *warn_of_copies(dataset, digests, clusters),
        *warn_of_small_classes(y, classes),
        *_only_in_test(dataset, train),
    )


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


def warn_of_unknown_labels(labels: Sequence[str], items: int) -> tuple[str, ...]:
    """What to say of so many items with labels that the model does not know."""
    if not labels:
        return ()
    return (f"The model does not know {some(labels)}: the {items} items with such labels count as wrong.",)


def some(labels: Sequence[str]) -> str:
    """The first five labels, and whether there are more."""
    return ", ".join(labels[:5]) + (", ..." if len(labels) > 5 else "")


def warn_of_copies(dataset: Dataset, digests: Sequence[str], clusters: Int) -> tuple[str, ...]:
    """Leaks across a given split, and copies under two labels; arguments as of ``warn_of_the_data``."""
    return (*_straddling(dataset, clusters), *_two_labels(dataset, digests))


ONE_TONE = 1 / 255
"""Contrast and spread of colour of a picture below which all its pixels are alike."""
_WITH_ALPHA = tuple(FORMATS.index(kind) for kind in ("png", "webp", "gif", "tiff"))
SILENT = 1e-4
"""Root mean square of a recording, full scale 1, below which nothing can be heard in it (-80 dB)."""
CLIPPED = 0.01
"""Share of a recording's samples at full scale above which it was recorded too loud."""


def warn_of_the_items(dataset: Dataset, statistics: Mapping[str, Array]) -> tuple[str, ...]:
    """What was measured when the items were decoded, where it is out of the ordinary.

    Args:
        dataset: All items.
        statistics: What was measured on each, by name ``(n,)``.
    """

    def which(name: str, odd: Callable[[Array], Array]) -> list[str]:
        rows = np.flatnonzero(odd(statistics[name])).tolist() if name in statistics else []
        return [dataset.items[row].name for row in rows]

    noun = "text" if dataset.modality == "text" else "recording"
    return (
        *warn_of_blanks(dataset, statistics),
        *_named(which("read", lambda share: share < 0.999), noun, "was too long to be read as a whole: parts spread "
                "evenly over it were", "were too long to be read as a whole: parts spread evenly over them were"),
        *_named(which("rms", lambda rms: rms < SILENT), noun, "is silent", "are silent"),
        *_named(which("clipped", lambda share: share > CLIPPED), noun, "was recorded too loud and is clipped",
                "were recorded too loud and are clipped"),
    )  # fmt: skip


def warn_of_blanks(dataset: Dataset, statistics: Mapping[str, Array]) -> tuple[str, ...]:
    """Pictures of one colour throughout, such as what is white on a transparent ground, which is shown as white.

    Args:
        dataset: All items.
        statistics: What was measured on each, by name ``(n,)``.
    """
    if "contrast" not in statistics or "saturation_max" not in statistics:
        return ()
    alike = (statistics["contrast"] < ONE_TONE) & (statistics["border_spread"] < ONE_TONE)
    rows = np.flatnonzero(alike & (statistics["saturation_max"] - statistics["saturation"] < ONE_TONE)).tolist()
    if not rows:
        return ()
    classes = len({dataset.labels[row] for row in rows})
    of = f" of {classes} classes" if classes > 1 else ""
    examples = some_of([dataset.items[row].name[:80] for row in rows], EXAMPLES)
    verb = "1 picture is" if len(rows) == 1 else f"{len(rows):,} pictures{of} are"
    lacks = "tells what is on it" if len(rows) == 1 else "tells them apart"
    white = [
        row for row in rows if statistics["brightness"][row] > 1 - ONE_TONE and statistics["format"][row] in _WITH_ALPHA
    ]
    why = (
        " If they are white on a transparent ground: transparent parts are shown as white. Save them, and whatever is "
        "predicted later, on a ground of another colour."
        if len(white) * 2 > len(rows)
        else ""
    )
    return (f"{verb} blank, of one colour throughout, so that nothing {lacks}: {examples}.{why}",)


def _named(names: Sequence[str], noun: str, one: str, many: str) -> list[str]:
    if not names:
        return []
    what = f"1 {noun} {one}" if len(names) == 1 else f"{len(names):,} {noun}s {many}"
    return [f"{what}: {'; '.join(name[:80] for name in names[:EXAMPLES])}{'; ...' if len(names) > EXAMPLES else ''}."]


def _straddling(dataset: Dataset, clusters: Int) -> list[str]:
    held_out = [split == "test" for split in dataset.splits]
    if not any(held_out):
        return []
    found = straddling(held_out, clusters, dataset.groups)
    tested = f"of the {sum(held_out):,} test items"
    notes = []
    if found.copies:
        notes.append(
            f"{_count(found.copies, f'{tested} has', f'{tested} have')} copies or near-copies in the training split, "
            "which flatters the test score. The given split stands."
        )
    if found.groups:
        notes.append(
            f"{_count(found.groups, 'group stands', 'groups stand')} in both the training and the test split, with "
            f"{found.of_groups:,} {tested}, which flatters the test score. The given split stands."
        )
    return notes


def _two_labels(dataset: Dataset, digests: Sequence[str]) -> list[str]:
    rows: defaultdict[str, list[int]] = defaultdict(list)
    for row, digest in enumerate(digests):
        rows[digest].append(row)
    torn = [same for same in rows.values() if len({dataset.labels[row] for row in same}) > 1]
    if not torn:
        return []
    pairs = ", ".join(
        " = ".join(f"{dataset.items[row].name} ({dataset.labels[row]})" for row in _one_of_each(dataset, same)[:2])
        for same in torn[:EXAMPLES]
    )
    n = sum(map(len, torn))
    return [f"{n:,} items have the same content as an item under another label: {pairs}."]


def _one_of_each(dataset: Dataset, rows: Sequence[int]) -> list[int]:
    """The first row of each label."""
    first: dict[str, int] = {}
    for row in rows:
        first.setdefault(dataset.labels[row], row)
    return list(first.values())


def warn_of_small_classes(y: Int, classes: Sequence[str]) -> list[str]:
    """Classes that are too small to judge; arguments as of ``warn_of_the_data``."""
    counts = np.bincount(y, minlength=len(classes))
    single = [label for label, n in zip(classes, counts, strict=True) if n == 1]
    few = [f"{label} ({n})" for label, n in zip(classes, counts, strict=True) if 1 < n < FEW]
    notes = []
    if single:
        notes.append(f"{some_of(single, 8)}: one item only, so the model knows the class but nothing says how well.")
    if few:
        notes.append(f"{some_of(few, 8)}: so few items that the score of the class says little.")
    return notes


def _only_in_test(dataset: Dataset, train: Int) -> list[str]:
    known = {dataset.labels[row] for row in train}
    strange = sorted(set(dataset.labels) - known)
    notes = [f"{some_of(strange, 8)}: only in the test split, so those items count as wrong there."] if strange else []
    tested = {label for label, split in zip(dataset.labels, dataset.splits, strict=True) if split == "test"}
    if tested and (absent := sorted(known - tested)):
        notes.append(
            f"{some_of(absent, 8)}: nothing of it in the test split, so the test score says nothing of it, and counts "
            "every answer that it draws as wrong. If it is no class, leave it out."
        )
    return notes


def _count(n: int, one: str, many: str) -> str:
    return f"{n:,} {one if n == 1 else many}"
