"""Objects that are created in S3: read from and answered into a real S3 server."""

import json
from urllib.parse import quote_plus

import pytest

import serverless
import shapes
from serverless import created

PHOTO = shapes.encoded("square", 92)


@pytest.fixture(scope="module")
def ask(task, s3, tmp_path_factory):
    with serverless.function(task, tmp_path_factory.mktemp("tmp"), **s3.environment) as running:
        yield running


def stored(s3, key, bucket="private"):
    return s3.client().get_object(Bucket=bucket, Key=key)["Body"].read()


def keys(s3, prefix):
    found = s3.client().list_objects_v2(Bucket="private", Prefix=prefix)
    return [one["Key"] for one in found.get("Contents", [])]


@pytest.mark.parametrize(
    "key", ["in/a b.jpg", "in/1+1=2.jpg", "in/100%.jpg", "in/a%2Bb.jpg", "in/Tür/日本語.jpg", "in/plain.jpg"]
)
def test_a_key_is_decoded_once_and_named_as_its_owner_wrote_it(ask, s3, key):
    s3.put(key, PHOTO)
    told = ask(created("private", quote_plus(key, safe="/")))
    assert told == {"objects": [{"input": f"s3://private/{key}", "output": f"s3://private/answers/{key}.json"}]}
    answer = json.loads(stored(s3, f"answers/{key}.json"))
    assert answer["predictions"][0]["input"] == f"s3://private/{key}"
    assert answer["predictions"][0]["label"] == "square"


def test_each_object_has_its_own_answer_or_error_and_a_repeat_writes_the_same(ask, s3):
    s3.put("many/good.jpg", PHOTO)
    s3.put("many/broken.jpg", PHOTO[:300])
    event = created("private", "many/gone.jpg", "many/broken.jpg", "many/good.jpg", "many/")
    first = ask(event)["objects"]
    assert first[0]["error"]["code"] == "NoSuchKey"
    assert first[1]["error"]["code"] == "corrupt"
    assert "error" not in first[2]
    assert first[3]["skipped"]
    before = {key: stored(s3, key) for key in keys(s3, "answers/many/")}
    assert set(before) == {"answers/many/broken.jpg.json", "answers/many/good.jpg.json"}
    assert ask(event)["objects"] == first
    assert {key: stored(s3, key) for key in keys(s3, "answers/many/")} == before
    s3.client().delete_object(Bucket="private", Key="many/good.jpg")
    assert ask(created("private", "many/good.jpg"))["objects"][0]["error"]["code"] == "NoSuchKey"
    assert stored(s3, "answers/many/good.jpg.json") == before["answers/many/good.jpg.json"]  # nothing over a good one


def test_it_never_answers_its_own_answers(ask, s3):
    s3.put("own/a.jpg", PHOTO)
    ask(created("private", "own/a.jpg"))
    assert (
        ask(created("private", "answers/own/a.jpg.json"))["objects"][0]["skipped"] == "it is an answer of this function"
    )
    assert keys(s3, "answers/answers/") == []
    assert ask(created("private", "own/a.jpg", name="ObjectRemoved:Delete"))["objects"][0]["skipped"]
    assert ask({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "private"}) == {"objects": []}


def test_only_what_training_writes_is_passed_over_and_not_what_is_called_alike(ask, s3):
    written = ("x.graft.zip", "x.graft.report.html", "x.graft.report.json", "x.graft.receipt.json")
    passed = [f"alike/{name}" for name in (*written, "x.graft.runs/000001.json")]
    answered = ["alike/photo.graft.jpg", "alike/x.graft.runs/photo.jpg", "alike/a.graft.b/photo.jpg"]
    for key in answered:
        s3.put(key, PHOTO)
    told = ask(created("private", *passed, *answered))["objects"]
    assert ["skipped" in one for one in told] == [True] * len(passed) + [False] * len(answered)
    assert keys(s3, "answers/alike/") == sorted(f"answers/{key}.json" for key in answered)


@pytest.mark.parametrize("s3_part", [None, {}, {"bucket": {"name": "private"}}, {"bucket": [], "object": "x"}])
def test_a_record_that_names_no_object_leaves_the_others_answered(ask, s3, s3_part):
    s3.put("beside/a.jpg", PHOTO)
    event = created("private", "beside/a.jpg")
    event["Records"].insert(0, {**event["Records"][0], "s3": s3_part})
    first, second = ask(event)["objects"]
    assert first["error"]["code"] == "no_object"
    assert second["output"] == "s3://private/answers/beside/a.jpg.json"


def test_what_the_store_does_not_give_fails_the_event_after_the_others_were_answered(ask, s3):
    s3.put("after/a.jpg", PHOTO)
    event = created("private", "after/a.jpg")
    event["Records"].insert(0, {**event["Records"][0], "s3": {"bucket": {"name": "no bucket"}, "object": {"key": "x"}}})
    with pytest.raises(serverless.Failed, match=r"1 of 2 objects could not be answered.*s3://no bucket/x"):
        ask(event)
    assert json.loads(stored(s3, "answers/after/a.jpg.json"))["predictions"][0]["label"] == "square"


def test_prefixes_that_overlap_and_another_bucket(task, s3, tmp_path):
    s3.put("photos/in/a.jpg", PHOTO)
    with serverless.function(task, tmp_path, **s3.environment, GRAFT_OUTPUT_PREFIX="photos") as ask:
        assert ask(created("private", "photos/in/a.jpg"))["objects"][0]["output"].endswith(
            "photos/photos/in/a.jpg.json"
        )
        assert ask(created("private", "photos/photos/in/a.jpg.json"))["objects"][0]["skipped"]
    s3.client().create_bucket(Bucket="elsewhere")
    with serverless.function(task, tmp_path, **s3.environment, GRAFT_OUTPUT_PREFIX="s3://elsewhere/a/") as ask:
        ask(created("private", "photos/in/a.jpg"))
        assert json.loads(stored(s3, "a/photos/in/a.jpg.json", "elsewhere"))["predictions"][0]["label"] == "square"


@pytest.mark.parametrize("prefix", ["/", "s3://elsewhere", "s3://elsewhere/"])
def test_without_an_output_prefix_it_refuses(task, s3, tmp_path, prefix):
    with (
        serverless.function(task, tmp_path, **s3.environment, GRAFT_OUTPUT_PREFIX=prefix) as ask,
        pytest.raises(serverless.Failed, match="no output prefix"),
    ):
        ask(created("private", "photos/in/a.jpg"))


def test_a_store_that_refuses_is_asked_again_and_no_key_is_told(task, s3, tmp_path):
    s3.put("denied/a.jpg", PHOTO)
    secret = "of-somebody-else"
    wrong = {**s3.environment, "AWS_SECRET_ACCESS_KEY": secret}
    with (
        serverless.function(task, tmp_path, **wrong) as ask,
        pytest.raises(serverless.Failed, match=r"1 of 1 objects could not be answered.*SignatureDoesNotMatch"),
    ):
        ask(created("private", "denied/a.jpg"))
    assert secret not in ask.log
