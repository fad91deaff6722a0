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

    queue: CandidateQueue
    query: str
    found: Found
    source: str
    place: WebAddress | None = None
    tries: int = 0


class CandidateQueue:
    """Candidates for a class, from the provider of this name, and how many of its pictures there are.

    ``under_way`` are being fetched, ``kept`` are there, ``new`` are so since this run. ``searches`` may give more.
    """

    def __init__(self, label: str, queries: Sequence[str], provider: Search, name: str) -> None:
        self.label, self.provider = label, name
        self.waiting: deque[Candidate] = deque()
        self.under_way = self.kept = self.new = 0
        self.searches = deque((query, provider.search(query)) for query in queries)

    def draw(self) -> Candidate | None:
        """The next picture, from each query in turn; ``None`` where a query had no more.

        Raises:
            GraftError: The provider failed; its query is not asked again.
        """
        query, search = self.searches.popleft()
        try:
            if (found := next(search, None)) is None:
                return None
            candidate = Candidate(self, query, found, found.source)
        except GraftError:
            raise
        except Exception as error:  # a provider may be anybody's
            said = as_text(error, 300) or type(error).__name__
            raise ProviderError(
                f"The provider {self.provider} failed for {query!r}: {said}.",
                "Try another one: --provider urls or pages.",
            ) from error
        self.searches.append((query, search))
        return candidate
