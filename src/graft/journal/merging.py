"""Which items were merged into which, over all merges of a journal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence

from graft.journal.decision import ItemKey


class Merging:
    """Copies and the item that is kept for each; a copy of a copy is one of the item that is kept."""

    def __init__(self) -> None:
        self.kept: dict[ItemKey, ItemKey] = {}
        self._copies: defaultdict[ItemKey, dict[ItemKey, None]] = defaultdict(dict)

    def take_out(self, key: ItemKey) -> None:
        """Something else was decided on an item: from then on it is nobody's copy."""
        if (head := self.kept.pop(key, None)) is not None:
            del self._copies[head][key]

    def merge(self, items: Sequence[ItemKey], dropped: Collection[ItemKey]) -> tuple[ItemKey, list[ItemKey]] | None:
        """Make one item of several; ``None``: all of them were dropped, and stay so.

        Kept is the first. Where that is a copy of an item that is not named here, that item is kept instead; where it
        was dropped on its own account, the next takes its place.

        Args:
            items: Which, the one to keep first.
            dropped: Items that were dropped on their own account.

        Returns:
            The item that is kept, and all that are now copies of it on account of this merge.
        """
        heads = {key: self._head(key, items) for key in items}
        kept = next((head for head in heads.values() if head not in dropped), None)
        if kept is None:
            return None
        joined = [key for pair in heads.items() for key in pair]
        joined += [copy for head in dict.fromkeys(joined) if head != kept for copy in self._copies.get(head, ())]
        copies = [key for key in dict.fromkeys(joined) if key != kept and key not in dropped]
        for key in (kept, *copies):
            self.take_out(key)
        self.kept |= dict.fromkeys(copies, kept)
        self._copies[kept] |= dict.fromkeys(copies)
        return kept, copies

    def _head(self, key: ItemKey, named: Sequence[ItemKey]) -> ItemKey:
        head = self.kept.get(key, key)
        return key if head in named else head
