"""A Space that several tests look at."""

from pathlib import Path

import pytest

import graft
from graft.export.exporting import export_model


@pytest.fixture(scope="session")
def space(model: graft.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model of shapes as a Space. Nobody writes into it."""
    folder = tmp_path_factory.mktemp("spaces") / "shapes space"
    export_model(model, "space", folder)
    return folder
