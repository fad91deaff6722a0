"""Files within JSON and forms: base64 in each of the ways in which it is written, and never half a file."""

from __future__ import annotations

import base64
import binascii
import re
from urllib.parse import unquote

from graft.errors import ItemError

_DATA = re.compile(r"data:[^,;]{0,100}(?:;[^,;]{0,100}){0,5}?;base64,", re.IGNORECASE)
_LINES = str.maketrans("", "", "\r\n\t")
_URL = str.maketrans("-_", "+/")
_HINT = "Send the bytes of the file in base64, as they are or behind data:image/jpeg;base64,"


def from_base64(text: str) -> bytes:
    """The bytes of a file: base64 of either alphabet, with or without line breaks, padding, and a ``data:`` prefix.

    Raises:
        ItemError: ``not_base64`` or ``empty``. A space among the letters is refused: it may be a line break, or a ``+``
            that a form has turned into one.
    """
    text = text.strip()
    if "%" in text[:200] or "%" in text[-200:]:  # as forms write it
        text = unquote(text)
    if text[:5].lower() == "data:":
        found = _DATA.match(text)
        if found is None:
            raise ItemError("not_base64", "The data: address is not in base64.", _HINT)
        text = text[found.end() :]
    text = text.translate(_LINES)
    if " " in text:
        raise ItemError(
            "not_base64",
            "There are spaces in the base64: a form has turned its + into spaces, or it was cut into lines.",
            "Write + as %2B in a form, or send JSON.",
        )
    if ("-" in text or "_" in text) and ("+" in text or "/" in text):
        raise ItemError("not_base64", "The item mixes the two alphabets of base64.", _HINT)
    body = text.rstrip("=")
    if len(text) - len(body) > 2 or len(body) % 4 == 1:
        raise ItemError("not_base64", "The item is no base64 of whole bytes: something of it is missing.", _HINT)
    body = body.translate(_URL)
    whole = body + "=" * (-len(body) % 4)
    try:
        content = base64.b64decode(whole, validate=True)
    except (binascii.Error, ValueError):
        raise ItemError("not_base64", "The item is no base64.", _HINT) from None
    if not content:
        raise ItemError("empty", "The item is empty.", _HINT)
    if base64.b64encode(content[-(len(content) % 3 or 3) :]).decode() != whole[-4:]:  # bits are left over: it was cut
        raise ItemError("not_base64", "The item is no base64 of whole bytes: something of it is missing.", _HINT)
    return content
