"""Training: {"train": ADDRESS, "output": ADDRESS} as an event of its own, or in the body of a POST to /train."""

import json
import os
from pathlib import Path
from typing import Any

from http_events import PROBLEM, body_of, response
from predicting import Refused, no_constant

os.environ.setdefault("GRAFT_WEIGHTS", str(Path(__file__).with_name("weights")))
STATUS = {"usage": 422, "busy": 409, "function_limit": 413, "address": 502}
"""Of an error over HTTP; of any other it is 422."""
NOT_ASKED = "Let the platform ask who calls (AWS_IAM, an authorizer), or invoke the function itself."


def takes(event: Any) -> bool:
    """Whether it asks for training."""
    return isinstance(event, dict) and ("train" in event or is_post(event))


def is_post(event: dict[str, Any]) -> bool:
    """Whether it is a POST to /train; a stage may stand before it."""
    about = event.get("requestContext")
    http = about.get("http") if isinstance(about, dict) else None
    if not isinstance(http, dict) or str(http.get("method", "")).upper() != "POST":
        return False
    return str(event.get("rawPath") or "").rstrip("/").rpartition("/")[2] == "train"


def answer(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """What came of it; an error stands in the answer, for whatever is raised the platform would try again."""
    if "train" in event:
        return trained(event, context)
    try:
        if not event["requestContext"].get("authorizer"):
            raise Refused(403, "not_asked", "Nobody has asked who calls, and training writes to addresses.", NOT_ASKED)
        said = trained(of_body(event), context)
    except Refused as error:
        return over_http(error.status, {"status": error.status, **error.told}, PROBLEM)
    if "error" in said:
        status = STATUS.get(said["error"]["code"], 422)
        return over_http(status, {"status": status, **said["error"]}, PROBLEM)
    return over_http(200, said, "application/json")


def over_http(status: int, value: Any, kind: str) -> dict[str, Any]:
    """The response."""
    return dict(response(status, value, kind))


def of_body(event: dict[str, Any]) -> Any:
    """The event in a body.

    Raises:
        Refused: It is no JSON.
    """
    try:
        return json.loads(body_of(event).decode("utf-8-sig"), parse_constant=no_constant)
    except (ValueError, RecursionError):
        raise Refused(400, "not_json", "The body is no JSON in UTF-8.", 'Send {"train": ..., "output": ...}.') from None


def trained(event: Any, context: Any) -> dict[str, Any]:
    """What ``train_event`` says, or its error."""
    from graft.errors import GraftError
    from graft.training_function import train_event

    try:
        return dict(train_event(event, context))
    except GraftError as error:
        return {"error": error.to_dict()}
