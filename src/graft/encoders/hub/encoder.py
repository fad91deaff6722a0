"""A model of the hub as an encoder: runs on its ONNX graph, without torch, transformers or a network."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Protocol

import numpy as np

from graft.contracts import LIMITS, Array, Bool, Float32, Int, ItemLimits, Prepared, Stages
from graft.decoding.measures import DECODING
from graft.encoders.hub.readout import normalise, read_out
from graft.encoders.hub.store import DENSE, GRAPH, VOCABULARY, StoredEncoder
from graft.encoders.hub.weights import read_weights, with_weights
from graft.encoders.lru import LazyEncoder
from graft.encoders.pooling import signed_root
from graft.encoders.runtime import Session, open_session
from graft.errors import EncoderError, UsageError


class Feeder(Protocol):
    """Turns items of one modality into what goes into the network."""

    settings: Mapping[str, Any]
    """How items become inputs."""

    @property
    def statistics(self) -> tuple[str, ...]:
        """What is measured on every item."""

    @property
    def batch_size(self) -> int:
        """How many items are best encoded at once."""

    def prepare(self, content: bytes, limits: ItemLimits = LIMITS) -> Prepared:
        """Decode one item into a tuple of windows: of a picture one, of a long text or recording several."""

    def calls(self, windows: Sequence[Any]) -> Iterator[tuple[Int, tuple[Array, ...], Bool | None]]:
        """Which windows ``(w,)`` go through the network at once, as what input, and which outputs are pooled."""

    def trial(self) -> Sequence[Sequence[tuple[Any, ...]]]:
        """Batches of prepared items, of one and of several items, short and long, to try a graph with."""


@dataclass(frozen=True, kw_only=True)
class HubEncoder(LazyEncoder[Session]):
    """Items -> ``(n, dim) float32``, by a model of the hub or of a folder.

    Attributes:
        entry: What was made of the model.
        prompt: What stands before every text; ``""`` for what its makers put there.
    """

    entry: StoredEncoder
    prompt: str = ""
    heavy: ClassVar[tuple[str, ...]] = ("_feeder", "_dense")

    @property
    def pretrained(self) -> str:
        """The model's name on the hub, or its folder."""
        return self.entry.card.name

    @property
    def pinned_name(self) -> str:
        """The name with the commit it was made from: leads to the model as it was pretrained, wherever it is used."""
        card = self.entry.card
        return f"{card.name}@{card.revision}" if card.on_hub else card.name

    @property
    def modality(self) -> str:
        """``"image"``, ``"text"`` or ``"audio"``."""
        return self.entry.card.modality

    @property
    def licence(self) -> str:
        """The model's licence as its page says, or ``""``."""
        return self.entry.card.licence

    @cached_property
    def megabytes(self) -> float:
        """Size of the network on disk."""
        return (self.entry.folder / GRAPH).stat().st_size / 1e6

    @property
    def _depends_on(self) -> str:
        card = self.entry.card
        parts = [dict(card.sources), dict(card.settings), dict(card.readout), self.effective_prompt]
        if self.modality == "image":
            parts.append(DECODING)
        return json.dumps(parts, sort_keys=True)

    @property
    def effective_prompt(self) -> str:
        """What stands before every text: the prompt that was asked for, or else the model's own default."""
        return (self.prompt or self.entry.card.default_prompt) if self.modality == "text" else ""

    @property
    def _edition(self) -> str:
        return f"{self.version}:{self.entry.card.files[GRAPH][:12]}"  # another export may differ in the last digits

    @property
    def stages(self) -> Stages:
        """One: the network's output."""
        return ((self.entry.card.dim,),)

    @property
    def batch_size(self) -> int:
        """How many items are best encoded at once."""
        return self.feeder.batch_size

    @property
    def statistics(self) -> tuple[str, ...]:
        """What is measured on every item."""
        return self.feeder.statistics

    def prepare(self, content: bytes, limits: ItemLimits = LIMITS) -> Prepared:
        """Decode one item into a tuple of windows."""
        return self.feeder.prepare(content, limits)

    def embed(self, batch: Sequence[Any]) -> Float32:
        """``n`` items, each a tuple of windows -> ``(n, dim) float32``."""
        if not batch:
            return np.empty((0, self.dim), np.float32)
        readout = self.entry.card.readout
        x = run(self._network.run, self.feeder, batch, readout, self.dense)
        return signed_root(x) if readout.get("rooted") else x

    def pinned(self) -> dict[str, Float32]:
        """The model's own weights that the graph takes, by the names that transformers gives them.

        Raises:
            UsageError: They cannot be replaced: the graph is the makers' own, or does not follow its weights.
        """
        card = self.entry.card
        if not card.open:
            why = (
                "it runs on the ONNX file of its makers, not on weights in safetensors"
                if card.graph == "repository"
                else f"in the graph made of it ({card.kind}) weights cannot be replaced"
            )
            raise UsageError(
                f"{card.name} cannot be tuned: {why}.",
                "Fit with a model that has model.safetensors, of another kind, or with an encoder that comes with pip.",
            )
        return read_weights(self.entry.read(GRAPH))

    @property
    def feeder(self) -> Feeder:
        """What turns items into the network's inputs."""
        return self._once("_feeder", self._make_feeder)

    def _make_feeder(self) -> Feeder:
        card = self.entry.card
        vocabulary = self.entry.read(VOCABULARY) if card.modality == "text" else b""
        return feeder_for(card.modality, card.settings, vocabulary, self.effective_prompt)

    def graph(self) -> bytes:
        """The network as an ONNX model ``inputs -> states``, tuned weights in their places."""
        graph = self.entry.read(GRAPH)
        if self.tuned:
            self.tuned.over(self.pinned())
            graph = with_weights(graph, self.tuned)
        return graph

    def _open(self) -> Session:
        try:
            return open_session(self.graph(), self.runs_on)
        except RuntimeError as error:  # OpenVINO does not know every operation
            raise EncoderError(
                f"{self.runs_on.name} cannot run {self.name}: {str(error).strip().splitlines()[-1]}",
                "Use --backend onnxruntime.",
            ) from None

    @property
    def dense(self) -> dict[str, Float32]:
        """Weights of the layers after the pooling, by the names that the card gives."""
        return self._once("_dense", self._read_dense)

    def _read_dense(self) -> dict[str, Float32]:
        if DENSE not in self.entry.card.files:
            return {}
        from safetensors.numpy import load

        return dict(load(self.entry.read(DENSE)))


def feeder_for(modality: str, settings: Any, vocabulary: bytes = b"", prompt: str = "") -> Feeder:
    """What feeds a network of this modality."""
    if modality == "image":
        from graft.encoders.hub.image import ImagePreprocessor

        return ImagePreprocessor(settings)
    if modality == "text":
        from graft.encoders.hub.text import Texts

        return Texts(settings, vocabulary, prompt)
    from graft.encoders.hub.audio import Recordings

    return Recordings(settings)


def run(network: Any, feeder: Feeder, batch: Sequence[Any], readout: Any, dense: dict[str, Float32]) -> Float32:
    """Embed ``n`` items, at least one, with a network ``inputs -> states``: ``(n, dim) float32``.

    The embedding of an item of several windows is the mean of theirs, weighted by their lengths.
    """
    windows = [window for item in batch for window in item]
    owners = np.repeat(np.arange(len(batch)), [len(item) for item in batch])
    weights = np.array([len(window) for window in windows], np.float32)
    weights /= np.bincount(owners, weights, len(batch)).astype(np.float32)[owners]
    parts = []
    for chosen, inputs, mask in feeder.calls(windows):
        states = network(*inputs)[: len(chosen)]
        parts.append((chosen, read_out(states, None if mask is None else mask[: len(chosen)], readout, dense)))
    total = np.zeros((len(batch), parts[0][1].shape[1]), np.float32)
    for chosen, x in parts:
        np.add.at(total, owners[chosen], x * weights[chosen, None])
    unit = readout["layers"] and readout["layers"][-1]["kind"] == "normalise"
    return normalise(total) if unit else total
