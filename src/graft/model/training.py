"""Which items a model was fitted to: enough to fit it again from the cache, and nothing of what is in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from graft.contracts import Array
from graft.data.dataset import Dataset

DIGEST_BYTES = 16
SPLITS = frozenset({"", "train", "val", "test"})


@dataclass(frozen=True, slots=True)
class Training:
    """The items of a fit, its test split included, by content hash.

    Attributes:
        digests: Content hash of each item, 32 hexadecimal digits.
        labels: Label of each.
        splits: ``"train"``, ``"test"`` or ``""``.
        groups: Group of each, ``""`` for none.
    """

    digests: tuple[str, ...]
    labels: tuple[str, ...]
    splits: tuple[str, ...]
    groups: tuple[str, ...]

    @classmethod
    def of(cls, dataset: Dataset, digests: Sequence[str]) -> Self:
        """The record of a data set whose items have these hashes."""
        return cls(tuple(digests), dataset.labels, dataset.splits, dataset.groups)

    def __len__(self) -> int:
        return len(self.digests)

    def arrays(self) -> dict[str, Array]:
        """What a bundle keeps as arrays: 16 bytes for each hash, and 4 for each label, split and group."""
        hashes = np.frombuffer(bytes.fromhex("".join(self.digests)), np.uint8).reshape(len(self), -1)
        return {"digests": hashes, **{name: _coded(values)[0] for name, values in self._columns().items()}}

    def settings(self) -> dict[str, Any]:
        """What a bundle keeps as JSON: the names behind the numbers."""
        return {name: _coded(values)[1] for name, values in self._columns().items()}

    @classmethod
    def restore(cls, settings: Mapping[str, Any], arrays: Mapping[str, Array]) -> Self:
        """The record that ``settings`` and ``arrays`` describe.

        Raises:
            ValueError: A value is not what a record can have, or they do not fit together.
        """
        hashes = np.asarray(arrays["digests"])
        if hashes.dtype != np.uint8 or hashes.ndim != 2 or hashes.shape[1] != DIGEST_BYTES:
            raise ValueError(f"hashes of the training items of shape {hashes.shape}")
        digests = tuple(row.tobytes().hex() for row in hashes)
        for name in _COLUMNS:
            codes, names = np.asarray(arrays[name]), settings[name]
            if not (isinstance(names, list) and all(isinstance(one, str) for one in names)):
                raise ValueError(f"the {name} of the training items are no texts")
            if len(set(names)) < len(names):
                raise ValueError(f"the {name} of the training items hold a name twice")
            if codes.dtype != np.int32 or codes.shape != (len(digests),):
                raise ValueError(f"the record of the training items has columns of different length: {name}")
            if len(codes) and not 0 <= codes.min() <= codes.max() < len(names):
                raise ValueError("the record of the training items has numbers without a name")
        if strange := sorted(set(settings["splits"]) - SPLITS):
            raise ValueError(f"the training items have a split called {strange[0]!r}")
        return cls(digests, **{name: tuple(settings[name][code] for code in arrays[name]) for name in _COLUMNS})

    def _columns(self) -> dict[str, tuple[str, ...]]:
        return {name: getattr(self, name) for name in _COLUMNS}


_COLUMNS = ("labels", "splits", "groups")


def _coded(values: Sequence[str]) -> tuple[Array, list[str]]:
    names = sorted(set(values))
    index = {name: code for code, name in enumerate(names)}
    return np.array([index[value] for value in values], np.int32), names
