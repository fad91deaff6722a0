"""Whatever a cell shows or whatever a command in it comes to: what failed ends the run as failed, with its cell."""

import json

import pytest

from graft.errors import NotebookError
from graft.notebooks import run_notebook
from graft.notebooks.source import code_cells, drive_notes, kernel_note, needs_elsewhere, read_notebook
from notebook_files import notebook_file, printed

SHOWN = "from IPython.display import display\ndisplay({{'{}': {}}}, raw=True)"
FAILING = {
    "an exception": ("1 / 0", "ZeroDivisionError"),
    "no Python": ("this is no python", "SyntaxError"),
    "a magic that is not there": ("%nosuch", "UsageError"),
    "a file that is not there": ("%run nosuch.py", "Exception"),
    "a folder that is not there": ("%cd nosuch", "FileNotFoundError"),
    "an error of a file, which is only shown": ("%run bad.py", "ZeroDivisionError"),
    "a cell magic": ("%%bash\nexit 4", "CalledProcessError"),
    "the Python in a cell magic": ("%%time\n1 / 0", "ZeroDivisionError"),
    "an error as rich output": (SHOWN.format("application/vnd.jupyter.error", "{'name': 'E', 'message': 'm'}"), "E"),
    "an exit": ("exit()", "SystemExit"),
    "an exit of Python": ("import sys\nsys.exit(0)", "SystemExit"),
    "a question": ("input('who? ')", "StdinNotImplementedError"),
}


@pytest.mark.parametrize("what", FAILING)
def test_what_failed_is_named_with_its_cell(what, tmp_path):
    source, name = FAILING[what]
    (tmp_path / "bad.py").write_text("1 / 0\n")
    ran = run_notebook(notebook_file(tmp_path / "n.ipynb", "md:# N", source, "print('on')"), output=tmp_path / "ran")
    assert not ran.ok
    assert (ran.error.cell, ran.error.name) == (2, name)
    cells = printed(ran.notebook)
    assert cells[1]
    assert cells[2] == ""


def test_a_cell_may_be_tagged_as_one_that_fails(tmp_path):
    path = notebook_file(tmp_path / "n.ipynb", "1 / 0", "print('on')", tags=("raises-exception",))
    ran = run_notebook(path, output=tmp_path / "ran")
    assert ran.ok
    assert printed(ran.notebook)[1] == "on\n"


@pytest.mark.parametrize("magic", ["", "%%capture\n", "%%time\n"])
def test_a_shell_line_that_fails_can_end_the_run(magic, tmp_path):
    path = notebook_file(tmp_path / "n.ipynb", "x = 1", f"{magic}!true\n!exit 3", "print('on')")
    ran = run_notebook(path, output=tmp_path / "ran", strict=True)
    assert ran.error.to_dict() == {"cell": 2, "name": "ShellError", "message": "exit 3 ended with exit code 3."}
    assert printed(ran.notebook)[2] == ""


def test_what_has_no_room_in_the_format_is_text(tmp_path):
    path = notebook_file(tmp_path / "n.ipynb", SHOWN.format("text/plain", "{'a': 5}"), SHOWN.format("x/y", "[1, None]"))
    ran = run_notebook(path, output=tmp_path / "ran")
    assert ran.ok
    assert printed(ran.notebook)[0] == '{"a": 5}'


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "no notebook"), (b"{}", "no notebook"), (b"[1]", "no notebook"),
     (b'{"cells": [{"source": 5}], "nbformat": 4, "nbformat_minor": 4}', "no source"), (b"\xff\xfe", "no notebook"),
     (b'{"cells": [], "nbformat": 99, "nbformat_minor": 0, "metadata": {}}', "no notebook"),
     (b"[" * 100_000, "no notebook"), (None, "no file")],
)  # fmt: skip
def test_what_is_no_notebook_is_refused(content, words, tmp_path):
    if content is not None:
        (tmp_path / "n.ipynb").write_bytes(content)
    with pytest.raises(NotebookError, match=words) as refused:
        run_notebook(tmp_path / "n.ipynb", output=tmp_path / "ran")
    assert refused.value.hint
    assert not (tmp_path / "ran").exists()


def noted(folder, **metadata):
    path = notebook_file(folder / "n.ipynb", "x = 1", metadata=metadata)
    return kernel_note(read_notebook(path), path)


def test_any_python_runs_with_the_python_that_runs_graft(tmp_path):
    python = {"name": "python3", "display_name": "Python 3"}
    assert noted(tmp_path, kernelspec=python, language_info={"name": "python"}) == ""
    assert noted(tmp_path, kernelspec=python) == ""
    assert "names no kernel: it runs with the Python 3" in noted(tmp_path)
    assert "names no kernel" in noted(tmp_path, language_info={"name": "python"})
    assert noted(tmp_path, kernelspec={"name": "python3"}) == ""
    assert "names no kernel" in noted(tmp_path, kernelspec=None, language_info=None)
    assert "asks for the kernel 'conda-env-x-py': it runs" in noted(
        tmp_path, kernelspec={**python, "name": "conda-env-x-py"}
    )


@pytest.mark.parametrize(
    "metadata",
    [
        {"kernelspec": {"name": "ir", "display_name": "R", "language": "R"}},
        {"kernelspec": {"name": "ir", "display_name": "R"}},
        {"kernelspec": {"name": "julia-1.9", "display_name": "Julia"}},
        {"language_info": {"name": "javascript"}},
    ],
)
def test_another_language_is_refused(metadata, tmp_path):
    with pytest.raises(NotebookError, match=r"is written in \w+, not in Python"):
        noted(tmp_path, **metadata)


def test_a_kernel_of_another_machine_is_none_here_and_one_line_says_so(tmp_path):
    path = notebook_file(tmp_path / "n.ipynb", "import sys\nprint(sys.version_info[:2])", metadata={"kernelspec": {
        "name": "theirs", "display_name": "Theirs", "language": "python"}})  # fmt: skip
    told = []
    ran = run_notebook(path, output=tmp_path / "ran", on_output=told.append)
    assert ran.ok
    assert [event.text for event in told if event.kind == "note"] == list(ran.warnings)
    assert "theirs" in ran.warnings[0]


def test_what_an_editor_left_out_is_no_reason_to_refuse(tmp_path, capfd):
    cells = [{"cell_type": "markdown", "source": ["# N"]}, {"cell_type": "code", "source": ["print('on', ", "1)"]}]
    (tmp_path / "n.ipynb").write_text(json.dumps({"cells": cells, "nbformat": 4, "nbformat_minor": 4}))
    assert printed(run_notebook(tmp_path / "n.ipynb", output=tmp_path / "ran").notebook)[1] == "on 1\n"
    old = {"cell_type": "code", "language": "python", "input": ["print('old')"], "outputs": [], "collapsed": False}
    whole = {"worksheets": [{"cells": [old]}], "metadata": {"name": ""}, "nbformat": 3, "nbformat_minor": 0}
    (tmp_path / "n.ipynb").write_text(json.dumps(whole))
    assert printed(run_notebook(tmp_path / "n.ipynb", output=tmp_path / "old").notebook) == ["old\n"]
    assert capfd.readouterr().err == ""


def needed(folder, *sources):
    return needs_elsewhere(list(code_cells(read_notebook(notebook_file(folder / "n.ipynb", *sources)))))


def test_what_is_only_on_colab_is_named_before_the_run(tmp_path):
    sources = ("md:# N", "import numpy", "from google.colab import drive, files\ndrive.mount('/content/drive')")
    assert needed(tmp_path, *sources) == ["cell 3 needs google.colab"]
    assert needed(tmp_path, "import google.colab.userdata as u", "import kaggle_secrets") == [
        "cell 1 needs google.colab",
        "cell 2 needs kaggle_secrets",
    ]
    assert needed(tmp_path, "try:\n    import google.colab\nexcept ImportError:\n    pass") == []
    assert needed(tmp_path, "import sys\nif 'google.colab' in sys.modules:\n    from google.colab import files") == []
    with pytest.raises(NotebookError, match=r"cell 3 needs google\.colab.* with -p, and tag the cell 'skip-execution'"):
        run_notebook(notebook_file(tmp_path / "n.ipynb", *sources), output=tmp_path / "ran")
    assert not (tmp_path / "ran").exists()


def test_a_cell_that_is_skipped_needs_nothing(tmp_path):
    path = notebook_file(tmp_path / "n.ipynb", "import google.colab", "print('on')", tags=("skip-execution",))
    ran = run_notebook(path, output=tmp_path / "ran")
    assert ran.ok
    assert printed(ran.notebook) == ["", "on\n"]


def test_a_folder_of_a_mounted_drive_is_named(tmp_path):
    path = notebook_file(tmp_path / "n.ipynb", "x = 1", "data = '/content/drive/MyDrive/photos'")
    [note] = drive_notes(list(code_cells(read_notebook(path))))
    assert note.startswith("Cell 2 names /content/drive/MyDrive/photos, which is not on this machine")


def test_a_kernel_that_does_not_start_says_why(tmp_path, monkeypatch):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "ipykernel.py").write_text("raise RuntimeError('not whole')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "broken"))
    with pytest.raises(NotebookError, match=r"(?s)does not start: .*RuntimeError: not whole"):
        run_notebook(notebook_file(tmp_path / "n.ipynb", "1"), output=tmp_path / "ran")


def test_what_a_notebook_holds_beside_its_cells_stops_nothing(tmp_path):
    odd = ["x = 1", "'/content/drive/" + "n" * 5000 + "'", "'/content/drive/\0'"]
    notebook = read_notebook(notebook_file(tmp_path / "n.ipynb", *odd))
    notebook.cells[0].metadata["tags"] = 5
    assert len(cells := list(code_cells(notebook))) == 3
    assert len(drive_notes(cells)) == 2
    with pytest.raises(NotebookError, match="no notebook that can be read"):
        read_notebook(notebook_file(tmp_path / "half.ipynb", "x = '\ud800'"))
    language = {"kernelspec": {"name": "x", "language": "\x1b[31mR"}}
    with pytest.raises(NotebookError, match=r"is written in \[31mR, not"):
        kernel_note(read_notebook(notebook_file(tmp_path / "r.ipynb", "1", metadata=language)), tmp_path)
