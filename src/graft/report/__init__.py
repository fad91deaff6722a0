"""What a fit and an evaluation found, as they are shown: in a terminal, and as one self-contained HTML page."""

from graft.report.report import Evaluation, Report, Shown, TaskReport

__all__ = ["Evaluation", "Report", "Shown", "TaskReport"]
