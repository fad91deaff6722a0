"""The function answers as graft predict does, over Lambda's own runtime client."""

import base64
import json

import numpy as np
import pytest

import serverless
import shapes
from graft.decoding.sound import wav_bytes
from graft.export.serverless.folder import asset
from graft.serving.limits import ServerLimits
from serverless import over_http

PHOTO = shapes.encoded("circle", 91)


def said(response):
    assert (response["statusCode"], response["headers"]["content-type"]) == (200, "application/json")
    return json.loads(response["body"])


def problem(response, status):
    assert (response["statusCode"], response["headers"]["content-type"]) == (status, "application/problem+json")
    return json.loads(response["body"])


def encoded(content):
    return base64.b64encode(content).decode()


def alike(found, known):
    assert (found["label"], found["unknown"], found["set"]) == (known["label"], known["unknown"], known["set"])
    assert max(abs(found["scores"][label] - p) for label, p in known["scores"].items()) < 0.02


def test_json_and_raw_bytes_are_answered_as_predict_does(shapes_function, model_in_f32, tmp_path):
    contents = [shapes.encoded(form, seed) for seed in range(90, 93) for form in shapes.FORMS]
    asked = json.dumps({"images": [encoded(one) for one in contents]})
    several = said(shapes_function(over_http(asked, content_type="application/json")))
    assert several["model"]
    assert len(several["version"]) == 12
    for number, (content, found) in enumerate(zip(contents, several["predictions"], strict=True)):
        path = tmp_path / f"{number}.jpg"
        path.write_bytes(content)
        alike(found, model_in_f32.predict_one(path).to_dict())
        assert found["input"] == f"images[{number}]"
    raw = shapes_function(over_http(encoded(contents[0]), flag=True, Content_Type="image/jpeg"))
    assert said(raw)["predictions"][0] == {**several["predictions"][0], "input": "body"}


def test_the_limits_are_those_of_graft_serve():
    assert f"MOST_ITEMS, MOST_TOP = {ServerLimits().items}, " in asset("predicting.py")


def test_options_of_a_request(shapes_function):
    asked = {"instances": [{"b64": encoded(PHOTO)}, encoded(b"no picture")], "top": 1, "ids": ["a", "b"]}
    first, second = said(shapes_function(over_http(json.dumps(asked))))["predictions"]
    assert (len(first["scores"]), first["id"]) == (1, "a")
    assert (second["error"]["code"], second["id"]) == ("not_a_picture", "b")
    asked = {"instances": [encoded(PHOTO)], "parameters": {"top": 2}}
    assert len(said(shapes_function(over_http(json.dumps(asked))))["predictions"][0]["scores"]) == 2


@pytest.mark.parametrize(
    "headers",
    [
        {"CONTENT_TYPE": "image/png"},
        {"content_type": "application/octet-stream"},
        {"content_type": "application/x-www-form-urlencoded"},
        {},
    ],
)
def test_raw_bytes_of_any_or_no_type(shapes_function, headers):
    assert said(shapes_function(over_http(encoded(PHOTO), flag=True, **headers)))["predictions"][0]["label"]


def test_a_stage_may_stand_in_the_path(shapes_function):
    for path, stage in (("/prod/predict", "prod"), ("/prod", "prod"), ("/predict", "$default"), ("/", "$default")):
        assert said(shapes_function(over_http(encoded(PHOTO), flag=True, path=path, stage=stage)))
    assert problem(shapes_function(over_http(encoded(PHOTO), flag=True, path="/else")), 404)["code"] == "not_found"
    assert problem(shapes_function(over_http(method="GET", path="/predict")), 405)["code"] == "method"
    assert said(shapes_function(over_http(method="GET", path="/prod/healthz", stage="prod"))) == {"status": "ready"}


def test_json_may_come_in_base64(shapes_function):
    asked = json.dumps({"images": [encoded(PHOTO)]}).encode()
    assert said(shapes_function(over_http(encoded(asked), flag=True, content_type="Application/JSON; charset=utf-8")))


@pytest.mark.parametrize(
    ("event", "status", "words"),
    [
        (over_http("ÿØÿà photo", content_type="image/jpeg"), 400, "Switch on binary media types"),
        (over_http(encoded(PHOTO), content_type="image/jpeg"), 400, "Switch on binary media types"),
        (over_http("{no base64}", flag=True), 400, "does not fit isBase64Encoded"),
        (over_http("photo", CONTENT_TYPE="application/json"), 400, "no JSON"),
        (over_http('{"images": [NaN]}', content_type="application/json"), 400, "no JSON"),
        (over_http('{"images": []}', content_type="application/json"), 422, "one list"),
        (over_http('{"texts": ["a"]}', content_type="application/json"), 422, "takes images"),
        (over_http('{"images": ["AAAA"], "n": 3}', content_type="application/json"), 422, "no option 'n'"),
        (over_http(json.dumps({"images": ["AAAA"] * 257}), content_type="application/json"), 413, "257 items"),
        (over_http('{"images": ["AA=A"]}', content_type="application/json"), 422, "base64"),
        (over_http(encoded(b"GIF"), flag=True), 415, "not a picture"),
        (over_http(encoded(PHOTO), flag=True, content_encoding="gzip"), 415, "compressed"),
        (over_http("a=b", content_type="multipart/form-data"), 415, "multipart"),
        (over_http(None), 422, "no body"),
    ],
)
def test_what_does_not_fit_is_told(shapes_function, event, status, words):
    told = problem(shapes_function(event), status)
    assert words in told["message"] + told["hint"]
    assert told["code"]
    assert told["hint"]


def test_an_event_of_another_kind_names_those_that_are_known(shapes_function):
    with pytest.raises(serverless.Failed, match=r"no kind that the function knows: \['detail'\]"):
        shapes_function({"detail": {}})
    for event in ({"requestContext": None}, {"requestContext": "http"}, {"Records": [None]}, [1]):
        with pytest.raises(serverless.Failed, match="no kind that the function knows"):
            shapes_function(event)
    shown = problem(shapes_function({**over_http(None), "headers": ["content-type"]}), 422)
    assert "no body" in shown["message"]
    assert said(shapes_function(over_http(encoded(PHOTO), flag=True)))


def test_texts(texts_task, text_model, tmp_path):
    texts = ["Where is my card?", "café, cafe\u0301 and 日本語 👩‍👩‍👧", "a " * 400]
    with serverless.function(texts_task, tmp_path) as ask:
        found = said(ask(over_http(json.dumps({"texts": texts}, ensure_ascii=False))))["predictions"]
        for text, one in zip(texts, found, strict=True):
            alike(one, text_model.predict_one(text).to_dict())
        for event in (
            over_http(texts[1], content_type="text/plain; charset=utf-8"),
            over_http(encoded(texts[1].encode()), flag=True, content_type="text/plain"),
        ):
            assert said(ask(event))["predictions"][0] == {**found[1], "input": "body"}
        assert problem(ask(over_http(encoded(b"\xff\xfe"), flag=True)), 422)["code"] == "not_a_text"
        assert problem(ask(over_http('{"texts": ["\\ud800"]}')), 422)["code"] == "not_unicode"


def test_recordings(sounds_task, sound_model, tmp_path):
    time = np.arange(48_000) / 48_000
    hum = np.stack([0.3 * np.sin(2 * np.pi * 440 * time), 0.1 * np.sin(2 * np.pi * 900 * time)], axis=1)
    path = tmp_path / "hum.wav"
    path.write_bytes(wav_bytes(hum.astype(np.float32), 48_000))
    with serverless.function(sounds_task, tmp_path) as ask:
        (found,) = said(ask(over_http(encoded(path.read_bytes()), flag=True, content_type="audio/wav")))["predictions"]
        alike(found, sound_model.predict_one(path).to_dict())
        told = problem(ask(over_http(encoded(b"no sound"), flag=True, content_type="audio/wav")), 415)
        assert told["code"] == "not_a_recording"
