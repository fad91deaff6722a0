"""What a provider gives: where a picture lies, and what is known of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from graft.fetching.addresses import MAX_URL
from graft.files import sha256_of


@dataclass(frozen=True, slots=True)
class Found:
    """A picture that a provider found; nothing of it has been fetched or checked.

    Attributes:
        url: An ``http``, ``https`` or ``data`` address, or the name of a local file below a saved folder.
        page: The address of the page that it stands on, ``""`` where that is not known.
        title: What it is called there.
        licence: What is said of its licence, ``""`` where nothing is.
        path: The local file, where it was saved with its page.
    """

    url: str
    page: str = ""
    title: str = ""
    licence: str = ""
    path: Path | None = None

    @property
    def source(self) -> str:
        """The address as it stands in the manifest, by which the picture is known again.

        Of ``data`` and of what is far too long, the beginning and a hash. The name of a local file has the hash of its
        content: there are many ``search_files/1.jpg``.
        """
        url = self.url.encode("utf-8", "replace").decode()
        inline = is_inline(url)
        if self.path is not None:
            with suppress(OSError):  # what cannot be read is known by its name
                return f"{url[:MAX_URL]};sha256={sha256_of(self.path)[:32]}"
        if not inline and len(url) <= MAX_URL:
            return url.partition("#")[0] if is_web(url) else url
        beginning = url.partition(",")[0] if inline else url
        return f"{beginning[:100]};sha256={hashlib.sha256(url.encode()).hexdigest()[:32]}"


class Search(Protocol):
    """A provider, opened: it can be asked for pictures."""

    def queries(self) -> Sequence[str]:
        """The queries that it can answer, in order; none if it takes any."""

    def search(self, query: str) -> Iterator[Found]:
        """Pictures for a query, the best first, as many as are asked for.

        Raises:
            ProviderError: It is broken, or cannot be reached.
        """


def is_web(place: str) -> bool:
    """Whether an address is one of the web."""
    return place[:8].lower().startswith(("http://", "https://"))


def is_inline(place: str) -> bool:
    """Whether an address holds the picture itself."""
    return place[:5].lower() == "data:"


def as_text(value: object, most: int = 1000) -> str:
    """A value from outside as one line of text of at most so many characters."""
    return " ".join(str(value).split())[:most] if value is not None else ""
