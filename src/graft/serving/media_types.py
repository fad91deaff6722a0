"""What a body is, and what is wanted back: by its headers, and by its content where they say nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping

from graft.decoding.formats import HEAD, kind_of
from graft.serving.problems import MEDIA_TYPE, Problem

JSON, FORM, MULTIPART, TEXT, BYTES = (
    "application/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "text/plain",
    "application/octet-stream",
)
NOUNS = {"image": "pictures", "text": "texts", "audio": "recordings"}
RAW = {"image": "image/*", "audio": "audio/*", "text": TEXT}
TABLES = ("text/csv", "text/tab-separated-values")
"""What would be taken for one long text."""
_TOKEN = 200
_ENCODINGS = re.compile(
    r"ascii|utf-?(?:8|16|32)(?:[-_]?[lb]e)?|(?:windows-|cp)\d{3,4}|iso-?8859-\d{1,2}|latin-?1|koi8-[ru]|macintosh"
    r"|shift_jis|euc-(?:jp|kr)|iso-2022-jp|gb(?:2312|k|18030)|big5"
)
"""Encodings that are taken. Python remembers every other name that it is ever asked for, and knows some that take
minutes for a text of a megabyte."""


def parameters(header: str) -> tuple[str, dict[str, str]]:
    """A media type in lower case, and its parameters."""
    kind, *rest = header.split(";")
    found = {}
    for part in rest[:20]:
        name, _, value = part.partition("=")
        found[name.strip().lower()] = value.strip().strip('"')
    return kind.strip().lower(), found


def to_utf8(body: bytes, header: str) -> bytes:
    """A text in UTF-8, where its type names another encoding; without a name it is told from the text itself.

    Raises:
        Problem: There is no such encoding, or the text is not in it.
    """
    charset = parameters(header)[1].get("charset", "").lower()
    if charset in ("", "utf-8", "utf8", "us-ascii"):
        return body
    try:
        if not _ENCODINGS.fullmatch(charset):
            raise LookupError
        return body.decode(charset).encode()
    except (LookupError, UnicodeError, ValueError):
        raise Problem(
            415, "unsupported_encoding", f"The text is not in {charset[:40]!r}.", "Send it in UTF-8."
        ) from None


def accepted_types(modality: str) -> tuple[str, ...]:
    """The types that are taken for a model of this modality."""
    return (JSON, MULTIPART, RAW[modality], BYTES)


def body_type(header: str, body: bytes, modality: str) -> str:
    """``JSON``, ``MULTIPART`` or ``BYTES``: how a body is to be read.

    Args:
        header: ``Content-Type``, or ``""``.
        body: Its beginning at least.
        modality: What the model takes.

    Raises:
        Problem: It is of a type that is not taken.
    """
    kind, _ = parameters(header)
    if kind == MULTIPART:
        return MULTIPART
    if kind == JSON or kind.endswith("+json"):
        return JSON
    if kind in ("", FORM, "*/*"):  # curl says that it is a form, whatever it is
        found = kind_of(body[:HEAD])
        if body[:HEAD].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
            return JSON
        if found in ("", "text") and kind == FORM and modality != "text":
            raise unsupported(header, modality)
        return BYTES
    if kind in TABLES:
        raise unsupported(header, modality)
    if kind == BYTES or kind.partition("/")[0] == RAW[modality].partition("/")[0]:
        return BYTES
    if modality == "audio" and kind in ("video/ogg", "application/ogg", "video/webm", "video/mp4"):
        return BYTES  # judged by its content, and refused in words if need be
    raise unsupported(header, modality)


def unsupported(header: str, modality: str) -> Problem:
    """What the sender of another type is told."""
    given = f"The body is of the type {header[:_TOKEN]!r}" if header else "The body is of no type that is known"
    types = accepted_types(modality)
    return Problem(
        415,
        "unsupported_media_type",
        f"{given}, and this model takes {NOUNS[modality]}.",
        f"Send one of {', '.join(types)}.",
        headers={"Accept": ", ".join(types)},
    )


def check_encoding(headers: Mapping[str, str]) -> None:
    """Whether a body is as it is, and not compressed.

    Raises:
        Problem: It is compressed.
    """
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise Problem(
            415,
            "unsupported_encoding",
            f"The body is compressed ({encoding[:40]!r}).",
            "Send it as it is: pictures and recordings are compressed already.",
            headers={"Accept-Encoding": "identity"},
        )


def check_accept(header: str, *types: str) -> None:
    """Whether somebody takes one of these types.

    Raises:
        Problem: They want something else.
    """
    if not header.strip():
        return
    for part in header.split(",")[:100]:
        kind, rest = parameters(part)
        if rest.get("q", "1") in ("0", "0.0", "0.00", "0.000"):
            continue
        main = kind.partition("/")[0]
        if kind in ("*/*", "*", MEDIA_TYPE, *types) or (
            f"{main}/*" == kind and any(t.startswith(f"{main}/") for t in types)
        ):
            return
    raise Problem(
        406,
        "not_acceptable",
        f"An answer of the type {header[:_TOKEN]!r} is not offered.",
        f"Accept {' or '.join(types)}.",
    )
