"""An export carries its proof: it verifies where nothing was touched, and does not where anything was."""

import json
import shutil

import pytest

from graft.export.verifying import verify


@pytest.fixture
def copied(exported, tmp_path):
    """An export that may be broken."""
    return shutil.copytree(exported, tmp_path / "copy")


def test_an_export_verifies(exported):
    found = verify(exported)
    assert found.ok
    told = found.to_dict()
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert (told["agreement"], told["differing"], told["files"]["missing"]) == (1, [], [])
    assert told["largest_difference"] < 0.005
    assert told["of_files"]["largest_difference"] < 0.02
    assert told["goldens"] == len(list((exported / "goldens").glob("[0-9]*")))
    assert told["versions"]["then"] == told["versions"]["now"]
    assert {"graft", "python", "numpy", "onnxruntime", "pillow"} <= told["versions"]["now"].keys()
