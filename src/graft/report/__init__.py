"""What a fit and an evaluation found, as they are shown: in a terminal, and as one self-contained HTML page."""

from graft.report.evaluation import Evaluation
from graft.report.report import Report, Shown, TaskReport

__all__ = ["Evaluation", "Report", "Shown", "TaskReport"]
