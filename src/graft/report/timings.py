"""What a fit took: seconds, and what came from the cache, in words."""

from __future__ import annotations

from graft.report.words import NBSP, clean, known
from graft.results.facts import Facts


def timings(report: Facts) -> str:
    """``2.2 s in all: read 0.04, embed 1.3, fit 0.22``."""
    spent = {name: seconds for name, seconds in report.seconds.items() if known(seconds)}
    total = spent.pop("total", None)
    steps = ", ".join(f"{clean(name)}{NBSP}{_brief(seconds)}" for name, seconds in spent.items())
    whole = f"{_brief(total)}{NBSP}s in all" if total is not None else "Seconds" if steps else ""
    return ": ".join(part for part in (whole, steps) if part)


def cache(report: Facts) -> str:
    """How many embeddings came from the cache."""
    hits, misses = report.cache.get("hits", 0), report.cache.get("misses", 0)
    return f"{hits:,} of {hits + misses:,} embeddings came from the cache" if hits + misses else ""


def _brief(seconds: float) -> str:
    return f"{seconds:.2f}" if seconds < 1 else f"{seconds:,.1f}"
