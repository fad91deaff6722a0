"""Requests as forms with files (``multipart/form-data``), read piece by piece so that nobody else waits."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any, cast

from graft.errors import ItemError
from graft.serving.json_items import KEYS, content_of, count, rest_of, text_bytes
from graft.serving.predict_request import PredictRequest
from graft.serving.problems import Problem

PIECE = 1 << 16
"""Bytes that are read before others have their turn."""
OPTIONS = ("top", "n")
MOST_OPTION_BYTES = 20
_LONGEST_NAME = 200
_TEXTS = frozenset({"text", "texts"})
_FILES = frozenset({"image", "images", "recording", "recordings", "file", "files", "base64"})
_HINT = "Send files: curl -F file=@photo.jpg"


@dataclass(slots=True)
class _Part:
    """One part of a form while it is read."""

    headers: dict[bytes, bytes] = field(default_factory=dict)
    content: bytearray = field(default_factory=bytearray)
    name: str = ""
    filename: str | None = None


class _Parts:
    """Takes what the parser finds.

    Args:
        most: How many parts there may be.
    """

    def __init__(self, most: int) -> None:
        self.done: list[_Part] = []
        self.ended = False
        self._most = most
        self._part = _Part()
        self._field, self._value = bytearray(), bytearray()

    def callbacks(self) -> dict[str, Any]:
        """By the names that the parser knows."""
        return {
            "on_part_begin": self._begin,
            "on_part_data": lambda data, start, end: self._part.content.extend(data[start:end]),
            "on_part_end": lambda: self.done.append(self._part),
            "on_header_field": lambda data, start, end: self._field.extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
            "on_header_end": self._header,
            "on_headers_finished": self._named,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        if len(self.done) >= self._most:
            raise Problem(413, "too_many", f"The form has more than {self._most:,} parts.", "Send several requests.")
        self._part = _Part()

    def _header(self) -> None:
        self._part.headers[bytes(self._field).lower()] = bytes(self._value)
        self._field, self._value = bytearray(), bytearray()

    def _named(self) -> None:
        from python_multipart.multipart import parse_options_header

        _, options = parse_options_header(self._part.headers.get(b"content-disposition", b""))
        self._part.name = options.get(b"name", b"").decode("utf-8", "replace")
        if b"filename" in options:
            self._part.filename = options[b"filename"].decode("utf-8", "replace")

    def _end(self) -> None:
        self.ended = True


async def read_form(body: bytes, boundary: str, most: int) -> PredictRequest:
    """The items of a form: every part with a file name, and fields called ``texts``, ``images`` or ``recordings``.

    Args:
        body: The form.
        boundary: What stands between its parts, as its ``Content-Type`` says.
        most: How many items there may be.

    Raises:
        Problem: It is no form, or holds no items.
    """
    from python_multipart.exceptions import FormParserError
    from python_multipart.multipart import MultipartParser

    if not boundary or len(boundary) > _LONGEST_NAME or not boundary.isascii():
        raise _broken("its Content-Type gives no boundary")
    parts = _Parts(most + len(OPTIONS))
    parser = MultipartParser(boundary, cast("Any", parts.callbacks()))
    try:
        for start in range(0, len(body), PIECE):
            parser.write(body[start : start + PIECE])
            await asyncio.sleep(0)
        parser.finalize()
    except FormParserError as error:
        raise _broken(str(error)[:100].rstrip(".")) from None
    if not parts.ended:
        raise _broken("it ends before its last boundary")
    return _request(parts.done)


def _broken(found: str) -> Problem:
    return Problem(400, "not_a_form", f"The body is no whole form: {found}.", _HINT)


def _request(parts: list[_Part]) -> PredictRequest:
    options: dict[str, str] = {}
    names: list[str] = []
    items: list[bytes | ItemError] = []
    modality = ""
    for part in parts:
        content = bytes(part.content)
        if part.filename is None and part.name in OPTIONS:
            options[part.name] = content[:MOST_OPTION_BYTES].decode("utf-8", "replace")
            continue
        if part.filename == "" and not content:  # a field for a file that was left empty
            continue
        names.append(_name(part, len(items)))
        items.append(content if part.filename is not None else _field_item(part.name, content))
        modality = modality or ("" if part.filename is not None else KEYS.get(part.name, ""))
    if not items:
        raise Problem(422, "bad_request", "The form holds no items.", _HINT)
    rest = rest_of(modality, options)
    return PredictRequest(tuple(items), tuple(names), top=count(options.get("top"), "top"), rest=rest)


def _field_item(name: str, content: bytes) -> bytes | ItemError:
    """What a field without a file holds: a text, or a file in base64."""
    if name in _TEXTS:
        return content
    if name not in _FILES:
        raise Problem(422, "bad_request", f"The form has a field {name[:40]!r}, which is not known.", _HINT)
    if not content.isascii():
        return ItemError("not_base64", "The field is no base64, and has no file name.", _HINT)
    return content_of(content.decode(), "file")


def _name(part: _Part, place: int) -> str:
    """What a part is called in the answer: as its file, without folders."""
    own = PureWindowsPath(PurePosixPath(part.filename or "").name).name
    known = own and not isinstance(text_bytes(own), ItemError)
    return own[:_LONGEST_NAME] if known else f"{(part.name or 'part')[:_LONGEST_NAME]}[{place}]"
