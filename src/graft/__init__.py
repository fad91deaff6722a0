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

_HOMES = {
    "Comparison": "graft.comparison",
    "Dataset": "graft.data.dataset",
    "Evaluation": "graft.report",
    "Findings": "graft.cleaning",
    "GraftClassifier": "graft.estimator",
    "GraftError": "graft.errors",
    "GraftRegressor": "graft.estimator",
    "Index": "graft.similarity",
    "Match": "graft.similarity",
    "Model": "graft.model",
    "MonitorReport": "graft.monitoring.verdict",
    "Prediction": "graft.results.prediction",
    "Recipe": "graft.recipe",
    "Report": "graft.report",
    "Retrained": "graft.retraining",
    "Shortlist": "graft.labelling",
    "Suggestion": "graft.labelling",
    "Tuned": "graft.tuning.tuning",
    "collect": "graft.collecting",
    "compare": "graft.comparison",
    "extend": "graft.model",
    "find_issues": "graft.cleaning",
    "fit": "graft.model",
    "label_next": "graft.labelling",
    "load": "graft.model",
    "monitor": "graft.monitoring.monitoring",
    "read": "graft.reading.read",
    "repeat": "graft.repeating",
    "retrain": "graft.retraining",
    "search": "graft.similarity",
    "tune": "graft.tuning.tuning",
}

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
    if name not in _HOMES:
        raise AttributeError(f"module 'graft' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
