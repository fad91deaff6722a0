"""What a file is, judged by its first bytes and never by its name."""

from __future__ import annotations

import re

HEAD = 32
"""How many bytes ``sniff`` needs."""

PICTURES = frozenset({"jpeg", "png", "gif", "bmp", "tiff", "webp"})
"""The kinds of picture that can be read."""

RECORDINGS = frozenset({"wav", "flac", "ogg", "mp3", "m4a"})
"""The kinds of sound file."""

TABULAR = frozenset({".csv", ".tsv", ".jsonl", ".parquet"})
"""Extensions of manifests: text has no first bytes of its own, so a manifest is known by its name."""

EXTENSIONS = {
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
    ".jpe": "jpeg",
    ".jfif": "jpeg",
    ".png": "png",
    ".apng": "png",
    ".gif": "gif",
    ".bmp": "bmp",
    ".dib": "bmp",
    ".tif": "tiff",
    ".tiff": "tiff",
    ".webp": "webp",
}
"""Which kind of picture an extension promises."""

SAVE_AS = "Save it as JPEG or PNG."

STRANGERS = {
    "avif": ("an AVIF picture", SAVE_AS),
    "eps": ("an EPS drawing", SAVE_AS),
    "flac": ("a FLAC recording", "Give pictures."),
    "gzip": ("a gzip archive", "Unpack it."),
    "heic": ("a HEIC picture, as phones make them", SAVE_AS),
    "html": ("a web page, as a download that failed leaves it", "Download the picture itself."),
    "ico": ("an icon", SAVE_AS),
    "jpeg2000": ("a JPEG 2000 picture", SAVE_AS),
    "jxl": ("a JPEG XL picture", SAVE_AS),
    "m4a": ("an M4A recording", "Give pictures."),
    "mp3": ("an MP3 recording", "Give pictures."),
    "mp4": ("a film", "Give single frames of it."),
    "numpy": ("a NumPy array", SAVE_AS),
    "ogg": ("an Ogg recording", "Give pictures."),
    "parquet": ("a Parquet table", "Give it as the data set itself."),
    "pdf": ("a PDF document", "Save its pages as JPEG or PNG."),
    "psd": ("a Photoshop document", SAVE_AS),
    "svg": ("an SVG drawing", "Render it as PNG."),
    "text": ("a text file", "Give pictures."),
    "wav": ("a WAV recording", "Give pictures."),
    "xml": ("an XML file", "Give pictures."),
    "zip": ("a zip archive", "Unpack it, or give it as the data set itself."),
}
"""What is no picture that can be read: its name in words, and what to do about it."""

_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\xff\xd8\xff", "jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "png"),
    (0, b"GIF87a", "gif"),
    (0, b"GIF89a", "gif"),
    (0, b"II*\x00", "tiff"),
    (0, b"MM\x00*", "tiff"),
    (0, b"II+\x00", "tiff"),
    (0, b"MM\x00+", "tiff"),
    (8, b"WEBP", "webp"),
    (8, b"WAVE", "wav"),
    (4, b"ftypavi", "avif"),
    (4, b"ftyphei", "heic"),
    (4, b"ftyphev", "heic"),
    (4, b"ftypmif1", "heic"),
    (4, b"ftypmsf1", "heic"),
    (4, b"ftypM4A", "m4a"),
    (4, b"ftyp", "mp4"),
    (0, b"PK\x03\x04", "zip"),
    (0, b"PK\x05\x06", "zip"),
    (0, b"%PDF", "pdf"),
    (0, b"%!PS", "eps"),
    (0, b"8BPS", "psd"),
    (0, b"PAR1", "parquet"),
    (0, b"\x93NUMPY", "numpy"),
    (0, b"\x1f\x8b", "gzip"),
    (0, b"fLaC", "flac"),
    (0, b"OggS", "ogg"),
    (0, b"ID3", "mp3"),
    (0, b"\xff\xfb", "mp3"),
    (0, b"\xff\xf3", "mp3"),
    (0, b"\xff\xf2", "mp3"),
    (0, b"\xff\x0a", "jxl"),
    (0, b"\x00\x00\x00\x0cJXL ", "jxl"),
    (0, b"\x00\x00\x00\x0cjP  ", "jpeg2000"),
    (0, b"\xff\x4f\xff\x51", "jpeg2000"),
    (0, b"\x00\x00\x01\x00", "ico"),
)
_BITMAP_HEADERS = frozenset({12, 16, 40, 52, 56, 64, 108, 124})
_MARKUP = ((b"<!doctype html", "html"), (b"<html", "html"), (b"<svg", "svg"), (b"<?xml", "xml"))
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")


def sniff(head: bytes) -> str | None:
    """The kind of file that begins with ``head`` (its first ``HEAD`` bytes): ``"jpeg"``, ``"zip"``, ``"html"``, ...

    ``None`` where the bytes are no signature; plain text has none.
    """
    for offset, magic, kind in _SIGNATURES:
        if head.startswith(magic, offset):
            return kind if offset != 8 or head.startswith(b"RIFF") else None
    # "BM" alone also begins words: the size of the header that follows must be one of those in use.
    if head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in _BITMAP_HEADERS:
        return "bmp"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return next((kind for start, kind in _MARKUP if text.startswith(start)), None)


def is_text(head: bytes) -> bool:
    """Whether a file that begins with ``head`` reads as plain text."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):  # UTF-16 says so itself
        return True
    if not head.strip() or _CONTROL.search(head):
        return False
    return sum(byte < 0x80 for byte in head) >= 0.5 * len(head) or _is_utf8(head)


def describe(head: bytes) -> tuple[str, str]:
    """What a file that begins with ``head`` and is no picture is in words, and what to do to have a picture."""
    kind = sniff(head) or ("text" if is_text(head) else "")
    return STRANGERS.get(kind, ("of an unknown kind", "Check that it opens in a picture viewer."))


def _is_utf8(head: bytes) -> bool:
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start >= max(1, len(head) - 3)  # a character cut by the end
    return True
