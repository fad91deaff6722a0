"""The function as it leaves: real packages from the index, unzipped, on the Python and the machine that it is for."""

import shutil
import subprocess
import zipfile

import numpy as np
import pytest

import dockerfiles
import serverless
import shapes
from export.serverless.test_function import alike, encoded, said
from graft.decoding.sound import wav_bytes
from graft.export.building import exact
from graft.export.exporting import export_model
from graft.export.options import TargetOptions
from serverless import over_http

ITEMS = {
    "model": shapes.encoded("square", 96),
    "sound_model": wav_bytes(np.sin(np.arange(8000) / 9, dtype=np.float32) / 3, 16_000),
}


def interpreter():
    """A Python that functions have, and its version."""
    for version in ("3.13", "3.12"):
        found = shutil.which(f"python{version}")
        if found and subprocess.run([found, "-m", "pip", "--version"], capture_output=True).returncode == 0:
            return found, version
    pytest.skip("there is no Python 3.13 or 3.12 here")


@pytest.mark.installs
@pytest.mark.parametrize("kind", ["model", "sound_model"])
def test_the_zip_runs_alone_on_the_python_that_it_is_for(kind, request, tmp_path):
    python, version = interpreter()
    model = request.getfixturevalue(kind)
    dockerfiles.need_index(tmp_path)
    exported = export_model(model, "serverless", tmp_path / "function", options=TargetOptions(python=version))
    facts = exported.added.facts
    assert facts["unzipped_bytes"] <= 150e6
    assert facts["way"] == "zip"
    task, client, temporary = (tmp_path / name for name in ("task", "client", "tmp"))
    with zipfile.ZipFile(tmp_path / "function" / "function.zip") as archive:
        archive.extractall(task)
    pip = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--target", str(client)]
    subprocess.run([*pip, "awslambdaric>=3.0"], check=True, capture_output=True)
    temporary.mkdir(mode=0o777)
    temporary.chmod(0o777)
    before = serverless.alone(temporary) if serverless.can_be_alone(temporary) else ()
    with serverless.function(task, temporary, python=python, before=before, PYTHONPATH=str(client)) as ask:
        (found,) = said(ask(over_http(encoded(ITEMS[kind]), flag=True)))["predictions"]
    (tmp_path / "item").write_bytes(ITEMS[kind])
    alike(found, exact(model).predict_one(tmp_path / "item").to_dict())
    assert ask.log == ""
    assert list(temporary.iterdir()) == []
