"""Requests in JSON: ``{"texts": [...]}``, ``{"images": [...]}``, ``{"recordings": [...]}``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from graft.decoding.base64_items import from_base64
from graft.decoding.formats import HEAD, describe_kind, sniff
from graft.errors import ItemError
from graft.serving.predict_request import PredictRequest
from graft.serving.problems import Problem

KEYS = {"texts": "text", "images": "image", "recordings": "audio"}
"""What items stand under, and what they are."""
INSTANCES = "instances"
"""What they stand under where a cloud's endpoint writes the request (Vertex AI)."""
MOST_TOP = 1_000_000
MOST_ITEMS = 4096
"""So many are looked at, wherever a server's own limit is: more would take memory before it was asked."""
_OTHER = ("top", "ids", "n", "parameters")
_HINT = 'Send {"texts": ["..."]}, {"images": ["base64"]} or {"recordings": ["base64"]}.'


def parse(body: bytes) -> Any:
    """The value that a body holds, which is strict JSON in UTF-8.

    Raises:
        Problem: It is something else; what it is, is not repeated.
    """
    if (kind := sniff(body[:HEAD])) is not None:
        what, _ = describe_kind(kind, "text")
        _refuse(f"The body is no JSON: it is {what}.", "Send it with its own Content-Type, such as image/jpeg.")
    try:
        return json.loads(body.decode("utf-8-sig"), parse_constant=_no_constant)
    except UnicodeDecodeError:
        _refuse("The body is no JSON: it is not in UTF-8.", "Send a file with its own Content-Type, or JSON in UTF-8.")
    except json.JSONDecodeError as error:
        _refuse(f"The body is no JSON: {error.msg} (line {error.lineno}, column {error.colno}).", _HINT)
    except RecursionError:
        _refuse("The body is nested too deeply.", _HINT)
    except ValueError as error:
        _refuse(f"The body is no JSON: {str(error)[:100]}.", _HINT)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _refuse(message: str, hint: str) -> NoReturn:
    raise Problem(400, "not_json", message, hint)


def read_request(body: bytes) -> PredictRequest:
    """The items of a request.

    Raises:
        Problem: It is no JSON, or asks for what there is not.
    """
    return request_of(parse(body))


def request_of(value: Any) -> PredictRequest:
    """The items of a request whose JSON was read."""
    if not isinstance(value, dict):
        _unfit(f"The body is {_named(value)}, and no object.", _HINT)
    found = [key for key in (*KEYS, INSTANCES) if key in value]
    if not found:
        given = ", ".join(repr(str(key)[:40]) for key in list(value)[:5]) or "nothing"
        _unfit(f"The body holds no items, but {given}.", _HINT)
    if len(found) > 1:
        _unfit(f"The body holds both {found[0]} and {found[1]}.", "Send one of them.")
    if strange := [key for key in value if key not in (*found, *_OTHER)]:
        _unfit(f"There is no option {str(strange[0])[:40]!r}.", f"Known are {', '.join(_OTHER[:3])}.")
    (key,) = found
    items = value[key]
    if not isinstance(items, list):
        _unfit(f"{key} is {_named(items)}, and no list.", _HINT)
    if not items:
        _unfit(f"{key} is empty.", _HINT)
    check_number(len(items))
    names = tuple(f"{key}[{place}]" for place in range(len(items)))
    contents = tuple(_content(KEYS.get(key, ""), item) for item in items)
    options = _options(value)
    rest = rest_of(KEYS.get(key, ""), options)
    return PredictRequest(contents, names, _ids(value.get("ids"), len(items)), count(options.get("top"), "top"), rest)


def check_number(n: int) -> None:
    """Whether a request may have so many items at all.

    Raises:
        Problem: It may not.
    """
    if n > MOST_ITEMS:
        raise Problem(413, "too_many", f"The request has {n:,} items.", "Send them in several requests.")


def _options(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is asked for beside the items; a cloud's endpoint puts it under ``parameters``."""
    parameters = value.get("parameters")
    if parameters is None:
        return value
    if not isinstance(parameters, dict):
        _unfit(f"parameters is {_named(parameters)}, and no object.", 'Send {"parameters": {"top": 3}}.')
    return {**parameters, **value}


def rest_of(modality: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """What stands beside the items: of which kind they say they are, and how many look-alikes are asked for."""
    n = count(options.get("n"), "n")
    return {"modality": modality, **({} if n is None else {"n": n})}


def count(value: Any, name: str) -> int | None:
    """A number from 1 on; ``None`` where nothing was said.

    Raises:
        Problem: It is something else.
    """
    if value is None:
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 8:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MOST_TOP:
        _unfit(f"{name} is {_named(value)}.", f"Give a whole number from 1 to {MOST_TOP:,}.")
    return int(value)


def _ids(value: Any, n: int) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) != n or not all(isinstance(one, str) for one in value):
        _unfit("ids is no list of one text for each item.", "Leave it out, or give as many as there are items.")
    if any(len(one) > 200 or not _encodable(one) for one in value):
        _unfit("An id is longer than 200 characters, or holds half a character.", "Give shorter ones.")
    return tuple(value)


def _content(modality: str, item: Any) -> bytes | ItemError:
    """One item; ``modality`` is ``""`` where its own form says what it is."""
    if isinstance(item, dict) and len(item) == 1:
        (key, item), *_ = item.items()
        modality = {"text": "text", "base64": "file", "b64": "file", "bytes": "file"}.get(key, "?")
    if modality == "?" or not isinstance(item, str):
        return ItemError("not_an_item", f"The item is {_named(item)}, and no text.", _HINT)
    return content_of(item, modality or "text")


def content_of(item: str, kind: str) -> bytes | ItemError:
    """What is written as a text: where ``kind`` is ``"text"`` that itself, else a file in base64."""
    if kind == "text":
        return text_bytes(item)
    try:
        return from_base64(item)
    except ItemError as error:
        return error


def text_bytes(text: str) -> bytes | ItemError:
    """A text in UTF-8."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return ItemError("not_unicode", "The text holds half a character (a lone surrogate).", "Send whole characters.")


def _encodable(text: str) -> bool:
    return not isinstance(text_bytes(text), ItemError)


def _named(value: Any) -> str:
    """What a value of JSON is, in words that do not repeat it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    kinds: tuple[tuple[type, str], ...] = ((str, "a text"), (list, "a list"), (dict, "an object"))
    return next((name for kind, name in kinds if isinstance(value, kind)), "a number out of range")


def _unfit(message: str, hint: str) -> NoReturn:
    raise Problem(422, "bad_request", message, hint)
