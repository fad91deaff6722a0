"""What all commands share: help, exit codes, streams, interruption, and disks that refuse."""

import contextlib
import json
import os
import re
import resource
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import graft.cli as command_line
import shapes
from graft import __version__
from graft.cli import COMMANDS, output

GRAFT = [sys.executable, "-m", "graft"]


def test_help_names_every_command(run):
    found = run("--help")
    assert found.code == 0
    assert all(name in found.out and words in " ".join(found.out.split()) for name, words in COMMANDS.items())
    assert run("-h").out == found.out
    assert run("--version").out == f"graft {__version__}\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_a_command(run, name):
    found = run(name, "--help")
    assert found.code == 0
    assert found.out.startswith(f"Usage: graft {name}")
    assert "--json" in found.out


def test_a_command_that_is_not_there(run):
    found = run("ft")
    assert found.code == 2
    assert "No such command 'ft'. Did you mean fit?" in found.err
    assert "mean" not in run("xyzzy").err
    assert run("fitt", "--json").json["error"]["code"] == "usage"
    assert run().code == 2


def test_the_installed_command_and_the_module_are_the_same():
    for command in ([str(Path(sys.executable).parent / "graft")], GRAFT, [sys.executable, "-m", "graft.cli"]):
        found = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True)
        assert found.stdout == f"graft {__version__}\n"


def test_the_home_of_nobody_is_an_error_in_words(run, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for words in (["fit", "~no-such-user/photos"], ["predict", "~no-such-user/m.graft", "a.jpg"]):
        found = run(*words)
        assert found.code == 1
        assert "There is nothing at ~no-such-user/" in found.err
        assert "Traceback" not in found.err


@pytest.mark.parametrize("arguments", [["predict", "-", "--jsonl"], ["encoders"]], ids=["predict", "encoders"])
def test_a_reader_that_leaves_early_is_no_error(saved, photos, arguments):
    if arguments[0] == "predict":
        arguments = ["predict", str(saved), *[str(photos)] * 5, "--jsonl"]
    process = subprocess.Popen([*GRAFT, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait() == 0


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_of_any_encoding_will_do(graft, saved, tmp_path, encoding):
    path = tmp_path / "ü門.png"
    path.write_bytes(shapes.encoded("circle", 0))
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    for flag in ("--json", "--csv"):
        found = subprocess.run([*GRAFT, "predict", saved, path, flag], capture_output=True, env=environment)
        assert found.returncode == 0, found.stderr
        assert found.stderr == b""
        if flag == "--json":
            assert json.loads(found.stdout.decode(encoding))[0]["input"] == str(path)


def test_ctrl_c_stops_without_a_trace(tmp_path):
    once = shapes.encoded("circle", 0, "JPEG", 400)
    for number in range(3000):  # different contents, quick to make
        path = tmp_path / "photos" / ("a" if number % 2 else "b") / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(once + number.to_bytes(4, "big"))
    cache = tmp_path / "cache"
    environment = {**os.environ, "GRAFT_CACHE": str(cache)}
    process = subprocess.Popen(
        [*GRAFT, "fit", "photos", "--json"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # What runs in the background of a shell has Ctrl-C switched off, and hands that down.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while not (cache / "embeddings.sqlite-wal").exists() and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert process.returncode == 130
    assert out == b""
    assert b"Traceback" not in err
    assert b"Stopped" in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "photos"]


def test_an_export_that_is_stopped_leaves_nothing_and_says_so(saved, tmp_path):
    process = subprocess.Popen(
        [*GRAFT, "export", saved, "--to", "onnx", "-o", tmp_path / "out"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while not list(tmp_path.iterdir()) and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert (process.returncode, out) == (130, b"")
    assert b"Traceback" not in err
    assert b"Stopped. Nothing was written." in err
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_that_was_lost_is_heard_at_the_next_step():
    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with output.progress_bar() as tell:
            tell("fit", 0, 2)
            with contextlib.suppress(KeyboardInterrupt):  # as modules written in C do while they are loaded
                signal.raise_signal(signal.SIGINT)
            with pytest.raises(KeyboardInterrupt):
                tell("fit", 1, 2)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with output.progress_bar() as tell:
            signal.raise_signal(signal.SIGINT)
            tell("fit", 1, 2)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_full_disk_leaves_the_old_model_whole(graft, photos, model, tmp_path):
    target = tmp_path / "m.graft"
    model.save(target)
    before = {path.name: path.read_bytes() for path in target.iterdir()}

    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))

    # What Python keeps of a module would be cut off as well, and taken for whole by the next process.
    no_bytecode = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    found = graft("fit", photos, "-o", target, "--overwrite", "--json", preexec_fn=small_files, env=no_bytecode)
    assert found.returncode == 1
    error = json.loads(found.stdout)["error"]
    assert error["code"] == "bundle"
    assert "cannot be saved" in error["message"]
    assert error["hint"]
    assert {path.name: path.read_bytes() for path in target.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["m.graft"]


def test_a_cache_that_cannot_be_used_is_a_warning(graft, photos, tmp_path):
    (tmp_path / "file").write_text("")
    environment = {**os.environ, "GRAFT_CACHE": str(tmp_path / "file")}
    found = graft("fit", photos, "-o", tmp_path / "m.graft", "--json", env=environment)
    assert found.returncode == 0
    assert any("cache" in warning for warning in json.loads(found.stdout)["warnings"])


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="no pseudo-terminals on this system")
@pytest.mark.parametrize("command", ["fit", "predict"])
def test_progress_goes_to_the_terminal_and_results_to_the_file(saved, photos, tmp_path, command):
    leader, follower = os.openpty()
    arguments = {"fit": [photos, "-o", tmp_path / "m.graft"], "predict": [saved, photos]}[command]
    environment = {**os.environ, "TERM": "xterm-256color", "GRAFT_CACHE": str(tmp_path / "cache")}
    with (tmp_path / "out.txt").open("wb") as file:
        process = subprocess.Popen(
            [*GRAFT, command, *map(str, arguments)], stdout=file, stderr=follower, env=environment
        )
        os.close(follower)
        shown = b""
        while chunk := read(leader):
            shown += chunk
        assert process.wait() == 0
    os.close(leader)
    out = (tmp_path / "out.txt").read_text()
    assert {"fit": b"Embedding", "predict": b"Predicting"}[command] in shown
    assert b"circle" not in shown
    assert "\x1b" not in out
    assert len(out.splitlines()) == 36 if command == "predict" else "36 photos in 3 classes" in out


def read(leader):
    try:
        return os.read(leader, 65536)
    except OSError:  # the other end is closed
        return b""


def test_ctrl_c_before_the_command_line_is_loaded_leaves_no_traceback():
    """The signal comes while nothing but the entry is there, and once more when everything is."""
    program = "import graft.__main__, os, signal; os.kill(os.getpid(), signal.SIGINT)"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert (found.returncode, found.stdout, found.stderr) == (-signal.SIGINT, b"", b"")
    loaded = (
        "import graft.__main__ as entry, graft.cli, os, signal, sys; "
        "graft.cli._run = lambda _: os.kill(os.getpid(), signal.SIGINT); "
        "sys.argv = ['graft']; "
        "entry.main()"
    )
    found = subprocess.run([sys.executable, "-c", loaded], capture_output=True, check=False)
    assert b"KeyboardInterrupt" in found.stderr  # the handler is Python's own again, and _run catches what it raises


def test_what_is_pasted_works(monkeypatch, tmp_path):
    place = tmp_path / "Küche & Büro.graft"
    for argv, which, program in (
        (".venv/bin/graft", None, ".venv/bin/graft"),
        ("/opt/my tools/graft", None, "'/opt/my tools/graft'"),
        ("/usr/bin/graft", "/usr/bin/graft", "graft"),
        ("/usr/lib/pytest", None, "graft"),
        ("/x/graft/__main__.py", sys.executable, f"{Path(sys.executable).name} -m graft"),
    ):
        monkeypatch.setattr(sys, "argv", [argv])
        monkeypatch.setattr("shutil.which", lambda _, which=which: which)
        said = output.pasted("predict", place, "a\x1b[2J")
        assert said.startswith(f"{program} predict ")
        assert shlex.split(said)[-2] == str(place)
        assert "\x1b" not in said


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="no pseudo-terminals on this system")
@pytest.mark.parametrize("plain", [True, False])
def test_no_color_holds_for_errors_too(tmp_path, plain):
    leader, follower = os.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", **({"NO_COLOR": "1"} if plain else {})}
    subprocess.run([*GRAFT, "fit", tmp_path / "none"], stderr=follower, env=environment, check=False)
    os.close(follower)
    shown = os.read(leader, 65536)
    os.close(leader)
    assert b"There is nothing at" in shown
    assert bool(re.search(rb"\x1b\[[0-9;]+m", shown)) is not plain


def test_what_was_typed_drives_no_terminal(run, tmp_path):
    hostile = "x\x1b]0;owned\x07\x9b2J"
    for words in (["fit", tmp_path / hostile], ["predict", hostile, hostile], ["fit", f"--{hostile}"], [hostile]):
        for flag in ([], ["--json"]):
            found = run(*words, *flag)
            assert found.code in (1, 2)
            assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", found.out + found.err)


def test_nothing_is_printed_past_what_makes_it_safe():
    for path in Path(command_line.__file__).parent.glob("*.py"):
        printed = re.findall(r"click\.echo\(", path.read_text("utf-8"))
        assert len(printed) == (2 if path.name == "output.py" else 0), path.name


def test_a_path_that_was_misspelt(run, tmp_path, saved, photos):
    (tmp_path / "photos").symlink_to(photos)
    (tmp_path / "messages.csv").write_text("text,label\n")
    (tmp_path / "mine.journal").write_text("")
    for words, meant in (
        (["fit", tmp_path / "fotos"], "photos"),
        (["fit", tmp_path / "photso" / "circle"], "photos/circle"),
        (["fit", tmp_path / "messages"], "messages.csv"),
        (["fit", tmp_path / "Messages.CSV"], "messages.csv"),
        (["fit", tmp_path / "photos", "--journal", tmp_path / "mnie.journal"], "mine.journal"),
        (["predict", saved, tmp_path / "photos" / "circel" / "000.png"], "photos/circle/000.png"),
    ):
        found = run(*words)
        assert found.code == 1
        assert f"Did you mean {tmp_path / meant}?" in found.err + found.out
    assert "Did you mean" not in run("fit", tmp_path / "xyzzy" / "plugh").err
