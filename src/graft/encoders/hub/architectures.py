"""How models of each architecture are read: its modality, which part of it, and how its states become one embedding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graft.encoders.hub.fetch import Source
from graft.encoders.hub.readout import ACTIVATIONS, POOLINGS
from graft.errors import EncoderError

MODALITIES = ("image", "text", "audio")


@dataclass(frozen=True, slots=True)
class Architecture:
    """How models of one kind are read.

    Attributes:
        output: ``"tokens"``, the states of the last layer; ``"pooled"``, the network's own pooling of them;
            ``"features"``, of a model with a tower for each modality its embedding in the space they share.
        pooling: How states become one embedding: a key of ``POOLINGS``.
        padded: Whether a text is always padded to the full length, as the model was trained with no mask.
        rooted: Whether the signed root is taken of the pooled activations: of convolutional networks, where few units
            dominate.
    """

    output: str = "tokens"
    pooling: str = "mean"
    padded: bool = False
    rooted: bool = False

    @property
    def readout(self) -> dict[str, Any]:
        """As ``read_out`` takes it, where no further layers follow."""
        return {"pooling": [self.pooling], "layers": [], "rooted": self.rooted}


FIRST_TOKEN = Architecture(pooling="cls")
OWN_POOLING = Architecture(output="pooled", pooling="given")
CONVOLUTIONS = Architecture(output="pooled", pooling="given", rooted=True)
TOWER = Architecture(output="features", pooling="given")
MEAN = Architecture()

ARCHITECTURES: Mapping[str, Mapping[str, Architecture]] = {
    "image": {
        **dict.fromkeys(
            ("beit", "data2vec-vision", "deit", "dinov2", "dinov2_with_registers", "dinov3_vit", "vit", "vit_msn"),
            FIRST_TOKEN,
        ),
        **dict.fromkeys(
            (
                *("clip_vision_model", "convnext", "convnextv2", "dinov3_convnext", "focalnet", "levit"),
                *("siglip_vision_model", "swin", "swinv2"),
            ),
            OWN_POOLING,
        ),
        **dict.fromkeys(("bit", "mobilenet_v1", "mobilenet_v2", "mobilevit", "regnet", "resnet"), CONVOLUTIONS),
        **dict.fromkeys(("align", "altclip", "chinese_clip", "clip", "siglip"), TOWER),
        "efficientnet": Architecture(rooted=True),  # its own pooling is the same, in a form that OpenVINO cannot read
        "ijepa": MEAN,
        "poolformer": MEAN,
    },
    "text": {
        **dict.fromkeys(("align", "altclip", "chinese_clip", "clip"), TOWER),
        "siglip": Architecture(output="features", pooling="given", padded=True),
        "clip_text_model": OWN_POOLING,
    },
    "audio": dict.fromkeys(
        ("data2vec-audio", "hubert", "sew", "unispeech", "unispeech-sat", "wav2vec2", "wavlm", "whisper"), MEAN
    ),
}
"""By modality and ``model_type``. A model that stands nowhere is read as ``MEAN``."""


@dataclass(frozen=True, slots=True)
class LoadingPlan:
    """What was found out of a model's settings before its weights are brought.

    Attributes:
        kind: ``model_type``.
        modality: What it will be used for.
        main: Whether that is what the model is used for unless another modality is asked for.
        architecture: How it is read.
        readout: How its states become an embedding; what ``read_out`` reads.
        weights: The safetensors files; empty where there are none.
        graph: The model's own ONNX file, or ``""``.
        folder: Where in the repository config and weights lie: ``""`` or ``"0_Transformer/"``.
        files: All files that are needed, weights and graph aside.
        default_prompt: What its makers put before every text, or ``""``.
    """

    kind: str
    modality: str
    main: bool
    architecture: Architecture
    readout: Mapping[str, Any]
    weights: tuple[str, ...]
    graph: str
    folder: str
    files: tuple[str, ...]
    default_prompt: str


def plan(source: Source, modality: str | None) -> LoadingPlan:
    """Find out how a model is to be read.

    Raises:
        EncoderError: It cannot be used, or not for this modality.
    """
    modules = source.json_list("modules.json")
    folder = _transformer_folder(source, modules)
    config = source.json(f"{folder}config.json")
    if "model_type" not in config:
        raise EncoderError(
            f"{source.name} is no model of the transformers library: it has no config.json with a model_type.",
            "Use a model whose page says Transformers.",
        )
    kind = str(config["model_type"])
    possible = _modalities(source, kind, folder)
    if modality not in (None, *possible):
        raise EncoderError(
            f"{source.name} ({kind}) is a model for {' and '.join(possible)}, and the data are {modality}.",
            f"Choose a model for {modality}.",
        )
    chosen = modality or possible[0]
    if chosen != "text" and not any(file in source for file in PROCESSOR_FILES):
        raise EncoderError(
            f"{source.name} lacks preprocessor_config.json, which says what the model's input is made of.",
            "Add the file of the model that this one was trained from, or use another model.",
        )
    architecture = ARCHITECTURES[chosen].get(kind, MEAN)
    weights, graph = _weights(source, folder)
    own = source.json("config_sentence_transformers.json")
    prompts = _object(source, "config_sentence_transformers.json", own, "prompts")
    return LoadingPlan(
        kind=kind,
        modality=chosen,
        main=chosen == possible[0],
        architecture=architecture,
        readout=_sentence_readout(source, modules) if modules else architecture.readout,
        weights=weights,
        graph=graph,
        folder=folder,
        files=tuple(_settings_files(source, folder, modules)),
        default_prompt=str(prompts.get(str(own.get("default_prompt_name"))) or ""),
    )


_OLDER_POOLING = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}


def _modalities(source: Source, kind: str, folder: str) -> tuple[str, ...]:
    """What a model can be used for, the usual first."""
    if known := tuple(modality for modality in MODALITIES if kind in ARCHITECTURES[modality]):
        return known
    settings = next(filter(None, map(source.json, PROCESSOR_FILES)), {})
    if "sampling_rate" in settings or "feature_extractor" in settings:
        return ("audio",)
    if "image_processor_type" in settings or "image_mean" in settings or "image_processor" in settings:
        return ("image",)
    if any(f"{place}{file}" in source for place in {"", folder} for file in TOKENIZER_FILES):
        return ("text",)
    raise EncoderError(
        f"It cannot be told what {source.name} takes: it has neither a tokenizer nor a preprocessor_config.json.",
        "Add the missing file to a local copy, or use another model.",
    )


def _weights(source: Source, folder: str) -> tuple[tuple[str, ...], str]:
    graph = next((file for file in ("onnx/model.onnx", f"{folder}onnx/model.onnx", "model.onnx") if file in source), "")
    if f"{folder}model.safetensors" in source:
        return (f"{folder}model.safetensors",), graph
    if index := source.json(f"{folder}model.safetensors.index.json"):
        named = _object(source, f"{folder}model.safetensors.index.json", index, "weight_map")
        shards = sorted({f"{folder}{name}" for name in named.values()})
        if not shards:
            raise EncoderError(f"The index of {source.name} names no weights.", "Download the model again.")
        if missing := [shard for shard in shards if shard not in source]:
            raise EncoderError(f"{source.name} lacks {missing[0]}, a part of its weights.", "Download the model again.")
        return tuple(shards), graph
    if graph:
        return (), graph
    pickled = [file for file in source.sizes if file.endswith((".bin", ".pt", ".pth", ".ckpt", ".h5", ".msgpack"))]
    if pickled:
        raise EncoderError(
            f"{source.name} has its weights only as {pickled[0]}, a format that can run code when it is loaded.",
            "Look on its page for a pull request that adds model.safetensors, and use NAME@refs/pr/NUMBER; or load it "
            "with transformers where you trust it, call save_pretrained, and give that folder.",
        )
    raise EncoderError(f"{source.name} has no weights: no model.safetensors.", "Give the folder of a whole model.")


def _object(source: Source, file: str, settings: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = settings.get(key) or {}
    if not isinstance(found, dict):
        raise EncoderError(f"{key} in {file} of {source.name} is not a JSON object.", "Download the model again.")
    return found


def _transformer_folder(source: Source, modules: Sequence[Mapping[str, Any]]) -> str:
    if not modules:
        return ""
    first = modules[0]
    if str(first.get("type", "")).rpartition(".")[2] != "Transformer":
        raise EncoderError(
            f"{source.name} begins with a module of the type {first.get('type')}, which Graft does not know.",
            "Use a model that begins with a Transformer.",
        )
    return _as_folder(first.get("path"))


def _as_folder(path: object) -> str:
    return f"{path}/" if path else ""


def _sentence_readout(source: Source, modules: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Pooling and the layers after it, as a sentence-transformers model says."""
    pooling: list[str] = ["mean"]
    layers: list[dict[str, Any]] = []
    for module in modules[1:]:
        kind = str(module.get("type", "")).rpartition(".")[2]
        folder = _as_folder(module.get("path"))
        if kind == "Normalize":
            layers.append({"kind": "normalise"})
        elif kind == "Pooling":
            pooling = _pooling_modes(source, source.json(f"{folder}config.json"))
        elif kind == "Dense":
            layers.append(_dense(source, folder, source.json(f"{folder}config.json")))
        else:
            raise EncoderError(
                f"{source.name} has a module of the type {module.get('type')}, which Graft does not know.",
                "Use a model made of Transformer, Pooling, Dense and Normalize.",
            )
    return {"pooling": pooling, "layers": layers}


def _pooling_modes(source: Source, config: Mapping[str, Any]) -> list[str]:
    given = config.get("pooling_mode")
    modes = [str(mode) for mode in (given if isinstance(given, list) else [given] if given else [])]
    modes = modes or [mode for key, mode in _OLDER_POOLING.items() if config.get(key)]
    if unknown := [mode for mode in modes if mode not in POOLINGS]:
        raise EncoderError(
            f"{source.name} pools by {unknown[0]}, which Graft does not know.", f"Known are {', '.join(POOLINGS)}."
        )
    if config.get("include_prompt") is False:
        raise EncoderError(
            f"{source.name} leaves the prompt out of its pooling, which Graft does not know.", "Use another model."
        )
    return modes or ["mean"]


def _dense(source: Source, folder: str, config: Mapping[str, Any]) -> dict[str, Any]:
    activation = str(config.get("activation_function", "Identity")).rpartition(".")[2]
    if activation not in ACTIVATIONS or f"{folder}model.safetensors" not in source:
        raise EncoderError(
            f"The dense layer of {source.name} ({folder.rstrip('/')}) cannot be used: activation {activation}, "
            f"{'with' if f'{folder}model.safetensors' in source else 'without'} model.safetensors.",
            "Use another model.",
        )
    return {
        "kind": "dense",
        "activation": activation,
        "file": f"{folder}model.safetensors",
        "weight": f"{folder}linear.weight",
        "bias": f"{folder}linear.bias" if config.get("bias", True) else "",
    }


TOKENIZER_FILES = (
    "tokenizer.json",
    "vocab.txt",
    "vocab.json",
    "sentencepiece.bpe.model",
    "spiece.model",
    "tokenizer.model",
)
PROCESSOR_FILES = ("preprocessor_config.json", "processor_config.json")
SETTINGS_FILES = (
    *TOKENIZER_FILES,
    *PROCESSOR_FILES,
    *("config.json", "tokenizer_config.json"),
    *("special_tokens_map.json", "added_tokens.json", "merges.txt", "sentence_bert_config.json"),
)


def _settings_files(source: Source, folder: str, modules: Sequence[Mapping[str, Any]]) -> list[str]:
    """Everything small that the model's own processors may want, and what says how it is pooled."""
    names = [f"{place}{name}" for place in (folder, "") for name in SETTINGS_FILES]
    names += [f"{_as_folder(module.get('path'))}config.json" for module in modules]
    names += ["modules.json", "config_sentence_transformers.json"] if modules else []
    return [name for name in dict.fromkeys(names) if name in source]
