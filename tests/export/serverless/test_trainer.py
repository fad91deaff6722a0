"""A function that trains: Graft and its encoder's weights lie in it, and an event makes a model at an address."""

import base64
import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest

import graft
import serverless
import shapes
from export.serverless.test_machine import NO_SEMAPHORES
from graft.buckets import read_bytes
from graft.encoders.tuned import TunedWeights
from graft.errors import UsageError
from graft.export.serverless import trainer
from graft.model.packed import packed
from graft.version import __version__
from serverless import created, over_http

LIMIT = 1 << 26
AS_IN_A_FUNCTION = """
import sys
from importlib.machinery import PathFinder

class Present(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        hidden = name.split(".")[0] in ("openvino", "simplejpeg")
        return None if hidden else super().find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = Present
"""
PLAIN = """
import runpy, sys
sys.path.insert(0, ".")
sys.argv = ["awslambdaric", "handler.handler"]
runpy.run_module("awslambdaric", run_name="__main__")
"""


@pytest.fixture(scope="module")
def ask(training_task, s3, tmp_path_factory):
    """The function, running on a machine without a home."""
    temporary = tmp_path_factory.mktemp("tmp")
    more = {name: value for name, value in s3.environment.items() if name != "AWS_REGION"}
    with serverless.function(training_task, temporary, **more) as running:
        yield running
    assert list(temporary.iterdir()) == []
    assert running.log == ""


@pytest.fixture(scope="module")
def data(s3, photos):
    return s3.put_folder(photos, "trainer/photos")


def problem(response, status):
    assert (response["statusCode"], response["headers"]["content-type"]) == (status, "application/problem+json")
    return json.loads(response["body"])


def posted(value, **more):
    event = over_http(value if isinstance(value, str) else json.dumps(value), path="/train", **more)
    event["requestContext"]["authorizer"] = {"iam": {"userId": "somebody"}}
    return event


def test_the_zip_holds_graft_and_the_weights(exported_trainer):
    with zipfile.ZipFile(exported_trainer.path / "function.zip") as archive:
        names = set(archive.namelist())
    assert {
        "graft/training_function/training.py",
        "weights/efficientnet-lite0-57934424.pth",
        "train_events.py",
    } <= names
    assert f"graft_learn-{__version__}.dist-info/METADATA" in names
    assert json.loads((exported_trainer.path / "function.json").read_text())["events"][0] == "train_events"
    assert '"output": "s3://BUCKET/models/"' in (exported_trainer.path / "README.md").read_text()
    assert "weights/ ./weights/" in (exported_trainer.path / "Dockerfile").read_text()


def test_one_that_does_not_train_holds_neither(exported_function):
    with zipfile.ZipFile(exported_function.path / "function.zip") as archive:
        assert [name for name in archive.namelist() if name.startswith(("graft", "weights", "train_events"))] == []


def test_an_event_makes_the_model_that_fit_makes_and_a_repeat_makes_none(ask, data, tmp_path):
    event = {"train": data, "output": "s3://private/trainer/models/", "seed": 1}
    said = ask(event)
    assert said["model"] == "s3://private/trainer/models/photos.graft.zip"
    assert said["receipt"]["memory_mb"] == 1769
    graft.fit(graft.read(data), seed=1, cache=None).save(tmp_path / "photos.graft")
    assert read_bytes(said["model"], LIMIT) == packed(tmp_path / "photos.graft")
    assert ask(event) == {**said, "repeated": True}


def test_it_trains_on_a_read_only_disk_without_a_home_a_user_shared_memory_or_semaphores(
    training_task, data, s3, tmp_path
):
    temporary = tmp_path / "tmp"
    temporary.mkdir(mode=0o777)
    temporary.chmod(0o777)
    if not serverless.can_be_alone(temporary):
        pytest.skip("mounts of its own are not allowed here")
    more = {name: value for name, value in s3.environment.items() if name != "AWS_REGION"}
    found = []
    for name, program, before in (("lonely", NO_SEMAPHORES, serverless.alone(temporary)), ("known", PLAIN, ())):
        command = ("-c", AS_IN_A_FUNCTION + program)
        with serverless.function(training_task, temporary, command=command, before=before, **more) as running:
            said = running({"train": data, "output": f"s3://private/trainer/{name}/"})
        assert said["model"] == f"s3://private/trainer/{name}/photos.graft.zip"
        assert list(temporary.iterdir()) == []
        assert running.log == ""
        found.append(read_bytes(said["model"], LIMIT))
    assert found[0] == found[1]


def test_what_cannot_be_trained_is_answered_and_not_raised(ask, data):
    for event, code in (
        ({"train": data}, "usage"),
        ({"train": "s3://private/none/", "output": "s3://private/trainer/x/"}, "nothing_to_read"),
        ({"train": {"zip": "AAAA"}, "output": "s3://private/trainer/x/"}, "unsafe_archive"),
    ):
        error = ask(event)["error"]
        assert error["code"] == code
        assert error["message"]
        assert error["hint"]


def test_over_http_somebody_has_to_have_asked_who_calls(ask):
    examples = [
        {"base64": base64.b64encode(shapes.encoded(form, seed)).decode(), "label": form}
        for form in ("circle", "square")
        for seed in range(5)
    ]
    event = {"train": {"examples": examples}, "output": "s3://private/trainer/posted.graft.zip"}
    nobody = over_http(json.dumps(event), path="/prod/train", stage="prod")
    assert problem(ask(nobody), 403)["code"] == "not_asked"
    assert problem(ask(posted("{")), 400)["code"] == "not_json"
    assert problem(ask(posted({**event, "output": "file:///tmp/x"})), 422)["code"] == "usage"
    said = ask(posted(event))
    assert said["statusCode"] == 200
    assert json.loads(said["body"])["n_items"] == 10


def test_models_among_the_objects_are_not_answered(ask):
    keys = ("models/photos.graft.zip", "models/photos.graft.report.json", "models/photos.graft.runs/000001.json")
    for one in ask(created("private", *keys))["objects"]:
        assert one["skipped"] == "it is a model, or what training wrote beside one"


def test_predicting_goes_on_as_before(ask):
    photo = base64.b64encode(shapes.encoded("circle", 91)).decode()
    said = json.loads(ask(over_http(photo, flag=True))["body"])
    assert said["predictions"][0]["label"] == "circle"


def test_a_model_of_another_encoder_is_refused(model):
    other = replace(model, encoder=replace(model.encoder, tuned=TunedWeights({"a": np.ones(1, np.float32)})))
    with pytest.raises(UsageError, match="the encoder that comes with Graft"):
        trainer.check_model(other)
