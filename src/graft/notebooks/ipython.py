"""Runs as the kernel of a notebook: ``python ipython.py -f CONNECTION``. Nothing of Graft is imported here.

It is IPython's own kernel, with four differences: no message is dropped, however many come at once; no port is opened;
every shell line that ends with a code other than 0 is told; and ``%cd`` into a folder that is not there is an error.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, ClassVar

if __name__ == "__main__":
    here = Path(__file__).resolve().parent
    sys.path[:] = [entry for entry in sys.path if entry and Path(entry).resolve() not in (here, Path.cwd())]

import zmq
from ipykernel import kernelapp
from ipykernel.iostream import IOPubThread
from zmq.eventloop.zmqstream import ZMQStream

SHELL = "application/vnd.graft.shell+json"
"""The kind of a message that tells of shell lines; what starts the kernel takes it out of the outputs."""


class FolderIOPubThread(IOPubThread):  # type: ignore[misc]
    """Takes what forked children print by a socket in the folder of the others, and not by a port."""

    address: ClassVar[str] = ""

    def _setup_pipe_in(self) -> None:
        self._pipe_uuid = os.urandom(16)
        taking = self.socket.context.socket(zmq.PULL)
        taking.linger = 0
        taking.bind(self.address)
        self._pipe_in = ZMQStream(taking, self.io_loop)
        self._pipe_in.on_recv(self._handle_pipe_msg)

    def _setup_pipe_out(self) -> tuple[Any, Any]:
        context = zmq.Context()  # a forked child cannot use its parent's
        giving = context.socket(zmq.PUSH)
        giving.linger = 3000
        giving.connect(self.address)
        return context, giving


class KernelApp(kernelapp.IPKernelApp):  # type: ignore[misc]
    """IPython's, which waits where its outputs are read more slowly than they come."""

    def init_iopub(self, context: Any) -> None:
        """As it is, with a queue that is full and not one that drops what is too much."""
        FolderIOPubThread.address = f"ipc://{self.ip}-forked"
        kernelapp.IOPubThread = FolderIOPubThread
        context.xpub_nodrop = 1
        super().init_iopub(context)


def tell_of_shell_lines(shell: Any) -> None:
    """After each cell, send the commands that failed, with their exit codes, also where it captures its outputs."""
    import subprocess

    import ipykernel.zmqshell
    from IPython.core import interactiveshell
    from IPython.utils._process_common import process_handler

    failed: list[list[Any]] = []
    publisher = shell.display_pub  # %%capture puts another one into its place

    def noted(command: Any, code: int | None) -> None:
        if code:
            failed.append([str(command), code])

    system = ipykernel.zmqshell.system

    def run_shown(command: Any) -> Any:
        code = system(command)
        noted(command, code)
        return code

    def run_kept(command: Any) -> str:
        answer = process_handler(command, lambda process: (process.communicate()[0], process), subprocess.STDOUT)
        if answer is None:
            return ""
        noted(command, answer[1].returncode)
        return str(answer[0], sys.getdefaultencoding(), "replace")

    def publish(*_: Any) -> None:
        told, failed[:] = failed[:], []
        if told:
            publisher.publish({SHELL: told})

    ipykernel.zmqshell.system = run_shown
    interactiveshell.getoutput = run_kept
    shell.events.register("post_run_cell", publish)


def tell_of_folders() -> None:
    """Have ``%cd`` fail where it only prints why it stayed: what follows would read and write in another folder."""
    from IPython.core.magics import osm

    def show(*values: Any) -> None:
        for value in values:
            if isinstance(value, OSError):
                raise value
        print(*values)  # noqa: T201 (a notebook's own output)

    osm.print = show


def main() -> None:
    """Start the kernel, and serve it to its end."""
    app = KernelApp.instance()
    app.initialize()
    tell_of_shell_lines(app.shell)
    tell_of_folders()
    app.start()


if __name__ == "__main__":
    main()
