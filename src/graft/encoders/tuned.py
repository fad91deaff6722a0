"""Weights that stand in the place of pinned ones: what tuning leaves of a built-in encoder."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping

import numpy as np

from graft.contracts import Float32


class TunedWeights(Mapping[str, Float32]):
    """Replaced weights by their names in the pretrained file; two with the same contents are equal.

    Attributes:
        digest: Hash of names, shapes and numbers; ``""`` where nothing is replaced.
    """

    def __init__(self, arrays: Mapping[str, Float32] | None = None) -> None:
        """Keep copies of these arrays.

        Raises:
            ValueError: One is not of float32.
        """
        self._arrays = {name: _kept(name, array) for name, array in sorted((arrays or {}).items())}
        self.digest = _digest(self._arrays) if self._arrays else ""

    def __getitem__(self, name: str) -> Float32:
        return self._arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TunedWeights) and other.digest == self.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        return f"TunedWeights({len(self)} arrays, {self.digest or 'none'})"

    def over(self, pinned: Mapping[str, Float32]) -> dict[str, Float32]:
        """The pinned weights with these in their place.

        Raises:
            ValueError: A name or a shape is not that of a pinned one, a number is not finite, or a variance is below 0.
        """
        for name, array in self.items():
            if name not in pinned:
                raise ValueError(f"the network has no weight {name[:100]!r}")
            if array.shape != pinned[name].shape:
                raise ValueError(f"the weight {name} has shape {array.shape} instead of {pinned[name].shape}")
            if not np.isfinite(array).all():
                raise ValueError(f"the weight {name} holds numbers that are not finite")
            if name.endswith("running_var") and array.min() < 0:
                raise ValueError(f"the variance {name} is below zero")
        return {**pinned, **self}


NOTHING = TunedWeights()


def _kept(name: str, array: Float32) -> Float32:
    if array.dtype != np.float32:
        raise ValueError(f"the weight {name[:100]} is {array.dtype} instead of float32")
    own = np.array(array, np.float32, order="C")
    own.flags.writeable = False
    return own


def _digest(arrays: Mapping[str, Float32]) -> str:
    digest = hashlib.sha256()
    for name, array in arrays.items():
        digest.update(f"{len(name)}:{name}:{array.shape}:".encode(errors="backslashreplace"))
        digest.update(array.tobytes())
    return digest.hexdigest()[:32]
