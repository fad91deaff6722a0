"""The protocol of KServe and Triton, as their clients speak it."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
import pytest

import graft
import shapes
from serving_checks import in_base64

pytest.importorskip("fastapi", reason="FastAPI is not installed: pip install 'graft-learn[serve]'")

PHOTO = shapes.encoded("square", 1)
INFER = "/v2/models/shapes/infer"


def tensor(*data: Any, **more: Any) -> dict[str, Any]:
    return {"inputs": [{"name": "image", "shape": [len(data)], "datatype": "BYTES", "data": list(data), **more}]}


def test_server_and_model_are_described(pictures):
    assert pictures.ask("GET", "/v2").json["name"] == "graft"
    assert pictures.ask("GET", "/v2/health/live").json == {"live": True}
    version = pictures.server.model.version
    for path in ("/v2/models/shapes", f"/v2/models/shapes/versions/{version}"):
        told = pictures.ask("GET", path).json
        assert told["versions"] == [version]
        assert told["inputs"] == [{"name": "image", "datatype": "BYTES", "shape": [-1]}]
        assert told["parameters"]["classes"] == ["circle", "square", "triangle"]
        assert pictures.ask("GET", f"{path}/ready").json["ready"] is True


@pytest.mark.parametrize("shape", [[2], [2, 1], [1, 2], [1, 1, 2]])
@pytest.mark.parametrize("version", ["", "/versions/{}"])
def test_items_flat_and_nested_are_answered_with_name_version_and_id(pictures, model, shape: list[int], version: str):
    photo = in_base64(PHOTO)
    nested: Any = np.array([photo, photo]).reshape(shape).tolist()
    body = {"id": "mine", **tensor(shape=shape, data=nested)}
    path = f"/v2/models/shapes{version.format(pictures.server.model.version)}/infer"
    told = pictures.ask("POST", path, body).json
    assert (told["model_name"], told["model_version"], told["id"]) == ("shapes", pictures.server.model.version, "mine")
    outputs = {one["name"]: one for one in told["outputs"]}
    (expected,) = model.predict([PHOTO], cache=None)
    assert outputs["label"]["data"] == [expected.label] * 2
    assert outputs["set"]["data"] == ["|".join(expected.set)] * 2
    assert outputs["unknown"]["data"] == [expected.unknown] * 2
    assert outputs["probabilities"]["shape"] == [2, 3]
    wanted = [expected.scores[label] for label in model.classes]
    assert outputs["probabilities"]["data"] == pytest.approx(wanted * 2, abs=0.02)


def test_texts(texts, text_model: graft.Model):
    told = texts.ask("POST", "/v2/models/weather/infer", tensor("it rains", "my money")).json
    assert told["outputs"][0]["data"] == [one.label for one in text_model.predict(["it rains", "my money"], cache=None)]


def test_the_outputs_that_are_asked_for(pictures):
    told = pictures.ask("POST", INFER, {**tensor(in_base64(PHOTO)), "outputs": [{"name": "label"}]}).json
    assert [one["name"] for one in told["outputs"]] == ["label"]


def test_the_binary_form(pictures):
    items = b"".join(struct.pack("<I", len(PHOTO)) + PHOTO for _ in range(2))
    head = json.dumps(
        {
            "inputs": [
                {"name": "image", "shape": [2], "datatype": "BYTES", "parameters": {"binary_data_size": len(items)}}
            ],
            "outputs": [
                {"name": "label", "parameters": {"binary_data": True}},
                {"name": "probabilities", "parameters": {"binary_data": True}},
                {"name": "unknown"},
            ],
        }
    ).encode()
    header = {"Inference-Header-Content-Length": str(len(head)), "Content-Type": "application/octet-stream"}
    reply = pictures.ask("POST", INFER, head + items, **header)
    assert reply.status == 200
    length = int(reply.headers["inference-header-content-length"])
    told, blobs = json.loads(reply.body[:length]), reply.body[length:]
    label, probabilities, unknown = told["outputs"]
    assert unknown["data"] == [False, False]
    size = label["parameters"]["binary_data_size"]
    assert blobs[:size] == b"\x06\0\0\0square" * 2
    found = np.frombuffer(blobs[size:], np.float32).reshape(probabilities["shape"])
    assert found.sum(axis=1) == pytest.approx(1, abs=1e-4)
    for wrong in ("0", "x", str(len(head + items) + 1), "-1"):
        header["Inference-Header-Content-Length"] = wrong
        assert pictures.ask("POST", INFER, head + items, **header).status == 400


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"inputs": []},
        {"inputs": "image"},
        {"inputs": [1]},
        {"inputs": [{}]},
        tensor(in_base64(PHOTO), datatype="UINT8"),
        tensor(in_base64(PHOTO), shape=[2]),
        tensor(in_base64(PHOTO), shape=[-1]),
        tensor(in_base64(PHOTO), shape="x"),
        tensor(in_base64(PHOTO), shape=[10**9] * 9),
        tensor(in_base64(PHOTO), name=5),
        tensor(1),
        tensor(),
        tensor(in_base64(PHOTO), parameters=5),
        tensor(in_base64(PHOTO), parameters={"binary_data_size": 5}),
        {**tensor(in_base64(PHOTO)), "outputs": [{"name": "nothing"}]},
        {**tensor(in_base64(PHOTO)), "outputs": 3},
        {**tensor(in_base64(PHOTO)), "id": 3},
        {**tensor(in_base64(PHOTO)), "id": "\ud800"},
        tensor(in_base64(PHOTO), "AAAA"),
        tensor("*"),
    ],
)
def test_errors_are_in_the_protocols_own_form(pictures, body: Any):
    reply = pictures.ask("POST", INFER, body)
    assert 400 <= reply.status < 500
    assert reply.headers["content-type"] == "application/json"
    assert list(reply.json) == ["error"]
    assert reply.json["error"]


def test_other_models_and_versions_are_not_there(pictures):
    for path in ("/v2/models/other", "/v2/models/shapes/versions/1", "/v2/models/other/infer", "/v2/x", INFER):
        reply = pictures.ask("GET", path)
        assert reply.status in (404, 405)
        assert list(reply.json) == ["error"]


def test_a_bad_item_is_named(pictures):
    reply = pictures.ask("POST", INFER, tensor(in_base64(PHOTO), in_base64(b"no picture")))
    assert reply.status == 415
    assert "image[1]" in reply.json["error"]
