"""From bytes to text, whatever the encoding, and back."""

from __future__ import annotations

from graft.data.formats import HEAD, describe_kind, sniff
from graft.errors import ItemError


def read_text(content: bytes) -> str:
    """The text that an item holds.

    Raises:
        ItemError: It is empty, or a file of another kind: no text in any encoding begins like a picture.
    """
    if (kind := sniff(content[:HEAD])) and not _is_utf8(content):  # "ID3 tags" is a text that begins like an MP3
        what, advice = describe_kind(kind, "text")
        raise ItemError("not_a_text", f"It is not a text: it is {what}.", advice)
    text = decode_text(content)
    if not text.strip():
        raise ItemError("empty", "The text is empty.", "Write something, or leave the item out.")
    return text


def decode_text(content: bytes) -> str:
    """Text in UTF-8, UTF-16 (with a byte order mark, or Latin letters enough to tell without), or Windows-1252."""
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if content.startswith(mark):
            return content.decode(encoding, "replace")
    start = content[:2000]
    for offset, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        if start[offset::2].count(0) > 0.4 * len(start) / 2:
            return content.decode(encoding, "replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        pass
    try:
        return content.decode("cp1252")
    except UnicodeDecodeError:  # five bytes have no meaning in Windows-1252
        return content.decode("latin-1")


def decode_beginning(content: bytes, size: int) -> str:
    """Text in the first ``size`` bytes (an even number), without the character that the cut goes through."""
    head = content[:size]
    if len(content) > size:
        for length in range(1, min(4, len(head)) + 1):
            last = head[-length]
            if last >= 0xC0 and _is_utf8(head[:-length]):  # a character of UTF-8 begins here
                return decode_text(head[:-length])
            if last < 0x80:
                break
    return decode_text(head)


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def mend(text: str) -> str:
    """The text with U+FFFD for each half of a character that lacks its other half, so that UTF-8 can hold it."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
