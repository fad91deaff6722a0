"""Runs ONNX graphs: OpenVINO where it is faster, ONNX Runtime everywhere.

Backend and precision follow from the processor's features, never from a stopwatch: they are part of the encoder's
fingerprint and so of the cache's keys, and the same machine must choose the same way every time. ``GRAFT_PRECISION``
asks for f32 where the processor has bf16 too: what another machine would answer can be seen on this one.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import sys
import threading
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np

from graft.contracts import Array, Float32
from graft.errors import EncoderError, UsageError
from graft.executors import checkpoint, workers


class Session(Protocol):
    """A graph that is ready to run. Thread-safe: each worker runs its own batch on one core."""

    def run(self, *inputs: Array) -> Float32:
        """The graph's first output for one batch; the inputs stand in the graph's order."""


@dataclass(frozen=True, slots=True)
class Backend:
    """What runs a graph, and in which precision: ``"f32"``, or ``"bf16"`` where the processor has it."""

    name: str
    precision: str

    def __str__(self) -> str:
        return f"{self.here.name} {self.here.precision}"

    @property
    def key(self) -> str:
        """What tells embeddings of one backend and precision from those of another: ``name:precision``."""
        return f"{self.here.name}:{self.here.precision}"

    @property
    def here(self) -> Backend:
        """What runs it in this process.

        OpenVINO's threads do not survive a fork, and a child that asks them waits for ever. Where its parent has used
        them, ONNX Runtime takes over: it runs on the thread that calls.
        """
        return _IN_A_CHILD if self.name == "openvino" and _OpenVino.lost else self


BACKENDS = ("openvino", "onnxruntime")
PRECISIONS = ("auto", "f32")
"""What ``GRAFT_PRECISION`` may ask for."""
_IN_A_CHILD = Backend("onnxruntime", "f32")


def choose_backend(wanted: str = "auto") -> Backend:
    """The backend and precision for this processor.

    OpenVINO is the faster of the two on x86, and there with bf16 where the processor has it (AVX512-BF16 or AMX).

    Raises:
        UsageError: ``wanted`` is no backend, or ``GRAFT_PRECISION`` no precision.
        EncoderError: ``wanted`` is not installed.
    """
    if wanted == "auto":
        wanted = "openvino" if _x86() and _installed("openvino") else "onnxruntime"
    if wanted not in BACKENDS:
        raise UsageError(f"There is no backend {wanted!r}.", f"Choose one of {', '.join(BACKENDS)}, or auto.")
    if not _installed(wanted):
        raise EncoderError(
            f"The backend {wanted} is not installed.", f"pip install {wanted}, or leave the choice to Graft."
        )
    return Backend(wanted, "bf16" if wanted == "openvino" and _halves() else "f32")


def open_session(graph: bytes | Path, backend: Backend) -> Session:
    """Compile an ONNX model for this backend; one whose weights lie in another file is given by its path.

    Raises:
        EncoderError: The backend is installed, but only in part.
    """
    kinds: dict[str, type[_OpenVino] | type[_OnnxRuntime]] = {"openvino": _OpenVino, "onnxruntime": _OnnxRuntime}
    name = backend.here.name
    try:
        return kinds[name](graph, backend.here.precision)
    except ImportError as error:
        if isinstance(error.__cause__, KeyboardInterrupt):  # a module in C says so of whatever stops its loading
            raise error.__cause__ from None
        raise EncoderError(
            f"The backend {name} is installed and cannot be used: {error}.", f"pip install --force-reinstall {name}"
        ) from error


@lru_cache(maxsize=1)
def processor_features() -> frozenset[str]:
    """The processor's feature flags as Linux names them; empty where they cannot be read."""
    try:
        with Path("/proc/cpuinfo").open() as file:
            for line in file:
                if line.startswith("flags"):
                    return frozenset(line.partition(":")[2].split())
    except OSError:
        pass
    return frozenset()


def _halves() -> bool:
    """Whether bf16 is to be used: where the processor multiplies it, unless f32 was asked for."""
    asked = os.environ.get("GRAFT_PRECISION") or "auto"
    if asked not in PRECISIONS:
        raise UsageError(f"GRAFT_PRECISION is {asked!r}.", f"Give one of {', '.join(PRECISIONS)}, or nothing.")
    return asked == "auto" and bool(processor_features() & {"avx512_bf16", "amx_bf16"})


def _x86() -> bool:
    return platform.machine().lower() in ("x86_64", "amd64")


def _installed(module: str) -> bool:
    return module in sys.modules or importlib.util.find_spec(module) is not None


class _OpenVino:
    """One stream for each worker, one thread for each stream."""

    used: ClassVar[bool] = False
    """Whether this process, or one that it was forked from, has started OpenVINO's threads."""
    lost: ClassVar[bool] = False
    """Whether these threads were those of a process that this one was forked from."""

    def __init__(self, graph: bytes | Path, precision: str) -> None:
        _OpenVino.used = True
        # OpenVINO reports every import to an analytics service unless its telemetry is missing; Graft phones nobody.
        sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
        import openvino

        core = openvino.Core()
        self._model = core.compile_model(
            core.read_model(graph) if isinstance(graph, Path) else core.read_model(graph, b""),
            "CPU",
            {
                "INFERENCE_PRECISION_HINT": precision,
                "NUM_STREAMS": workers(),
                "INFERENCE_NUM_THREADS": workers(),
                "ENABLE_CPU_PINNING": False,
            },
        )
        # The binding makes its table of array types on first use, and two threads that do so at once wait for each
        # other for ever, one holding the table and the other the interpreter: it is made here, before there are any.
        _ = openvino.Tensor(np.zeros(1, np.float32)).data
        self._local = threading.local()

    def run(self, *inputs: Array) -> Float32:
        checkpoint()  # a batch of texts goes through the network in many calls
        request: Any = getattr(self._local, "request", None)
        if request is None:
            request = self._local.request = self._model.create_infer_request()
        return np.array(request.infer(list(inputs))[0], dtype=np.float32)  # copied: the request reuses its memory


def _lose_threads() -> None:
    _OpenVino.lost = _OpenVino.used


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_lose_threads)


def onnx_runtime() -> Any:
    """The library onnxruntime, which from 1.31 on reports to its maker from its import on, unless it is told before.

    It keeps an identifier of the machine in the user's cache for that; Graft phones nobody.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    if os.environ["ORT_DISABLE_TELEMETRY"] == "1":
        onnxruntime.disable_telemetry_events()  # somebody else may have imported it before
    return onnxruntime


class _OnnxRuntime:
    """One session; each worker's call runs on that worker's own core."""

    def __init__(self, graph: bytes | Path, precision: str) -> None:
        onnxruntime = onnx_runtime()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self._inputs = [entry.name for entry in self._session.get_inputs()]

    def run(self, *inputs: Array) -> Float32:
        checkpoint()
        return np.asarray(self._session.run(None, dict(zip(self._inputs, inputs, strict=True)))[0], dtype=np.float32)
