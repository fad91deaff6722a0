"""Pictures from an image search, a list of addresses or saved pages, into a folder per class."""

from graft.collecting.collection import collect
from graft.collecting.counts import Collected, Counts
from graft.collecting.found import Found, Search
from graft.collecting.providers import PROVIDERS, Provider
from graft.errors import ProviderError
from graft.fetching.rate_limit import Limits

__all__ = ["PROVIDERS", "Collected", "Counts", "Found", "Limits", "Provider", "ProviderError", "Search", "collect"]
