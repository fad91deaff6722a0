"""The example notebooks run from their first cell to their last, with other values and with what was installed."""

import shutil
from pathlib import Path

import pytest

from graft.notebooks import run_notebook
from notebook_files import printed

PROJECT = Path(__file__).parents[2]
FAST = {"photos": {"N": "48", "TUNE_SECONDS": "0"}, "texts": {"TUNE_SECONDS": "0"}, "recordings": {}}
NEEDED = {"photos": ("onnx",), "texts": ("onnx", "tokenizers"), "recordings": ("onnx", "livekit.wakeword")}


@pytest.mark.parametrize("name", FAST)
def test_it_runs_to_its_end_and_leaves_a_model_and_an_export(name: str, tmp_path: Path):
    for module in ("nbclient", *NEEDED[name]):
        pytest.importorskip(module)
    path = Path(shutil.copy(PROJECT / "notebooks" / f"{name}.ipynb", tmp_path))
    ran = run_notebook(path, FAST[name], output=tmp_path / "ran", time_limit=600)
    assert ran.error is None, ran.error
    assert ran.shell == ()
    assert [model.name for model in ran.models] == [f"{name}.graft"]
    left = {file.relative_to(ran.notebook.parent).as_posix() for file in ran.files}
    assert {f"{name}-out/report.html", f"{name}-out/onnx/model.onnx", f"{name}-out/findings.csv"} <= left
    said = "".join(printed(ran.notebook))
    assert "answered alike" in said
    assert "Traceback" not in said
