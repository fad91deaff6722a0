"""The executed copy: whole at any instant, openable whatever is printed, and silent about machines and secrets."""

import base64
import getpass
import json
import os
import shutil
import threading
import time
from pathlib import Path
from urllib.parse import quote, quote_plus

import nbformat
import pytest

from graft.errors import OutputExists
from graft.notebooks import collected, executed, run_notebook
from graft.notebooks.hiding import HIDDEN, Hiding, is_secret_name
from graft.notebooks.outputs import MAX_LINE, MAX_OUTPUTS, MAX_STREAM, PrintedText
from notebook_files import PYTHON, notebook_file, printed

NOTHING = Hiding()
SECRET = "hun'ter\\2/22 é"


def print_in(parts, hiding=NOTHING, limit=MAX_STREAM):
    told = []
    text = PrintedText(told.append, hiding, limit)
    for part in parts:
        text.add(part)
    text.end()
    return text.text(), "".join(told)


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        (["one\ntwo"], "one\ntwo"),
        (["10%\r20%\r", "100%\n", "done"], "100%\ndone"),
        (["10%", "\r20%", "\r", "\n"], "20%\n"),
        (["windows\r\nlines\r\n"], "windows\nlines\n"),
        (["", "\n\n", ""], "\n\n"),
        (["\r"], ""),
    ],
)
def test_a_line_that_is_redrawn_is_kept_once(parts, text):
    assert print_in(parts) == (text, text)


def test_of_too_much_the_beginning_and_the_end_are_kept_and_told_of():
    lines = [f"line {n}\n" for n in range(1000)]
    text, told = print_in(lines, limit=2000)
    assert told == "".join(lines)
    assert text.startswith("line 0\nline 1\n")
    assert text.endswith("line 998\nline 999\n")
    left = len("".join(lines)) - 2000
    assert f"[{left:,} characters were left out here: 2,000 of what a cell prints are kept]" in text


def test_a_line_without_an_end_is_taken_in_parts():
    text, told = print_in(["a" * 1000] * 200 + ["\n"])
    assert text == told == "a" * 200_000 + "\n"
    text, _ = print_in([f"\r{n}" for n in range(MAX_LINE)])
    assert text == str(MAX_LINE - 1)


def test_a_secret_is_found_wherever_it_is_cut():
    hiding = Hiding(["opensesame"])
    for before in range(10):
        line = "a" * (MAX_LINE - before) + "opensesame" + "b" * MAX_LINE
        text, told = print_in([line[: MAX_LINE + 1], line[MAX_LINE + 1 :]], hiding)
        assert text == told
        assert "opens" not in text
        assert HIDDEN in text


@pytest.mark.parametrize("shown", [str, repr, json.dumps, lambda one: json.dumps(one, ensure_ascii=False)])
def test_a_secret_is_found_in_quotes_too(shown):
    assert "ter" not in Hiding([SECRET]).text(f"it is {shown(SECRET)}.")


@pytest.mark.parametrize(
    "written",
    [
        lambda raw: base64.b64encode(raw).decode(),
        lambda raw: quote(raw, safe=""),
        quote,
        quote_plus,
    ],
    ids=["base64", "address", "path", "form"],
)
def test_a_secret_is_found_as_it_is_sent_too(written):
    raw = SECRET.encode()
    assert written(raw).rstrip("=") not in Hiding([SECRET]).text(f"sent: {written(raw)}.")


def test_a_secret_of_several_lines_is_found_line_by_line():
    key = "-----BEGIN KEY-----\nabcdefghijklmnop\n-----END KEY-----\n"
    assert "abcdef" not in print_in(key.splitlines(keepends=True), Hiding([key]))[0]


def test_a_word_that_is_no_secret_is_left():
    assert Hiding(["1"]).text("1 of 10") == "1 of 10"
    assert Hiding(folders={"/home/anna": "~"}).text("/home/anna/x /home/annabel/x") == "~/x /home/annabel/x"


@pytest.mark.parametrize(
    ("name", "secret"),
    [("token", True), ("hf_token", True), ("API_KEY", True), ("apiKey", True), ("password", True), ("key", True),
     ("aws_secret", True), ("OpenAIAPIKey", True), ("hf_token_2", True), ("TOKEN1", True),
     ("key_column", False), ("tokens", False), ("n_keys", False), ("monkey", False)],
)  # fmt: skip
def test_names_that_say_that_a_value_is_a_secret(name, secret):
    assert is_secret_name(name) is secret


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """A run that prints its secrets and paths in every way, and fails in a file beside it."""
    folder = tmp_path_factory.mktemp("told")
    (folder / "helping.py").write_text("def fail():\n    raise ValueError('in a file')\n")
    path = notebook_file(
        folder / "n.ipynb",
        "token, mine, n = 'none', 'none', 5",
        "print(token, repr(mine), [token])\nimport sys\nprint(mine, file=sys.stderr)\n{'a': mine}",
        "from IPython.display import display, HTML\ndisplay(HTML(f'<b>{token}</b>'))\n"
        "display({'application/json': {token: [mine]}}, raw=True)\n!echo $mine; false $mine",
        "import warnings, os\nwarnings.warn('careful')\nprint(os.getcwd(), os.path.expanduser('~'))",
        "import helping\nprint(mine)\nhelping.fail()",
        metadata={**PYTHON, "colab": {"name": "theirs"}},
    )
    given = {"token": SECRET, "mine": "mine-alone", "n": "6"}
    events = []
    ran = run_notebook(path, given, output=folder / "ran", secrets=["mine"], on_output=events.append)
    return ran, events


def test_secrets_stand_in_neither_copy_events_nor_result(told):
    ran, events = told
    everything = ran.notebook.read_text() + str(events) + json.dumps(ran.to_dict())
    everything += (ran.notebook.parent / "run.json").read_text()
    assert ran.error.cell == 5
    for secret in ("hun'ter", "hun\\'ter", "ter\\\\", "mine-alone"):
        assert secret not in everything
    assert f"{HIDDEN} '{HIDDEN}' ['{HIDDEN}']" in printed(ran.notebook)[2].replace('"', "'")
    assert HIDDEN in ran.shell[0].command


def test_no_path_of_the_machine_and_no_name_of_its_user_is_added(told):
    ran, _ = told
    text = ran.notebook.read_text()
    outputs = json.dumps([cell["outputs"] for cell in json.loads(text)["cells"]])
    assert str(ran.notebook.parents[1]) not in text
    assert str(Path.home()) + "/" not in outputs
    assert "ipykernel_" not in text
    assert "site-packages" not in text
    assert getpass.getuser() not in json.dumps(json.loads(text)["metadata"])
    assert "./helping.py" in outputs
    assert json.loads(text)["metadata"] == {**PYTHON, "colab": {"name": "theirs"}}


def test_the_copy_is_a_notebook_and_shows_what_was_given_but_secrets(told):
    ran, _ = told
    notebook = nbformat.read(ran.notebook, as_version=4)
    nbformat.validate(notebook)
    assert notebook.cells[1].metadata.tags == ["injected-parameters"]
    assert notebook.cells[1].source.splitlines() == [
        "token = ...  # given, and not shown", "mine = ...  # given, and not shown", "n = 6",
    ]  # fmt: skip


def test_it_is_whole_whenever_it_is_read(tmp_path):
    cells = [f"print({n} * 'x' * 20_000)" for n in range(25)]
    path = notebook_file(tmp_path / "n.ipynb", *cells)
    copy, done, seen = tmp_path / "ran" / "n.ipynb", threading.Event(), []

    def read() -> None:
        while not done.wait(0.002):
            if copy.exists():
                seen.append(copy.read_text())

    reader = threading.Thread(target=read)
    reader.start()
    try:
        assert run_notebook(path, output=tmp_path / "ran").ok
    finally:
        done.set()
        reader.join()
    cells_done = [sum(bool(cell["outputs"]) for cell in json.loads(text)["cells"]) for text in dict.fromkeys(seen)]
    assert cells_done == sorted(cells_done)
    assert len(cells_done) > 1, "it is written while the notebook runs"
    assert [entry.name for entry in sorted((tmp_path / "ran").iterdir())] == ["n.ipynb", "run.json"]


def test_much_is_printed_and_redrawn(tmp_path):
    path = notebook_file(
        tmp_path / "n.ipynb",
        "for n in range(200_000):\n    print('line', n)",
        "import sys\nfor n in range(10_000):\n    sys.stderr.write(f'\\r{n} of 10000')\n    sys.stderr.flush()",
        f"from IPython.display import display\nfor n in range({MAX_OUTPUTS} + 5):\n    display(n)\nprint('end')",
        "print('on')",
    )
    ran = run_notebook(path, output=tmp_path / "ran")
    assert ran.ok
    first, redrawn, shown, last = printed(ran.notebook)
    assert first.startswith("line 0\nline 1\n")
    assert "characters were left out here" in first
    assert first.endswith("line 199998\nline 199999\n")
    assert len(first) < MAX_STREAM + 200
    assert redrawn == "9999 of 10000"
    assert "[5 outputs were left out: of one cell 500 are kept" in shown
    assert "end\n" in shown
    assert last == "on\n"
    assert ran.notebook.stat().st_size < 2_000_000


def test_what_comes_faster_than_it_is_heard_waits(tmp_path):
    """More than the sockets' queues hold: the kernel waits for its listener, and no output is dropped."""
    heard = []

    def listen(event) -> None:
        if event.kind == "stdout":
            if not heard:
                time.sleep(2)
            heard.append(event.text)

    source = "for n in range(6000):\n    print(n, flush=True)"
    ran = run_notebook(notebook_file(tmp_path / "n.ipynb", source), output=tmp_path / "ran", on_output=listen)
    assert ran.ok
    assert "".join(heard) == "".join(f"{n}\n" for n in range(6000)) == printed(ran.notebook)[0]


def test_what_is_taken_back_is_not_kept(tmp_path):
    source = "from IPython.display import clear_output\nfor n in range(50):\n    clear_output(wait=True)\n    print(n)"
    ran = run_notebook(notebook_file(tmp_path / "n.ipynb", source), output=tmp_path / "ran")
    assert printed(ran.notebook) == ["49\n"]


def test_old_outputs_are_not_in_the_copy(tmp_path):
    path = notebook_file(tmp_path / "n.ipynb", "1 / 0", "print('on')")
    notebook = json.loads(path.read_text())
    notebook["cells"][1]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "of yesterday"}]
    notebook["nbformat_minor"] = 2
    for cell in notebook["cells"]:
        del cell["id"]
    path.write_text(json.dumps(notebook))
    ran = run_notebook(path, output=tmp_path / "ran")
    assert "of yesterday" not in ran.notebook.read_text()
    nbformat.validate(nbformat.read(ran.notebook, as_version=4))


def test_files_and_models_are_collected(tmp_path, saved):
    """What is new or changed is copied; what was there, what is hidden and what links elsewhere is not."""
    folder = tmp_path / "books"
    (folder / "data").mkdir(parents=True)
    (folder / "old.txt").write_text("old")
    (folder / "changed.txt").write_text("old")
    path = notebook_file(
        folder / "n.ipynb",
        "import os, pathlib, shutil",
        f"shutil.copytree({str(saved)!r}, 'models/doors.graft')\nos.makedirs('new')\n"
        "pathlib.Path('new/table.csv').write_text('a')\npathlib.Path('changed.txt').write_text('new!')\n"
        "pathlib.Path('.hidden').write_text('a')\nos.symlink('/etc/hostname', 'link.txt')\n"
        "pathlib.Path('n.ipynb').touch()",
    )
    before = path.read_bytes()
    ran = run_notebook(path, output=folder / "ran")
    out = folder / "ran"
    assert ran.models == (out / "models" / "doors.graft",)
    assert {file.name: file.read_bytes() for file in ran.models[0].iterdir()} == {
        file.name: file.read_bytes() for file in saved.iterdir()
    }
    assert set(ran.files) == {out / "changed.txt", out / "new" / "table.csv", out / "written-n.ipynb"}
    assert (out / "changed.txt").read_text() == "new!"
    assert path.read_bytes() == before
    assert os.path.lexists(folder / "link.txt")


def test_more_than_is_collected_is_told_of(tmp_path, monkeypatch):
    home, output = tmp_path / "home", tmp_path / "out"
    home.mkdir()
    output.mkdir()
    before = collected.listing(home, output)
    for n in range(5):
        (home / f"{n}.txt").write_text("x" * n)
    (home / "deaf").symlink_to(home)
    (home / ".hidden").mkdir()
    (home / ".hidden" / "file").write_text("")
    os.mkfifo(home / "pipe")
    monkeypatch.setattr(collected, "MAX_FILES", 3)
    found = collected.collect(home, output, before)
    assert [path.name for path in found.files] == ["0.txt", "1.txt", "2.txt"]
    assert found.notes[0].startswith("2 of the 5 files that it wrote were not collected")
    monkeypatch.setattr(collected, "MAX_LOOKED", 2)
    assert "holds more than 2 files" in collected.collect(home, tmp_path / "other", before).notes[0]


def test_one_file_that_is_too_large_costs_no_other_and_holes_stay_holes(tmp_path, monkeypatch):
    home, output = tmp_path / "home", tmp_path / "out"
    home.mkdir()
    output.mkdir()
    monkeypatch.setattr(collected, "MAX_BYTES", 64 << 20)
    (home / "a.bin").touch()
    os.truncate(home / "a.bin", 10 << 30)
    (home / "b.bin").write_bytes(b"begin")
    os.truncate(home / "b.bin", 32 << 20)
    (home / "c.txt").write_text("later")
    found = collected.collect(home, output, {})
    assert [path.name for path in found.files] == ["b.bin", "c.txt"]
    assert found.notes[0].startswith("1 of the 3 files that it wrote were not collected")
    assert (output / "b.bin").read_bytes() == (home / "b.bin").read_bytes()
    assert (output / "b.bin").stat().st_blocks * 512 < 8 << 20


def test_a_copy_that_would_not_open_any_more_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(executed, "MAX_COPY_BYTES", 2 << 20)
    cell = "from IPython.display import display\ndisplay({'text/html': 'x' * 1_500_000}, raw=True)"
    path = notebook_file(tmp_path / "n.ipynb", cell, cell, "print('on')")
    ran = run_notebook(path, output=tmp_path / "ran")
    assert ran.ok
    assert ran.warnings == ("The outputs of cell 2 were left out of the executed copy.",)
    assert printed(ran.notebook)[1:] == ["[its outputs were left out: 2 MB of the whole notebook are kept]\n", "on\n"]
    assert ran.notebook.stat().st_size < 2 << 20


def test_what_a_later_cell_changes_is_in_the_copy(tmp_path):
    first = "from IPython.display import display\nshown = display('before', display_id=True)"
    path = notebook_file(tmp_path / "n.ipynb", first, "shown.update('after')")
    assert printed(run_notebook(path, output=tmp_path / "ran").notebook)[0] == "'after'"


def test_an_output_that_is_there_is_kept_unless_a_run_wrote_it(tmp_path):
    path = notebook_file(tmp_path / "n.ipynb", "x = None")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(OutputExists):
            run_notebook(path, output=tmp_path / "mine", overwrite=overwrite)
    assert (tmp_path / "mine" / "file").read_text() == "mine"
    run_notebook(path, output=tmp_path / "ran")
    (tmp_path / "ran" / "of-before").write_text("")
    with pytest.raises(OutputExists, match="nothing was run"):
        run_notebook(path, output=tmp_path / "ran")
    shutil.copytree(tmp_path / "ran", tmp_path / "copy")
    for read, given in ((path, {"x": "copy/of-before"}), (tmp_path / "copy" / "n.ipynb", {})):
        with pytest.raises(OutputExists, match="which is read; nothing was run"):
            run_notebook(read, given, output=tmp_path / "copy", overwrite=True)
    assert (tmp_path / "copy" / "of-before").exists()
    run_notebook(path, output=tmp_path / "ran", overwrite=True)
    assert not (tmp_path / "ran" / "of-before").exists()
