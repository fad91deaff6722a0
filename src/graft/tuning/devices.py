"""Where a network is tuned, and in which precision: found out, never asked for."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

import torch

from graft.executors import workers

PRECISIONS = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}
"""Names of precisions, and in which type the network is run."""
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -3, -4
"""Of ``mallopt``: see ``malloc.h``."""
_LARGEST, _MMAP_MAX_USUAL, _MMAP_THRESHOLD_USUAL = 2**31 - 1, 65536, 32 * 1024 * 1024
HALF_IN_HARDWARE = 8
"""First generation of CUDA devices that compute bfloat16 themselves; older ones are fast in float16 only."""


def pick_device() -> Any:
    """The ``torch.device`` to train on: CUDA, else Apple's GPU, else the processor."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def pick_precision(device: Any) -> str:
    """A key of ``PRECISIONS``: what the device is fast in.

    A processor is run in float32; whether bfloat16 would be faster there was not measured.
    """
    if device.type == "cuda":
        return "bf16" if torch.cuda.get_device_capability(device)[0] >= HALF_IN_HARDWARE else "f16"
    return "f16" if device.type == "mps" else "f32"


def autocast(device: Any, precision: str) -> AbstractContextManager[object]:
    """Runs a network in this precision; its weights stay in float32."""
    dtype = PRECISIONS[precision]
    context: AbstractContextManager[object] = torch.autocast(device.type, dtype, enabled=precision != "f32")
    return context


@contextmanager
def prepared(device: Any, seed: int) -> Iterator[None]:
    """All cores, repeatable kernels and a chance of our own; afterwards torch is as it was before."""
    threads = torch.get_num_threads()
    cuda = device.type == "cuda"
    with ExitStack() as stack:
        stack.enter_context(torch.random.fork_rng([torch.cuda.current_device()] if cuda else []))
        stack.enter_context(torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True))
        torch.manual_seed(seed)
        stack.enter_context(_kept_memory())
        if "OMP_NUM_THREADS" not in os.environ:  # whoever has said how many is obeyed
            torch.set_num_threads(workers())
        try:
            yield
        finally:
            torch.set_num_threads(threads)


@contextmanager
def _kept_memory() -> Iterator[None]:
    """Have malloc keep what is freed, where it is glibc's.

    By default it gives every large block back to the system and asks for it anew, page by page, at the next step: a
    third of the time of an EfficientNet's step on a processor.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is None:
        yield
        return
    mallopt(_MMAP_MAX, 0)
    mallopt(_TRIM_THRESHOLD, _LARGEST)
    try:
        yield
    finally:  # as malloc itself would have set them after its first large block
        mallopt(_MMAP_MAX, _MMAP_MAX_USUAL)
        mallopt(_MMAP_THRESHOLD, _MMAP_THRESHOLD_USUAL)
        mallopt(_TRIM_THRESHOLD, 2 * _MMAP_THRESHOLD_USUAL)
        if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
            trim(0)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a device, or the machine itself, has said that it has no more memory."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(
        words in str(error).lower()
        for words in ("out of memory", "not enough memory", "can't allocate memory", "alloc_failed")
    )


def free_memory(device: Any) -> None:
    """Give back what torch keeps for later."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()
