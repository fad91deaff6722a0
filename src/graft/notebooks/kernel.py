"""The process of a notebook's kernel, which speaks over sockets in a folder of its own: no port is opened."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import zmq.asyncio
from jupyter_client import write_connection_file
from jupyter_client.asynchronous.client import AsyncKernelClient

_HERE = Path(__file__).parent
_LONGEST = 90
"""Characters of a path at which a socket can still lie, on every system."""
_GRACE = 5.0
"""Seconds that a kernel has for what it does at its end."""
_GONE = 20.0
"""Seconds after which a supervisor that has not killed all is killed itself."""
_ROUNDS = 100
"""So often it is looked for what a supervisor that was killed has left."""
_SAID = 2000
_NOT_PASSED_ON = (
    "GRAFT_KEY",  # it belongs to a server that runs notebooks, and not to those
    "PYTEST_CURRENT_TEST",  # with it, a kernel takes nothing of what programs print
)


class KernelProcess:
    """A kernel that was started; close it, and no process of it is left.

    Args:
        folder: Where it works.

    Raises:
        OSError: It cannot be started.
    """

    def __init__(self, folder: Path) -> None:
        self._lock = threading.Lock()
        scratch = Path(tempfile.mkdtemp(prefix="graft-kernel-"))
        if len(str(scratch)) > _LONGEST:
            scratch.rmdir()
            scratch = Path(tempfile.mkdtemp(prefix="graft-kernel-", dir="/tmp"))
        self._scratch = scratch
        key = secrets.token_hex(32).encode()
        self._connection, _ = write_connection_file(
            str(scratch / "connection.json"), transport="ipc", ip=str(scratch / "s"), key=key
        )
        self._log = tempfile.TemporaryFile(dir=scratch)  # noqa: SIM115 (it is open as long as the kernel is)
        environment = {
            **{name: value for name, value in os.environ.items() if name not in _NOT_PASSED_ON},
            "IPYTHONDIR": str(scratch / "ipython"),  # neither its user's start-up files nor their history
            "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        }
        kernel = [sys.executable, str(_HERE / "ipython.py"), "-f", self._connection]
        supervised = [sys.executable, "-I", "-S", str(_HERE / "supervisor.py"), str(os.getpid()), str(scratch), *kernel]
        end, self._hold = os.pipe()
        try:
            self.process = subprocess.Popen(  # noqa: S603 (a list, and the Python that runs this)
                [*supervised, "--HistoryManager.hist_file=:memory:"],
                stdin=end,
                stdout=subprocess.DEVNULL,
                stderr=self._log,
                cwd=folder,
                env=environment,
                start_new_session=True,
            )
        except OSError:
            self.kill()
            raise
        finally:
            os.close(end)

    def client(self) -> AsyncKernelClient:
        """What speaks to it."""
        context = zmq.asyncio.Context()
        context.linger = 0
        client = _ProcessClient(context=context)
        client.process = self.process
        client.load_connection_file(self._connection)
        client.start_channels(hb=False)
        return client

    def said(self) -> str:
        """The end of what it wrote before anybody could speak to it; only until it is closed."""
        size = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(size - _SAID, 0))
        return self._log.read().decode("utf-8", "replace").strip()

    def kill(self) -> None:
        """Have every process of it killed, at once; from any thread."""
        with self._lock:
            if self._hold >= 0:
                os.close(self._hold)
                self._hold = -1
                with contextlib.suppress(AttributeError, OSError):  # it was not started, or has ended
                    self.process.send_signal(signal.SIGCONT)  # should a cell have stopped the supervisor

    def finish(self, client: AsyncKernelClient) -> None:
        """Let it end by itself, for some seconds."""
        client.shutdown()
        try:
            self.process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            self.kill()

    def close(self) -> int:
        """Wait until nothing of it is left; its exit code."""
        self.kill()
        try:
            return self.process.wait(_GONE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()
        finally:
            if self.process.returncode == -signal.SIGKILL:  # by a cell, or above: what it would have killed is left
                _kill_marked(f"IPYTHONDIR={self._scratch}/ipython".encode())
                shutil.rmtree(self._scratch, ignore_errors=True)
            self._log.close()


def _kill_marked(mark: bytes) -> None:
    """Kill every process that was started with this in its environment; on Linux, where that can be seen."""
    for _ in range(_ROUNDS if sys.platform == "linux" else 0):
        left = []
        for entry in os.scandir("/proc"):
            with contextlib.suppress(OSError):  # it has ended, or is another user's
                if entry.name.isdigit() and mark in Path(entry.path, "environ").read_bytes().split(b"\0"):
                    left.append(int(entry.name))
        if not left:
            return
        for pid in left:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


class _ProcessClient(AsyncKernelClient):  # type: ignore[misc]
    """Knows the process that it speaks to."""

    process: Any = None

    async def _async_is_alive(self) -> bool:
        return self.process.poll() is None

    is_alive = _async_is_alive
