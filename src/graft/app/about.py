"""What the page that tries a model says of it."""

from __future__ import annotations

from typing import Any

from graft.contracts import SERVED
from graft.decoding.formats import EXTENSIONS, PICTURES, RECORDINGS
from graft.model import Model
from graft.model.describing import described
from graft.version import __version__

TYPES = {
    "image": ("image/jpeg", "image/png", "image/webp", "image/gif", "image/bmp", "image/tiff"),
    "audio": ("audio/wav", "audio/flac", "audio/ogg", "audio/mpeg"),
    "text": ("text/plain",),
}
"""Kinds of files, as choosers know them."""
_NOT_ASKED_FOR = "heic"
"""A phone that is not offered this kind converts its photos to JPEG."""


def about(model: Model, *, corrections: bool, local: bool) -> dict[str, Any]:
    """JSON-able: what ``docs/pages.md`` calls ``About``.

    Args:
        model: The model.
        corrections: Whether they are kept.
        local: Whether the page is for this machine alone, so that nothing leaves it.
    """
    found = described(model)
    return found | {
        "input": {"max_pixels": SERVED.pixels, "max_bytes": SERVED.bytes, "seconds": SERVED.seconds},
        "versions": {"graft": __version__},
        "why": True,
        "corrections": corrections,
        "accept": accepted(found["modality"]),
        "stays": local,
    }


def accepted(modality: str) -> str:
    """What a chooser of files is to offer: kinds and endings, but for those that a phone had better convert."""
    if modality == "text":
        return ",".join((*TYPES["text"], ".txt", ".md"))
    kinds = PICTURES if modality == "image" else RECORDINGS
    endings = (ending for ending, kind in EXTENSIONS.items() if kind in kinds and kind != _NOT_ASKED_FOR)
    return ",".join((*TYPES[modality], *endings))
