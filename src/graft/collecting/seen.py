"""What is known of the pictures of earlier runs and of this one, so that none is fetched twice."""

from __future__ import annotations

from graft.collecting.entry import ManifestEntry
from graft.collecting.pictures import Looks, Picture


class SeenPictures:
    """Knows pictures by their address, their content and their look; ``fates`` is what became of each address.

    Args:
        min_side: The least width and height in pixels; what was refused as too small is forgotten if it suffices now.
        max_bytes: Of a file, likewise.
    """

    def __init__(self, min_side: int, max_bytes: int) -> None:
        self._min_side, self._max_bytes = min_side, max_bytes
        self._seen: set[tuple[str, str]] = set()
        self.fates: dict[str, ManifestEntry] = {}
        self._contents: dict[str, str] = {}
        self._looks = Looks()

    def add(self, line: ManifestEntry) -> None:
        """Remember a picture, unless it may be tried again."""
        if line.state == "failed" or self._may_pass(line):
            return
        self._seen.add((line.label, line.url))
        self.fates.setdefault(line.url, line)
        if line.state == "kept":
            self._contents.setdefault(line.sha256, line.file)
            self._looks.add(line.look, line.file)

    def see(self, label: str, source: str) -> bool:
        """Whether a class meets an address for the first time."""
        first = (label, source) not in self._seen
        self._seen.add((label, source))
        return first

    def original(self, picture: Picture) -> tuple[str, str]:
        """The file that a picture is a copy of, and in what way; ``""`` twice if it is new."""
        if of := self._contents.get(picture.sha256):
            return of, "same_content"
        of = self._looks.like(picture.look)
        return of, "near_copy" if of else ""

    def _may_pass(self, line: ManifestEntry) -> bool:
        """Whether a picture was refused because of an option that is wider now."""
        if line.state != "refused":
            return False
        small = line.reason == "too_small" and min(line.width, line.height) >= self._min_side
        return small or (line.reason == "too_large" and 0 < line.bytes <= self._max_bytes)
