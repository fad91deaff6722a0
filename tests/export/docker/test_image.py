"""The image itself: its Dockerfile's steps in a clean environment, then both entry points as platforms start them."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from dockerfiles import BuiltImage, built, need_index
from serving_checks import wait_until

pytestmark = pytest.mark.installs


@pytest.fixture(scope="module")
def image(docker_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> BuiltImage:
    need_index(tmp_path_factory.mktemp("index"))
    context = tmp_path_factory.mktemp("context") / "docker"
    shutil.copytree(docker_folder, context)
    (context / "model.graft" / "report.json").chmod(0o600)
    return built(context, tmp_path_factory.mktemp("image"))


@pytest.fixture
def served(image: BuiltImage, tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    environment = {"GRAFT_HOST": "127.0.0.1", "PORT": "0", "GRAFT_KEY": "k", "HOME": str(tmp_path)}
    process = image.start("serve", environment=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    address = process.stdout.readline().decode().strip().removesuffix("/docs")
    yield address, process
    if process.poll() is None:
        process.kill()
    process.communicate()


def test_nothing_of_this_environment_is_in_the_image(image: BuiltImage):
    python = image.tools / "python"
    code = (
        "import graft, importlib.util as u; print(graft.__file__); print(u.find_spec('torch'), u.find_spec('pytest'))"
    )
    variables = image.variables()
    done = subprocess.run([python, "-c", code], env=variables, cwd="/", capture_output=True, text=True, check=True)
    place, others = done.stdout.splitlines()
    assert str(image.tools.parent) in place
    assert others == "None None"
    assert image.not_done == []


def test_train_and_then_serve(image: BuiltImage, photos: Path, tmp_path: Path):
    root = tmp_path / "ml"
    shutil.copytree(photos, root / "input" / "data" / "training")
    (root / "input" / "config").mkdir()
    (root / "input" / "config" / "hyperparameters.json").write_text(json.dumps({"seed": '"2"', "sagemaker_job": "x"}))
    environment = {"GRAFT_JOB_ROOT": str(root), "HOME": str(tmp_path / "home")}
    process = image.start("train", environment=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    _, log = process.communicate()
    assert process.returncode == 0, log.decode()
    assert json.loads((root / "model" / "receipt.json").read_text())["rows"] == 36
    assert {path.name for path in (root / "model").iterdir()} == {
        "model.graft",
        "report.html",
        "report.json",
        "receipt.json",
    }
    failed = image.start("train", environment={**environment, "GRAFT_JOB_ROOT": str(tmp_path)}, stderr=subprocess.PIPE)
    assert b"no channel training" in failed.communicate()[1]
    assert failed.returncode == 1
    assert "no channel training" in (tmp_path / "output" / "failure").read_text()


def test_the_files_can_be_read_by_whoever_it_runs_as(image: BuiltImage):
    for path in (image.root / "opt" / "graft").rglob("*"):
        assert path.stat().st_mode & 0o044 == 0o044, path


def test_a_signal_reaches_the_training_itself(image: BuiltImage, photos: Path, tmp_path: Path):
    shutil.copytree(photos, tmp_path / "input" / "data" / "training")
    environment = {"GRAFT_JOB_ROOT": str(tmp_path), "HOME": str(tmp_path / "home")}
    process = image.start("train", environment=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    while not process.stderr.readline().startswith(b"Read"):
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=300)
    assert process.returncode == 143
    assert (tmp_path / "output" / "failure").read_text().startswith("Stopped")


def pinged(address: str) -> int:
    try:
        with urlopen(f"{address}/ping") as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code


def test_the_own_model_answers_and_sigterm_ends_it(served, photos: Path):
    address, process = served
    wait_until(lambda: pinged(address) == 200)
    body = (photos / "circle" / "000.png").read_bytes()
    asked = Request(f"{address}/invocations", body, {"Content-Type": "image/png", "Authorization": "Bearer k"})
    with urlopen(asked) as answer:
        assert json.load(answer)["predictions"][0]["label"] == "circle"
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=300)
    assert process.returncode == 0


def test_without_a_key_it_listens_to_nobody(image: BuiltImage):
    process = image.start(stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert b"there is no key" in process.communicate()[1]
    assert process.returncode == 2
