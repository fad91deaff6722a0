"""Pictures and recordings for the page: never the user's bytes as they are where a browser could take them for more."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from graft.data.dataset import Dataset
from graft.decoding.decode import thumbnail
from graft.errors import ItemError
from graft.report.sounds import portable

SIDES = (160, 320, 960, 2560)
"""Longest edges of pictures in pixels: beside others, in a grid, by itself, and looked at closely."""
SOUND = 8_000_000
"""Bytes of a recording; of a larger one its beginning is played."""
KEPT = 48_000_000
"""Bytes that are kept in memory."""


class Medium(NamedTuple):
    """What a browser shows or plays."""

    content: bytes
    kind: str


class Media:
    """The items of a data set as pictures and sounds; the last ones are kept in memory."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._kept: OrderedDict[tuple[int, int], Medium] = OrderedDict()
        self._lock = threading.Lock()

    def picture(self, row: int, side: int) -> Medium:
        """An item's picture, decoded and made anew as a JPEG of at most ``side`` x ``side`` pixels.

        Raises:
            ItemError: It cannot be read any more.
        """
        return self._get(row, side, lambda content: Medium(thumbnail(content, side), "image/jpeg"))

    def sound(self, row: int) -> Medium:
        """An item's recording, as a kind that browsers play.

        Raises:
            ItemError: It cannot be read any more, or not be played.
        """

        def play(content: bytes) -> Medium:
            found = portable(content, SOUND)
            if not found.content:
                raise ItemError("unreadable", "This recording cannot be played in a browser.", "Open the file itself.")
            return Medium(found.content, found.kind)

        return self._get(row, 0, play)

    def _get(self, row: int, side: int, make: Callable[[bytes], Medium]) -> Medium:
        with self._lock:
            if (row, side) in self._kept:
                self._kept.move_to_end((row, side))
                return self._kept[row, side]
        made = make(self._dataset.items[row].read())
        with self._lock:
            self._kept[row, side] = made
            while len(self._kept) > 1 and sum(len(medium.content) for medium in self._kept.values()) > KEPT:
                self._kept.popitem(last=False)
        return made
