"""Objects that were created in S3: each is answered, and the answer written as KEY.json under the output prefix."""

import os
from functools import cache
from typing import Any
from urllib.parse import unquote_plus

from answering import MOST_BYTES, NotRead
from predicting import SETTINGS, of_file, to_json, whole

PREFIX = "GRAFT_OUTPUT_PREFIX"
"""In the environment it goes before what was said at export."""
WRITTEN = (".graft.zip", ".graft.report.html", ".graft.report.json", ".graft.receipt.json")
"""How the keys end of what a training writes beside its data, where a function trains; the records of its runs are
numbered."""
LASTING = ("NoSuchKey", "NoSuchBucket", "404", "KeyTooLongError")
"""Errors of a store that would be the same the next time."""


def takes(event: Any) -> bool:
    """Whether it tells of objects."""
    if not isinstance(event, dict):
        return False
    records = event.get("Records")
    told = isinstance(records, list) and bool(records) and all(map(is_s3, records))
    return told or event.get("Event") == "s3:TestEvent"


def is_s3(record: Any) -> bool:
    """Whether a record is one of S3."""
    return isinstance(record, dict) and record.get("eventSource") == "aws:s3"


def answer(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """What became of each object, in their order.

    Raises:
        RuntimeError: One of them could not be read or written; the others have been answered. The platform asks again.
    """
    found = [of_record(record) for record in event.get("Records", [])]
    if failed := [one for one in found if one.get("again")]:
        raise RuntimeError(f"{len(failed)} of {len(found)} objects could not be answered: {to_json(failed)[:2000]}")
    return {"objects": found}


def of_record(record: dict[str, Any]) -> dict[str, Any]:
    """What became of one object; its answer stands at ``output``."""
    try:
        bucket = str(record["s3"]["bucket"]["name"])
        key = unquote_plus(str(record["s3"]["object"]["key"]))  # encoded once by S3, so decoded once
    except (LookupError, TypeError):
        return {"error": {"code": "no_object", "message": "The record names no object."}}
    told = {"input": f"s3://{bucket}/{key}"}
    if not str(record.get("eventName", "")).removeprefix("s3:").startswith("ObjectCreated"):
        return {**told, "skipped": "it was not created"}
    if key.endswith("/"):
        return {**told, "skipped": "it marks a folder"}
    if is_written(key):
        return {**told, "skipped": "it is a model, or what training wrote beside one"}
    into, prefix = output_of(bucket)
    if into == bucket and key.startswith(prefix) and key.endswith(".json"):
        return {**told, "skipped": "it is an answer of this function"}
    output = f"{prefix}{key}.json"
    try:
        content = read(bucket, key)
    except Exception as error:  # of the network, of rights, of the store: none of them is an answer
        return {**told, **failed(error)}
    if isinstance(content, NotRead):
        said = whole([{**told, "error": content.told}])
    else:
        said = of_file(content, told["input"])
    try:
        body = to_json(said).encode()
        store().put_object(Bucket=into, Key=output, Body=body, ContentType="application/json")
    except Exception as error:
        return {**told, **failed(error)}
    one = said["predictions"][0]
    return {**told, "output": f"s3://{into}/{output}", **({"error": one["error"]} if "error" in one else {})}


def is_written(key: str) -> bool:
    """Whether training writes such a key: it would otherwise answer its own models."""
    folder, _, name = key.rpartition("/")
    run = folder.endswith(".graft.runs") and name.endswith(".json") and name[:-5].isdigit()
    return run or key.endswith(WRITTEN)


def failed(error: Exception) -> dict[str, Any]:
    """Why an object was not answered, and whether the platform is to ask again; a store's words may hold addresses."""
    code = str(getattr(error, "response", {}).get("Error", {}).get("Code", type(error).__name__))
    return {"error": {"code": code, "message": f"The store said {code}."}, "again": code not in LASTING}


def read(bucket: str, key: str) -> bytes | NotRead:
    """An object, unless it is too large."""
    found = store().get_object(Bucket=bucket, Key=key)
    with found["Body"] as body:
        if found["ContentLength"] > MOST_BYTES:
            return NotRead("too_large", f"The item has more than {MOST_BYTES >> 20} MB, the limit.", "Make it smaller.")
        return bytes(body.read())


def output_of(bucket: str) -> tuple[str, str]:
    """The bucket and the prefix of answers, which ends with ``/``.

    Raises:
        RuntimeError: There is none: an answer beside its object would be an object to answer.
    """
    given = str(os.environ.get(PREFIX) or SETTINGS["output_prefix"] or "")
    named = given.removeprefix("s3://")
    into, _, prefix = named.partition("/") if named != given else (bucket, "", given)
    prefix = prefix.strip("/")
    if not into or not prefix:
        raise RuntimeError(
            "There is no output prefix, and without one the function would answer its own answers. "
            f"Set {PREFIX} to a folder such as answers/ or s3://bucket/answers/."
        )
    return into, f"{prefix}/"


@cache
def store() -> Any:
    """S3, by boto3, which Lambda has already; keys come by its own rules, as the function's role gives them."""
    import boto3

    return boto3.client("s3")
