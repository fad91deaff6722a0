"""Requests over HTTP, as a function URL and API Gateway's HTTP APIs hand them on (payload format 2.0)."""

import base64
import binascii
from http import HTTPStatus
from typing import Any

from answering import MOST_BYTES
from predicting import HINT, KEY, Refused, of_file, of_json, refuse, to_json

PROBES = ("healthz", "readyz", "ping")
ASKED = ("", "predict", "invocations")
"""Last parts of an address that ask the model; a stage may stand before them."""
RAW = {"images": "image", "texts": "text", "recordings": "audio"}[KEY]
UNKNOWN_TYPES = ("", "*/*", "application/x-www-form-urlencoded")
"""What is sent where nobody said what it is: then the content tells."""
PROBLEM = "application/problem+json"


def takes(event: Any) -> bool:
    """Whether it is such a request."""
    about = event.get("requestContext") if isinstance(event, dict) else None
    return isinstance(about, dict) and isinstance(about.get("http"), dict)


def answer(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """The response."""
    try:
        return response(200, answered(event), "application/json")
    except Refused as error:
        phrase = HTTPStatus(error.status).phrase
        told = {"type": "about:blank", "title": phrase, "status": error.status, **error.told}
        return response(error.status, told, PROBLEM)


def response(status: int, value: Any, kind: str) -> dict[str, Any]:
    """What the platform makes an answer over HTTP of."""
    headers = {"content-type": kind, "cache-control": "no-store"}
    return {"statusCode": status, "headers": headers, "body": to_json(value), "isBase64Encoded": False}


def answered(event: dict[str, Any]) -> Any:
    """What is said to a request.

    Raises:
        Refused: It is not answered.
    """
    path = str(event.get("rawPath") or "/").rstrip("/").rpartition("/")[2]
    stage = event["requestContext"].get("stage", "")
    method = str(event["requestContext"]["http"].get("method", "")).upper()
    if path in PROBES and method in ("GET", "HEAD"):
        return {"status": "ready"}
    if path not in (*ASKED, stage):
        raise Refused(404, "not_found", "There is nothing at this address.", "Send a POST to /predict.")
    if method != "POST":
        raise Refused(405, "method", f"{method[:10]} asks for nothing here.", "Send a POST to /predict.")
    given = event.get("headers")
    headers = {str(name).lower(): str(value) for name, value in (given if isinstance(given, dict) else {}).items()}
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise Refused(415, "unsupported_encoding", f"The body is compressed ({encoding[:40]!r}).", "Send it as it is.")
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    body = body_of(event)
    if kind == "application/json" or kind.endswith("+json") or (kind in UNKNOWN_TYPES and looks_like_json(body)):
        return of_json(body)
    if kind not in (*UNKNOWN_TYPES, "application/octet-stream") and kind.partition("/")[0] != RAW:
        message = f"The body is of the type {kind[:80]!r}, and this model takes {KEY}."
        hint = f"Send application/json, {RAW}/* or application/octet-stream."
        raise Refused(415, "unsupported_media_type", message, hint)
    if KEY != "texts" and event.get("isBase64Encoded") is not True:
        raise Refused(
            400,
            "not_binary",
            "The body came as a text, and a file does not survive that.",
            "Switch on binary media types (*/*) in the gateway, or send JSON: " + HINT,
        )
    found = of_file(body, "body")
    if "error" in found["predictions"][0]:
        refuse(found["predictions"])
    return found


def looks_like_json(body: bytes) -> bool:
    """Whether it begins as an object or a list does."""
    return body[:64].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[")


def body_of(event: dict[str, Any]) -> bytes:
    """The bytes that were sent; the event's own flag says how they stand in it.

    Raises:
        Refused: The body does not fit its flag, is missing, or too large.
    """
    text = event.get("body")
    if not isinstance(text, str) or not text:
        raise Refused(422, "empty", "The request has no body.", HINT)
    if len(text) > MOST_BYTES * 4 // 3 + 4:
        raise Refused(413, "too_large", f"The body has more than {MOST_BYTES >> 20} MB, the limit.", "Send less.")
    try:
        if event.get("isBase64Encoded") is True:
            return base64.b64decode(text, validate=True)
        return text.encode()
    except (binascii.Error, ValueError):
        raise Refused(
            400,
            "flag",
            "The body does not fit isBase64Encoded, the event's own flag.",
            "Let the gateway set the flag (payload format 2.0), or set it where you make the event yourself.",
        ) from None
