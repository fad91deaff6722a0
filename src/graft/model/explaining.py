"""Why the hardest items of a report were answered so, for its page."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Any

from graft.contracts import Progress, silent
from graft.errors import ItemError
from graft.model.model import Model
from graft.results.figures import Judged


def with_why(model: Model, progress: Progress = silent) -> Model:
    """The same model with a report that says what speaks for the answers to its hardest items.

    Each takes as long as tens of answers. What is explained is the class that heads said which had not seen the
    item; it is asked of the model itself, which may have learned from it.

    Args:
        model: As ``fit`` or ``evaluate`` made it, with its items at hand.
        progress: Told how far the work has come.
    """
    report: Any = model.report
    hardest = report.hardest if model.classes else report.score.hardest
    shown = [judged for judged in hardest if judged.path in report.items]
    found = {}
    for done, judged in enumerate(shown):
        progress("explain", done, len(shown))
        label = judged.predicted if isinstance(judged, Judged) and judged.predicted in model.classes else ""
        with contextlib.suppress(ItemError):  # it was there a moment ago; the page does without
            found[judged.path] = model.why(report.items[judged.path], label)
    progress("explain", len(shown), len(shown))
    return replace(model, report=replace(report, whys=found))
