"""From a data set to a model, and from a model to predictions."""

from graft.model.extending import extend
from graft.model.fitting import fit, fit_embeddings
from graft.model.loading import load
from graft.model.model import MAYBE_SEEN, SEEN, Model
from graft.run import Stopwatch

__all__ = ["MAYBE_SEEN", "SEEN", "Model", "Stopwatch", "extend", "fit", "fit_embeddings", "load"]
