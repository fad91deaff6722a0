"""Pictures from an image search, through the library ``ddgs``.

It asks search sites as a browser would. These change every year, and then it is broken until it is mended: whatever
goes wrong inside it is a ``ProviderError``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from graft.collecting.found import Found, as_text
from graft.errors import ProviderError, needing

LICENCES = {
    "public": "Public",
    "share": "Share",
    "share-commercially": "ShareCommercially",
    "modify": "Modify",
    "modify-commercially": "ModifyCommercially",
}
"""What a licence is to allow, and what the search site calls that."""

_MAX_PAGES = 20
_TIMEOUT = 15


@dataclass(frozen=True, slots=True)
class WebSearch:
    """Search for pictures on the web.

    Attributes:
        region: Country and language, such as ``de-de``; ``""`` for the site's own.
        safe_search: ``on``, ``moderate`` or ``off``.
        licence: A key of ``LICENCES``, ``""`` for any. It is what the search site believes, and no more.
    """

    region: str = ""
    safe_search: str = "moderate"
    licence: str = ""

    def queries(self) -> Sequence[str]:
        """None: it takes any."""
        return ()

    def search(self, query: str) -> Iterator[Found]:
        """Pictures for the query, page by page.

        Raises:
            ProviderError: The library fails.
            MissingExtra: It is not installed.
        """
        with needing("collect", "The image search", ", or use --provider urls or pages."):
            from ddgs import DDGS
        # Only one of its sites takes these options; the other would silently ignore them.
        is_plain = not self.region and not self.licence and self.safe_search == "moderate"
        sites = ("duckduckgo", "bing") if is_plain else ("duckduckgo",)
        problems = []
        for site in sites:
            seen: set[str] = set()
            for page in range(1, _MAX_PAGES + 1):
                try:
                    results = DDGS(timeout=_TIMEOUT).images(query, backend=site, page=page, **self._options())
                except Exception as error:  # a library of a hundred regular expressions raises anything
                    problems.append(f"{site}: {as_text(error, 200) or type(error).__name__}")
                    break
                fresh = [found for found in map(self._read, results) if found.url and found.url not in seen]
                if not fresh:
                    break
                seen.update(found.url for found in fresh)
                yield from fresh
            if seen:
                return
        raise ProviderError(
            f"The image search found nothing for {query!r}: ddgs {version('ddgs')} says "
            f"{'; '.join(problems) or 'nothing'}.",
            "Check the network and try again, or pip install --upgrade ddgs. The other providers do without it: "
            "--provider urls --from LIST, --provider pages --from FOLDER.",
        )

    def _options(self) -> dict[str, Any]:
        options: dict[str, Any] = {"safesearch": self.safe_search, "max_results": None}
        if self.region:
            options["region"] = self.region
        if self.licence:
            options["license_image"] = LICENCES[self.licence]
        return options

    def _read(self, result: Any) -> Found:
        fields = result if isinstance(result, dict) else {}
        return Found(
            url=as_text(fields.get("image"), 8000),
            page=as_text(fields.get("url"), 8000),
            title=as_text(fields.get("title")),
            licence=f"{self.licence} (as the search site believes)" if self.licence else "",
        )
