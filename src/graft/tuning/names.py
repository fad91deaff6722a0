"""What the names of classes say: of each a text, from which its class can be learned as from one more item."""

from __future__ import annotations

import re
from collections.abc import Sequence

_WORD = re.compile(r"[^\W\d_]{2,}")
_BOUNDARY = re.compile(r"[\W_]+|(?<=[a-z])(?=[A-Z])")


def spelled(classes: Sequence[str]) -> list[str] | None:
    """Every name as a text, its parts set apart: ``"card_arrival"`` and ``"cardArrival"`` as ``"card arrival"``.

    A classifier whose only knowledge are names of classes is far better than chance (Chang, Ratinov, Roth and Srikumar,
    Importance of Semantic Representation: Dataless Classification, AAAI 2008). With few items of each class they add to
    what these tell.

    Args:
        classes: Names of all classes.

    Returns:
        A text for each, all different; ``None`` where some name has no word in it, such as ``"3"``, for then names are
        codes.
    """
    texts = [" ".join(part for part in _BOUNDARY.split(name) if part) for name in classes]
    told = all(_WORD.search(text) for text in texts) and len(set(texts)) == len(texts)
    return texts if told else None
