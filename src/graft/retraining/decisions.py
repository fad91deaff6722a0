"""What was decided about a model so far: a line for each retraining, in ``MODEL.decisions.jsonl`` beside it.

It says which items decided, so that those that decide again pay for it. It stands beside the model and not in it, for
whatever a bundle holds makes its digest, by which servers and logs know the model.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from graft.journal.appending import append
from graft.tensors import from_json

MAX_BYTES = 256 << 20
"""More of it is not read: the lines before count no more."""
_KEY = 16
"""Of the digest of an item so many digits are kept."""


def decisions_of(model: Path) -> Path:
    """The file of the decisions about a model."""
    return model.with_name(f"{model.name}.decisions.jsonl")


def uses_of(model: Path, digests: Sequence[str]) -> float:
    """How often items decide if they do now: 1, and the mean number of their earlier decisions.

    Args:
        model: The model's folder.
        digests: Of the contents of the items that are to decide.
    """
    if not digests:
        return 1.0
    wanted = {digest[:_KEY] for digest in digests}
    counts: Counter[str] = Counter()
    for line in _lines(decisions_of(model)):
        try:
            counts.update(wanted.intersection(from_json(line)["items"]))
        except (ValueError, LookupError, TypeError):
            continue  # of a writer that was killed
    return 1.0 + sum(counts[digest[:_KEY]] for digest in digests) / len(digests)


def keep_decision(model: Path, digests: Sequence[str], values: dict[str, Any]) -> None:
    """Append a decision, on the disk before this returns.

    Args:
        model: The model's folder.
        digests: Of the contents of the items that decided.
        values: What is to be said of it; JSON-able.

    Raises:
        OSError: The disk is full, or refuses.
    """
    at = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    line = json.dumps({"at": at, **values, "items": sorted({digest[:_KEY] for digest in digests})})
    append(decisions_of(model), f"{line}\n".encode())


def _lines(path: Path) -> list[bytes]:
    if not path.is_file():
        return []
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - MAX_BYTES))
        return file.read(MAX_BYTES).split(b"\n")
