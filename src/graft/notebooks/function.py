"""A notebook as a function of AWS Lambda: an event gives parameters, the answer is what the run came to.

The same image serves the notebook anywhere else. Each run has a copy of the notebook's folder in the temporary folder,
the only place that can be written there, and leaves nothing.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from graft.errors import GraftError
from graft.notebooks.executed import RESULT
from graft.notebooks.folder import copy_folder, files_of, plain_name
from graft.notebooks.requests import REQUEST_HINT, RunRequest
from graft.notebooks.running import run_notebook

NOTEBOOK, PREFIX, KEY, NO_KEY = "GRAFT_NOTEBOOK", "GRAFT_OUTPUT_PREFIX", "GRAFT_KEY", "GRAFT_NO_KEY"
RUNTIME, BASE_ENTRY = "AWS_LAMBDA_RUNTIME_API", "/lambda-entrypoint.sh"
MOST_ANSWERED = 4_000_000
"""Bytes of files that go along in an answer, of which Lambda takes 6 MB: base64 is a third longer."""
_MARGIN = 10.0
"""Seconds before Lambda's own limit at which a run is stopped, so that there is time to say so."""


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Run the notebook once.

    Args:
        event: ``{"parameters": {...}, "time_limit": seconds}``, or what API Gateway (payload 2.0) or a function URL
            makes of a request with that as its body.
        context: Of Lambda: how much time is left, and the id of the request.

    Returns:
        The keys of ``graft run --json``, and the files in base64 by their names in ``contents``, or below ``output``
        where ``GRAFT_OUTPUT_PREFIX`` names a place; to a request, a response that holds them.
    """
    about = event.get("requestContext") if isinstance(event, dict) else None
    http = about.get("http") if isinstance(about, dict) else None
    if not isinstance(http, dict):
        return _answered(event, context)[1]
    given = event.get("headers")
    headers = {str(name).lower(): str(value) for name, value in (given if isinstance(given, dict) else {}).items()}
    status, said = _asked_by(headers, http, event, context)
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json" if status == 200 else "application/problem+json"},
        "body": json.dumps(said),
    }


def _asked_by(headers: Mapping[str, str], http: Any, event: Any, context: Any) -> tuple[int, dict[str, Any]]:
    """Status and answer to a request; the key is asked for first."""
    key = os.environ.get(KEY, "")
    if not key and os.environ.get(NO_KEY) != "1":
        hint = f"Set {KEY}, or {NO_KEY}=1 where only the platform lets callers in."
        return _refused(401, "no_key", f"The function is open to everybody: no {KEY} is set.", hint)
    scheme, _, given = headers.get("authorization", "").partition(" ")
    if key and not (scheme.lower() == "bearer" and hmac.compare_digest(_digest(given.strip()), _digest(key))):
        return _refused(401, "no_key", "There is no key, or a wrong one.", "Send Authorization: Bearer KEY.")
    if http.get("method") != "POST":
        return _refused(405, "wrong_method", "A run is begun by POST.", REQUEST_HINT)
    body = event.get("body") or "{}"
    try:
        asked = json.loads(base64.b64decode(body, validate=True) if event.get("isBase64Encoded") else body)
    except (ValueError, TypeError, RecursionError):  # TypeError: the body is no text
        return _refused(400, "bad_json", "The body is no JSON.", REQUEST_HINT)
    return _answered(asked, context)


def _answered(asked: Any, context: Any) -> tuple[int, dict[str, Any]]:
    """Status and answer: what a run came to, whether the notebook failed or not."""
    place = Path(tempfile.mkdtemp(prefix="graft-run-"))
    try:
        request = RunRequest.of(asked)
        left = context.get_remaining_time_in_millis() / 1000 - _MARGIN if context is not None else None
        limits = [one for one in (request.seconds, left) if one is not None]
        notebook = Path(os.environ[NOTEBOOK])
        copy = copy_folder(notebook, notebook.read_bytes(), place / "notebook")
        ran = run_notebook(copy, request.texts, output=place / "result", time_limit=min(limits, default=None))
        files = files_of(place / "result")
        files.pop(RESULT, None)
        told = {**ran.to_dict(), "notebook": notebook.name}
        for key in ("files", "models"):
            told[key] = [plain_name(Path(path), place / "result") for path in told[key]]
        return 200, {**told, **_left(files, context)}
    except GraftError as error:
        told = error.to_dict()
        refusal = _refused(422, told["code"], told["message"].replace(f"{place}/", ""), told["hint"])[1]
        failed = {"cell": 0, "name": refusal["code"], "message": refusal["message"]}
        return 422, {**refusal, "ok": False, "error": failed}
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _left(files: Mapping[str, Path], context: Any) -> dict[str, Any]:
    """What a run has left: at its address, or in the answer as far as that has room."""
    if prefix := os.environ.get(PREFIX, ""):
        from graft.buckets import write_bytes

        # A repeated event has the same id: it writes the same objects again, and no others.
        address = f"{prefix.rstrip('/')}/{context.aws_request_id if context is not None else 'run'}"
        for name, path in files.items():
            write_bytes(f"{address}/{name}", path.read_bytes())
        return {"output": address}
    contents: dict[str, str] = {}
    left_out: list[str] = []
    room = MOST_ANSWERED
    for name, path in sorted(files.items(), key=lambda file: file[1].stat().st_size):
        room -= path.stat().st_size
        if room < 0:
            left_out.append(name)
        else:
            contents[name] = base64.b64encode(path.read_bytes()).decode()
    return {"contents": contents, "left_out": left_out}


def _refused(status: int, code: str, message: str, hint: str) -> tuple[int, dict[str, Any]]:
    return status, {"status": status, "code": code, "message": message, "hint": hint}


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()


def main() -> None:
    """In Lambda its runtime client, anywhere else a server: the same process goes on as one or the other."""
    if os.environ.get(RUNTIME):
        client = [BASE_ENTRY] if os.access(BASE_ENTRY, os.X_OK) else [sys.executable, "-m", "awslambdaric"]
        os.execv(client[0], [*client, f"{__spec__.name}.handler"])  # noqa: S606
    serve = [sys.executable, "-m", "graft", "serve", "--notebook", os.environ[NOTEBOOK]]
    os.execv(serve[0], serve)  # noqa: S606 - a signal reaches the server itself


if __name__ == "__main__":
    main()
