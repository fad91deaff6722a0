"""``azure_job.yml`` and ``azure_job.py``: loaded and validated by Azure's own library, in an environment of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from dockerfiles import need_index

HARNESS = Path(__file__).parents[2] / "azure_submission.py"
VERSION = "azure-ai-ml==1.35.2"
WORDS = ["--subscription", "0" * 8, "--group", "group", "--workspace", "space", "--compute", "cluster"]


@pytest.fixture(scope="module")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that has azure-ai-ml, and not Graft."""
    need_index(tmp_path_factory.mktemp("index"))
    place = tmp_path_factory.mktemp("azure")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place)], check=True)
    python = place / "bin" / "python"
    words = ["--python", str(python), "install", "--quiet", "--disable-pip-version-check", "--no-compile", VERSION]
    done = subprocess.run([sys.executable, "-m", "pip", *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-1000:]
    return python


@pytest.mark.installs
def test_the_library_takes_the_job_and_the_workspace_gets_it(azure: Path, docker_folder: Path, tmp_path: Path):
    (tmp_path / "prices.toml").write_text("[per_hour]\nStandard_DS3_v2 = 0.3\n")
    words = [*WORDS, "--data", "azureml:photos:3", "--image", "registry.example/doors:1", "--set", "seed=3"]
    words += ["--prices", str(tmp_path / "prices.toml"), "--receipt", str(tmp_path / "receipt.json")]
    command = [azure, "-I", HARNESS, docker_folder / "azure_job.py", *words]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert (found["code"], found["passed"]) == (0, True)
    assert Path(found["context"]).resolve() == docker_folder.resolve()  # what the workspace builds the image of
    environment, job = (one["properties"] for one in found["sent"])
    assert environment["image"] == "registry.example/doors:1"
    assert job["command"].startswith("exec graft train --input ${{inputs.training}} --output ${{outputs.model}}")
    assert job["command"].endswith("--set 'seed=3'")
    assert job["computeId"].endswith("/workspaces/space/computes/cluster")
    assert job["inputs"]["training"]["uri"].endswith("/data/photos/versions/3")
    assert job["inputs"]["training"]["mode"] == "ReadOnlyMount"
    assert job["outputs"]["model"]["mode"] == "ReadWriteMount"
    assert job["limits"]["timeout"] == "PT1H"
    receipt = json.loads((tmp_path / "receipt.json").read_text())
    assert (receipt["status"], receipt["machine"], receipt["currency"]) == ("Completed", "Standard_DS3_v2", "USD")
    assert receipt["cost"] == pytest.approx(receipt["seconds"] / 3600 * 0.3, abs=1e-6)
    assert "secret" not in done.stdout + done.stderr


def test_what_only_the_workspace_knows_is_marked_as_yours(docker_folder: Path):
    job = yaml.safe_load((docker_folder / "azure_job.yml").read_text())
    assert job["compute"] == "azureml:YOURS"
    assert job["inputs"]["training"]["path"] == "azureml:YOURS@latest"
    assert job["environment"]["build"] == {"path": ".", "dockerfile_path": "Dockerfile"}
    assert job["command"].startswith("exec ")  # no shell between the signal and the training
    kept = (docker_folder / ".amlignore").read_text().splitlines()
    assert kept[0] == "*"
    assert {"!Dockerfile", "!model.graft/**"} <= set(kept)


def test_values_that_a_shell_would_read_are_refused(docker_folder: Path):
    command = [sys.executable, docker_folder / "azure_job.py", *WORDS, "--data", "x", "--set"]
    for value in ("a='; rm'", "a=$HOME", "a", "a b=c"):
        done = subprocess.run([*map(str, command), value], capture_output=True, text=True)
        assert done.returncode == 2
        assert "NAME=VALUE" in done.stderr
