"""What a fit found, and how it is shown: in a terminal, and as one self-contained HTML page."""

from graft.results.figures import Report

__all__ = ["Report"]
