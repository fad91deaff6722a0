"""Exports that several tests look at, each made once, and how a graph is asked."""

from pathlib import Path

import pytest

import graft
from graft.export.building import exact
from graft.export.exporting import export_model


@pytest.fixture(scope="session")
def model_in_f32(model: graft.Model) -> graft.Model:
    """The model of shapes, in the precision of its export."""
    return exact(model)


@pytest.fixture(scope="session")
def exported(model: graft.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That model as an ONNX graph. Nobody writes into it."""
    folder = tmp_path_factory.mktemp("exports") / "shapes"
    export_model(model, "onnx", folder)
    return folder
