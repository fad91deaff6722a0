"""Asks the model about what a request holds, and says it as graft serve does: all events end here."""

import json
from pathlib import Path
from typing import Any, NoReturn

from answering import ABOUT, MOST_BYTES, NotRead, answer
from base64_items import from_base64

KEYS = {"texts": "text", "images": "image", "recordings": "audio"}
"""What items stand under, and what they are."""
MOST_ITEMS, MOST_TOP = 256, 1_000_000
STATUS = {"not_a_picture": 415, "not_a_recording": 415, "not_supported": 415, "too_large": 413}
"""Of an item that is refused, where it is the only one; of any other reason it is 422."""
SETTINGS: dict[str, Any] = json.loads(Path(__file__).with_name("function.json").read_bytes())
KEY = {kind: key for key, kind in KEYS.items()}[ABOUT["modality"]]
HINT = f'Send {{"{KEY}": ["{"..." if KEY == "texts" else "base64"}"]}}.'


class Refused(Exception):
    """A request that is not answered: a status of HTTP, a stable word, what was wrong and found, what to do."""

    def __init__(self, status: int, code: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.status = status
        self.told: dict[str, Any] = {"code": code, "message": message, "hint": hint}


def of_json(body: bytes) -> dict[str, Any]:
    """The answers to a request in JSON: ``{"texts": [...]}``, ``{"images": [...]}`` or ``{"recordings": [...]}``.

    Raises:
        Refused: It is no JSON, holds no items, or none of them can be used.
    """
    try:
        value = json.loads(body.decode("utf-8-sig"), parse_constant=no_constant)
    except (ValueError, RecursionError):  # UnicodeDecodeError is one, and what is wrong with a body is not repeated
        raise Refused(400, "not_json", "The body is no JSON in UTF-8.", HINT) from None
    if not isinstance(value, dict):
        unfit("The body is no object.")
    found = [key for key in (*KEYS, "instances") if key in value]
    if len(found) != 1 or not isinstance(value[found[0]], list) or not value[found[0]]:
        unfit("The body does not hold one list of items.")
    if found[0] not in (KEY, "instances"):
        unfit(f"This model takes {KEY}, and was sent {found[0]}.")
    items = value[found[0]]
    if len(items) > MOST_ITEMS:
        message = f"The request has {len(items):,} items; the limit is {MOST_ITEMS}."
        raise Refused(413, "too_many", message, "Send them in several requests.")
    top, ids = options_of({name: one for name, one in value.items() if name != found[0]}, len(items))
    names = [f"{found[0]}[{place}]" for place in range(len(items))]
    answers = [said(content_of(item), name, top) for item, name in zip(items, names, strict=True)]
    if all("error" in one for one in answers):
        refuse(answers)
    if ids is not None:
        answers = [{**one, "id": own} for one, own in zip(answers, ids, strict=True)]
    return whole(answers)


def options_of(value: dict[str, Any], n: int) -> tuple[int | None, list[str] | None]:
    """How many classes are shown of each item, and what its sender calls it.

    Raises:
        Refused: Something else is asked for.
    """
    parameters = value.pop("parameters", {})  # where a cloud's endpoint puts them
    if not isinstance(parameters, dict):
        unfit("parameters is no object.")
    value = {**parameters, **value}
    if strange := value.keys() - {"top", "ids"}:
        unfit(f"There is no option {sorted(strange)[0][:40]!r}.")
    top, ids = value.get("top"), value.get("ids")
    if top is not None and not (type(top) is int and 1 <= top <= MOST_TOP and ABOUT["classes"]):
        unfit("top is no whole number from 1 on, or the model predicts numbers, which have no ranks.")
    if ids is not None and not (isinstance(ids, list) and len(ids) == n and all(map(is_id, ids))):
        unfit("ids is no list of one text for each item.")
    return top, ids


def of_file(content: bytes, name: str) -> dict[str, Any]:
    """The answer to the bytes of one file, or its error in its place."""
    return whole([said(text_of(content) if KEY == "texts" else content, name)])


def whole(answers: list[dict[str, Any]]) -> dict[str, Any]:
    """Answers with the model that gave them."""
    return {"model": ABOUT["name"], "version": SETTINGS["version"], "predictions": answers}


def said(item: str | bytes | NotRead, name: str, top: int | None = None) -> dict[str, Any]:
    """The entry of one item."""
    found = {"error": item.told} if isinstance(item, NotRead) else answer(item)
    if top is not None and "scores" in found:
        found["scores"] = dict(list(found["scores"].items())[:top])
    return {"input": name, **found}


def content_of(item: Any) -> str | bytes | NotRead:
    """A text, or the bytes that base64 stands for."""
    if isinstance(item, dict) and len(item) == 1 and set(item) <= {"text", "base64", "b64", "bytes"}:
        (item,) = item.values()
    if not isinstance(item, str):
        return NotRead("not_an_item", "The item is no text.", HINT)
    if KEY == "texts":
        return whole_characters(item)
    try:
        return from_base64(item)
    except NotRead as error:
        return error


def text_of(content: bytes) -> str | NotRead:
    """A text in UTF-8."""
    if len(content) > MOST_BYTES:
        return NotRead("too_large", f"The item has more than {MOST_BYTES >> 20} MB, the limit.", "Make it smaller.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return NotRead("not_a_text", "The text is not in UTF-8.", "Save it in UTF-8.")


def whole_characters(text: str) -> str | NotRead:
    """A text, unless it holds half a character (a lone surrogate), which no answer could repeat."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return NotRead("not_unicode", "The text holds half a character (a lone surrogate).", "Send whole characters.")
    return text


def is_id(value: Any) -> bool:
    """Whether it may stand beside an answer."""
    return isinstance(value, str) and len(value) <= 200 and not isinstance(whole_characters(value), NotRead)


def no_constant(name: str) -> NoReturn:
    """NaN and Infinity are no numbers of JSON."""
    raise ValueError(name)


def unfit(message: str) -> NoReturn:
    """A request that is JSON, and asks for what there is not."""
    raise Refused(422, "bad_request", message, HINT)


def refuse(answers: list[dict[str, Any]]) -> NoReturn:
    """Where no item could be answered: why of each, and of the first above all."""
    first = answers[0]["error"]
    refused = Refused(STATUS.get(first["code"], 422), first["code"], first["message"], first["hint"])
    refused.told["item"] = answers[0]["input"]
    if len(answers) > 1:
        refused.told["errors"] = [{"item": one["input"], **one["error"]} for one in answers]
    raise refused


def to_json(value: Any) -> str:
    """Strict JSON: no NaN, and the same text for the same value."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
