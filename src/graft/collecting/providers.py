"""Where pictures may come from. A new provider is a line in ``PROVIDERS``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from graft.collecting.found import Search
from graft.collecting.pages import SUFFIXES, SavedPages
from graft.collecting.url_list import UrlList
from graft.collecting.web import WebSearch
from graft.errors import UsageError


@dataclass(frozen=True, slots=True)
class Provider:
    """Where pictures may come from.

    Attributes:
        summary: What it is, in a line.
        read: Opens what lies at a path; ``None`` where it takes none.
        web: Opens the search with its options; ``None`` where it has none.
    """

    summary: str
    read: Callable[[Path], Search] | None = None
    web: Callable[..., Search] | None = None


PROVIDERS: dict[str, Provider] = {
    "ddgs": Provider("image search on the web, through the library ddgs", web=WebSearch),
    "urls": Provider("lists of addresses: CSV, JSONL or text", read=UrlList.read),
    "pages": Provider("web pages that a browser saved, with their pictures", read=SavedPages.read),
}


def open_provider(name: str | None, source: Path | None, **options: str) -> tuple[str, Search]:
    """The provider's name, and the provider, opened.

    Args:
        name: A key of ``PROVIDERS``; by default what ``source`` looks like, and without one the search on the web.
        source: The list, page or folder.
        options: Of the search on the web: ``region``, ``safe_search``, ``licence``.

    Raises:
        UsageError: There is no such provider, or it takes no source, or it needs one.
        NothingToRead: The source holds nothing.
        DataError: The source cannot be read.
    """
    name = name or _guess(source)
    if name not in PROVIDERS:
        raise UsageError(f"There is no provider {name!r}.", f"Use {', '.join(PROVIDERS)}.")
    provider = PROVIDERS[name]
    if provider.read is None:
        if source is not None:
            raise UsageError(f"The provider {name} reads no file, and {source} was given.", "Use urls or pages.")
        assert provider.web is not None
        return name, provider.web(**options)
    if source is None:
        raise UsageError(f"The provider {name} needs a file or folder.", "Name it: --from PATH (in Python source=).")
    if any(value and key != "safe_search" for key, value in options.items()):
        raise UsageError("Region and licence are options of the image search.", "Leave them out.")
    return name, provider.read(source)


def _guess(source: Path | None) -> str:
    if source is None:
        return "ddgs"
    files = source.rglob("*") if source.is_dir() else iter((source,))
    return "pages" if any(path.suffix.lower() in SUFFIXES for path in files) else "urls"
