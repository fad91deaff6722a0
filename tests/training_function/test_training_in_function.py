"""An event that trains: the model at its address is the one that ``graft fit`` saves, whole, and is made once."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

import graft
import shapes
from buckets import S3Server
from graft.buckets import read_bytes, write_bytes
from graft.errors import Busy, DataError, FunctionLimit, GraftError, NothingToRead, TooFewClasses
from graft.model.packed import model_folder, packed
from graft.training_function import train_event
from graft.training_function.runs import last_record

LIMIT = 1 << 26
LABELS = ("circle", "square")
N = 8


class Context:
    """What Lambda gives beside an event."""

    memory_limit_in_mb = "10240"  # a process of tests holds more than one of Lambda

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


def examples(n: int = N) -> list[dict[str, str]]:
    return [
        {"base64": base64.b64encode(shapes.encoded(label, seed)).decode(), "label": label}
        for label in LABELS
        for seed in range(n)
    ]


@pytest.fixture(scope="module")
def address(s3: S3Server) -> str:
    """Where the model of the examples lies, trained once."""
    output = "s3://private/models/drawn.graft.zip"
    train_event({"train": {"examples": examples()}, "output": output})
    return output


@pytest.fixture
def own_temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for temporary files that is empty again afterwards."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    yield tmp_path
    assert list(tmp_path.iterdir()) == []


def is_there(s3: S3Server, address: str) -> bool:
    bucket, _, key = address.removeprefix("s3://").partition("/")
    try:
        s3.client().head_object(Bucket=bucket, Key=key)
    except ClientError:
        return False
    return True


def test_the_model_is_the_one_that_fit_saves_byte_for_byte(address: str, tmp_path: Path) -> None:
    contents = [base64.b64decode(one["base64"]) for one in examples()]
    model = graft.fit(graft.Dataset.from_lists(contents, [one["label"] for one in examples()]), cache=None)
    model.save(tmp_path / "drawn.graft")
    assert read_bytes(address, LIMIT) == packed(tmp_path / "drawn.graft")


def test_beside_it_lie_its_report_and_what_it_took(address: str) -> None:
    stem = address.removesuffix(".zip")
    page = read_bytes(f"{stem}.report.html", LIMIT).decode()
    report, receipt = (json.loads(read_bytes(f"{stem}.{name}.json", LIMIT)) for name in ("report", "receipt"))
    assert page.startswith("<!doctype html>")
    assert report["model"] == address
    assert report["report"] == f"{stem}.report.html"
    assert report["n_items"] == receipt["rows"] == 2 * N
    assert report["seconds"]["read"] > 0
    assert receipt["seconds"] > 0
    assert receipt["encoder"] == report["encoder"]


def test_it_is_loaded_from_its_address_and_answers(address: str) -> None:
    folder = model_folder(address)
    assert folder.name == "drawn.graft"
    assert model_folder(address) == folder
    model = graft.load(folder)
    assert model.predict_one(shapes.encoded("square", 99)).label == "square"


def test_a_repeat_is_answered_as_before_and_trains_nothing(address: str, s3: S3Server) -> None:
    n, record = last_record(address)
    before = s3.client().head_object(Bucket="private", Key="models/drawn.graft.zip")["LastModified"]
    answer = train_event({"train": {"examples": examples()}, "output": address})
    assert answer["repeated"] is True
    assert {**answer, "repeated": False} == {**record["answer"], "repeated": False}
    assert last_record(address)[0] == n
    assert s3.client().head_object(Bucket="private", Key="models/drawn.graft.zip")["LastModified"] == before


def test_a_repeat_trains_where_the_model_is_gone_or_another(s3: S3Server) -> None:
    output = "s3://private/models/gone.graft.zip"
    event = {"train": {"examples": examples(4)}, "output": output}
    train_event(event)
    content = read_bytes(output, LIMIT)
    write_bytes(output, b"of somebody else")
    assert train_event(event)["repeated"] is False
    assert read_bytes(output, LIMIT) == content
    s3.client().delete_object(Bucket="private", Key="models/gone.graft.zip")
    assert train_event(event)["repeated"] is False
    assert train_event({**event, "force": True})["repeated"] is False
    assert read_bytes(output, LIMIT) == content


@pytest.mark.parametrize(
    ("data", "error"),
    [
        ({"examples": examples(2)[:2]}, TooFewClasses),
        ({"examples": [{"base64": "A", "label": "a"}]}, DataError),
        ({"zip": base64.b64encode(b"no zip").decode()}, GraftError),
        ("s3://private/nothing/here/", NothingToRead),
    ],
)
def test_what_cannot_be_trained_leaves_the_good_model(
    data: Any, error: type[GraftError], address: str, own_temporary: Path
) -> None:
    before = read_bytes(address, LIMIT)
    with pytest.raises(error) as told:
        train_event({"train": data, "output": address})
    assert told.value.hint
    assert read_bytes(address, LIMIT) == before
    if error is not NothingToRead:
        assert last_record(address)[1]["error"]["message"] == told.value.message


def test_what_time_does_not_allow_is_said_and_nothing_is_written(s3: S3Server, own_temporary: Path) -> None:
    output = "s3://private/models/short.graft.zip"
    with pytest.raises(FunctionLimit, match=r"Training .* the function") as told:
        train_event({"train": {"examples": examples()}, "output": output}, Context(2.0))
    assert "graft export --to docker" in told.value.hint
    assert "SageMaker" in told.value.hint
    assert not is_there(s3, output)
    assert last_record(output)[1]["error"]["code"] == "function_limit"


def test_the_memory_of_the_function_stands_in_the_receipt_with_what_it_costs(s3: S3Server) -> None:
    event = {"train": {"examples": examples(4)}, "output": "s3://private/models/paid.graft.zip"}
    answer = train_event({**event, "prices": {"per_gb_second": 1.0, "currency": "EUR"}}, Context(900))
    receipt = answer["receipt"]
    assert receipt["memory_mb"] == 10240
    assert receipt["cost"] == pytest.approx(10 * receipt["seconds"])
    assert receipt["currency"] == "EUR"


def test_a_folder_in_a_bucket_is_trained_on_as_fit_does_it(s3: S3Server, photos: Path, tmp_path: Path) -> None:
    data = s3.put_folder(photos, "drawn photos/é+")
    output = "s3://private/models/"
    answer = train_event({"train": data, "output": output, "name": "shapes", "head": "logistic"})
    assert answer["model"] == "s3://private/models/shapes.graft.zip"
    graft.fit(graft.read(data), head="logistic", cache=None).save(tmp_path / "shapes.graft")
    assert read_bytes(answer["model"], LIMIT) == packed(tmp_path / "shapes.graft")
    assert train_event({"train": data, "output": output, "name": "shapes", "head": "logistic"})["repeated"]
    s3.put("drawn photos/é+/circle/another.png", shapes.encoded("circle", 77))
    assert not train_event({"train": data, "output": output, "name": "shapes", "head": "logistic"})["repeated"]


def test_a_zip_and_a_table_in_a_bucket_are_trained_on(s3: S3Server, photos: Path, tmp_path: Path) -> None:
    archive = shutil.make_archive(str(tmp_path / "photos"), "zip", photos)
    data = s3.put("zips/photos.zip", Path(archive).read_bytes())
    answer = train_event({"train": data, "output": "s3://private/models/"})
    assert answer["model"] == "s3://private/models/photos.graft.zip"
    assert answer["n_items"] == 36
    held = {"zip": base64.b64encode(Path(archive).read_bytes()).decode()}
    assert (
        train_event({"train": held, "output": "s3://private/models/held.graft.zip"})["accuracy"] == answer["accuracy"]
    )


CHILD = """
import json, sys
from graft.training_function import train_event
print(json.dumps(train_event(json.load(sys.stdin))))
"""


def test_killed_at_work_the_old_model_stays_and_nobody_else_begins_until_it_counts_as_dead(s3: S3Server) -> None:
    output = "s3://private/models/killed.graft.zip"
    write_bytes(output, b"the old model")
    event = {"train": {"examples": examples()}, "output": output}
    with subprocess.Popen([sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as child:
        assert child.stdin is not None
        child.stdin.write(json.dumps(event).encode())
        child.stdin.close()
        while last_record(output)[0] == 0 and child.poll() is None:
            time.sleep(0.01)
        child.send_signal(signal.SIGKILL)
    number, record = last_record(output)
    assert (number, record["state"]) == (1, "training")
    assert read_bytes(output, LIMIT) == b"the old model"
    with pytest.raises(Busy, match="It ends within"):
        train_event(event)
    write_bytes(
        "s3://private/models/killed.graft.runs/000001.json", json.dumps({**record, "until": time.time() - 1}).encode()
    )
    assert train_event(event)["repeated"] is False
    assert last_record(output)[0] == 2


BARE = """
import _multiprocessing, os, pwd, sys
def refused(*args, **kwargs):
    raise OSError(38, "Function not implemented")
_multiprocessing.SemLock = type("SemLock", (), {"__init__": refused})
def nobody(number):
    raise KeyError(number)
pwd.getpwuid = nobody
own = os.environ["TMPDIR"] + os.sep
def inside(place):
    return os.path.abspath(place).startswith((own, "/dev/"))
def read_only(event, values):
    if event == "open" and values[2] is not None and values[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        places = values[:1]
    elif event in ("os.mkdir", "os.remove", "os.rmdir", "os.chmod", "os.truncate", "os.utime", "sqlite3.connect"):
        places = values[:1]
    elif event in ("os.rename", "os.link", "os.symlink"):
        places = values[:2]
    else:
        return
    for place in places:
        if not isinstance(place, int) and os.fsdecode(place).startswith("/") and not inside(os.fsdecode(place)):
            raise OSError(30, f"Read-only file system ({event})", place)
sys.addaudithook(read_only)
"""


def test_it_trains_without_a_home_a_disk_or_semaphores_and_says_nothing(
    s3: S3Server, photos: Path, tmp_path: Path
) -> None:
    """All but TMPDIR is read-only, the user has neither name nor home, and the same model comes out."""
    data = s3.put_folder(photos, "bare")
    known, output = "s3://private/models/known.graft.zip", "s3://private/models/bare.graft.zip"
    place, bare = tmp_path / "tmp", tmp_path / "site"
    place.mkdir()
    bare.mkdir()
    (bare / "sitecustomize.py").write_text(BARE)
    kept = {name: value for name, value in os.environ.items() if name.startswith("AWS_") and "FILE" not in name}
    path = os.pathsep.join([str(bare), str(Path(graft.__file__).parents[1])])
    done = subprocess.run(
        [sys.executable, "-B", "-W", "error", "-c", CHILD],
        input=json.dumps({"train": data, "output": output}).encode(),
        env={**kept, "PYTHONPATH": path, "TMPDIR": str(place)},
        cwd="/proc",
        capture_output=True,
    )
    assert done.stderr.decode() == ""
    assert done.returncode == 0
    assert list(place.iterdir()) == []
    train_event({"train": data, "output": known})
    assert unzipped(output) == unzipped(known)


def unzipped(address: str) -> dict[str, bytes]:
    """The files of a packed model."""
    return {path.name: path.read_bytes() for path in model_folder(address).iterdir()}
