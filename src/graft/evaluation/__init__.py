"""Judging: what a model is worth, from predictions on items that it has not seen."""

from graft.evaluation.held_out import score_held_out
from graft.evaluation.judging import Judgement, judge
from graft.evaluation.notices import warn_of_the_data

__all__ = ["Judgement", "judge", "score_held_out", "warn_of_the_data"]
