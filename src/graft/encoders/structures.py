"""The graphs of the built-in networks: their structure comes with Graft, their weights lie beside the cache.

``graphs/NAME.onnx`` has every node of a network and says where in ``weights.bin`` each of its weights stands. That
file is packed once from the published weights, and from then on mapped into memory: opening a network reads nothing
else, and processes that run the same network share it. Where there is no cache, or it cannot be written to, the weights
go into the graph in memory instead.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from graft.contracts import Float32
from graft.encoders.onnx_file import with_floats
from graft.files import cache_folder, sha256_of, write_atomically

PLACE = Path(__file__).with_name("graphs")
GRAPH = "model.onnx"
WEIGHTS = "weights.bin"
ALIGNMENT = 64
"""Every array begins at a multiple of so many bytes."""


@dataclass(frozen=True)
class Structure:
    """A network without its weights.

    Attributes:
        name: Of its file, without the suffix.
        sha256: Of the pinned weights as they are packed.
        tables: Arrays that are packed before all others and are no part of the graph: shapes by name.
    """

    name: str
    sha256: str
    tables: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def opened(
        self, weights: Callable[[], dict[str, Float32]], *, pinned: bool
    ) -> tuple[Path | bytes, dict[str, Float32]]:
        """What a backend opens, and the tables.

        Args:
            weights: Gives the tables and all that the graph takes, float32 by name, in the order of packing.
            pinned: Whether these are the published ones, which are packed once and kept.
        """
        folder = cache_folder() / "networks" / f"{self.name}-{self.sha256[:16]}"
        if pinned and self._lies_in(folder):
            return folder / GRAPH, self._mapped(folder)
        arrays = weights()
        if pinned and self._pack(folder, arrays):
            return folder / GRAPH, self._mapped(folder)
        inside = {name: array for name, array in arrays.items() if name not in self.tables}
        return with_floats(self.content(), inside), {name: arrays[name] for name in self.tables}

    def content(self) -> bytes:
        """The structure's file."""
        return (PLACE / f"{self.name}.onnx").read_bytes()

    def _lies_in(self, folder: Path) -> bool:
        """Whether what is kept there is what was packed."""
        try:
            return sha256_of(folder / WEIGHTS) == self.sha256 and (folder / GRAPH).read_bytes() == self.content()
        except OSError:
            return False

    def _pack(self, folder: Path, arrays: Mapping[str, Float32]) -> bool:
        """Keep the weights there; ``False`` without a cache to lie beside, or where they cannot be what is pinned."""
        if not cache_folder().is_dir():  # nothing that a command does with --no-cache makes one
            return False
        content = packed(arrays)
        if hashlib.sha256(content).hexdigest() != self.sha256:
            return False
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_atomically(folder / WEIGHTS, content)
            write_atomically(folder / GRAPH, self.content())
        except OSError:
            return False
        return True

    def _mapped(self, folder: Path) -> dict[str, Float32]:
        starts = offsets(self.tables)
        return {
            name: np.asarray(np.memmap(folder / WEIGHTS, np.float32, "r", starts[name], shape))
            for name, shape in self.tables.items()
        }


def offsets(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, int]:
    """Where each array of float32 begins in a packed file."""
    starts, end = {}, 0
    for name, shape in shapes.items():
        starts[name] = -(-end // ALIGNMENT) * ALIGNMENT
        end = starts[name] + 4 * math.prod(shape)
    return starts


def packed(arrays: Mapping[str, Float32]) -> bytes:
    """All arrays one after another, each at its offset, zeros between them."""
    content = bytearray()
    for name, start in offsets({name: array.shape for name, array in arrays.items()}).items():
        content += bytes(start - len(content))
        content += np.ascontiguousarray(arrays[name], "<f4").data.cast("B") if arrays[name].size else b""
    return bytes(content)
