r"""Submit `azure_job.yml` to Azure Machine Learning, wait for it, and say what it took and cost.

Needs `pip install azure-ai-ml azure-identity`. The workspace builds the image out of this folder.

    python azure_job.py --subscription ID --group GROUP --workspace NAME --compute NAME \
        --data azureml:photos@latest

Credentials are found as `DefaultAzureCredential` finds them (`az login` is enough). `--data` may be a folder here,
which is sent to the workspace's storage.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import tomllib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PAUSE = 15.0
"""Seconds between two questions how the job stands."""
ENDED = ("Completed", "Failed", "Canceled", "NotResponding")
MACHINE_TYPE = "MACHINE_NAME"


def main(arguments: Sequence[str] | None = None, *, client: Any = None, pause: float = PAUSE) -> int:
    """Submit what the arguments say; the exit code: 0 where there is a model, 1 where there is none."""
    asked = parsed(arguments)
    prices = prices_in(asked.prices) if asked.prices else None
    if prices and asked.machine not in prices["per_hour"]:
        print(f"{asked.prices} has no per_hour of {asked.machine}.", file=sys.stderr)
        return 2
    job = job_of(asked)
    client = client or client_of(asked)
    made = client.jobs.create_or_update(job)
    print(f"Job     {made.name}    {made.studio_url or ''}", file=sys.stderr)
    if asked.no_wait:
        print(json.dumps({"job": made.name}))
        return 0
    ended, seen = wait(client, made.name, pause)
    found = receipt(ended, seen, asked.machine, prices)
    print(json.dumps(found, indent=2))
    if asked.receipt:
        Path(asked.receipt).write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return 0 if found["status"] == "Completed" else 1


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """What the words of the command line mean."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subscription", required=True, help="its id")
    parser.add_argument("--group", required=True, help="the resource group")
    parser.add_argument("--workspace", required=True)
    parser.add_argument("--compute", required=True, help="the cluster or instance that works")
    parser.add_argument("--data", required=True, help="azureml:NAME@latest, an address of a storage, or a folder here")
    parser.add_argument("--image", help="an image in a registry, where the workspace is to build none")
    parser.add_argument("--set", dest="given", action="append", default=[], metavar="NAME=VALUE", help="a setting")
    parser.add_argument("--machine", default=MACHINE_TYPE, help="what the compute's machines are [%(default)s]")
    parser.add_argument("--limit", type=int, default=3600, help="seconds after which the job is ended [%(default)s]")
    parser.add_argument("--prices", help="TOML or JSON with a table per_hour: the receipt says the sum")
    parser.add_argument("--receipt", help="file that the receipt is written to as well")
    parser.add_argument("--no-wait", action="store_true", help="submit it and leave")
    asked = parser.parse_args(arguments)
    for one in asked.given:
        name, equals, value = one.partition("=")
        if not equals or not name.replace("_", "").replace("-", "").isalnum() or "'" in value or "$" in value:
            parser.error(f"--set {one}: write NAME=VALUE, without quotes and dollars in it")
    return asked


def job_of(asked: argparse.Namespace) -> Any:
    """The job that the file describes, with what only the caller knows."""
    from azure.ai.ml import load_job
    from azure.ai.ml.entities import Environment

    job = load_job(HERE / "azure_job.yml")
    job.compute = asked.compute
    job.inputs["training"].path = asked.data
    job.limits.timeout = asked.limit
    if asked.image:
        job.environment = Environment(image=asked.image)
    job.command = " ".join([job.command.strip(), *(f"--set '{one}'" for one in asked.given)])
    return job


def client_of(asked: argparse.Namespace) -> Any:
    """The workspace."""
    from azure.ai.ml import MLClient
    from azure.identity import DefaultAzureCredential

    return MLClient(DefaultAzureCredential(), asked.subscription, asked.group, asked.workspace)


def wait(client: Any, name: str, pause: float = PAUSE) -> tuple[Any, float]:
    """What the workspace says of the job once it has ended, and for how many seconds it was seen at work."""
    said, began = "", None
    while True:
        job = client.jobs.get(name)
        if job.status != said:
            said = job.status
            print(f"        {said}", file=sys.stderr)
        if said == "Running" and began is None:
            began = time.monotonic()
        if said in ENDED:
            return job, 0.0 if began is None else time.monotonic() - began
        time.sleep(pause)


def receipt(job: Any, seen: float, machine: str, prices: dict[str, Any] | None = None) -> dict[str, Any]:
    """Seconds, and what they cost; peak memory is in `receipt.json` of the output.

    Args:
        job: What the workspace says of it.
        seen: For how long it was seen at work, where the workspace does not say from when to when.
        machine: What the compute's machines are.
        prices: Of `prices_in`.
    """
    properties = dict(job.properties or {})
    start, end = (properties.get(name) for name in ("StartTimeUtc", "EndTimeUtc"))
    seconds, source = round(seen, 1), "as seen from here"
    if start and end:
        seconds = (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
        source = "as the workspace says"
    found = {"job": job.name, "status": job.status, "machine": machine, "machines": 1, "seconds": seconds}
    found["seconds_are"] = source
    if prices:
        cost = seconds / 3600 * prices["per_hour"][machine]
        found |= {"cost": round(cost, 6), "currency": prices.get("currency", "USD")}
    return found


def prices_in(path: str) -> dict[str, Any]:
    """A table of prices: `currency`, and `per_hour` with the price of each kind of machine."""
    text = Path(path).read_text(encoding="utf-8-sig")
    prices: dict[str, Any] = json.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    return {**prices, "per_hour": prices.get("per_hour", {})}


if __name__ == "__main__":
    sys.exit(main())
