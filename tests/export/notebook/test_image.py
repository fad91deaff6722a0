"""An export of a notebook: what lies in the folder, and what its two ways to start it do on a machine like Lambda's."""

from __future__ import annotations

import base64
import json
import os
import shutil
import sys
import tempfile
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest

pytest.importorskip("nbclient", reason="it runs notebooks: pip install 'graft-learn[notebooks]'")

import graft
import graft.cli as command_line
from dockerfiles import instructions
from graft.errors import ExportError, OutputExists, UsageError
from graft.export.notebook import export_notebook
from graft.export.options import TargetOptions
from graft.export.verifying import verify
from graft.notebooks.function import handler
from notebook_files import notebook_file
from serverless import alone, can_be_alone, function, over_http

SOURCES = (
    "md:# Doubles",
    "n = 3\ntoken = ''",
    "import sklearn, nowhere_at_all, beside\nimport IPython.display",
)
WORKS = (
    "n = 3\ntoken = ''\nwait = 0",
    "import time\ntime.sleep(wait)\nopen('doubled.txt', 'w').write(str(2 * n))\nprint('with', token)",
    "assert n < 10, f'{n} is too large'",
)
SECRET = "hidden-from-everybody"
OWN = str(Path(graft.__file__).parents[1])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A notebook with a module, a list of packages and a hidden file beside it."""
    place = tmp_path_factory.mktemp("source")
    (place / "beside.py").write_text("")
    (place / "requirements.txt").write_text("# more\nhumanize==4.9.0  # of numbers\n")
    (place / ".env").write_text("SECRET")
    return notebook_file(place / "Doubles of n.ipynb", *SOURCES)


@pytest.fixture(scope="module")
def image(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("image") / "doubles"
    done = export_notebook(folder, "docker", place)
    assert (done.notebook, done.names, done.missing) == ("doubles-of-n.ipynb", ("n", "token"), ("nowhere_at_all",))
    return place


@pytest.fixture(scope="module")
def works(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The function of a notebook that works."""
    place = tmp_path_factory.mktemp("works")
    done = export_notebook(notebook_file(place / "doubles.ipynb", *WORKS), "serverless", place / "function")
    return done.path


def steps(image: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, rest in instructions((image / "Dockerfile").read_text()):
        found.setdefault(name, []).append(rest)
    return found


def environment(image: Path) -> dict[str, str]:
    """What ENV says, with the image's folder as it is here."""
    words = " ".join(steps(image)["ENV"]).split()
    (home,) = steps(image)["WORKDIR"]
    return {name: value.replace(home, str(image)) for name, _, value in (word.partition("=") for word in words)}


def test_the_folder_holds_the_notebook_what_lies_beside_it_and_what_it_imports(image: Path):
    assert sorted(path.name for path in (image / "notebook").iterdir()) == [
        "beside.py", "doubles-of-n.ipynb", "requirements.txt"
    ]  # fmt: skip
    lines = (image / "requirements-image.txt").read_text().splitlines()
    assert {line.partition("==")[0] for line in lines} >= {
        "scikit-learn",
        "humanize",
        "ipykernel",
        "nbclient",
        "uvicorn",
    }
    assert not [line for line in lines if line.startswith(("torch", "nowhere", "beside", "ipython-display"))]
    assert len({line.partition("==")[0].lower() for line in lines}) == len(lines)
    (wheel,) = image.glob("*.whl")
    assert lines[-1].startswith(f"./{wheel.name}[")
    with zipfile.ZipFile(wheel) as archive:
        assert "graft/notebooks/function.py" in archive.namelist()
        (told,) = [name for name in archive.namelist() if name.endswith("METADATA")]
        extras = message_from_bytes(archive.read(told)).get_all("Provides-Extra")
    assert set(lines[-1].partition("[")[2][:-1].split(",")) <= set(extras)


def test_its_dockerfile_copies_what_is_there_and_starts_without_a_shell(image: Path, works: Path):
    for place in (image, works):
        found = steps(place)
        copied = {word for rest in found["COPY"] for word in rest.split()[1:-1]}
        assert all((place / name).exists() for name in copied)
        kept = {line[1:] for line in (place / ".dockerignore").read_text().splitlines()[1:]}
        assert kept == {name.rstrip("/") for name in copied}
        assert found["USER"] == ["1000:1000"]
        assert all(rest.startswith("[") for name in ("RUN", "ENTRYPOINT") for rest in found[name])
    assert steps(image)["CMD"] == ['["serve", "--notebook", "/opt/graft/notebook/doubles-of-n.ipynb"]']
    assert steps(works)["FROM"] == ["public.ecr.aws/lambda/python:3.13"]
    assert (image / "compose.yaml").is_file()


def test_every_file_can_be_read_by_any_other_user(image: Path):
    assert all(path.stat().st_mode & 0o004 for path in image.rglob("*"))


def test_verify_compares_its_files_and_runs_nothing(image: Path, tmp_path: Path, capsys):
    found = verify(image)
    assert found.ok
    assert found.to_dict()["notebook"] == "doubles-of-n.ipynb"
    assert found.to_dict()["agreement"] is None
    copy = Path(shutil.copytree(image, tmp_path / "copy"))
    (copy / "notebook" / "beside.py").write_text("import os")
    assert verify(copy).to_dict()["files"]["changed"] == ["notebook/beside.py"]
    assert command_line.exit_code(["verify", str(copy)]) == 3
    assert "Not ok" in capsys.readouterr().out
    with pytest.raises(UsageError, match="--install"):
        verify(image, installing=True)
    told = json.loads((copy / "certificate.json").read_text())
    (copy / "certificate.json").write_text(json.dumps({**told, "hashes": {"../x": "0" * 64}}))
    with pytest.raises(ExportError, match="leads out"):
        verify(copy)


def test_an_export_is_replaced_only_where_that_was_said(image: Path, folder: Path):
    with pytest.raises(OutputExists, match="--overwrite"):
        export_notebook(folder, "docker", image)
    before = (image / "certificate.json").read_bytes()
    export_notebook(folder, "docker", image, overwrite=True)
    assert (image / "certificate.json").read_bytes() == before


@pytest.mark.parametrize("target", ["onnx", "browser", "space", "nowhere"])
def test_other_targets_refuse_a_notebook_by_name(folder: Path, tmp_path: Path, target: str, capsys):
    assert command_line.exit_code(["export", str(folder), "--to", target, "-o", str(tmp_path / "x")]) in (1, 2)
    said = capsys.readouterr().err
    assert f"--to {target}" in said
    assert "--to serverless or docker" in said
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (["--to", "docker", "--precision", "fp16"], "--precision"),
        (["--to", "docker", "--data", "."], "--data"),
        (["--to", "docker", "--multi-label"], "--multi-label"),
        (["--to", "docker", "--train"], "--train"),
        (["--to", "serverless", "--gpu"], "--gpu"),
        (["--to", "serverless", "--python", "3.9"], "3.9"),
        (["--to", "serverless", "--output-prefix", "answers/"], "s3://"),
        (["--to", "serverless", "--output-prefix", "s3://bucket/a b/"], "a setting of an image"),
        (["--to", "serverless", "--output-prefix", "s3://bucket/$HOME/"], "a setting of an image"),
        (["--to", "serverless", "--output-prefix", "s3://bucket/a\nRUN evil/"], "folder"),
    ],
)
def test_what_is_for_models_is_refused_by_name(folder: Path, tmp_path: Path, capsys, given: list[str], named: str):
    assert command_line.exit_code(["export", str(folder), "-o", str(tmp_path / "x"), *given]) in (1, 2)
    assert named in capsys.readouterr().err


def test_what_an_image_cannot_have_is_refused(tmp_path: Path):
    for name, made in (("link", "symlink"), ("listed", "-e .\n")):
        place = tmp_path / name
        place.mkdir()
        note = notebook_file(place / "n.ipynb", "n = 1")
        if made == "symlink":
            (place / "data").symlink_to(tmp_path)
        else:
            (place / "requirements.txt").write_text(made)
        with pytest.raises(UsageError, match=r"link|requirements\.txt"):
            export_notebook(note, "docker", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_name_that_is_a_sign_of_the_templates_stays(tmp_path: Path):
    (tmp_path / "source").mkdir()
    note = notebook_file(tmp_path / "source" / "READ_MORE_NAMES.ipynb", "n = 1")
    options = TargetOptions(output_prefix="s3://bucket/MORE/")
    done = export_notebook(note, "serverless", tmp_path / "out", options=options)
    assert environment(done.path)["GRAFT_NOTEBOOK"] == str(done.path / "notebook" / note.name)
    assert environment(done.path)["GRAFT_OUTPUT_PREFIX"] == "s3://bucket/MORE/"
    assert note.name in (done.path / "README.md").read_text()
    (tmp_path / "source" / "requirements.txt").write_bytes(b"caf\xe9==1.0\n")
    with pytest.raises(UsageError, match="not in UTF-8"):
        export_notebook(note, "docker", tmp_path / "other")


def test_on_a_graphics_processor_it_brings_torch(folder: Path, tmp_path: Path):
    pytest.importorskip("torch", reason="its version here is the one that is pinned")
    done = export_notebook(folder, "docker", tmp_path / "gpu", options=TargetOptions(gpu=True))
    assert [line for line in done.requirements if line.startswith("torch==")]
    assert steps(done.path)["FROM"][0].startswith("nvidia/cuda")


def test_an_event_of_lambda_gives_parameters_and_nothing_is_left(works: Path, request: pytest.FixtureRequest):
    tmp_path = Path(tempfile.mkdtemp(prefix="g"))  # a kernel's sockets need a short name, as TMPDIR in a function has
    request.addfinalizer(lambda: shutil.rmtree(tmp_path, ignore_errors=True))
    tmp_path.chmod(0o777)  # for another user
    before = alone(tmp_path) if can_be_alone(tmp_path) else ()
    own = {**environment(works), "HOME": "/nowhere", "GRAFT_CACHE": str(tmp_path / "cache"), "PYTHONPATH": OWN}
    command = ("-m", "graft.notebooks.function")
    with function(works, tmp_path, python=sys.executable, command=command, before=before, **own) as call:
        said = call({"parameters": {"n": 4, "token": SECRET}})
        assert (said["ok"], said["error"], said["notebook"], said["files"]) == (
            True,
            None,
            "doubles.ipynb",
            ["doubled.txt"],
        )
        assert base64.b64decode(said["contents"]["doubled.txt"]) == b"8"
        assert json.loads(base64.b64decode(said["contents"]["doubles.ipynb"]))["nbformat"] == 4
        assert SECRET not in base64.b64decode(said["contents"]["doubles.ipynb"]).decode()
        assert {"seconds", "models", "shell", "warnings", "left_out"} < said.keys()

        failed = call({"parameters": {"n": 12}})
        assert (failed["ok"], failed["error"]["cell"]) == (False, 3)
        assert call({"parameters": {"m": 1}})["error"]["name"] == "usage"
        limited = call({"parameters": {"wait": 1000}, "time_limit": 3})
        assert limited["error"]["name"] == "TimeLimit"
        assert call({"Records": []})["code"] == "usage"

        # A function URL may be open to everybody: without a key nothing runs.
        assert call(over_http('{"parameters": {}}'))["statusCode"] == 401
        assert not [path for path in tmp_path.iterdir() if path.name.startswith("graft-run")]
    assert SECRET not in call.log


def test_over_http_the_key_is_asked_for(works: Path, monkeypatch: pytest.MonkeyPatch):
    from graft.notebooks.function import handler

    monkeypatch.setenv("GRAFT_NOTEBOOK", str(works / "notebook" / "doubles.ipynb"))
    monkeypatch.setenv("GRAFT_KEY", SECRET)

    def status(event: dict) -> int:
        return handler(event, None)["statusCode"]

    key = {"Authorization": f"Bearer {SECRET}"}
    assert status(over_http("{}")) == status(over_http("{}", Authorization="Bearer other")) == 401
    assert status(over_http("{}", method="GET", **key)) == 405
    assert status(over_http("{", **key)) == 400
    assert status(over_http('{"more": 1}', **key)) == 422
    body = base64.b64encode(b'{"parameters": {"n": 5}}').decode()
    said = handler(over_http(body, flag=True, **key), None)
    assert said["statusCode"] == 200
    assert base64.b64decode(json.loads(said["body"])["contents"]["doubled.txt"]) == b"10"
    assert "GRAFT_KEY" in os.environ


def test_what_a_run_leaves_goes_to_its_address(works: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    pytest.importorskip("obstore")
    from graft.notebooks.function import handler

    monkeypatch.setenv("GRAFT_NOTEBOOK", str(works / "notebook" / "doubles.ipynb"))
    monkeypatch.setenv("GRAFT_OUTPUT_PREFIX", (tmp_path / "runs").as_uri())
    (tmp_path / "runs").mkdir()
    said = handler({"parameters": {"n": 6}}, None)
    assert said["output"] == f"{(tmp_path / 'runs').as_uri()}/run"
    assert (tmp_path / "runs" / "run" / "doubled.txt").read_text() == "12"


@pytest.mark.parametrize(
    "about", [{"body": {"parameters": {}}}, {"body": "{"}, {"body": "[" * 99_999}, {"headers": []}]
)
def test_requests_that_are_none_are_refused_before_anything_runs(monkeypatch, about):
    monkeypatch.setenv("GRAFT_NO_KEY", "1")
    said = handler({**over_http("[]"), **about}, None)
    assert said["statusCode"] == (422 if "headers" in about else 400)
    assert json.loads(said["body"])["hint"]
    for event in ({"requestContext": None}, {"requestContext": {"http": "POST"}}, [], None):
        assert handler(event, None)["error"]["message"].startswith("What was sent is no object")


def test_a_refusal_says_nothing_of_the_folder_in_which_it_was_tried(monkeypatch, tmp_path: Path):
    path = notebook_file(tmp_path / "colab.ipynb", "from google.colab import drive")
    monkeypatch.setenv("GRAFT_NOTEBOOK", str(path))
    said = json.dumps(handler({}, None))
    assert "cannot run here" in said
    assert "graft-run" not in said
