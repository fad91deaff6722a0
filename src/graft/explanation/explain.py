"""Why: the item is answered again without one of its parts, for each of them.

The head is not linear in what the network's layers say, so what lights up in them does not tell what an answer rests
on. Leaving a part out and asking again does, for every encoder and every head alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from graft.contracts import LIMITS, Encoder, Float32, ItemLimits
from graft.errors import UsageError
from graft.executors import checkpoint, map_on_cores
from graft.explanation import pictures, recordings, texts
from graft.explanation.explanation import MATTERS, Explanation
from graft.explanation.variants import Variants

WAYS = {"image": pictures.variants, "text": texts.variants, "audio": recordings.variants}
"""How the parts of an item are left out, by modality."""
_OF_INTERVAL = 0.05
"""A part matters from this share of an interval's width on, where the answer is a number."""


class AskedHead(Protocol):
    """A head as far as it is asked here."""

    @property
    def words(self) -> bool:
        """Whether it looks at the words of texts."""

    def answer(self, x: Float32, texts: Sequence[str] | None = None) -> Any:
        """What is to be said of embeddings ``(n, dim) float32``, as arrays."""

    def predictions(self, classes: Sequence[str], answer: Any) -> list[Any]:
        """An answer in words: one prediction for each row."""


def explain(
    classes: Sequence[str],
    head: AskedHead,
    encoder: Encoder,
    content: bytes,
    label: str = "",
    limits: ItemLimits = LIMITS,
) -> Explanation:
    """What of one item speaks for an answer; nothing is kept, and any number of threads may ask.

    Args:
        classes: Of the model, in the order of the head's probabilities; empty where it answers with numbers.
        head: What answers.
        encoder: What embeds items for it.
        content: A file's bytes, or a text in UTF-8.
        label: The class to explain; by default the most probable one.
        limits: How large the item may be.

    Raises:
        ItemError: The item cannot be read.
        UsageError: There is no such class.
    """
    if label and label not in classes:
        raise UsageError(f"The model knows no class {label!r}.", f"Name one of {', '.join(classes[:10])}.")
    variants = WAYS[encoder.modality](encoder, content, limits)
    answers = _answers(classes, head, encoder, variants)
    whole = answers[0]
    label = label or (whole.top(1)[0][0] if classes else "")
    values = np.array([answer.scores[label] if classes else answer.value for answer in answers])
    return Explanation(
        label=label,
        confidence=float(values[0]),
        kind=variants.kind,
        found=variants.laid_out((values[0] - values[1:]).tolist()),  # how much less the answer is without each part
        matters=MATTERS if classes else max(_OF_INTERVAL * float(whole.high - whole.low), 1e-12),
        text=variants.texts[0] if variants.texts else "",
    )


def _answers(classes: Sequence[str], head: AskedHead, encoder: Encoder, variants: Variants) -> list[Any]:
    """What is said of the item and of all its variants, a few of them in memory at a time."""
    size = encoder.batch_size

    def embedded(start: int) -> Any:
        checkpoint()
        return encoder.embed([variants.value(place) for place in range(start, min(start + size, len(variants)))])

    rows = np.concatenate(map_on_cores(embedded, range(0, len(variants), size)))
    return head.predictions(classes, head.answer(rows, variants.texts if head.words else None))
