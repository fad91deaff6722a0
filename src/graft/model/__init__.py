"""From a data set to a model, and from a model to predictions."""

from graft.model.extending import extend
from graft.model.fitting import Stopwatch, fit, fit_embeddings
from graft.model.loading import load
from graft.model.model import MAYBE_SEEN, SEEN, Model

__all__ = ["MAYBE_SEEN", "SEEN", "Model", "Stopwatch", "extend", "fit", "fit_embeddings", "load"]
