"""Pictures from web pages that a browser saved."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

from graft.collecting.found import Found, as_text, is_inline, is_web
from graft.data.items import File
from graft.data.listing import peek
from graft.decoding.encoding import decode_text
from graft.decoding.formats import PICTURES, sniff
from graft.errors import NothingToRead

SUFFIXES = (".html", ".htm", ".xhtml")
MAX_BYTES = 50_000_000
MAX_PICTURES = 10_000
"""Of one page."""

_SAVED_FROM = re.compile(r"<!--\s*saved from url=\(\d+\)(\S+)", re.IGNORECASE)
_START = re.compile(r"<(img|source|meta|base|link|a|title|script|style|!--)(?![\w-])", re.IGNORECASE)
_TAG = re.compile(r"""<(?:[^'">]++|"[^"]*+"|'[^']*+')*+>""")
_OPAQUE = {
    "script": re.compile("</script", re.IGNORECASE),
    "style": re.compile("</style", re.IGNORECASE),
    "!--": re.compile("-->"),
}
_MAX_UNCLOSED = 20
_BESIDE = ("_files", ".files")
"""How folders end that browsers save beside a page."""
_LAZY = ("data-src", "data-original", "data-lazy-src", "data-iurl")
_CARDS = ("og:image", "og:image:url", "og:image:secure_url", "twitter:image")


@dataclass(frozen=True, slots=True)
class SavedPages:
    """A folder of saved pages, or one.

    Attributes:
        root: Nothing outside is read.
        pages: The page files by query. A page answers the query that its folder directly below ``root`` is called as,
            or else the page itself; a page that was given alone, under ``""``, answers any.
    """

    root: Path
    pages: dict[str, list[Path]]

    @classmethod
    def read(cls, path: Path) -> SavedPages:
        """Find the pages.

        Raises:
            NothingToRead: There are none.
        """
        if path.is_file():
            return cls(path.resolve().parent, {"": [path.resolve()]})
        root = path.resolve()
        pages: dict[str, list[Path]] = {}
        for file in sorted(root.rglob("*")):
            inside = file.relative_to(root)
            if any(part.endswith(_BESIDE) or part.startswith(".") for part in inside.parts):
                continue
            if file.suffix.lower() in SUFFIXES and file.is_file() and file.resolve().is_relative_to(root):
                pages.setdefault(inside.parts[0] if len(inside.parts) > 1 else file.stem, []).append(file)
        if not pages:
            raise NothingToRead(
                f"{path} holds no saved pages (.html).", "Save pages with the browser, into one folder for each class."
            )
        return cls(root, pages)

    def queries(self) -> Sequence[str]:
        """What the folders or pages are called."""
        return tuple(query for query in self.pages if query)

    def search(self, query: str) -> Iterator[Found]:
        """The pictures of the pages for this query, in the order of the pages."""
        seen: set[str] = set()
        files = [
            file for name, files in self.pages.items() if name.casefold() in ("", query.casefold()) for file in files
        ]
        for file in files:
            for found in _pictures_of(file, self.root):
                if found.url not in seen:
                    seen.add(found.url)
                    yield found


def _pictures_of(file: Path, root: Path) -> Iterator[Found]:
    if file.stat().st_size > MAX_BYTES:
        return
    text = decode_text(file.read_bytes())
    reader = _Reader()
    reader.read(text)
    saved = _SAVED_FROM.search(text[:5000])
    base = next(filter(is_web, (reader.base, saved[1] if saved else "", reader.canonical)), "")
    page = base or file.relative_to(root).as_posix()
    met: set[Path] = set()
    for place, name in reader.places:
        local = _local(place, file, root)
        url = place if is_inline(place) else _joined(base, place)
        if local:
            met.add(local)
            yield Found(local.relative_to(root).as_posix(), page, name or reader.title, reader.licence, local)
        elif is_inline(url) or is_web(url):
            yield Found(url, page, name or reader.title, reader.licence)
    for local in _beside(file):  # backgrounds and what scripts put there
        if local not in met and local.is_relative_to(root):
            yield Found(local.relative_to(root).as_posix(), page, reader.title, reader.licence, local)


class _Reader(HTMLParser):
    """Notes where the pictures of a page lie."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.places: list[tuple[str, str]] = []
        self.title = self.base = self.canonical = self.licence = ""

    def read(self, text: str) -> None:
        """Read the tags that matter, one by one: the parser alone takes hours for a page of unclosed tags."""
        at, unclosed = 0, 0
        while (start := _START.search(text, at)) and unclosed < _MAX_UNCLOSED and len(self.places) < MAX_PICTURES:
            name = start[1].lower()
            if name in _OPAQUE:
                end = _OPAQUE[name].search(text, start.end())
            elif end := _TAG.match(text, start.start()):
                self.feed(end[0])
                self.reset()
            if name == "title" and end:
                self.title = self.title or as_text(unescape(text[end.end() : end.end() + 1000].partition("<")[0]))
            unclosed += end is None
            at = end.end() if end else start.end()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        cells = {name: value.strip() for name, value in attrs if value}
        if tag in ("img", "source"):
            self._add(_best(cells), cells.get("alt") or cells.get("title") or "")
        elif tag == "meta" and (cells.get("property") or cells.get("name", "")).lower() in _CARDS:
            self._add(cells.get("content", ""), "")
        elif tag == "base":
            self.base = self.base or cells.get("href", "")
        else:
            self._follow(cells.get("href", ""), cells.get("rel", "").lower().split())

    def _follow(self, place: str, kinds: Sequence[str]) -> None:
        if "license" in kinds:
            self.licence = self.licence or as_text(place)
        if "canonical" in kinds:
            self.canonical = self.canonical or place
        if "image_src" in kinds:
            self._add(place, "")

    def _add(self, place: str, name: str) -> None:
        if place:
            self.places.append((place, as_text(name)))


def _best(cells: dict[str, str]) -> str:
    """The largest version of a picture that a page names: pages show a small one, or a blank until one scrolls."""
    lazy = next((cells[name] for name in _LAZY if name in cells), "")
    source = cells.get("src", "")
    if source.startswith("./") or (source and not is_web(source) and "_files/" in source):
        return source  # the browser saved it
    return _largest(cells.get("srcset", "") or cells.get("data-srcset", "")) or lazy or source


def _largest(srcset: str) -> str:
    """The address of the largest picture of a ``srcset``: ``a.jpg 1x, b.jpg 2x`` or ``a.jpg 300w, ...``."""
    best, size = "", -1.0
    for candidate in re.findall(r"[^\s,]\S*[^\s,](?:\s+[\d.]+[wx])?", srcset[:100_000]):
        place, _, descriptor = candidate.partition(" ")
        number = re.match(r"\s*(\d+(?:\.\d+)?)", descriptor)
        if (own := float(number[1]) if number else 1.0) > size:
            best, size = place, own
    return best


def _local(place: str, file: Path, root: Path) -> Path | None:
    """The file that was saved with the page, if it lies below ``root``."""
    if is_web(place) or is_inline(place) or len(place) > 2000 or "\0" in place:
        return None
    try:
        path = (file.parent / unquote(urlsplit(place).path)).resolve()
        return path if path.is_relative_to(root) and path.is_file() else None
    except (OSError, ValueError):
        return None


def _beside(file: Path) -> Iterator[Path]:
    """The pictures in the folder that a browser saves beside a page."""
    for folder in (file.with_name(file.stem + end) for end in _BESIDE):
        if folder.is_dir():
            for path in sorted(folder.iterdir())[:MAX_PICTURES]:
                if path.is_file() and sniff(peek(File(path, path.name))) in PICTURES:
                    yield path.resolve()


def _joined(base: str, place: str) -> str:
    try:
        return urljoin(base, place)
    except ValueError:
        return ""
