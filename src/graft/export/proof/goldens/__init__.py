"""Golden items: inputs whose answers go with an export, so that every machine can be asked whether it answers alike.

A bundle holds none of the items that it was fitted to. What stands in an export is therefore drawn here, by a seed:
the same export has the same goldens everywhere. Items of data join them only where somebody gives data.
"""

from __future__ import annotations

from graft.export.proof.goldens.chosen import MOST_OWN, chosen
from graft.export.proof.goldens.golden import OF_DATA, Golden
from graft.export.proof.goldens.pictures import draw_pictures
from graft.export.proof.goldens.sounds import draw_sounds
from graft.export.proof.goldens.texts import draw_texts

DRAWN = {"image": draw_pictures, "text": draw_texts, "audio": draw_sounds}
"""What draws those of a modality."""

__all__ = ["DRAWN", "MOST_OWN", "OF_DATA", "Golden", "chosen", "drawn"]


def drawn(modality: str, seed: int = 0) -> list[Golden]:
    """Those of a modality; the same seed gives the same bytes."""
    return list(DRAWN[modality](seed))
