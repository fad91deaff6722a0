"""What is done when a process is told to end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def on_sigterm(handle: Callable[[int, Any], Any]) -> Iterator[None]:
    """Within, SIGTERM is handled; where it was ignored, and off the main thread, which alone heeds it, it stays so.

    Args:
        handle: Is given the signal's number and the frame, as by ``signal.signal``.
    """
    before = signal.getsignal(signal.SIGTERM)
    if threading.current_thread() is not threading.main_thread() or before is signal.SIG_IGN:
        yield
        return
    signal.signal(signal.SIGTERM, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
