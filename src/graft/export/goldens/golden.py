"""One golden item: a file that a model is asked about wherever it runs."""

from __future__ import annotations

from typing import NamedTuple


class Golden(NamedTuple):
    """A file with a known answer.

    Attributes:
        extension: Of its file, such as ``png``.
        content: The file's bytes.
        what: What it is, in words.
        own: Whether it comes from data that were given, and was not drawn.
    """

    extension: str
    content: bytes
    what: str
    own: bool = False
