"""What answers: heads that are loaded and asked, without what learns."""

from graft.prediction.loading import load_head
from graft.prediction.predictor import Predictor

__all__ = ["Predictor", "load_head"]
