"""Makes an ONNX graph of a model, once: by torch, from weights in safetensors, and held to torch's own output."""

from __future__ import annotations

import hashlib
import importlib.metadata
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from graft.contracts import Array, Float32, Progress
from graft.encoders.hub import architectures, audio, image, text
from graft.encoders.hub.architectures import LoadingPlan
from graft.encoders.hub.encoder import Feeder, feeder_for, run
from graft.encoders.hub.fetch import MAX_WEIGHTS, Source, limit_of, require
from graft.encoders.hub.loading import explained, foreign_code, input_names, quiet
from graft.encoders.hub.store import DENSE, GRAPH, VOCABULARY, Card
from graft.encoders.hub.weights import with_weights
from graft.errors import EncoderError, first_line
from graft.front_matter import split

if TYPE_CHECKING:
    from graft.encoders.hub.network import HubNetwork

TOLERANCE = 1e-4
"""Largest difference between graph (ONNX Runtime, f32) and torch that is allowed, relative to the largest output."""
MAX_PAGE = 100_000
"""Bytes of the model's page that are searched for its licence."""
STEPS = 3

Network = Callable[..., Float32]


@dataclass(frozen=True, slots=True)
class Made:
    """A graph, how it came about, how far it is from torch, and whether its weights can be replaced."""

    graph: bytes
    origin: str
    parity: float | None
    dim: int
    open: bool = False


def make(source: Source, modality: str | None, progress: Progress) -> tuple[Card, dict[str, bytes]]:
    """What is kept of a model: its card, and the files beside it.

    Raises:
        EncoderError: The model cannot be used.
        MissingExtra: transformers or torch is not installed.
    """
    plan = architectures.plan(source, modality)
    dense_files = [layer["file"] for layer in plan.readout["layers"] if layer["kind"] == "dense"]
    weights = plan.weights or (plan.graph,)
    _refuse_giants(source, [*weights, *dense_files])
    require("transformers", *(["torch"] if plan.weights else []))
    _refuse_foreign_code(source, plan)
    folder = source.fetch([*plan.files, *dense_files, *weights])
    with quiet():
        settings, vocabulary = _settings(source, plan, folder)
        dense = _dense_weights(source, dense_files)
        trial = _ExportTrial(feeder_for(plan.modality, settings, vocabulary), plan, dense)
        made = _export(source, plan, trial, progress) if plan.weights else _adopted(source, plan, trial, None)
    contents = {GRAPH: made.graph}
    if plan.modality == "text":
        contents[VOCABULARY] = vocabulary
    if dense:
        from safetensors.numpy import save

        contents[DENSE] = bytes(save(dense))
    used = [*plan.files, *dense_files, *(weights if made.origin == "exported" else [plan.graph])]
    card = Card(
        name=source.name,
        revision=source.revision,
        on_hub=source.on_hub,
        modality=plan.modality,
        main=plan.main,
        kind=plan.kind,
        dim=made.dim,
        sources={file: source.sha256(file) for file in sorted(used)},
        settings=settings,
        readout=plan.readout,
        default_prompt=plan.default_prompt,
        licence=_licence(source),
        graph=made.origin,
        parity=made.parity,
        open=made.open,
        made_with=_versions(),
        files={name: hashlib.sha256(content).hexdigest() for name, content in contents.items()},
    )
    return card, contents


class _ExportTrial:
    """Samples of several shapes, and what a network makes of them."""

    def __init__(self, feeder: Feeder, plan: LoadingPlan, dense: dict[str, Float32]) -> None:
        self.feeder, self.plan, self.dense = feeder, plan, dense
        self.batches = feeder.trial()

    def example(self) -> tuple[Array, ...]:
        """The inputs of one call, to trace a network with."""
        windows = [window for item in self.batches[0] for window in item]
        return next(iter(self.feeder.calls(windows)))[1]

    def outputs(self, network: Network) -> list[Float32]:
        """The embeddings of each batch."""
        return [run(network, self.feeder, batch, self.plan.readout, self.dense) for batch in self.batches]


def _settings(source: Source, plan: LoadingPlan, folder: Path) -> tuple[dict[str, Any], bytes]:
    """How items become inputs, taken from the model's own processors; and the vocabulary of a text model."""
    place = str(folder / plan.folder)
    stock: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}  # None would ask on the terminal
    with explained(source, "processor"):
        if plan.modality == "image":
            from transformers import AutoImageProcessor

            processor = AutoImageProcessor.from_pretrained(place, **stock, **_picture_backend())
            return image.settings_from(processor.to_dict(), processor, source.name), b""
        config = source.json(f"{plan.folder}config.json")
        if plan.modality == "audio":
            from transformers import AutoFeatureExtractor

            extractor = AutoFeatureExtractor.from_pretrained(place, **stock)
            return audio.settings_from(extractor, config, source.name), b""
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(place, **stock)
        sentence = source.json(f"{plan.folder}sentence_bert_config.json")
        settings = text.settings_from(tokenizer, config, sentence, plan.architecture.padded, source.name)
        vocabulary = tokenizer.backend_tokenizer.to_str().encode()
        text.check(text.Texts(settings, vocabulary), tokenizer, source.name)
        return settings, vocabulary


def _picture_backend() -> dict[str, Any]:
    """Ask for the image processors that work with Pillow: the others need torchvision, and resize otherwise."""
    import transformers

    return {"backend": "pil"} if int(transformers.__version__.split(".")[0]) >= 5 else {"use_fast": False}


def _export(source: Source, plan: LoadingPlan, trial: _ExportTrial, progress: Progress) -> Made:
    from graft.encoders.hub.network import captured, load_network, traced

    progress("export", 0, STEPS)
    network = load_network(source, plan, trial.feeder.settings)
    with explained(source, "model"):
        wanted = trial.outputs(network.run)
    progress("export", 1, STEPS)
    failures = []
    for exporter in (traced, captured):
        try:
            made = _held_to(exporter(network, trial.example()), "exported", trial, wanted)
            made = replace(made, open=exporter is traced and _follows(made.graph, network, trial))
            break
        except Exception as error:  # exporters fail in every way there is
            failures.append(f"{exporter.__name__}: {first_line(error)}")
    else:
        progress("export", 2, STEPS)
        if not plan.graph:
            raise EncoderError(
                f"No ONNX graph can be made of {source.name} ({plan.kind}): {'; '.join(failures)}.",
                "Use another model.",
            )
        made = _adopted(source, plan, trial, wanted)
    progress("export", STEPS, STEPS)
    return made


def _follows(graph: bytes, network: HubNetwork, trial: _ExportTrial) -> bool:
    """Whether the graph still says what torch says when all weights in both are others."""
    from graft.encoders.hub.network import disturbed

    with disturbed(network) as weights:
        wanted = trial.outputs(network.run)
        try:
            _held_to(with_weights(graph, weights), "exported", trial, wanted)
        except Exception:  # it says something else, or cannot be run with them
            return False
    return True


def _adopted(source: Source, plan: LoadingPlan, trial: _ExportTrial, wanted: Sequence[Float32] | None) -> Made:
    """The model's own ONNX file, held to torch's output, or trusted where there is none.

    Raises:
        EncoderError: Its inputs or outputs are others than the model's, or what it says differs from torch.
    """
    try:
        graph = _rewired(source.path(plan.graph).read_bytes(), plan, trial)
        return _held_to(graph, "repository", trial, wanted)
    except Exception as error:
        raise EncoderError(
            f"{plan.graph} of {source.name} cannot be used: {first_line(error)}.",
            "Use a model with model.safetensors, of a kind that can be exported.",
        ) from None


def _rewired(content: bytes, plan: LoadingPlan, trial: _ExportTrial) -> bytes:
    """The graph with our inputs in our order, and with the one output that is read."""
    import onnx

    model = onnx.load_model_from_string(content)
    graph = model.graph
    if any(tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in graph.initializer):
        raise ValueError("its weights lie in another file")
    names = input_names(plan.modality, trial.feeder.settings)
    inputs = {entry.name: entry for entry in graph.input}
    if "token_type_ids" in inputs and plan.modality == "text":
        del inputs["token_type_ids"]  # of a single text they are zero
        graph.node.insert(0, onnx.helper.make_node("Sub", ["input_ids", "input_ids"], ["token_type_ids"]))
    if set(inputs) != set(names):
        raise ValueError(f"its inputs are {', '.join(sorted(inputs))}, not {', '.join(names)}")
    outputs = {entry.name: entry for entry in graph.output}
    known = {"tokens": "last_hidden_state", "pooled": "pooler_output", "features": f"{plan.modality}_embeds"}
    if (output := known[plan.architecture.output]) not in outputs:
        raise ValueError(f"it has no output {output}, only {', '.join(sorted(outputs))}")
    del graph.input[:], graph.output[:]
    graph.input.extend([inputs[name] for name in names])
    graph.output.append(outputs[output])
    return bytes(model.SerializeToString())


def _held_to(graph: bytes, origin: str, trial: _ExportTrial, wanted: Sequence[Float32] | None) -> Made:
    """The graph, if it says what torch says of the samples.

    Raises:
        ValueError: It says something else.
    """
    from graft.encoders.runtime import Backend, open_session

    found = trial.outputs(open_session(graph, Backend("onnxruntime", "f32")).run)
    dim = found[0].shape[1]
    if not all(np.isfinite(x).all() for x in found):
        raise ValueError("its outputs are not finite")
    if wanted is None:
        return Made(graph, origin, None, dim)
    apart = max(
        float(np.abs(a - b).max() / max(float(np.abs(b).max()), 1e-12)) for a, b in zip(found, wanted, strict=True)
    )
    if not apart <= TOLERANCE:
        raise ValueError(
            f"its outputs differ from torch's by {apart:.1e} of the largest, and {TOLERANCE:.0e} is allowed"
        )
    return Made(graph, origin, apart, dim)


def _refuse_foreign_code(source: Source, plan: LoadingPlan) -> None:
    """A model that brings code of its own is used only if transformers knows its kind without it."""
    config = source.json(f"{plan.folder}config.json")
    if "auto_map" not in config:
        return
    from transformers import CONFIG_MAPPING

    if plan.kind not in CONFIG_MAPPING:
        given = config["auto_map"]
        raise foreign_code(source, ", ".join(sorted(map(str, given if isinstance(given, dict) else [given]))))


def _dense_weights(source: Source, files: Sequence[str]) -> dict[str, Float32]:
    """The weights of dense layers after the pooling, by the names that the layers give."""
    from safetensors.numpy import load

    found: dict[str, Float32] = {}
    for file in files:
        folder = file.rpartition("/")[0]
        with explained(source, "dense layer", "safetensors"):
            tensors = load(source.path(file).read_bytes())
        found |= {f"{folder}/{name}": tensor.astype(np.float32) for name, tensor in tensors.items()}
    return found


def _refuse_giants(source: Source, weights: Sequence[str]) -> None:
    size = sum(source.sizes[file] for file in weights)
    if size > MAX_WEIGHTS:
        raise EncoderError(
            f"{source.name} is too large: it has {size / 1e9:.1f} GB of weights, and an ONNX graph holds "
            f"{MAX_WEIGHTS / 1e9:.1f} GB.",
            "Use a smaller model of the same family.",
        )


def _licence(source: Source) -> str:
    """The licence in the front matter of the model card."""
    if "README.md" not in source or source.sizes["README.md"] > limit_of("README.md"):
        return ""
    with source.path("README.md").open("rb") as file:
        content = file.read(MAX_PAGE).decode("utf-8", "replace")
    front, _ = split(content)
    lines = dict(re.findall(r"^(license(?:_name)?):[ \t]*['\"]?([\w.+-]+)", front, re.MULTILINE))
    return str(lines.get("license_name") or lines.get("license") or "")


def _versions() -> dict[str, str]:
    found = {}
    for package in ("torch", "transformers", "tokenizers"):
        with suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    return found
