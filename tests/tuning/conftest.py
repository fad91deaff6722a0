"""Tiny models, and the hub on this machine that serves them."""

from encoders.hub.conftest import hub, machine, made

__all__ = ["hub", "machine", "made"]
