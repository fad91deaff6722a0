"""Judging: what a model is worth, from predictions on items that it has not seen."""

from graft.evaluation.judging import judge
from graft.evaluation.notices import warn_of_blanks, warn_of_the_data, warn_of_the_items
from graft.evaluation.outcomes import score_held_out
from graft.evaluation.rows import AskedItems, Rows

__all__ = ["AskedItems", "Rows", "judge", "score_held_out", "warn_of_blanks", "warn_of_the_data", "warn_of_the_items"]
