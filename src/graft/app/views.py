"""What the page shows, as plain data: the whole, and one item."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from graft.app.scoring import Scored
from graft.cleaning.quality import KINDS
from graft.cleaning.review import Review
from graft.cleaning.review_queue import ALL, ANY, OF_COPIES
from graft.errors import UsageError
from graft.explanation import explain
from graft.journal.decision import login
from graft.journal.resolution import Outcome
from graft.report.words import EXCERPT, excerpt

TEXT = 20_000
"""Characters of a text that are shown."""
BARS = 5
"""Classes whose probability is shown; all, where they have digits of their own."""
DIGITS = 10
NEIGHBOURS = 8
COPIES = 24
"""Of more copies, the others are only counted."""
SKIPPED = 100
"""Files that could not be read that are named."""
RECENT = 3
TITLES = {
    ANY: "All issues", ALL: "All items", "label": "Wrong label", "outlier": "Outlier", "exact_duplicate": "Exact copy",
    "near_duplicate": "Near copy", "label_conflict": "Copies, two labels", "leak": "Copies across splits",
}  # fmt: skip


def of_whole(review: Review, run: str) -> dict[str, Any]:
    """What does not change while the page is open."""
    findings = review.findings
    return {
        "run": run,
        "name": findings.dataset.name,
        "modality": findings.dataset.modality,
        "n": len(findings),
        "why": findings.pool.head is not None,
        "several": bool(findings.dataset.tags),
        "judged": findings.labels is not None,
        "classes": list(findings.classes),
        "kinds": [{"name": kind, "title": title_of(kind)} for kind in review.review_queue.kinds],
        "cues": [cue.sentence for cue in findings.cues],
        "warnings": list(findings.dataset.warnings),
        "too_few": list(findings.too_few()),
        "skipped": [[entry.path, entry.reason] for entry in findings.skipped[:SKIPPED]],
        "n_skipped": len(findings.skipped),
        "journal": str(review.journal.path),
        "who": login(),
    }


def of_decisions(review: Review) -> dict[str, Any]:
    """What follows from the decisions so far, whoever looks at it."""
    table = review.confusion()
    pairs = [[int(i), int(j), int(table[i, j])] for i, j in zip(*np.nonzero(table), strict=True)]
    return {
        "version": len(review.decisions),
        "counts": {kind: [count.n, count.left] for kind, count in review.counts().items()},
        "sizes": [[label, n] for label, n in review.sizes().items()],
        "dropped": len(review.dropped()),
        "confusion": sorted(pairs, key=lambda pair: -pair[2]),
    }


def of_state(review: Review, settled: dict[str, Any], scored: Scored, who: str) -> dict[str, Any]:
    """What changes with every decision; ``settled`` is what ``of_decisions`` says."""
    recent = {decision.batch or decision.id: decision for decision in review.decisions[-50:] if decision.who != who}
    others = list(recent.values())[-RECENT:]
    return {
        **settled,
        "n_bad": review.n_bad,
        "others": [
            {"who": d.who, "action": d.action, "to": d.to, "at": d.at, "n": len(rows), "rows": list(rows)[:1]}
            for d in others
            for rows in [review.rows_of(d)]
        ],
        "score": {"text": scored.text, "n": scored.n_decisions, "busy": scored.busy},
    }


def of_item(review: Review, row: int) -> dict[str, Any]:
    """Everything about one item."""
    findings = review.findings
    dataset = findings.dataset
    found = review.review_queue.sets.get(row)
    copies = review.review_queue.best_first(found) if found else ()
    shown: dict[str, Any] = {
        **of_tile(review, row),
        "path": "" if dataset.modality == "text" else dataset.items[row].name,
        "split": dataset.splits[row],
        "group": dataset.groups[row],
        "issues": [[kind, sentence] for kind in findings.kinds if (sentence := _sentence(review, row, kind))],
        "bars": _bars(review, row),
        "neighbours": [of_tile(review, int(other)) for other in findings.outliers.neighbours[row][:NEIGHBOURS]],
        "copies": [of_tile(review, other) for other in copies[:COPIES]],
        "copy_rows": copies,
    }
    if findings.pool.texts is not None:
        text = findings.pool.texts[row]
        shown["text"] = text[:TEXT]
        shown["cut"] = len(text) > TEXT
    return shown


def of_why(review: Review, row: int) -> dict[str, Any]:
    """What of an item speaks for the class that it is taken for, to a head that has learned from it, too.

    Raises:
        ItemError: The item cannot be read any more.
        UsageError: There is nothing that could be explained.
    """
    findings, pool = review.findings, review.findings.pool
    if pool.head is None:
        raise UsageError("There are no answers to explain in these data.")
    bars = _bars(review, row)
    label = max(bars, key=lambda bar: bar[1])[0] if bars else ""
    found = explain(pool.classes, pool.head, pool.encoder, findings.dataset.items[row].read(), label)
    return {**found.to_dict(), "matters": found.matters, "sentence": found.sentence, "row": row}


def of_outcome(outcome: Outcome | None) -> dict[str, Any] | None:
    """What was decided, by whom and when."""
    if outcome is None:
        return None
    return {
        "action": outcome.action,
        "to": outcome.to,
        "merged": outcome.decision.action == "merge",
        "who": outcome.decision.who,
        "at": outcome.decision.at,
    }


def title_of(kind: str) -> str:
    """What a kind of issue is called."""
    return TITLES.get(kind, kind.replace("_", " ").capitalize())


def of_tile(review: Review, row: int) -> dict[str, Any]:
    """What is shown of an item beside another one, or in a grid."""
    dataset = review.findings.dataset
    texts = review.findings.pool.texts
    proposed = review.review_queue.suggestion(row)
    return {
        "row": row,
        "suggestion": {"action": proposed.action, "to": proposed.to, "p": _rounded(proposed.p)},
        "name": excerpt(texts[row][: 4 * EXCERPT]) if texts is not None else dataset.items[row].name.rsplit("/", 1)[-1],
        "size": _size(review, row),
        "given": dataset.labels[row],
        "label": review.label(row),
        "at_split": dataset.splits[row],
        "outcome": of_outcome(review.outcome(row)),
    }


def _rounded(p: float | None) -> float | None:
    return None if p is None else round(p, 4)


def _size(review: Review, row: int) -> list[int] | None:
    """Width and height of a picture, so that its frame can be made before it comes; ``None``: they are not known."""
    known = review.findings.pool.embedded.statistics
    if not {"width", "height"} <= set(known):
        return None
    width, height = (float(known[name][row]) for name in ("width", "height"))
    return [int(width), int(height)] if width >= 1 and height >= 1 else None


def _bars(review: Review, row: int) -> list[list[Any]]:
    """``[class, probability]``: of all classes in their order where they are few, else the most probable first."""
    labels = review.findings.labels
    if labels is None or not labels.judged[row] or math.isnan(float(labels.p[row, 0])):
        return []
    p = labels.p[row]
    places = range(len(p)) if len(p) <= DIGITS else np.argsort(-p, kind="stable")[:BARS].tolist()
    return [[review.findings.classes[place], round(float(p[place]), 4)] for place in places]


def _sentence(review: Review, row: int, kind: str) -> str:
    """What is the matter with an item; ``""``: nothing of this kind."""
    findings = review.findings
    if not findings[f"is_{kind}_issue"][row]:
        return ""
    if kind == "label":
        return f"Its label is probably wrong: the model takes it for {findings['predicted_label'][row]}."
    if kind == "outlier":
        return "Unlike all the others: perhaps none of the classes."
    if kind in OF_COPIES:
        return _of_copies(review, row, kind)
    known = KINDS.get(kind)
    words = known.words if known else title_of(kind).lower()
    return f"{words[:1].upper()}{words[1:]}. {known.advice if known else ''}".strip()


def _of_copies(review: Review, row: int, kind: str) -> str:
    found, digests = review.review_queue.sets[row], review.findings.pool.embedded.digests
    same = sum(digests[other] == digests[row] for other in found.rows) - 1
    return {
        "exact_duplicate": f"The same content as that of {_others(same)}.",
        "near_duplicate": f"Nearly the same as {_others(len(found.rows) - 1)}.",
        "label_conflict": f"Its copies bear different labels: {', '.join(found.labels[:BARS])}.",
        "leak": f"Its copies stand on both sides of a split: {', '.join(found.splits)}. They flatter the score.",
    }[kind]


def _others(n: int) -> str:
    return "another item" if n == 1 else f"{n:,} others"
