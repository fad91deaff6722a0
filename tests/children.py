"""Work in a forked child, as servers and pools of processes do it."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

LONG = 240
"""Seconds after which a child is taken for one that hangs; one that works needs a few."""
forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")


def in_child(work: Callable[[], Any]) -> Any:
    """What ``work`` returns in a forked child; fails where the child hangs."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)
    child = context.Process(target=lambda: there.send(work()))
    child.start()
    there.close()
    try:
        assert here.poll(LONG), "the forked child hangs"
        return here.recv()
    finally:
        if child.is_alive():
            child.join(5)
        if child.is_alive():
            os.kill(child.pid or 0, signal.SIGKILL)
