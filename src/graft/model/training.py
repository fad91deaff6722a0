"""Which items a model was fitted to: enough to fit it again from the cache, and nothing of what is in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from graft.contracts import Array
from graft.data.dataset import Dataset
from graft.tensors import Tensors

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

    @property
    def learned(self) -> frozenset[str]:
        """The labels of what was learned from; a test split may have others."""
        return frozenset(label for label, split in zip(self.labels, self.splits, strict=True) if split != "test")

    def __len__(self) -> int:
        return len(self.digests)

    def tensors(self) -> Tensors:
        """What a bundle keeps: 16 bytes for each hash, 4 for each label, split and group, and the names behind them."""
        hashes = np.frombuffer(bytes.fromhex("".join(self.digests)), np.uint8).reshape(len(self), -1)
        columns = {name: _coded(getattr(self, name)) for name in _COLUMNS}
        return Tensors(
            {"digests": hashes, **{name: codes for name, (codes, _) in columns.items()}},
            {name: names for name, (_, names) in columns.items()},
        )

    @classmethod
    def restore(cls, tensors: Tensors) -> Self:
        """The record that ``tensors`` wrote.

        Raises:
            ValueError: A value is not what a record can have, or they do not fit together.
        """
        arrays, settings = tensors
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


_COLUMNS = ("labels", "splits", "groups")


def _coded(values: Sequence[str]) -> tuple[Array, list[str]]:
    names = sorted(set(values))
    index = {name: code for code, name in enumerate(names)}
    return np.array([index[value] for value in values], np.int32), names
