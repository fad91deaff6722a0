"""Starts a program, and ends only when nothing of it is left: ``python supervisor.py PARENT FOLDER PROGRAM...``.

It stands between Graft and a notebook's kernel. The end of its stdin, which Graft holds, means "stop", and comes by
itself however Graft ends, by SIGKILL too. Then, and when the kernel ends, every process below is killed: on Linux a
child whose parent has gone becomes a child of this process, in whatever session it is, so that none is lost. Last of
all it removes FOLDER, in which the kernel's sockets lie.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_LOOK = 1.0
"""Seconds after which it looks again whether Graft is there, should somebody else hold its stdin open."""
_ROUNDS = 500
"""So often it looks for processes to kill, 20 ms apart: what multiplies faster than that is not stopped."""


def prctl(option: int, value: int) -> None:
    """Linux's call of that name; nothing elsewhere."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def parents() -> dict[int, int]:
    """The parent of every process that can be seen."""
    found = {}
    if sys.platform == "linux":
        for entry in os.scandir("/proc"):
            if entry.name.isdigit():
                with contextlib.suppress(OSError, ValueError, IndexError):
                    stat = Path(entry.path, "stat").read_bytes()
                    found[int(entry.name)] = int(stat.rpartition(b")")[2].split()[1])
    else:
        listed = subprocess.run(["/bin/ps", "-A", "-o", "pid=,ppid="], capture_output=True, check=False)
        for line in listed.stdout.splitlines():
            with contextlib.suppress(ValueError):
                pid, parent = map(int, line.split())
                found[pid] = parent
    return found


def below(root: int) -> set[int]:
    """Every process that descends from ``root``."""
    children: dict[int, list[int]] = {}
    for pid, parent in parents().items():
        children.setdefault(parent, []).append(pid)
    found: set[int] = set()
    waiting = [root]
    while waiting:
        new = [pid for pid in children.get(waiting.pop(), ()) if pid not in found]
        found.update(new)
        waiting += new
    return found


def reap(wanted: int) -> int | None:
    """Take note of children that ended; the wait status of ``wanted`` if it is one of them."""
    status = None
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            if ended[0] == wanted:
                status = ended[1]
    return status


def kill_all(kernel: int) -> None:
    """Kill all that is below, until nothing is."""
    for signal_number in (signal.SIGSTOP, signal.SIGKILL):  # what is stopped cannot start another one meanwhile
        for pid in below(os.getpid()):
            with contextlib.suppress(OSError):
                os.kill(pid, signal_number)
    with contextlib.suppress(OSError):
        os.killpg(kernel, signal.SIGKILL)
    for _ in range(_ROUNDS):
        reap(kernel)
        left = below(os.getpid())
        if sys.platform != "linux":  # the program that lists processes is one of them, and has ended by now
            left = {pid for pid in left if pid_is_there(pid)}
        if not left:
            return
        for pid in left:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def pid_is_there(pid: int) -> bool:
    """Whether there is such a process."""
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def start(program: list[str]) -> int:
    """The program in a session of its own, which a signal to its group does not leave."""
    own = os.getpid()
    if pid := os.fork():
        return pid
    try:
        os.setsid()
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.environ["JPY_PARENT_PID"] = str(own)
        os.execv(program[0], program)  # noqa: S606 (the program is the Python that runs Graft)
    finally:
        os._exit(127)


def watch(kernel: int, parent: int, woken: int) -> int | None:
    """Wait for the end of the kernel, whose wait status it is, or for the word to stop."""
    while True:
        if (status := reap(kernel)) is not None:
            return status
        if os.getppid() != parent:
            return None
        ready, _, _ = select.select([0, woken], [], [], _LOOK)
        if woken in ready and signal.SIGTERM in os.read(woken, 4096):
            return None
        if 0 in ready and not os.read(0, 4096):
            return None


def main() -> int:
    """Run the program; its exit code, or 128 and the number of the signal that ended it."""
    parent, folder, program = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    prctl(_PR_SET_CHILD_SUBREAPER, 1)
    kernel = start(program)
    try:
        status = watch(kernel, parent, woken)
    finally:
        kill_all(kernel)
        shutil.rmtree(folder, ignore_errors=True)
    if status is None:
        return 128 + signal.SIGKILL
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
