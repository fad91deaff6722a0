"""``graft run``: what is shown, what stands where, and how it ends."""

import json
import subprocess
import sys

import pytest

from notebook_files import notebook_file, printed


@pytest.fixture
def book(tmp_path, monkeypatch):
    """A notebook in a folder of its own, and the command in another."""
    (tmp_path / "books").mkdir()
    here = tmp_path / "here"
    (here / "photos").mkdir(parents=True)
    (here / "photos" / "one.txt").write_text("of here")
    monkeypatch.chdir(here)
    return notebook_file(
        tmp_path / "books" / "note.ipynb",
        "md:# Note",
        "data = 'photos/'\nn = 1",
        "import sys\nprint('seen', n)\nprint('aside', file=sys.stderr)",
        "open('made.txt', 'w').write(open(f'{data}/one.txt').read())",
        "!exit 7",
    )


def test_paths_and_outputs_begin_where_the_command_was_given(book, run, tmp_path):
    found = run("run", book, "-p", "data=photos/", "-p", "n=2")
    assert found.code == 0, found.err
    assert "seen 2\n" in found.out
    assert "aside\n" in found.err
    assert "data is ../here/photos/, seen from the notebook's folder." in found.err
    assert "Cell 3 of 5" in found.err
    assert "Shell     cell 5: exit 7 ended with exit code 7" in found.out
    assert (tmp_path / "here" / "note-run" / "made.txt").read_text() == "of here"
    assert (tmp_path / "books" / "made.txt").exists()
    assert str(tmp_path) not in (tmp_path / "here" / "note-run" / "note.ipynb").read_text()


def test_json_is_one_value_on_stdout(book, run):
    found = run("run", book, "-p", "data=photos", "-o", "out", "--json")
    assert found.code == 0
    assert found.json.keys() == {"ok", "seconds", "notebook", "files", "models", "error", "shell", "warnings"}
    assert found.json["ok"] is True
    assert found.json["notebook"] == "out/note.ipynb"
    assert found.json["files"] == ["out/made.txt"]
    assert found.json["shell"] == [{"cell": 5, "command": "exit 7", "exit_code": 7}]
    assert "seen 1" in found.err


def test_a_notebook_that_fails_is_exit_code_1(book, run):
    found = run("run", book, "--json")
    assert found.code == 1
    assert found.json["error"]["cell"] == 4
    assert found.json["error"]["name"] == "FileNotFoundError"
    found = run("run", book, "--overwrite", "-p", "data=photos", "--strict")
    assert found.code == 1
    assert "Failed in cell 5: ShellError: exit 7 ended with exit code 7." in found.out


def test_a_secret_comes_from_the_environment(tmp_path, run, monkeypatch):
    monkeypatch.setenv("ACCESS", "open-sesame")
    path = notebook_file(tmp_path / "n.ipynb", "ACCESS = 'none'", "print(ACCESS)\nopen('got', 'w').write(ACCESS)")
    found = run("run", path, "--secret", "ACCESS", "-o", tmp_path / "ran")
    assert found.code == 0
    assert "sesame" not in found.out + found.err
    assert printed(tmp_path / "ran" / "n.ipynb")[2].startswith("[hidden]\n")
    assert (tmp_path / "ran" / "got").read_text() == "open-sesame"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["-p", "n"], 2, "-p takes a name and a value"),
        (["-p", "1=2"], 2, "-p takes a name and a value"),
        (["-p", "n=1", "-p", "n=2"], 2, "-p n=... is given twice"),
        (["-p", "m=1"], 2, "Its cells set: data, n."),
        (["-p", "n=one"], 2, "n is of type int in the notebook (cell 2: 1), and 'one' is none."),
        (["--secret", "NOT_THERE"], 2, "neither -p nor the environment has one"),
        (["--time-limit", "0"], 2, "--time-limit"),
        (["-o", "photos"], 1, "There is something at photos"),
        (["-o", "photos", "--overwrite"], 1, "photos is no folder that graft run wrote"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_runs(book, run, words, code, said, tmp_path):
    before = sorted(path.name for path in (tmp_path / "here").rglob("*"))
    found = run("run", book, *words)
    assert found.code == code
    assert said in " ".join(found.err.split())
    assert "Traceback" not in found.err
    assert sorted(path.name for path in (tmp_path / "here").rglob("*")) == before


def test_its_reader_may_go(tmp_path):
    """``graft run | head``: the run ends, without a word, and nothing of it goes on."""
    path = notebook_file(tmp_path / "n.ipynb", "while True:\n    print('on', flush=True)")
    words = [sys.executable, "-m", "graft", "run", str(path), "-o", str(tmp_path / "ran")]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"on\n"
        process.stdout.close()
        assert process.wait(90) == 0
        assert b"Traceback" not in process.stderr.read()
    assert json.loads((tmp_path / "ran" / "n.ipynb").read_text())["cells"][0]["outputs"]


def test_without_its_libraries_it_says_what_to_install(book, run, monkeypatch):
    monkeypatch.setitem(sys.modules, "nbclient", None)
    found = run("run", book)
    assert found.code == 1
    assert "pip install 'graft-learn[notebooks]'" in found.err
