"""Why a model answers as it does: what of the item speaks for the answer, measured by leaving it out."""

from graft.explanation.explain import explain
from graft.explanation.explanation import Explanation, Part, Squares

__all__ = ["Explanation", "Part", "Squares", "explain"]
