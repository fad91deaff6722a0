"""Graft: practical transfer learning.

A few labelled photos, texts or recordings in, an honest classifier out::

    model = graft.fit("photos/")
    print(model.report)
    model.predict_one(Path("new.jpg")).label

The public names are loaded when they are first used, so that ``import graft`` costs nothing.
"""

from __future__ import annotations

import importlib

from graft.version import __version__

TYPE_CHECKING = False  # that of typing, which takes a while to load; type checkers know the name
if TYPE_CHECKING:
    from typing import Any

    from graft.cleaning import Findings, find_issues
    from graft.collecting import collect
    from graft.comparison import Comparison, compare
    from graft.data.dataset import Dataset
    from graft.errors import GraftError
    from graft.estimator import GraftClassifier, GraftRegressor
    from graft.labelling import Shortlist, Suggestion, label_next
    from graft.model import Model, extend, fit, load
    from graft.monitoring.monitoring import monitor
    from graft.monitoring.verdict import MonitorReport
    from graft.reading.read import read
    from graft.recipe import Recipe
    from graft.repeating import repeat
    from graft.report import Evaluation, Report
    from graft.results.prediction import Prediction
    from graft.retraining import Retrained, retrain
    from graft.similarity import Index, Match, search
    from graft.tuning.tuning import Tuned, tune

_NAMES = {
    "graft.cleaning": ("Findings", "find_issues"),
    "graft.collecting": ("collect",),
    "graft.comparison": ("Comparison", "compare"),
    "graft.data.dataset": ("Dataset",),
    "graft.errors": ("GraftError",),
    "graft.estimator": ("GraftClassifier", "GraftRegressor"),
    "graft.labelling": ("Shortlist", "Suggestion", "label_next"),
    "graft.model": ("Model", "extend", "fit", "load"),
    "graft.monitoring.monitoring": ("monitor",),
    "graft.monitoring.verdict": ("MonitorReport",),
    "graft.reading.read": ("read",),
    "graft.recipe": ("Recipe",),
    "graft.repeating": ("repeat",),
    "graft.report": ("Evaluation", "Report"),
    "graft.results.prediction": ("Prediction",),
    "graft.retraining": ("Retrained", "retrain"),
    "graft.similarity": ("Index", "Match", "search"),
    "graft.tuning.tuning": ("Tuned", "tune"),
}
"""By the modules that they are loaded from."""

__all__ = [
    "Comparison",
    "Dataset",
    "Evaluation",
    "Findings",
    "GraftClassifier",
    "GraftError",
    "GraftRegressor",
    "Index",
    "Match",
    "Model",
    "MonitorReport",
    "Prediction",
    "Recipe",
    "Report",
    "Retrained",
    "Shortlist",
    "Suggestion",
    "Tuned",
    "__version__",
    "collect",
    "compare",
    "extend",
    "find_issues",
    "fit",
    "label_next",
    "load",
    "monitor",
    "read",
    "repeat",
    "retrain",
    "search",
    "tune",
]


def __getattr__(name: str) -> Any:
    home = next((home for home, names in _NAMES.items() if name in names), None)
    if home is None:
        raise AttributeError(f"module 'graft' has no attribute {name!r}")
    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
