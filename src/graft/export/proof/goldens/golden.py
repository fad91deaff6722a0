"""One golden item: a file that a model is asked about wherever it runs."""

from __future__ import annotations

from typing import NamedTuple

OF_DATA = "from the data"
"""How ``what`` begins of items that were given."""


class Golden(NamedTuple):
    """A file with a known answer.

    Attributes:
        extension: Of its file, such as ``png``.
        content: The file's bytes.
        what: What it is, in words.
    """

    extension: str
    content: bytes
    what: str
