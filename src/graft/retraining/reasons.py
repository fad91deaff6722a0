"""Why a new model ships, or the old one stays: one line each."""

from __future__ import annotations

from graft.report.words import percent
from graft.results.figures import Interval
from graft.retraining.gate import LEAST, MARGIN, PairedComparison

FORCED = "The new model ships, for it was told to"
STAYS = "The model stays as it was"
R2 = "R²"
"""What models of numbers are compared by."""


def ships_or_not(found: PairedComparison, measure: str, *, force: bool) -> str:
    """What the gate says of the items that decided."""
    figures = _figures(found, measure)
    if found.ships:
        return f"The new model ships: {figures}."
    difference = found.difference
    if not difference.value > 0:
        why = "it is no better"
    elif found.n < LEAST or difference.low > -MARGIN or difference.low <= -1:
        why = "the items are too few to tell"
    else:
        why = f"it may be more than {100 * MARGIN:.0f} point worse"
    return f"{FORCED if force else STAYS}: {figures}; {why}."


def old_items_lose(found: PairedComparison, measure: str, *, force: bool) -> str:
    """Why it stays although new items speak for the new model."""
    return (
        f"{FORCED if force else STAYS}: {_figures(found, measure, 'that it was fitted to, held out in turn,')}; it is "
        "worse on these, whatever new items say: their labels may contradict the old ones (graft clean)."
    )


def not_judged(why: str, *, force: bool) -> str:
    """Why there is no comparison."""
    return f"{FORCED if force else STAYS}: {why}."


def _figures(found: PairedComparison, measure: str, which: str = "that neither has seen") -> str:
    before, after, difference = found.before, found.after, found.difference
    return (
        f"on {found.n:,} items {which} the new one's {measure} is {_score(after, measure)}, and the old one's "
        f"{_score(before, measure)} ({_change(difference, measure)}, {100 * found.level:.4g} % interval "
        f"{_end(difference.low, measure)} to {_end(difference.high, measure)})"
    )


def _score(found: Interval, measure: str) -> str:
    return f"{found.value:.3f}" if measure == R2 else percent(found.value)


def _change(found: Interval, measure: str) -> str:
    return _end(found.value, measure) + ("" if measure == R2 else " points")


def _end(value: float, measure: str) -> str:
    return f"{value:+.3f}" if measure == R2 else f"{100 * value:+.1f}"
