"""A model of the hub in torch: loaded from weights in safetensors, and exported with its weights under their names.

Only this module and ``export`` run torch and transformers. Code that comes with a model is never run, nor is a pickle
read.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from graft.contracts import Array, Float32
from graft.encoders.hub import architectures
from graft.encoders.hub.architectures import LoadingPlan
from graft.encoders.hub.fetch import Source, found_again
from graft.encoders.hub.loading import explained, input_names, quiet
from graft.encoders.hub.store import Card
from graft.encoders.hub.weights import as_initializers, weight_name
from graft.errors import EncoderError

OPSET = 17
HARMLESS = re.compile(r"(^|\.)(pooler\.|masked_spec_embed$|position_ids$|mask_token$)")
"""Weights that may be missing: those that play no part, or none that is read."""
STATISTICS = ("running_mean", "running_var")
"""What batch normalisations have measured: weights too, though none that a slope changes."""


class HubNetwork(nn.Module):  # type: ignore[misc]
    """The inputs of a call, in the order of ``input_names`` -> states; in evaluation mode.

    Attributes:
        model: What transformers makes of the files; of one with a decoder the encoder.
    """

    def __init__(self, model: Any, plan: LoadingPlan, names: Sequence[str]) -> None:
        super().__init__()
        self.model = model
        self.names = tuple(names)
        self.output = plan.architecture.output
        self.features = f"get_{plan.modality}_features" if self.output == "features" else ""
        self.eval()

    def forward(self, *inputs: Tensor) -> Tensor:
        """States ``(n, t, d)``, ``(n, d)`` or ``(n, c, h, w)``."""
        tower = getattr(self.model, self.features) if self.features else self.model
        return _states(tower(**dict(zip(self.names, inputs, strict=True))), self.output)

    def run(self, *inputs: Array) -> Float32:
        """The same of arrays."""
        with torch.no_grad():
            return np.asarray(self(*(torch.from_numpy(np.ascontiguousarray(entry)) for entry in inputs)).numpy())

    def weights(self) -> dict[str, Tensor]:
        """All weights by the names that transformers gives them, each once."""
        measured = {name: each for name, each in self.model.named_buffers() if name.endswith(STATISTICS)}
        return {**dict(self.model.named_parameters()), **measured}


def load_network(source: Source, plan: LoadingPlan, settings: Mapping[str, Any]) -> HubNetwork:
    """The network of a model whose files have been fetched.

    Raises:
        EncoderError: The files are damaged, or do not fit together.
    """
    from transformers import AutoModel

    with explained(source, "model"):
        model, loading = AutoModel.from_pretrained(
            str(source.path(f"{plan.folder}config.json").parent),
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            dtype=torch.float32,
            attn_implementation="eager",
            output_loading_info=True,
        )
        _refuse_random_weights(source, plan, loading)
    if getattr(model.config, "is_encoder_decoder", False):
        model = model.get_encoder()
    return HubNetwork(model, plan, input_names(plan.modality, settings))


def network_again(card: Card) -> HubNetwork:
    """The network from which an encoder was made, from the same files.

    Raises:
        EncoderError: They have changed since, or are gone and cannot be brought.
    """
    source = found_again(card.name, card.revision, card.on_hub, card.sources)
    plan = architectures.plan(source, card.modality)
    source.fetch([*plan.files, *plan.weights])
    if changed := [file for file, sha256 in card.sources.items() if source.sha256(file) != sha256]:
        raise EncoderError(
            f"{changed[0]} of {card.name} has changed since the encoder was made of it.", "Fit the model again."
        )
    with quiet():
        return load_network(source, plan, card.settings)


def traced(network: HubNetwork, example: Sequence[Array]) -> bytes:
    """Export by running the model once: some twenty times as fast as the other way, and right for most models.

    Its weights are inputs while that is done, so that none of them is folded into another, joined with an equal one or
    turned over, and become the graph's own under their names afterwards, where they can be replaced.
    """
    weights = {name: each.detach() for name, each in network.weights().items()}
    buffer = io.BytesIO()
    with torch.no_grad():
        torch.onnx.export(
            _Open(network, len(example)).eval(),
            (*(torch.from_numpy(entry) for entry in example), *weights.values()),
            buffer,
            input_names=[*network.names, *map(weight_name, weights)],
            output_names=["states"],
            dynamic_axes={**_dynamic(network.names, example), "states": {0: "batch"}},
            opset_version=OPSET,
            dynamo=False,
        )
    return as_initializers(buffer.getvalue(), {name: each.numpy() for name, each in weights.items()})


def captured(network: HubNetwork, example: Sequence[Array]) -> bytes:
    """Export by following the model's Python code: finds branches that depend on a shape."""
    dynamic = tuple(dict.fromkeys(axes, torch.export.Dim.DYNAMIC) for axes in _dynamic(network.names, example).values())
    with torch.no_grad():
        program = torch.onnx.export(
            network,
            tuple(torch.from_numpy(entry) for entry in example),
            dynamo=True,
            dynamic_shapes=(dynamic,),
            input_names=list(network.names),
            output_names=["states"],
            verbose=False,
        )
    return bytes(program.model_proto.SerializeToString())


@contextmanager
def disturbed(network: HubNetwork, share: float = 0.1) -> Iterator[dict[str, Float32]]:
    """All weights a little other than they are, for a while; yields them by their names."""
    chance = torch.Generator().manual_seed(0)
    before = {name: each.detach().clone() for name, each in network.weights().items()}
    with torch.no_grad():
        for each in network.weights().values():
            noise = share * (2 * torch.rand(each.shape, generator=chance) - 1)
            each.copy_(each * (1 + noise) if each.any() else share * noise)
        try:
            yield {name: each.detach().numpy().copy() for name, each in network.weights().items()}
        finally:
            for name, each in network.weights().items():
                each.copy_(before[name])


class _Open(nn.Module):  # type: ignore[misc]
    """A network that takes its weights as inputs behind its others."""

    def __init__(self, network: HubNetwork, inputs: int) -> None:
        super().__init__()
        self._network = (network,)  # no part of this module: else its own weights would be in the graph as well
        self._inputs = inputs

    def forward(self, *given: Tensor) -> Tensor:
        (network,) = self._network
        with _in_place(network, given[self._inputs :]):
            return network(*given[: self._inputs])


@contextmanager
def _in_place(network: HubNetwork, tensors: Sequence[Tensor]) -> Iterator[None]:
    """These tensors in the place of the weights, wherever one is used; ``torch.func`` refuses to while tracing."""
    by_identity = {id(each): tensor for each, tensor in zip(network.weights().values(), tensors, strict=True)}
    places = [
        (module, kept, leaf, own)
        for module in network.model.modules()
        for kept in (module._parameters, module._buffers)
        for leaf, own in list(kept.items())
        if id(own) in by_identity
    ]
    try:
        for module, kept, leaf, own in places:
            del kept[leaf]
            object.__setattr__(module, leaf, by_identity[id(own)])
        yield
    finally:
        for module, kept, leaf, own in places:
            module.__dict__.pop(leaf, None)
            kept[leaf] = own


def _dynamic(names: Sequence[str], example: Sequence[Array]) -> dict[str, dict[int, str]]:
    """The axes that may have any length: the batch, and the length of tokens and samples."""
    return {
        name: {0: "batch", **({1: "length"} if entry.ndim == 2 else {})}
        for name, entry in zip(names, example, strict=True)
    }


def _states(output: Any, wanted: str) -> Any:
    """What is read of a model's output."""
    if hasattr(output, "shape"):  # features, already a tensor
        return output
    if wanted == "tokens":
        return output.last_hidden_state
    pooled = getattr(output, "pooler_output", None)
    return output.last_hidden_state if pooled is None else pooled.flatten(1)


def _refuse_random_weights(source: Source, plan: LoadingPlan, loading: Mapping[str, Any]) -> None:
    """What a file does not hold was filled with random numbers."""
    missing = sorted(
        key
        for key in loading["missing_keys"]
        if not HARMLESS.search(key) or (plan.architecture.output != "tokens" and "pooler." in key)
    )
    wrong = sorted(map(str, loading.get("mismatched_keys", ())))
    if missing or wrong:
        raise EncoderError(
            f"The weights of {source.name} do not fit its config.json: "
            f"{len(missing) + len(wrong)} are missing or of another shape, first {(missing + wrong)[0]}.",
            "Download the model again, or use another one.",
        )
