"""What is wrong in the data, the mending of it, and what that was worth."""

from graft.cleaning.exporting import export
from graft.cleaning.findings import Findings
from graft.cleaning.influence import Corrections, shortest_list
from graft.cleaning.issues import find_issues
from graft.cleaning.worth import Scorer, Worth, measure_worth

__all__ = ["Corrections", "Findings", "Scorer", "Worth", "export", "find_issues", "measure_worth", "shortest_list"]
