"""Photos of shapes month by month, with right labels and wrong ones, and folders of them."""

import random
import shutil
from pathlib import Path

import graft
import shapes


def month(first: int, n: int, wrong: float = 0.0, *, turned: bool = False) -> tuple[list[bytes], list[str]]:
    """So many photos of each shape from a seed on, and their labels.

    Args:
        first: The seed of the first.
        n: Of each shape.
        wrong: This share of labels is drawn anew.
        turned: Every label is that of the next shape.
    """
    chance, items, labels = random.Random(first), [], []
    for seed in range(first, first + n):
        for place, form in enumerate(shapes.FORMS):
            items.append(shapes.encoded(form, seed))
            label = shapes.FORMS[(place + 1) % 3] if turned else form
            labels.append(chance.choice(shapes.FORMS) if chance.random() < wrong else label)
    return items, labels


def data(*months: tuple[list[bytes], list[str]]) -> graft.Dataset:
    """All of them together."""
    return graft.Dataset.from_lists(
        [item for items, _ in months for item in items], [label for _, labels in months for label in labels]
    )


def written(root: Path, *months: tuple[list[bytes], list[str]]) -> Path:
    """The same as a folder for each label."""
    for number, (items, labels) in enumerate(months):
        for place, (item, label) in enumerate(zip(items, labels, strict=True)):
            (root / label).mkdir(parents=True, exist_ok=True)
            (root / label / f"{number}-{place:03}.png").write_bytes(item)
    return root


def contents(folder: Path) -> dict[str, bytes]:
    """What lies in a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def copied(saved: Path, to: Path) -> Path:
    """A model of one's own."""
    return Path(shutil.copytree(saved, to / "shapes.graft"))
