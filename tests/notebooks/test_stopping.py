"""However a run ends, no process that the notebook started is alive a few seconds later; real processes show it."""

import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from graft.errors import Cancelled
from graft.notebooks import run_notebook, supervisor
from graft.run import Run
from notebook_files import notebook_file, printed

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="this system does not list processes in /proc"
)

LONG = 90
"""Seconds after which something is taken for hanging; a busy machine needs some of them."""
CHILDREN = """
import os, subprocess, sys, time
wait = [sys.executable, "-c", "import time; time.sleep(600)", "{mark}"]
subprocess.Popen(wait)
subprocess.Popen(wait, start_new_session=True)
daemon = "import os, subprocess, sys; os.fork() and os._exit(0); os.setsid(); subprocess.Popen(sys.argv[1:])"
subprocess.run([sys.executable, "-c", daemon, *wait])
subprocess.Popen(["sh", "-c", "trap '' TERM INT HUP; exec \\"$@\\"", "sh", *wait])
"""
LASTING = 'open("there", "w").close()\ntime.sleep(600)'


class Tree:
    """A notebook that starts processes: one in a session of its own, one a daemon, and one that ignores signals."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mark = f"mark-{secrets.token_hex(8)}"
        self.notebook = notebook_file(folder / "tree.ipynb", "md:# Tree", CHILDREN.format(mark=self.mark), LASTING)
        self.output = folder / "ran"

    def alive(self) -> list[str]:
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    words = (entry / "cmdline").read_text(errors="replace")
                    state = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[0]
                except OSError:
                    continue
                if self.mark in words and state != "Z":
                    found.append(words)
        return found

    def wait_until_there(self) -> None:
        until(lambda: (self.folder / "there").exists() and len(self.alive()) >= 4)

    def started(self) -> "subprocess.Popen[bytes]":
        words = [sys.executable, "-m", "graft", "run", str(self.notebook), "-o", str(self.output), "--json"]
        return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def until(true) -> None:
    end = time.monotonic() + LONG
    while not true():
        assert time.monotonic() < end, "it does not come to that"
        time.sleep(0.05)


@pytest.fixture
def tree(tmp_path):
    return Tree(tmp_path)


def test_at_its_limit(tree):
    told = []
    ran = run_notebook(tree.notebook, output=tree.output, time_limit=8, on_output=told.append)
    assert tree.alive() == []
    assert ran.error.name == "TimeLimit"
    if (tree.folder / "there").exists():  # on a very slow machine the limit comes before
        assert ran.error.cell == 3
        assert "TimeLimit" in printed(ran.notebook)[2]
        assert told[-1].kind == "error"


def test_at_a_limit_before_anything_has_begun(tmp_path):
    ran = run_notebook(notebook_file(tmp_path / "n.ipynb", "x = 1"), output=tmp_path / "ran", time_limit=0.001)
    assert (ran.error.cell, ran.error.name) == (0, "TimeLimit")
    assert json.loads((tmp_path / "ran" / "run.json").read_text())["ok"] is False


def test_at_its_end_what_it_left_behind_is_ended_too(tmp_path):
    tree = Tree(tmp_path)
    notebook_file(tree.notebook, CHILDREN.format(mark=tree.mark), "print('end')")
    assert run_notebook(tree.notebook, output=tree.output).ok
    assert tree.alive() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_at_a_signal(tree, number):
    with tree.started() as process:
        tree.wait_until_there()
        process.send_signal(number)
        out, _ = process.communicate(timeout=LONG)
    assert tree.alive() == []
    assert process.returncode == 130
    assert json.loads(out)["error"]["code"] == "cancelled"
    assert "Stopped" in printed(tree.output / "tree.ipynb")[2]


def test_when_graft_itself_is_killed(tree):
    with tree.started() as process:
        tree.wait_until_there()
        process.kill()
        process.wait(LONG)
        until(lambda: not tree.alive())
    notebook = json.loads((tree.output / "tree.ipynb").read_text())
    assert notebook["cells"][1]["execution_count"] == 1, "what ended before stands in the copy"


def test_when_it_is_called_off(tree):
    stop = threading.Event()

    def call_off() -> None:
        tree.wait_until_there()
        stop.set()

    threading.Thread(target=call_off).start()
    with pytest.raises(Cancelled, match="cell 3"):
        run_notebook(tree.notebook, output=tree.output, run=Run(cancelled=stop))
    assert tree.alive() == []
    error = json.loads((tree.output / "run.json").read_text())["error"]
    assert (error["cell"], error["name"]) == (3, "Stopped")


def test_a_listener_that_fails_ends_the_run_with_its_own_error(tree):
    def listen(event) -> None:
        if event.kind == "cell" and event.cell == 3:
            raise LookupError("the listener's own")

    with pytest.raises(LookupError, match="the listener's own"):
        run_notebook(tree.notebook, output=tree.output, on_output=listen)
    assert tree.alive() == []


def test_a_kernel_that_dies_is_told_with_its_cell_and_its_signal(tmp_path):
    path = notebook_file(tmp_path / "dies.ipynb", "x = 1", "import os\nos.kill(os.getpid(), 11)", "print('never')")
    ran = run_notebook(path, output=tmp_path / "ran")
    assert (ran.error.cell, ran.error.name) == (2, "DeadKernel")
    assert "SIGSEGV" in ran.error.message


LISTENING = """
import os
from ipykernel.connect import get_connection_info
own = {os.readlink(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd") if os.path.lexists(f"/proc/self/fd/{n}")}
rows = [line.split() for kind in ("tcp", "tcp6") for line in list(open(f"/proc/net/{kind}"))[1:]]
print(get_connection_info(unpack=True)["transport"], [row for row in rows if f"socket:[{row[9]}]" in own])
print(sorted(os.listdir(os.environ["TMPDIR"])))
"""


def test_it_opens_no_port_and_its_sockets_lie_in_a_folder_that_goes_with_it(tmp_path, monkeypatch):
    place = Path(tempfile.mkdtemp(prefix="t-", dir="/tmp"))
    monkeypatch.setenv("TMPDIR", str(place))
    monkeypatch.setattr("tempfile.tempdir", None)
    ran = run_notebook(notebook_file(tmp_path / "a.ipynb", LISTENING), output=tmp_path / "ran")
    first, second = printed(ran.notebook)[0].splitlines()
    assert first == "ipc []"
    assert second.startswith("['graft-kernel-")
    place.rmdir()


def test_where_the_temporary_folder_is_too_deep_for_sockets_they_lie_elsewhere(tmp_path, monkeypatch):
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    monkeypatch.setenv("TMPDIR", str(deep))
    monkeypatch.setattr("tempfile.tempdir", None)
    ran = run_notebook(notebook_file(tmp_path / "a.ipynb", "print('on')"), output=tmp_path / "ran")
    assert printed(ran.notebook) == ["on\n"]
    assert not any(deep.iterdir())


@pytest.mark.skipif(not Path("/bin/ps").exists(), reason="this system has no ps")
def test_where_there_is_no_proc_another_program_lists_the_processes(monkeypatch):
    with subprocess.Popen(["sleep", "60"]) as child:
        here = {child.pid: os.getpid()}
        assert here.items() <= supervisor.parents().items()
        monkeypatch.setattr("sys.platform", "darwin")
        assert here.items() <= supervisor.parents().items()
        assert child.pid in supervisor.below(os.getpid())
        child.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nobody sees what belongs to whom")
@pytest.mark.parametrize("number", ["SIGSTOP", "SIGKILL"])
def test_a_cell_that_stops_or_kills_who_watches_over_it_leaves_nothing_either(tmp_path, number):
    tree = Tree(tmp_path)
    strike = f"import os, signal\nos.kill(os.getppid(), signal.{number})\ntime.sleep(600)"
    notebook_file(tree.notebook, CHILDREN.format(mark=tree.mark), strike)
    ran = run_notebook(tree.notebook, output=tree.output, time_limit=10)
    assert (ran.ok, ran.error.name) == (False, "TimeLimit" if number == "SIGSTOP" else "DeadKernel")
    until(lambda: not tree.alive())
