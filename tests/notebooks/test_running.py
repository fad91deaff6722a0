"""A notebook runs as it is, with other values, and what it came to is told."""

import json

import pytest

from graft.notebooks import run_notebook
from notebook_files import notebook_file, printed


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """A run with parameters, files, shell lines that fail, and what was told meanwhile."""
    folder = tmp_path_factory.mktemp("first")
    path = notebook_file(
        folder / "note.ipynb",
        "md:# Note",
        "n = 5\nname: str = 'x'",
        "print(n + 1, name)\nopen('out.txt', 'w').write('written')",
        "!false\nkept = !echo kept; exit 3\nkept",
        "raise SystemError('of its own')",
        "print('never')",
    )
    before = path.read_bytes()
    events = []
    ran = run_notebook(path, {"n": "007", "name": "007"}, output=folder / "ran", on_output=events.append)
    assert path.read_bytes() == before
    return ran, events


def test_values_are_what_later_cells_see(first):
    ran, _ = first
    assert printed(ran.notebook)[3].startswith("8 007\n")


def test_an_error_is_told_with_its_cell(first):
    ran, events = first
    assert not ran.ok
    assert ran.error.to_dict() == {"cell": 5, "name": "SystemError", "message": "of its own"}
    assert ("error", 5) in [(event.kind, event.cell) for event in events]
    assert "never" not in printed(ran.notebook)[-1]


def test_what_it_wrote_is_collected(first):
    ran, _ = first
    assert ran.files == (ran.notebook.parent / "out.txt",)
    assert ran.files[0].read_text() == "written"
    assert json.loads((ran.notebook.parent / "run.json").read_text()) == ran.to_dict()


def test_shell_lines_that_fail_are_listed(first):
    ran, _ = first
    assert [one.to_dict() for one in ran.shell] == [
        {"cell": 4, "command": "false", "exit_code": 1},
        {"cell": 4, "command": "echo kept; exit 3", "exit_code": 3},
    ]
    assert "['kept']" in printed(ran.notebook)[4]


def test_what_is_printed_is_told_while_it_runs(first):
    _, events = first
    assert next((e.cell, e.text) for e in events if e.kind == "stdout") == (3, "8 007\n")
    assert [e.cell for e in events if e.kind == "cell"] == [2, 3, 4, 5]


def test_what_forked_children_and_programs_print_is_told(tmp_path):
    path = notebook_file(
        tmp_path / "n.ipynb",
        "import multiprocessing, os, subprocess\nwork = multiprocessing.get_context('fork').Process(target=print, "
        "args=('forked',))\nwork.start()\nwork.join()",
        "import time\ntime.sleep(1)\nos.system('echo of a program')\nprint('own')",
    )
    told = []
    ran = run_notebook(path, output=tmp_path / "ran", on_output=told.append)
    assert ran.ok
    text = "".join(event.text for event in told if event.kind == "stdout")
    assert sorted(text.splitlines()) == ["forked", "of a program", "own"]


def test_what_a_thread_of_an_earlier_cell_prints_is_not_lost(tmp_path):
    path = notebook_file(
        tmp_path / "n.ipynb",
        "import threading\ngo, gone = threading.Event(), threading.Event()\n"
        "def late():\n    go.wait()\n    print('late')\n    gone.set()\n"
        "threading.Thread(target=late).start()",
        "go.set()\nassert gone.wait(60)\nimport time\ntime.sleep(1)\nprint('on')",
    )
    ran = run_notebook(path, output=tmp_path / "ran")
    assert sorted("".join(printed(ran.notebook)).splitlines()) == ["late", "on"]


def test_modules_beside_it_are_found_and_ours_are_not_in_the_way(tmp_path):
    (tmp_path / "source.py").write_text("own = 'of the notebook'")
    (tmp_path / "ipykernel.py").write_text("raise RuntimeError('not this one')")
    path = notebook_file(tmp_path / "n.ipynb", "import source\nprint(source.own)")
    assert printed(run_notebook(path, output=tmp_path / "ran").notebook) == ["of the notebook\n"]
