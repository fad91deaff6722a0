"""Training where somebody calls: a function, or a container behind HTTP.

An event names data at an address, or holds them; the model goes to an address, whole or not at all.
"""

from graft.training_function.training import train_event

__all__ = ["train_event"]
