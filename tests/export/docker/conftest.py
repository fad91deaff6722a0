"""The folder of an image, written once."""

from __future__ import annotations

from pathlib import Path

import pytest

import graft
from graft.export.exporting import export_model
from graft.export.options import TargetOptions


@pytest.fixture(scope="session")
def docker_folder(model: graft.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model of shapes for an image. Nobody writes into it."""
    folder = tmp_path_factory.mktemp("exports") / "docker"
    export_model(model, "docker", folder)
    return folder


@pytest.fixture(scope="session")
def gpu_folder(model: graft.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same for one with a graphics processor."""
    folder = tmp_path_factory.mktemp("exports") / "docker-gpu"
    export_model(model, "docker", folder, options=TargetOptions(gpu=True))
    return folder
