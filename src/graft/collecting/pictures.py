"""What was fetched, judged by its content: whether it is a picture that can be used, and what it looks like."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from graft.contracts import Array, Float32
from graft.decoding.decode import decode_picture
from graft.decoding.formats import HEAD, PICTURES, describe, sniff
from graft.errors import ItemError
from graft.fetching.bounds import too_small

SIDE = 11
"""A picture is compared by its luma at this width and height; a side more or less changes little."""
MAX_BITS = 20
"""Of the 2 x 11 x 10 comparisons of neighbours, so many may differ between copies."""
MIN_CORRELATION = 0.97
"""And the luma has to correlate at least so much, or else two drawings on white would be copies."""

_EDGE = 2.0
_FLAT = 1.0
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that can be used.

    Attributes:
        content: The file's bytes.
        kind: As ``sniff`` has it.
        width: Of the upright picture, in pixels; ``height`` likewise.
        sha256: Of the bytes, 64 hex digits.
        look: Its luma at ``SIDE`` x ``SIDE`` in base64, by which near copies are found.
    """

    content: bytes
    kind: str
    width: int
    height: int
    sha256: str
    look: str


def check_head(head: bytes) -> str:
    """The kind of a picture; what does not begin like one is refused early: ``head`` has ``HEAD`` bytes, or is all.

    Raises:
        ItemError: ``empty`` or ``not_a_picture``.
    """
    if not head:
        raise ItemError("empty", "The answer is empty.")
    kind = sniff(head)
    if kind is None or kind not in PICTURES:
        what, advice = describe(head)
        raise ItemError("not_a_picture", f"It is not a picture that can be read: it is {what}.", advice)
    return kind


def judge(content: bytes, min_side: int) -> Picture:
    """Decode a picture, whatever its name and type said.

    Args:
        content: The file's bytes.
        min_side: The least width and height in pixels.

    Raises:
        ItemError: ``empty``, ``not_a_picture``, ``truncated``, ``too_large``, ``corrupt`` or ``too_small``.
    """
    kind = check_head(content[:HEAD])
    small = decode_picture(content, SIDE, SIDE, crop=0.0)
    width, height = int(small.statistics["width"]), int(small.statistics["height"])
    if min(width, height) < min_side:
        raise too_small(width, height, min_side)
    luma: Array = np.rint(small.value.astype(np.float32) @ _LUMA).astype(np.uint8)  # (11, 11)
    look = base64.b64encode(luma.tobytes()).decode()
    return Picture(content, kind, width, height, hashlib.sha256(content).hexdigest(), look)


class Looks:
    """The looks of the pictures that are there; finds near copies of another one.

    Difference hashing (N. Krawetz, "Kind of like that", 2013) in both directions: each point is compared with its
    right and lower neighbour.
    """

    def __init__(self) -> None:
        self._known: dict[str, tuple[Array, Float32]] = {}

    def add(self, look: str, name: str) -> None:
        """Remember a picture; one without structure is like nothing, and one from a damaged line is none."""
        if described := _describe(look):
            self._known[name] = described

    def like(self, look: str) -> str:
        """The name of the picture that this is most likely a copy of, ``""`` for none."""
        described = _describe(look)
        if not self._known or not described:
            return ""
        names = list(self._known)
        bits, forms = (np.stack(part) for part in zip(*self._known.values(), strict=True))
        differing = (bits != described[0]).sum(axis=1)  # (n,)
        correlations = forms @ described[1]  # (n,)
        near: Sequence[int] = np.flatnonzero((differing <= MAX_BITS) & (correlations >= MIN_CORRELATION)).tolist()
        return names[min(near, key=lambda row: differing[row])] if near else ""


def _describe(look: str) -> tuple[Array, Float32] | None:
    """The comparisons ``(220,) bool`` and the luma as a unit vector ``(121,) float32``."""
    try:
        luma = np.frombuffer(base64.b64decode(look, validate=True), np.uint8).astype(np.float32)
    except ValueError:
        return None
    if len(luma) != SIDE * SIDE or luma.std() < _FLAT:
        return None
    luma = luma.reshape(SIDE, SIDE)
    right = luma[:, 1:] > luma[:, :-1] + _EDGE
    below = luma[1:] > luma[:-1] + _EDGE
    form = (luma - luma.mean()).ravel()
    return np.concatenate([right.ravel(), below.ravel()]), form / np.linalg.norm(form)
