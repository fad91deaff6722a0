"""From bytes to text, whatever the encoding, and back."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BufferedReader

from graft.contracts import LIMITS, ItemLimits
from graft.decoding.alphabets import OLDER, share_of_own_letters
from graft.decoding.formats import HEAD, describe_kind, is_utf8, sniff
from graft.errors import ItemError

_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig", "UTF-8"),
    (b"\xff\xfe", "utf-16", "UTF-16"),
    (b"\xfe\xff", "utf-16", "UTF-16"),
)
_SAMPLE = 1 << 16
_SAME_CHAOS = 0.06
"""Of charset-normalizer's mess ratio, from 0 to 1: within this two readings are equally orderly."""
_LEAST_EVIDENCE = 3
"""Bytes beyond ASCII that tell one encoding from another; of fewer anything can be made."""
_SHOWN = 60
_NOTICED = 64
_STRAY = re.compile("[\udc80-\udcff]")


def read_text(content: bytes, limits: ItemLimits = LIMITS) -> str:
    """The text that an item holds.

    Raises:
        ItemError: It is empty, longer than ``limits`` allow, or a file of another kind: no text in any encoding begins
            like a picture.
    """
    if (kind := sniff(content[:HEAD])) and not is_utf8(content):  # "ID3 tags" is a text that begins like an MP3
        what, advice = describe_kind(kind, "text")
        raise ItemError("not_a_text", f"It is not a text: it is {what}.", advice)
    text = decode_text(content)
    if not text.strip():
        raise ItemError("empty", "The text is empty.", "Write something, or leave the item out.")
    if len(text) > limits.characters:
        raise ItemError(
            "too_large",
            f"The text has {len(text):,} characters; the limit is {limits.characters:,}.",
            "Cut it into parts.",
        )
    return text


@dataclass(frozen=True, slots=True)
class Decoded:
    """A text, and how its bytes were read.

    Attributes:
        text: The text.
        encoding: What it was read as, by its usual name; ``"UTF-8"`` and ``"UTF-16"`` are not in doubt.
        example: A line that another encoding would have read in another way; ``""`` where none would.
        strays: How many bytes of a text in UTF-8 are none, and were read as Windows-1252.
    """

    text: str
    encoding: str
    example: str = ""
    strays: int = 0

    def told(self, name: str) -> list[str]:
        """What to tell of a file that was read so: nothing, or one sentence."""
        if not self.example:
            return []
        shown = repr(textwrap.shorten(self.example, _SHOWN, placeholder="\N{HORIZONTAL ELLIPSIS}"))
        if self.strays:
            what, were = ("One byte", "was") if self.strays == 1 else (f"{self.strays:,} bytes", "were")
            return [f"{what} of {name} cannot be UTF-8 as the rest is, and {were} read as Windows-1252: {shown}."]
        return [f"{name} is not in UTF-8; it was read as {self.encoding}: {shown}. If that is wrong, save it as UTF-8."]


def decode_text(content: bytes) -> str:
    """The text that bytes hold, see ``decode``."""
    return decode(content).text


def decode(content: bytes) -> Decoded:
    """Text in UTF-8, UTF-16 (with a byte order mark, or Latin letters enough to tell without), or an older encoding.

    A few bytes that are no UTF-8 do not change how all others are read. Which of the older encodings it is, is told
    from how usual its letters and their order would be; where two are as likely it is Windows-1252.
    """
    for mark, encoding, name in _MARKS:
        if content.startswith(mark):
            return Decoded(content.decode(encoding, "replace"), name)
    start = content[:2000]
    for offset, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        if start[offset::2].count(0) > 0.4 * len(start) / 2:
            return Decoded(content.decode(encoding, "replace"), "UTF-16")
    text = content.decode("utf-8", "surrogateescape")  # bytes that are no UTF-8 become lone surrogates
    strays = len(_STRAY.findall(text))
    if not strays:
        return Decoded(text, "UTF-8")
    if strays <= sum(letter > "\x7f" for letter in text) - strays:
        first = next(_STRAY.finditer(text)).start()
        mended = _STRAY.sub(lambda found: _single_bytes(bytes((ord(found[0]) - 0xDC00,))), text)
        return Decoded(mended, "UTF-8", _line_at(mended, first), strays)
    name, text = _older(content)
    return Decoded(text, name, _line_at(text, next(n for n, letter in enumerate(text) if letter > "\x7f")))


def decode_lines(stream: BufferedReader, limit: int, tell: Callable[[str], None]) -> Iterator[str]:
    """The lines of a stream that hold something, each as soon as it is there, decoded as those of a file are.

    Lines of UTF-8 are given at once. At the first that is none the rest is awaited, and decoded as a whole, for one
    line alone seldom tells its encoding.

    Args:
        stream: Such as stdin.
        limit: How many bytes are awaited at most.
        tell: Takes what should be known of the encoding.
    """
    head = stream.peek(_NOTICED)[:_NOTICED]
    wide = head.startswith((b"\xff\xfe", b"\xfe\xff")) or 0 in head
    seen = b""
    while not wide and (line := stream.readline(limit)):
        if not is_utf8(line):
            seen += line
            break
        seen = seen if line.isascii() else line  # one that is UTF-8 beyond ASCII says that the others are meant so
        if text := line.decode("utf-8").removeprefix("\ufeff").strip():
            yield text
    else:
        if not wide:
            return
    known = seen.count(b"\n", 0, len(seen) - 1)
    decoded = decode(seen + stream.read(limit))
    for sentence in decoded.told("stdin"):
        tell(sentence)
    yield from filter(None, map(str.strip, decoded.text.split("\n")[known:]))


def _older(content: bytes) -> tuple[str, str]:
    """The most likely encoding of a text that is not in UTF-8, by its usual name, and the text."""
    from charset_normalizer import from_bytes  # seldom needed

    lines = [line for line in content[: 1 << 22].split(b"\n") if not line.isascii()]
    sample = b"\n".join(lines)[:_SAMPLE]
    enough = sum(byte > 0x7F for byte in sample) >= _LEAST_EVIDENCE
    found = list(from_bytes(sample, cp_isolation=list(OLDER), enable_fallback=False)) if enough else []
    least = min((one.chaos for one in found), default=0.0)
    coherence = {  # of encodings that make the same text one is listed, with its companions
        name: round(one.coherence, 1)
        for one in found
        if one.chaos <= least + _SAME_CHAOS
        for name in (one.encoding, *one.could_be_from_charset)
    }
    spelt = {name: round(share_of_own_letters(sample.decode(name, "replace"), name), 1) for name in coherence}
    likely = [name for name in OLDER if name in spelt]
    for name in sorted(likely, key=lambda name: (-spelt[name], -coherence[name])):
        try:
            return OLDER[name][0], content.decode(name)
        except UnicodeDecodeError:  # beyond the sample
            pass
    return "Windows-1252", _single_bytes(content)


def _single_bytes(content: bytes) -> str:
    """Windows-1252, where five bytes have no meaning and stand for themselves."""
    return "".join(bytes((byte,)).decode("cp1252", "ignore") or chr(byte) for byte in content)


def _line_at(text: str, place: int) -> str:
    end = text.find("\n", place)
    return text[text.rfind("\n", 0, place) + 1 : len(text) if end < 0 else end].strip()


def decode_beginning(content: bytes, size: int) -> str:
    """Text in the first ``size`` bytes (an even number), without the character that the cut goes through."""
    head = content[:size]
    if len(content) > size:
        for length in range(1, min(4, len(head)) + 1):
            last = head[-length]
            if last >= 0xC0 and is_utf8(head[:-length]):  # a character of UTF-8 begins here
                return decode_text(head[:-length])
            if last < 0x80:
                break
    return decode_text(head)


def mend(text: str) -> str:
    """The text with U+FFFD for each half of a character that lacks its other half, so that UTF-8 can hold it."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
