"""What is wrong in the data, the mending of it, and the effect of that."""

from graft.cleaning.effect import Effect, Scorer, measure_effect
from graft.cleaning.exporting import export
from graft.cleaning.findings import Findings
from graft.cleaning.influence import Corrections, shortest_list
from graft.cleaning.issues import find_issues

__all__ = ["Corrections", "Effect", "Findings", "Scorer", "export", "find_issues", "measure_effect", "shortest_list"]
