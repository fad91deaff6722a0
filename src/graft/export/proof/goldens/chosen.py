"""Items of data that go with an export, where somebody gave data for that."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import chain, zip_longest

import numpy as np

from graft.data.dataset import Dataset
from graft.decoding.formats import HEAD, sniff
from graft.errors import ItemError
from graft.export.proof.goldens.golden import OF_DATA, Golden

MOST_OWN = 50
"""So many items of data go with an export."""
_MOST_BYTES = 24_000_000
"""Of all of them together; photos of a phone are several megabytes each."""
_LONGEST_LABEL = 200
_SUFFIX = {"jpeg": "jpg", "aiff": "aif"}


def chosen(dataset: Dataset, most: int = MOST_OWN, seed: int = 0) -> list[Golden]:
    """Items in turn from every class, by a seed, their files as they are; those that cannot be read are passed over."""
    found: list[Golden] = []
    room = _MOST_BYTES
    for row in _in_turn(dataset, seed):
        if len(found) == most or not room:
            break
        try:
            content = dataset.items[row].read()
        except ItemError:
            continue
        if content and len(content) <= room:
            room -= len(content)
            kind = "txt" if dataset.modality == "text" else sniff(content[:HEAD]) or "bin"
            label = dataset.labels[row][:_LONGEST_LABEL]
            what = f"{OF_DATA}, {label}" if label else OF_DATA
            found.append(Golden(_SUFFIX.get(kind, kind), content, what))
    return found


def _in_turn(dataset: Dataset, seed: int) -> Iterator[int]:
    by_label: dict[str, list[int]] = defaultdict(list)
    for row in np.random.default_rng([seed, 5]).permutation(len(dataset.items)).tolist():
        by_label[dataset.labels[row]].append(row)
    in_turn = chain.from_iterable(zip_longest(*(by_label[label] for label in sorted(by_label))))
    return (row for row in in_turn if row is not None)
