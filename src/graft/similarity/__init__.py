"""Look-alikes: the items of a collection that are most like another one."""

from graft.similarity.graph import EXACT_UP_TO
from graft.similarity.index import Index, search
from graft.similarity.matches import Match, SearchResult

__all__ = ["EXACT_UP_TO", "Index", "Match", "SearchResult", "search"]
