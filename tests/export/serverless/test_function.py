"""The function answers as graft predict does, over Lambda's own runtime client."""

import base64
import json

import shapes
from serverless import over_http


def said(response):
    assert response["headers"]["content-type"] == "application/json"
    return json.loads(response["body"])


def encoded(content):
    return base64.b64encode(content).decode()


def alike(found, known):
    assert (found["label"], found["unknown"], found["set"]) == (known["label"], known["unknown"], known["set"])
    assert max(abs(found["scores"][label] - p) for label, p in known["scores"].items()) < 0.02


def test_json_and_raw_bytes_are_answered_as_predict_does(shapes_function, model_in_f32, tmp_path):
    contents = [shapes.encoded(form, seed) for seed in range(90, 93) for form in shapes.FORMS]
    asked = json.dumps({"images": [encoded(one) for one in contents], "top": 3})
    several = said(shapes_function(over_http(asked, content_type="application/json")))
    for number, (content, found) in enumerate(zip(contents, several["predictions"], strict=True)):
        path = tmp_path / f"{number}.jpg"
        path.write_bytes(content)
        alike(found, model_in_f32.predict_one(path).to_dict())
        assert found["input"] == f"images[{number}]"
    raw = shapes_function(over_http(encoded(contents[0]), flag=True, Content_Type="image/jpeg"))
    assert said(raw)["predictions"][0] == {**several["predictions"][0], "input": "body"}
