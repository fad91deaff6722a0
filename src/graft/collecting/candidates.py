"""The candidates of a class: what its queries found, from each in turn."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from graft.collecting.found import Found, Search, as_text
from graft.errors import GraftError, ProviderError
from graft.fetching.addresses import WebAddress


@dataclass(slots=True, eq=False)
class Candidate:
    """A picture that was found and not yet fetched; ``source`` is as it was found, ``place`` is where on the web."""

    label: str
    query: str
    provider: str
    found: Found
    source: str
    place: WebAddress | None = None
    tries: int = 0


class CandidateQueue:
    """Candidates for a class, and how many of them are being fetched."""

    def __init__(self, label: str, queries: Sequence[str], provider: Search, name: str) -> None:
        self.label = label
        self.waiting: deque[Candidate] = deque()
        self.under_way = 0
        self.dry = False
        self._searches = deque((query, provider.search(query)) for query in queries)
        self._name = name

    def draw(self) -> Candidate | None:
        """The next picture, from each query in turn; ``None`` where there are no more.

        Raises:
            GraftError: The provider failed; its query is not asked again.
        """
        while self._searches:
            query, search = self._searches.popleft()
            try:
                found = next(search, None)
                source = found.source if found is not None else ""
            except GraftError:
                raise
            except Exception as error:  # a provider may be anybody's
                said = as_text(error, 300) or type(error).__name__
                raise ProviderError(
                    f"The provider {self._name} failed for {query!r}: {said}.",
                    "Try another one: --provider urls or pages.",
                ) from error
            if found is not None:
                self._searches.append((query, search))
                return Candidate(self.label, query, self._name, found, source)
        self.dry = True
        return None
