"""What a request asks for, whichever way it was written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graft.errors import ItemError


@dataclass(frozen=True, slots=True)
class PredictRequest:
    """The items of a request.

    Attributes:
        items: Their contents, as the bytes of a file or a text in UTF-8; an error where one cannot be had.
        names: How each is called in the answer, such as ``images[0]``.
        ids: What the caller calls each; empty where nothing was said.
        top: Only so many classes of each; ``None`` for all.
        rest: What else a protocol says beside the items.
    """

    items: tuple[bytes | ItemError, ...]
    names: tuple[str, ...]
    ids: tuple[str, ...] = ()
    top: int | None = None
    rest: Mapping[str, Any] = field(default_factory=dict)
