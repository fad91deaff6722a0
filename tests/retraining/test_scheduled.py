"""The crontab line and the workflow of the page, run as cron and Actions run them: monitor's exit code decides."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import graft
from graft.bundle import version_of
from graft.monitoring.log import PredictionLog
from graft.monitoring.log_format import LoggedModel
from graft.retraining.decisions import decisions_of
from months import data, month, written

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed: pip install 'graft-learn[push]'")
PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs" / "retrain.md").read_text(encoding="utf-8")
SOURCE = Path(graft.__file__).parents[1]


def block(language: str) -> str:
    """The one block of the page in a language."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


def log_of(model: Path, path: Path, *, changed: bool, n: int = 240) -> None:
    """A log of items like those that the model was fitted to, or of far others."""
    fitted = graft.load(model)
    photos = data(month(2000, 60 if not changed else 1))
    chunks = [(chunk, list(fitted.answers(chunk))) for chunk in fitted.chunks(photos.items)]
    log = PredictionLog(path, LoggedModel.of(model, fitted.classes, fitted.classifier))
    for chunk, answers in chunks:
        log.append(chunk.embedded.x, answers, chunk.embedded.digests)
    if changed:
        rows = np.abs(np.random.default_rng(0).normal(0, 1, (n, fitted.encoder.dim))).astype(np.float32)
        answers = fitted.classifier.predictions(fitted.classes, fitted.classifier.answer(rows))
        log.append(rows, answers, [f"{row:032}" for row in range(n)])


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``graft`` as an installation has it, with this very package and the tests' cache."""
    place = tmp_path_factory.mktemp("bin") / "graft"
    cache = os.environ["GRAFT_CACHE"]
    place.write_text(f'#!/bin/sh\nGRAFT_CACHE={cache} PYTHONPATH={SOURCE} exec {sys.executable} -m graft "$@"\n')
    place.chmod(0o755)
    return place


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory, poor: Path) -> Path:
    """A model, what it is to learn from, and two logs; nobody writes into it."""
    root = tmp_path_factory.mktemp("doors")
    shutil.copytree(poor, root / "doors.graft")
    written(root / "photos", month(0, 8, wrong=0.7), month(100, 30))
    for name in ("quiet", "changed"):
        log_of(root / "doors.graft", root / f"{name}.log", changed=name == "changed")
    return root


def laid_out(doors: Path, to: Path, log: str) -> Path:
    shutil.copytree(doors, to)
    (to / f"{log}.log").rename(to / "doors.log")
    return to


@pytest.mark.parametrize("log", ["quiet", "changed"])
def test_the_crontab_line_runs_from_nowhere_without_an_environment(doors, program, tmp_path, log):
    (line,) = block("crontab").splitlines()
    assert re.match(r"(\S+ ){5}/opt/graft/bin/graft monitor ", line)
    assert "%" not in line
    root = laid_out(doors, tmp_path / "srv", log)
    before = version_of(root / "doors.graft")
    command = line.split(" ", 5)[5].replace("/opt/graft/bin/graft", str(program)).replace("/srv/doors", str(root))
    found = subprocess.run(["env", "-i", "/bin/sh", "-c", command], cwd="/", capture_output=True, check=False)
    assert (found.returncode, found.stdout, found.stderr) == (0, b"", b"")
    assert (root / "monitor.txt").stat().st_size
    assert decisions_of(root / "doors.graft").exists() is (log == "changed")
    assert (version_of(root / "doors.graft") != before) is (log == "changed")
    if log == "changed":
        assert "The new model ships" in (root / "retrain.txt").read_text()


class Steps:
    """The ``run`` steps of the job, each in a shell as Actions starts it."""

    def __init__(self, root: Path, program: Path) -> None:
        self.root, self.outputs, self.ran = root, {}, []
        self.path = f"{program.parent}:{os.environ['PATH']}"
        self.output = root.parent / "output"

    def run(self, steps: list[dict]) -> int:
        for step in steps:
            if "run" not in step or step["name"] == "Install":
                continue
            if not self.wanted(step.get("if", "")):
                continue
            self.output.write_text("")
            script = self.root.parent / "step.sh"
            script.write_text(step["run"])
            done = subprocess.run(
                ["bash", "--noprofile", "--norc", "-eo", "pipefail", script],
                cwd=self.root,
                env={
                    "PATH": self.path,
                    "GITHUB_OUTPUT": str(self.output),
                    "HEARTBEAT": "",
                    "HOME": str(self.root.parent),
                },
                capture_output=True,
                check=False,
            )
            self.ran.append(step["name"])
            if done.returncode:
                return done.returncode
            named = dict(line.split("=", 1) for line in self.output.read_text().splitlines())
            self.outputs[step.get("id", "")] = named
        return 0

    def wanted(self, condition: str) -> bool:
        if not condition:
            return True
        found = re.fullmatch(r"steps\.(\w+)\.outputs\.(\w+) == '(\w*)'", condition)
        assert found, f"the tests do not know what {condition} means"
        return self.outputs.get(found[1], {}).get(found[2], "") == found[3]


def repository(root: Path) -> Path:
    """The folder as a clone of a repository that can be pushed to."""
    remote = root.parent / "remote.git"
    for words in (
        ["init", "-q", "--bare", "-b", "main", str(remote)],
        ["init", "-q", "-b", "main", str(root)],
        ["-C", str(root), "add", "--all"],
        ["-C", str(root), "-c", "user.name=o", "-c", "user.email=o@example.org", "commit", "-qm", "All"],
        ["-C", str(root), "remote", "add", "origin", str(remote)],
        ["-C", str(root), "push", "-q", "-u", "origin", "main"],
    ):
        subprocess.run(["git", *words], check=True, capture_output=True)
    return remote


@pytest.mark.parametrize(
    ("log", "better", "ran"),
    [
        ("quiet", True, ["Watch", "Say that it ran"]),
        ("changed", True, ["Watch", "Retrain", "Keep", "Put to use", "Say that it ran"]),
        ("changed", False, ["Watch", "Retrain", "Keep", "Say that it ran"]),
    ],
)
def test_the_workflow_retrains_on_an_alarm_and_only_then(doors, program, tmp_path, log, better, ran):
    workflow = yaml.safe_load(block("yaml"))
    root = laid_out(doors, tmp_path / "clone", log)
    if not better:
        shutil.rmtree(root / "photos")
        written(root / "photos", month(0, 8, wrong=0.7))
    remote = repository(root)
    steps = Steps(root, program)
    code = steps.run(workflow["jobs"]["retrain"]["steps"])
    assert (code, steps.ran) == (0, ran)
    commits = subprocess.run(["git", "-C", str(remote), "rev-list", "--count", "main"], capture_output=True, check=True)
    assert int(commits.stdout) == (2 if log == "changed" else 1)
    if log == "changed":
        assert json.loads((root / "retrain.json").read_text())["shipped"] is better
        kept = ["git", "-C", str(remote), "show", "main:doors.graft.decisions.jsonl"]  # what decided pays the next time
        assert json.loads(subprocess.run(kept, capture_output=True, check=True).stdout)["shipped"] is better


def test_what_goes_wrong_fails_the_job(doors, program, tmp_path):
    root = laid_out(doors, tmp_path / "clone", "quiet")
    (root / "doors.log").unlink()
    steps = Steps(root, program)
    assert steps.run(yaml.safe_load(block("yaml"))["jobs"]["retrain"]["steps"]) == 1
    assert steps.ran == ["Watch"]


def test_the_workflow_keeps_runs_apart_and_waits_for_no_push():
    workflow = yaml.safe_load(block("yaml"))
    assert workflow["concurrency"] == {"group": "retrain", "cancel-in-progress": False}
    assert workflow[True].keys() == {"schedule", "workflow_dispatch"}  # YAML 1.1 takes "on" for a truth value
    assert "60 days" in PAGE
    names = [step.get("name") for step in workflow["jobs"]["retrain"]["steps"]]
    assert names.index("Put to use") > names.index("Keep")
