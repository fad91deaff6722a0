"""``train`` on the folders of a job: what it leaves, what it leaves alone, and how it ends when it is told to."""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
import time
from pathlib import Path

import pytest

import graft
from graft.cli import exit_code
from graft.encoders.cache import Cache
from graft.errors import Cancelled
from graft.training_jobs import JobSettings, JobTree, train
from training_job_trees import MakeTree, contents, started

KEPT = {"model.graft", "report.html", "report.json", "receipt.json"}


def names(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir()} if folder.is_dir() else set()


@pytest.fixture
def no_writing(photos: Path):
    """Takes the right to write from folders, as a mount that is read-only does; root is held by nothing else."""
    changed: list[Path] = []

    def take(folder: Path) -> None:
        for place in (folder, *filter(Path.is_dir, folder.rglob("*"))):
            place.chmod(0o555)
            changed.append(place)

    yield take
    for place in changed:
        place.chmod(0o755)


def test_a_job_leaves_everything_in_the_one_folder(make_tree: MakeTree, photos: Path, tmp_path: Path, no_writing):
    root = make_tree({"training": photos, "test": photos}, seed='"3"', why="False", sagemaker_program='"x.py"')
    (tmp_path / "prices.toml").write_text('[per_hour]\n"ml.m5.xlarge" = 3600.0\n')
    nowhere = tmp_path / "work"
    nowhere.mkdir()
    before = contents(root / "input")
    no_writing(root / "input")
    no_writing(nowhere)
    process = started(root, "--prices", str(tmp_path / "prices.toml"), cwd=nowhere)
    _, log = process.communicate()
    assert process.returncode == 0, log
    assert "sagemaker_program" in log
    assert "begins anew" in log
    assert names(root / "model") == KEPT
    assert contents(root / "input") == before
    assert names(nowhere) == set()
    assert not (root / "output" / "failure").exists()
    report = json.loads((root / "model" / "report.json").read_text())
    assert (report["model"], report["report"]) == ("model.graft", "report.html")  # which lie beside it
    assert report["n_items"] == 72
    assert report["test"]["value"] > 0.9
    receipt = json.loads((root / "model" / "receipt.json").read_text())
    assert receipt["cost"] == pytest.approx(receipt["seconds"])
    assert (receipt["machine"], receipt["currency"]) == ("ml.m5.xlarge", "USD")
    assert receipt["peak_mb"] > 0
    fitted = graft.load(root / "model" / "model.graft")
    assert fitted.recipe.seed == 3
    assert fitted.predict_one(photos / "circle" / "000.png").label == "circle"


def test_a_machine_that_no_platform_names_is_named_where_the_job_begins(photos: Path, tmp_path: Path, capsys):
    (tmp_path / "prices.toml").write_text("[per_hour]\nmine = 3600.0\n")
    told = ["train", "--input", str(photos), "-o", str(tmp_path / "job"), "--prices", str(tmp_path / "prices.toml")]
    assert exit_code(told) == 2
    assert "--machine NAME" in capsys.readouterr().err
    assert exit_code([*told, "--machine", "mine"]) == 0
    receipt = json.loads((tmp_path / "job" / "receipt.json").read_text())
    assert receipt["machine"] == "mine"
    assert receipt["cost"] == pytest.approx(receipt["seconds"])


def test_a_table_a_zip_and_one_named_table(make_tree: MakeTree, photos: Path, tmp_path: Path, capsys):
    packed = Path(shutil.make_archive(str(tmp_path / "photos"), "zip", photos))
    root = make_tree({"train": packed})
    assert exit_code(["train", "--root", str(root), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["receipt"]["rows"] == 36
    two = tmp_path / "two"
    shutil.copytree(photos, two / "photos")
    for name in ("a.csv", "b.csv"):
        rows = [f"photos/{label}/{n:03}.png,{label}\n" for label in ("circle", "square") for n in range(8)]
        (two / name).write_text("path,label\n" + "".join(rows))
    out = tmp_path / "out"
    words = ["train", "--input", str(two), "-o", str(out), "--root", str(tmp_path / "none"), "--set"]
    assert exit_code([*words, "table=a.csv"]) == 0
    assert names(out) == KEPT
    assert exit_code([*words, "table=../a.csv", "-o", str(tmp_path / "other")]) == 1
    assert "no file" in (tmp_path / "other" / "failure").read_text()


@pytest.mark.parametrize(
    ("channels", "settings", "code", "said"),
    [
        (("training",), {"sead": "1"}, 2, "Did you mean seed"),
        (("training",), {"tune": "true", "epochs": "0"}, 2, "epochs must be 1 or more"),
        (("training",), {"tune": "true", "method": "x"}, 2, "no method 'x'"),
        (("training", "extra"), {}, 2, "channel 'extra'"),
        (("training", "train"), {}, 2, "one channel"),
        (("test",), {}, 1, "no channel training"),
    ],
)
def test_what_cannot_be_done_is_said_in_the_failure_file(
    make_tree: MakeTree, photos: Path, channels, settings, code, said, capsys
):
    root = make_tree(dict.fromkeys(channels, photos), **settings)
    assert exit_code(["train", "--root", str(root)]) == code
    reason = (root / "output" / "failure").read_text()
    assert said in reason
    assert not reason.startswith(("Crashed", "Stopped"))
    assert said in capsys.readouterr().err.replace("\n      ", "")
    assert names(root / "model") == set()
    assert names(root / "output") == {"failure"}


def test_streams_and_several_machines_are_refused(make_tree: MakeTree, photos: Path):
    root = make_tree({"training": photos})
    config = root / "input" / "config"
    (config / "inputdataconfig.json").write_text(json.dumps({"training": {"TrainingInputMode": "Pipe"}}))
    assert exit_code(["train", "--root", str(root)]) == 2
    assert "streamed" in (root / "output" / "failure").read_text()
    (config / "inputdataconfig.json").unlink()
    (config / "resourceconfig.json").write_text(json.dumps({"hosts": ["algo-1", "algo-2"]}))
    assert exit_code(["train", "--root", str(root)]) == 2
    assert "2 machines" in (root / "output" / "failure").read_text()
    (config / "hyperparameters.json").write_text("[1]")
    assert exit_code(["train", "--root", str(root)]) == 2
    assert "no JSON object" in (root / "output" / "failure").read_text()


def test_a_model_that_is_there_is_not_written_over(make_tree: MakeTree, photos: Path):
    root = make_tree({"training": photos})
    (root / "model" / "model.graft").mkdir(parents=True)
    assert exit_code(["train", "--root", str(root)]) == 1
    assert names(root / "model") == {"model.graft"}


def test_a_full_disk_leaves_nothing(make_tree: MakeTree, photos: Path, monkeypatch: pytest.MonkeyPatch):
    from graft.training_jobs import training

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    root = make_tree({"training": photos})
    monkeypatch.setattr(training, "sync_folder", full)
    assert exit_code(["train", "--root", str(root)]) == 1
    assert "No space left" in (root / "output" / "failure").read_text()
    assert names(root / "model") == set()


def test_a_crash_is_called_one(make_tree: MakeTree, photos: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    from graft.training_jobs import training

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("oh")

    root = make_tree({"training": photos})
    monkeypatch.setattr(training, "fit", broken)
    assert exit_code(["train", "--root", str(root)]) == 1
    assert (root / "output" / "failure").read_text() == "Crashed: ZeroDivisionError: oh"
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="no SIGTERM there")
def test_sigterm_stops_it_and_the_next_start_goes_on(make_tree: MakeTree, photos: Path):
    root = make_tree({"training": photos})
    (root / "checkpoints").mkdir()
    process = started(root)
    log = ""
    assert process.stderr is not None
    while not log.startswith("Read") and process.poll() is None:
        log = process.stderr.readline()
    process.send_signal(signal.SIGTERM)
    _, rest = process.communicate()
    assert process.returncode == 143, rest
    failure = (root / "output" / "failure").read_text()
    assert failure.startswith("Stopped:")
    assert "checkpoints" in failure
    assert "Traceback" not in rest
    assert names(root / "model") == set()
    kept = names(root / "checkpoints")
    again = started(root)
    _, log = again.communicate()
    assert again.returncode == 0, log
    assert names(root / "model") == KEPT
    assert kept <= names(root / "checkpoints") | {"embeddings.sqlite-wal", "embeddings.sqlite-shm"}


def test_checkpoints_of_an_earlier_start_are_told_and_used(make_tree: MakeTree, photos: Path, capsys):
    root = make_tree({"training": photos})
    (root / "checkpoints").mkdir()
    assert exit_code(["train", "--root", str(root)]) == 0
    assert "begins from zero" in capsys.readouterr().err
    shutil.rmtree(root / "model")
    assert exit_code(["train", "--root", str(root), "--json"]) == 0
    said = capsys.readouterr()
    assert "holds what an earlier start embedded" in said.err
    assert json.loads(said.out)["cache"]["hits"] == 36
    shutil.rmtree(root / "model")
    assert names(root / "checkpoints") == {"embeddings.sqlite"}
    (root / "checkpoints" / "embeddings.sqlite").write_bytes(b"half a file")
    assert exit_code(["train", "--root", str(root)]) == 0
    assert "begins from zero" in capsys.readouterr().err


def test_what_was_embedded_before_a_stop_is_not_embedded_again(make_tree: MakeTree, photos: Path):
    root = make_tree({"training": photos})
    (root / "checkpoints").mkdir()
    stop = threading.Event()
    said: list[str] = []

    def say(text: str) -> None:
        said.append(text)
        if text.startswith("embed 16"):
            stop.set()

    with pytest.raises(Cancelled):
        train(JobTree(root), JobSettings(), cancelled=stop, say=say)
    assert names(root / "model") == set()
    kept = sum(Cache(root / "checkpoints").info().entries.values())  # how far it came is the machine's affair
    again: list[str] = []
    done = train(JobTree(root), JobSettings(), say=again.append)
    assert any("goes on from there" in line for line in again)
    cache = done.model.report.cache
    assert kept >= 16
    assert (cache["hits"], cache["misses"]) == (kept, 36 - kept)


@pytest.mark.skipif(os.name == "nt", reason="no SIGTERM there")
def test_work_that_does_not_heed_the_signal_is_ended(tmp_path: Path):
    import subprocess
    import sys

    program = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from graft.training_jobs.stopping import Stopping\n"
        f"stopping = Stopping(lambda: Path({str(tmp_path / 'failure')!r}).write_text('Stopped'), grace=0.01)\n"
        "stopping.heed()\n"
        "print('here', flush=True)\n"
        "while True:\n"
        "    time.sleep(1)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(0)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=300)
    assert process.returncode == 143
    assert (tmp_path / "failure").read_text() == "Stopped"
