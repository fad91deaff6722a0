"""The items that a model was fitted to, beside what it is asked: the most alike, as a page shows them."""

from __future__ import annotations

from typing import Any

from graft.app.media import SIDES, Media, Medium
from graft.data.dataset import Text
from graft.encoders.embed import Chunk
from graft.errors import ItemError
from graft.report.words import excerpt
from graft.similarity import Index, Match

SHOWN = 6
"""So many are shown."""
LONGEST = 200
"""Characters of a text that are shown."""


class TrainingItems:
    """What is most like an item, of an index made with the model's own encoder."""

    def __init__(self, index: Index, run: str) -> None:
        """Take an index.

        Args:
            index: Of the training items.
            run: Stands in addresses, so that no browser takes a picture of an earlier run for one of this.
        """
        self._index, self._run = index, run
        self._media = Media(index.dataset)
        self._modality = index.dataset.modality

    def __len__(self) -> int:
        return len(self._index)

    def beside(self, chunk: Chunk) -> list[dict[str, Any]]:
        """What is most like the one item of ``chunk``, the best first."""
        (found,) = self._index.near(chunk, SHOWN)
        return [self._shown(match) for match in found.matches]

    def picture(self, row: int) -> Medium:
        """An item as a small picture.

        Raises:
            ItemError: There is none, or it cannot be read any more.
        """
        return self._media.picture(self._known(row), SIDES[0])

    def sound(self, row: int) -> Medium:
        """An item as a recording that browsers play.

        Raises:
            ItemError: There is none, or it cannot be read any more.
        """
        return self._media.sound(self._known(row))

    def _known(self, row: int) -> int:
        if not 0 <= row < len(self._index):
            raise ItemError("unreadable", "There is no such item.")
        return row

    def _shown(self, match: Match) -> dict[str, Any]:
        shown: dict[str, Any] = {"label": match.label, "similarity": match.similarity, "same": match.same}
        if isinstance(match.item, Text):
            return {**shown, "text": excerpt(match.item.text, LONGEST)}
        shown["name"] = excerpt(match.name, LONGEST)
        try:  # files of an index may have gone, and a page should ask for nothing that is not there
            if self._modality == "image":
                self.picture(match.row)
                shown["thumbnail"] = f"nearest/{self._run}/picture/{match.row}"
            elif self._modality == "audio":
                self.sound(match.row)
                shown["sound"] = f"nearest/{self._run}/sound/{match.row}"
            else:
                shown["text"] = excerpt(match.item.read().decode("utf-8", "replace"), LONGEST)
        except ItemError:
            pass
        return shown
