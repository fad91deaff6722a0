r"""Submit a training job to Amazon SageMaker, wait for it, and say what it took and cost. Needs boto3 alone.

The image has to be in your registry, and the role must let SageMaker read the data and write the output:

    docker build --provenance=false --platform linux/amd64 --tag ACCOUNT.dkr.ecr.REGION.amazonaws.com/TAG .
    docker push ACCOUNT.dkr.ecr.REGION.amazonaws.com/TAG
    python sagemaker_job.py --image ACCOUNT.dkr.ecr.REGION.amazonaws.com/TAG --role ROLE_ARN \
        --data s3://BUCKET/photos/ --output s3://BUCKET/models/

Credentials and region are found as boto3 finds them. `--data` may be a folder here, which is sent to `--upload` first.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

MACHINE_TYPE = "MACHINE_NAME"
PAUSE = 15.0
"""Seconds between two questions how the job stands."""
ENDED = ("Completed", "Failed", "Stopped")


def main(arguments: Sequence[str] | None = None, *, sagemaker: Any = None, s3: Any = None, pause: float = PAUSE) -> int:
    """Submit what the arguments say; the exit code: 0 where there is a model, 1 where there is none."""
    asked = parsed(arguments)
    if asked.only_print:
        print(json.dumps(request_of(asked), indent=2))
        return 0
    prices = prices_in(asked.prices) if asked.prices else None
    if prices and asked.machine not in prices["per_hour"]:
        print(f"{asked.prices} has no per_hour of {asked.machine}.", file=sys.stderr)
        return 2
    if sagemaker is None:
        import boto3

        sagemaker, s3 = boto3.client("sagemaker"), boto3.client("s3")
    if asked.upload:
        n = upload(s3, Path(asked.data), asked.upload)
        print(f"Sent    {n} files to {asked.upload}", file=sys.stderr)
    request = request_of(asked)
    sagemaker.create_training_job(**request)
    name = request["TrainingJobName"]
    print(f"Job     {name}", file=sys.stderr)
    if asked.no_wait:
        print(json.dumps({"job": name}))
        return 0
    described = wait(sagemaker, name, pause)
    found = receipt(described, prices)
    print(json.dumps(found, indent=2))
    if asked.receipt:
        Path(asked.receipt).write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return 0 if found["status"] == "Completed" else 1


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """What the words of the command line mean."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--image", required=True, help="address of the image in your registry (ECR)")
    parser.add_argument("--role", required=True, help="ARN of the role that SageMaker takes on")
    parser.add_argument("--data", required=True, help="s3://... of the training data, or a folder here with --upload")
    parser.add_argument("--upload", help="s3://... that a folder given as --data is sent to")
    parser.add_argument("--test", help="s3://... of other labelled items for the final figure")
    parser.add_argument("--output", required=True, help="s3://... under which model.tar.gz is put")
    parser.add_argument("--machine", default=MACHINE_TYPE, help="instance type [%(default)s]")
    parser.add_argument("--name", default="", help="of the job [graft- and the time]")
    parser.add_argument("--set", dest="given", action="append", default=[], metavar="NAME=VALUE", help="a setting")
    parser.add_argument("--disk", type=int, default=30, help="GB of the machine's disk [%(default)s]")
    parser.add_argument("--limit", type=int, default=3600, help="seconds after which the job is ended [%(default)s]")
    parser.add_argument("--spot", action="store_true", help="a cheaper machine that may be taken away")
    parser.add_argument("--checkpoints", help="s3://... from which a job that was stopped goes on")
    parser.add_argument("--prices", help="TOML or JSON with a table per_hour: the receipt says the sum")
    parser.add_argument("--receipt", help="file that the receipt is written to as well")
    parser.add_argument("--no-wait", action="store_true", help="submit it and leave")
    parser.add_argument("--only-print", action="store_true", help="print the request, and send nothing")
    asked = parser.parse_args(arguments)
    here = not asked.data.startswith("s3://")
    if here != bool(asked.upload):
        parser.error("--upload is for a folder here, and a folder here needs it")
    for one in asked.given:
        if "=" not in one:
            parser.error(f"--set {one} has no value: write NAME=VALUE")
    return asked


def request_of(asked: argparse.Namespace) -> dict[str, Any]:
    """What is sent to `CreateTrainingJob`."""
    channels = {"training": asked.upload or asked.data, **({"test": asked.test} if asked.test else {})}
    stopping = {"MaxRuntimeInSeconds": asked.limit}
    request: dict[str, Any] = {
        "TrainingJobName": asked.name or f"graft-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}",
        "RoleArn": asked.role,
        "AlgorithmSpecification": {"TrainingImage": asked.image, "TrainingInputMode": "File"},
        "HyperParameters": dict(one.split("=", 1) for one in asked.given),
        "InputDataConfig": [
            {
                "ChannelName": name,
                "DataSource": {
                    "S3DataSource": {
                        "S3DataType": "S3Prefix",
                        "S3Uri": address,
                        "S3DataDistributionType": "FullyReplicated",
                    }
                },
            }
            for name, address in channels.items()
        ],
        "OutputDataConfig": {"S3OutputPath": asked.output},
        "ResourceConfig": {"InstanceType": asked.machine, "InstanceCount": 1, "VolumeSizeInGB": asked.disk},
        "StoppingCondition": stopping,
    }
    if asked.spot:
        request["EnableManagedSpotTraining"] = True
        stopping["MaxWaitTimeInSeconds"] = 2 * asked.limit
    if asked.checkpoints:
        request["CheckpointConfig"] = {"S3Uri": asked.checkpoints}
    return request


def upload(s3: Any, folder: Path, address: str) -> int:
    """Send the files of a folder but for hidden ones, which no training reads, or one file; how many there were."""
    bucket, _, prefix = address.removeprefix("s3://").partition("/")
    start = f"{prefix.rstrip('/')}/" if prefix else ""
    above = folder.parent if folder.is_file() else folder
    files = [folder] if folder.is_file() else sorted(path for path in folder.rglob("*") if path.is_file())
    files = [path for path in files if not any(part.startswith(".") for part in path.relative_to(above).parts)]
    for path in files:
        s3.upload_file(str(path), bucket, start + path.relative_to(above).as_posix())
    return len(files)


def wait(sagemaker: Any, name: str, pause: float = PAUSE) -> dict[str, Any]:
    """What SageMaker says of the job once it has ended."""
    said = ""
    while True:
        described: dict[str, Any] = sagemaker.describe_training_job(TrainingJobName=name)
        stands = described.get("SecondaryStatus", described["TrainingJobStatus"])
        if stands != said:
            said = stands
            print(f"        {said}", file=sys.stderr)
        if described["TrainingJobStatus"] in ENDED:
            return described
        time.sleep(pause)


def receipt(described: dict[str, Any], prices: dict[str, Any] | None = None) -> dict[str, Any]:
    """Seconds, those that are billed, and what they cost; peak memory is in `receipt.json` of the model's archive."""
    machine = described["ResourceConfig"]["InstanceType"]
    machines = described["ResourceConfig"]["InstanceCount"]
    billed = described.get("BillableTimeInSeconds")
    found = {
        "job": described["TrainingJobName"],
        "status": described["TrainingJobStatus"],
        "reason": described.get("FailureReason"),
        "model": described.get("ModelArtifacts", {}).get("S3ModelArtifacts"),
        "machine": machine,
        "machines": machines,
        "seconds": described.get("TrainingTimeInSeconds"),
        "billed_seconds": billed,
    }
    if prices and billed is not None:
        cost = billed / 3600 * prices["per_hour"][machine] * machines
        found |= {"cost": round(cost, 6), "currency": prices.get("currency", "USD")}
    return found


def prices_in(path: str) -> dict[str, Any]:
    """A table of prices: `currency`, and `per_hour` with the price of each instance type."""
    text = Path(path).read_text(encoding="utf-8-sig")
    prices: dict[str, Any] = json.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    return {**prices, "per_hour": prices.get("per_hour", {})}


if __name__ == "__main__":
    sys.exit(main())
