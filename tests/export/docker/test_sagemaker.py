"""``sagemaker_job.py``: what it sends, held against the service's own model of it, and what it makes of the answers."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

boto3 = pytest.importorskip("boto3")
from botocore.exceptions import ParamValidationError  # noqa: E402
from botocore.stub import Stubber  # noqa: E402

IMAGE = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/doors"
ROLE = "arn:aws:iam::123456789012:role/trains"
ARN = "arn:aws:sagemaker:eu-west-1:123456789012:training-job/j"
BASE = ["--image", IMAGE, "--role", ROLE, "--data", "s3://b/photos/", "--output", "s3://b/out/", "--name", "j"]
SECRETS = {"aws_access_key_id": "k", "aws_secret_access_key": "s"}
WHEN = 1_700_000_000


@pytest.fixture(scope="module")
def job(docker_folder: Path) -> ModuleType:
    """The script as it lies in the folder."""
    spec = importlib.util.spec_from_file_location("sagemaker_job", docker_folder / "sagemaker_job.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def stub() -> Iterator[Stubber]:
    client = boto3.client("sagemaker", region_name="eu-west-1", **SECRETS)
    with Stubber(client) as stubber:
        yield stubber


def described(status: str, **more: Any) -> dict[str, Any]:
    return {
        "TrainingJobName": "j",
        "TrainingJobArn": ARN,
        "TrainingJobStatus": status,
        "SecondaryStatus": more.pop("SecondaryStatus", "Training"),
        "ModelArtifacts": {"S3ModelArtifacts": "s3://b/out/j/output/model.tar.gz"},
        "AlgorithmSpecification": {"TrainingInputMode": "File"},
        "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30},
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
        "CreationTime": WHEN,
        **more,
    }


def test_a_job_from_the_request_to_the_receipt(job, stub, tmp_path: Path, capsys):
    prices = tmp_path / "prices.toml"
    prices.write_text('currency = "EUR"\n[per_hour]\n"ml.m5.xlarge" = 0.36\n')
    words = [*BASE, "--set", "seed=3", "--set", "encoder=image", "--prices", str(prices)]
    request = job.request_of(job.parsed(words))
    assert request["HyperParameters"] == {"seed": "3", "encoder": "image"}
    assert [channel["ChannelName"] for channel in request["InputDataConfig"]] == ["training"]
    stub.add_response("create_training_job", {"TrainingJobArn": ARN}, request)
    stub.add_response("describe_training_job", described("InProgress"), {"TrainingJobName": "j"})
    ended = described("Completed", SecondaryStatus="Completed", TrainingTimeInSeconds=130, BillableTimeInSeconds=100)
    stub.add_response("describe_training_job", ended)
    receipt = tmp_path / "receipt.json"
    assert job.main([*words, "--receipt", str(receipt)], sagemaker=stub.client, pause=0) == 0
    stub.assert_no_pending_responses()
    said = capsys.readouterr()
    assert json.loads(said.out) == json.loads(receipt.read_text())
    assert json.loads(said.out) == {
        "job": "j",
        "status": "Completed",
        "reason": None,
        "model": "s3://b/out/j/output/model.tar.gz",
        "machine": "ml.m5.xlarge",
        "machines": 1,
        "seconds": 130,
        "billed_seconds": 100,
        "cost": 0.01,
        "currency": "EUR",
    }
    assert "Training" in said.err


@pytest.mark.parametrize("status", ["Failed", "Stopped"])
def test_a_job_without_a_model_ends_with_1_and_says_why(job, stub, capsys, status):
    stub.add_response("create_training_job", {"TrainingJobArn": ARN}, job.request_of(job.parsed(BASE)))
    stub.add_response("describe_training_job", described(status, FailureReason="AlgorithmError: Stopped: ..."))
    assert job.main(BASE, sagemaker=stub.client, pause=0) == 1
    assert json.loads(capsys.readouterr().out)["reason"].startswith("AlgorithmError")


def test_every_option_makes_a_request_that_the_service_takes(job, stub):
    words = [*BASE, "--test", "s3://b/test/", "--spot", "--checkpoints", "s3://b/check/", "--limit", "60", "--no-wait"]
    request = job.request_of(job.parsed(words))
    assert request["StoppingCondition"] == {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 120}
    assert request["CheckpointConfig"] == {"S3Uri": "s3://b/check/"}
    assert [channel["ChannelName"] for channel in request["InputDataConfig"]] == ["training", "test"]
    stub.add_response("create_training_job", {"TrainingJobArn": ARN}, request)
    assert job.main(words, sagemaker=stub.client) == 0
    stub.assert_no_pending_responses()


def test_the_service_s_model_is_what_is_held_against(job):
    broken = job.request_of(job.parsed(BASE))
    del broken["RoleArn"]
    with pytest.raises(ParamValidationError):  # before anything is sent
        boto3.client("sagemaker", region_name="eu-west-1", **SECRETS).create_training_job(**broken)


def test_what_makes_no_job_is_said_before_anything_is_sent(job, stub, tmp_path: Path, capsys):
    for words in (
        [*BASE, "--set", "seed"],
        [*BASE, "--upload", "s3://b/x/"],
        [word if word != "s3://b/photos/" else "photos/" for word in BASE],
    ):
        with pytest.raises(SystemExit):
            job.main(words, sagemaker=stub.client)
    (tmp_path / "prices.json").write_text('{"per_hour": {"other": 1}}')
    assert job.main([*BASE, "--prices", str(tmp_path / "prices.json")], sagemaker=stub.client) == 2
    assert "no per_hour of ml.m5.xlarge" in capsys.readouterr().err


def test_a_folder_here_is_sent_first(job, stub, s3, photos: Path, capsys):
    address = "s3://private/jobs/photos"
    words = [word if word != "s3://b/photos/" else str(photos) for word in BASE]
    words += ["--upload", address, "--no-wait"]
    request = job.request_of(job.parsed(words))
    assert request["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"] == address
    stub.add_response("create_training_job", {"TrainingJobArn": ARN}, request)
    assert job.main(words, sagemaker=stub.client, s3=s3.client()) == 0
    assert "36 files" in capsys.readouterr().err
    sent = s3.client().list_objects_v2(Bucket="private", Prefix="jobs/photos/")["Contents"]
    assert {entry["Key"] for entry in sent} == {
        f"jobs/photos/{path.relative_to(photos).as_posix()}" for path in photos.rglob("*.png")
    }


def test_hidden_files_of_a_folder_are_not_sent(job, s3, tmp_path: Path):
    for name in ("a/1.png", "a/.DS_Store", ".env", ".git/config"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    assert job.upload(s3.client(), tmp_path, "s3://private/hidden/") == 1
    sent = s3.client().list_objects_v2(Bucket="private", Prefix="hidden/")["Contents"]
    assert [entry["Key"] for entry in sent] == ["hidden/a/1.png"]


def test_it_runs_from_its_folder_without_graft_and_without_a_network(docker_folder: Path):
    words = [sys.executable, "-I", "-S", docker_folder / "sagemaker_job.py", *BASE, "--only-print"]
    done = subprocess.run(words, capture_output=True, text=True, check=True, cwd=docker_folder)
    assert json.loads(done.stdout)["AlgorithmSpecification"]["TrainingImage"] == IMAGE
