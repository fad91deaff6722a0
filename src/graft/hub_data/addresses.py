"""Addresses of data sets: ``hf:owner/name``, with a revision, a configuration and a split where there are several."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Self

from graft.errors import UsageError

PREFIX = "hf:"
_ADDRESS = re.compile(
    r"hf:(?P<name>[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95})"
    r"(?:@(?P<revision>refs/(?:convert|pr)/[\w.-]{1,40}|[A-Za-z0-9][\w.-]{0,95}))?"
    r"(?::(?P<config>[\w.@+-][\w.@+ -]{0,95}))?"
    r"(?:/(?P<split>\w[\w.]{0,95}))?",
    re.ASCII,
)
_FORM = "Write hf:owner/name, or all of it: hf:owner/name@revision:configuration/split."


def is_hub_data_address(text: Any) -> bool:
    """Whether a text is meant as a data set of the hub; asks nobody."""
    return isinstance(text, str) and text.startswith(PREFIX) and not text.startswith("hf://")


@dataclass(frozen=True, slots=True)
class HubDataAddress:
    """A data set's address, taken apart.

    Attributes:
        name: ``owner/name``.
        revision: Branch, tag or commit.
        config: Which of its configurations; "" where none was named.
        split: Which of its splits; "" for all of them.
    """

    name: str
    revision: str = "main"
    config: str = ""
    split: str = ""

    @classmethod
    def of(cls, text: str) -> Self:
        """Take an address apart.

        Raises:
            UsageError: It is none.
        """
        found = _ADDRESS.fullmatch(text)
        if found is None:
            raise UsageError(f"{text[:200]!r} is no address of a data set.", _FORM)
        return cls(found["name"], found["revision"] or "main", found["config"] or "", found["split"] or "")

    def __str__(self) -> str:
        at = "" if self.revision == "main" else f"@{self.revision}"
        config = f":{self.config}" if self.config else ""
        return f"{PREFIX}{self.name}{at}{config}{f'/{self.split}' if self.split else ''}"
