"""A model is fitted anew, and takes the old one's place only if it is better; the old one can come back."""

from graft.retraining.retraining import Retrained, retrain, roll_back

__all__ = ["Retrained", "retrain", "roll_back"]
