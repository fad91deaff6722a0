"""Several encoders as one: their embeddings side by side."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graft.contracts import LIMITS, Encoder, Float32, ItemLimits, Prepared, Stages

SEPARATOR = "+"
"""Between the names, as in ``image+microsoft/resnet-50``."""


@dataclass(frozen=True)
class JoinedEncoder:
    """Encoders of one modality, each item seen by all of them: ``(n, sum of dims) float32``.

    The heads scale the output of each to unit length, so that none outweighs the others by its width. What one of them
    has embedded before comes from the cache, whichever company it is in now.
    """

    members: tuple[Encoder, ...]

    @property
    def name(self) -> str:
        """The names of all."""
        return SEPARATOR.join(member.name for member in self.members)

    @property
    def modality(self) -> str:
        """What all of them take."""
        return self.members[0].modality

    @property
    def version(self) -> str:
        """Hash of the versions of all."""
        return hashlib.sha256(":".join(member.version for member in self.members).encode()).hexdigest()[:16]

    @property
    def fingerprint(self) -> str:
        """Hash of the fingerprints of all, beside name and version."""
        own = hashlib.sha256("\n".join(member.fingerprint for member in self.members).encode()).hexdigest()[:16]
        return f"{self.name}:{self.version}:{own}"

    @property
    def backend(self) -> str:
        """What runs the networks; named once where it is the same for all."""
        return ", ".join(dict.fromkeys(member.backend for member in self.members))

    @property
    def stages(self) -> Stages:
        """The stages of one network after the other."""
        return tuple(network for member in self.members for network in member.stages)

    @property
    def dim(self) -> int:
        """Length of an embedding."""
        return sum(member.dim for member in self.members)

    @property
    def batch_size(self) -> int:
        """What the most modest of them takes at once."""
        return min(member.batch_size for member in self.members)

    @property
    def statistics(self) -> tuple[str, ...]:
        """What any of them measures."""
        return tuple(dict.fromkeys(name for member in self.members for name in member.statistics))

    def prepare(self, content: bytes, limits: ItemLimits = LIMITS) -> Prepared:
        """Decode an item for each of them."""
        prepared = [member.prepare(content, limits) for member in self.members]
        measured = {name: value for part in prepared for name, value in part.statistics.items()}
        views = tuple(view for part in prepared for view in part.views)
        return Prepared(tuple(part.value for part in prepared), measured, views)

    def embed(self, batch: Sequence[Any]) -> Float32:
        """The embeddings of all, side by side ``(n, dim) float32``."""
        parts = [member.embed([values[i] for values in batch]) for i, member in enumerate(self.members)]
        return np.concatenate(parts, axis=1)

    def warm(self) -> None:
        """Warm them all."""
        for member in self.members:
            member.warm()
