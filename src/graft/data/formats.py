"""What a file is, judged by its first bytes and never by its name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath

HEAD = 32
"""How many bytes ``sniff`` needs."""

PICTURES = frozenset({"jpeg", "png", "gif", "bmp", "tiff", "webp"})
"""The kinds of picture that can be read."""

RECORDINGS = frozenset({"wav", "flac", "ogg", "mp3", "aiff", "au", "caf", "w64"})
"""The kinds of sound file that can be read."""

MARKUP = frozenset({"html", "svg", "xml"})
"""Texts by their characters, and seldom meant as such: among pictures they are failed downloads and annotations."""

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
    ".wav": "wav",
    ".wave": "wav",
    ".rf64": "wav",
    ".flac": "flac",
    ".ogg": "ogg",
    ".oga": "ogg",
    ".opus": "ogg",
    ".mp3": "mp3",
    ".mp2": "mp3",
    ".mpga": "mp3",
    ".aif": "aiff",
    ".aiff": "aiff",
    ".aifc": "aiff",
    ".au": "au",
    ".snd": "au",
    ".caf": "caf",
    ".w64": "w64",
}
"""Which kind of picture or recording an extension promises."""

_FOREIGN = {
    "image": (".heic", ".heif", ".avif", ".jxl", ".jp2", ".svg", ".psd", ".ico"),
    "audio": (".m4a", ".m4b", ".aac", ".amr", ".wma", ".spx", ".wv", ".weba", ".webm", ".mka"),
    "text": (".txt", ".text", ".md", ".rst", ".log", ".eml"),
    "": (".pdf", ".zip", ".mp4", ".mov", ".mkv", ".json", ".xml", ".html", *TABULAR),
}
KNOWN_SUFFIXES = frozenset({*EXTENSIONS, *(suffix for suffixes in _FOREIGN.values() for suffix in suffixes)})
"""Extensions that make a word without white space the name of a file."""

NOUNS = {"image": ("picture", "pictures"), "text": ("text", "texts"), "audio": ("recording", "recordings")}
"""What one item, and several, of each modality are called: the only place where that is said."""

SHOWN_AS = {**NOUNS, "image": ("photo", "photos")}
"""The same where items that were read are spoken of: of files that may be anything, a picture is no photo yet."""

NOT_OF_THE_KIND = {"image": "not_a_picture", "text": "not_a_text", "audio": "not_a_recording"}
"""The code of a file that is none of the modality."""

OPEN_ADVICE = {
    "image": "Check that the files open in a picture viewer.",
    "text": "Check that the files open in a text editor, and save them as UTF-8.",
    "audio": "Check that the files play, or convert them: ffmpeg -i in.m4a out.wav",
}
"""What to do where no file can be read."""

_UNKNOWN_ADVICE = {
    "image": "Check that it opens in a picture viewer.",
    "text": "Check that it opens in a text editor, and save it as UTF-8.",
    "audio": "Check that it plays, or convert it: ffmpeg -i in.m4a out.wav",
}

SAVE_AS = "Save it as JPEG or PNG."

_Advice = Mapping[str, str]


def _convert(suffix: str) -> _Advice:
    return {"audio": f"Convert it: ffmpeg -i in.{suffix} out.wav"}


_PICTURE: _Advice = {"image": SAVE_AS}
_ANY = ("image", "text", "audio")

STRANGERS: dict[str, tuple[str, _Advice]] = {
    "aac": ("an AAC recording", _convert("aac")),
    "aiff": ("an AIFF recording", {}),
    "amr": ("an AMR recording", _convert("amr")),
    "au": ("an AU recording", {}),
    "avif": ("an AVIF picture", _PICTURE),
    "bmp": ("a BMP picture", {}),
    "caf": ("a CAF recording", {}),
    "eps": ("an EPS drawing", _PICTURE),
    "flac": ("a FLAC recording", {}),
    "gif": ("a GIF picture", {}),
    "gzip": ("a gzip archive", dict.fromkeys(_ANY, "Unpack it.")),
    "heic": ("a HEIC picture, as phones make them", _PICTURE),
    "html": (
        "a web page, as a download that failed leaves it",
        {"image": "Download the picture itself.", "audio": "Download the recording itself."},
    ),
    "ico": ("an icon", _PICTURE),
    "jpeg": ("a JPEG picture", {}),
    "jpeg2000": ("a JPEG 2000 picture", _PICTURE),
    "jxl": ("a JPEG XL picture", _PICTURE),
    "m4a": ("an M4A recording", _convert("m4a")),
    "matroska": ("a WebM or Matroska file", {"image": "Give single frames of it.", **_convert("webm")}),
    "mp3": ("an MP3 recording", {}),
    "mp4": ("a film", {"image": "Give single frames of it.", **_convert("mp4")}),
    "numpy": ("a NumPy array", {"image": SAVE_AS, "audio": "Save it as WAV."}),
    "ogg": ("an Ogg recording", {}),
    "parquet": ("a Parquet table", dict.fromkeys(_ANY, "Give it as the data set itself.")),
    "pdf": ("a PDF document", {"image": "Save its pages as JPEG or PNG.", "text": "Save its text as a .txt file."}),
    "png": ("a PNG picture", {}),
    "psd": ("a Photoshop document", _PICTURE),
    "speex": ("a Speex recording", _convert("spx")),
    "svg": ("an SVG drawing", {"image": "Render it as PNG."}),
    "text": ("a text file", {}),
    "theora": ("a film", {"image": "Give single frames of it.", **_convert("ogv")}),
    "tiff": ("a TIFF picture", {}),
    "w64": ("a Wave64 recording", {}),
    "wav": ("a WAV recording", {}),
    "wavpack": ("a WavPack recording", _convert("wv")),
    "webp": ("a WebP picture", {}),
    "wma": ("a Windows Media recording", _convert("wma")),
    "xml": ("an XML file", {}),
    "zip": ("a zip archive", dict.fromkeys(_ANY, "Unpack it, or give it as the data set itself.")),
}
"""A kind of file in words, and what to do about it where pictures, texts or recordings are wanted."""

_UNREADABLE_PICTURES = frozenset({"avif", "eps", "heic", "ico", "jpeg2000", "jxl", "psd"})
_UNREADABLE_RECORDINGS = frozenset({"aac", "amr", "m4a", "speex", "wavpack", "wma"})

_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\xff\xd8\xff", "jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "png"),
    (0, b"GIF87a", "gif"),
    (0, b"GIF89a", "gif"),
    (0, b"II*\x00", "tiff"),
    (0, b"MM\x00*", "tiff"),
    (0, b"II+\x00", "tiff"),
    (0, b"MM\x00+", "tiff"),
    (4, b"ftypavi", "avif"),
    (4, b"ftyphei", "heic"),
    (4, b"ftyphev", "heic"),
    (4, b"ftypmif1", "heic"),
    (4, b"ftypmsf1", "heic"),
    (4, b"ftypM4A", "m4a"),
    (4, b"ftypM4B", "m4a"),
    (4, b"ftyp", "mp4"),
    (0, b"PK\x03\x04", "zip"),
    (0, b"PK\x05\x06", "zip"),
    (0, b"%PDF", "pdf"),
    (0, b"%!PS", "eps"),
    (0, b"8BPS", "psd"),
    (0, b"PAR1", "parquet"),
    (0, b"\x93NUMPY", "numpy"),
    (0, b"\x1f\x8b", "gzip"),
    (0, b"fLaC\x00", "flac"),  # the byte after the word keeps texts out that begin with it; so below
    (0, b"fLaC\x80", "flac"),
    (0, b"ID3\x02", "mp3"),
    (0, b"ID3\x03", "mp3"),
    (0, b"ID3\x04", "mp3"),
    (0, b".snd\x00", "au"),
    (0, b"caff\x00", "caf"),
    (0, b"riff\x2e\x91\xcf\x11", "w64"),
    (0, b"#!AMR", "amr"),
    (0, b"wvpk", "wavpack"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "wma"),
    (0, b"\x1aE\xdf\xa3", "matroska"),
    (0, b"\xff\x0a", "jxl"),
    (0, b"\x00\x00\x00\x0cJXL ", "jxl"),
    (0, b"\x00\x00\x00\x0cjP  ", "jpeg2000"),
    (0, b"\xff\x4f\xff\x51", "jpeg2000"),
    (0, b"\x00\x00\x01\x00", "ico"),
)
_CONTAINERS = {
    (b"RIFF", b"WEBP"): "webp",
    (b"RIFF", b"WAVE"): "wav",
    (b"RIFX", b"WAVE"): "wav",
    (b"RF64", b"WAVE"): "wav",
    (b"FORM", b"AIFF"): "aiff",
    (b"FORM", b"AIFC"): "aiff",
}
"""First four bytes and the four after the size."""

_OGG_STREAMS = {b"Spee": "speex", b"\x80the": "theora"}
_BITMAP_HEADERS = frozenset({12, 16, 40, 52, 56, 64, 108, 124})
_MARKUP = ((b"<!doctype html", "html"), (b"<html", "html"), (b"<svg", "svg"), (b"<?xml", "xml"))
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")


def sniff(head: bytes) -> str | None:
    """The kind of file that begins with ``head`` (its first ``HEAD`` bytes): ``"jpeg"``, ``"wav"``, ``"zip"``, ...

    ``None`` where the bytes are no signature; plain text has none.
    """
    for offset, magic, kind in _SIGNATURES:
        if head.startswith(magic, offset):
            return kind
    if container := _CONTAINERS.get((head[:4], head[8:12])):
        return container
    if head.startswith(b"OggS\x00"):
        return _OGG_STREAMS.get(head[28:32], "ogg")
    # "BM" alone also begins words: the size of the header that follows must be one of those in use.
    if head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in _BITMAP_HEADERS:
        return "bmp"
    if frame := _mpeg_audio(head):
        return frame
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return next((kind for start, kind in _MARKUP if text.startswith(start)), None)


def is_text(head: bytes) -> bool:
    """Whether a file that begins with ``head`` reads as plain text."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):  # UTF-16 says so itself
        return True
    if not head.strip() or _CONTROL.search(head):
        return False
    return sum(byte < 0x80 for byte in head) >= 0.5 * len(head) or _is_utf8(head)


def kind_of(head: bytes) -> str:
    """As ``sniff``, with ``"text"`` for plain text, and ``""`` for what is not known."""
    return sniff(head) or ("text" if is_text(head) else "")


def belongs_to(kind: str) -> str:
    """The modality that a kind of file speaks for, whether it can be read or not; ``""``: for none."""
    if kind in PICTURES or kind in _UNREADABLE_PICTURES:
        return "image"
    if kind in RECORDINGS or kind in _UNREADABLE_RECORDINGS:
        return "audio"
    return "text" if kind == "text" else ""


def promised(name: str) -> str:
    """The modality that a file's extension promises, ``""`` for none."""
    suffix = PurePosixPath(name).suffix.lower()
    if kind := EXTENSIONS.get(suffix):
        return belongs_to(kind)
    return next((modality for modality, suffixes in _FOREIGN.items() if suffix in suffixes), "")


def describe(head: bytes, modality: str = "image") -> tuple[str, str]:
    """What a file that begins with ``head`` is in words, and what to do to have an item of ``modality``."""
    return describe_kind(kind_of(head), modality)


def describe_kind(kind: str, modality: str) -> tuple[str, str]:
    """The same for a kind of file that is known."""
    what, advice = STRANGERS.get(kind, ("of an unknown kind", _UNKNOWN_ADVICE))
    return what, advice.get(modality, f"Give {NOUNS[modality][1]}.")


def _mpeg_audio(head: bytes) -> str | None:
    """A frame of MPEG audio without a tag before it: eleven bits set, and a version, layer and rates that exist."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    if layer == 0:  # ADTS, which is AAC, marks itself by the layer that MPEG audio leaves free
        return "aac" if head[1] & 0xF6 == 0xF0 else None
    exists = version != 1 and layer != 3 and head[2] >> 4 != 15 and head[2] >> 2 & 3 != 3
    return "mp3" if exists else None


def _is_utf8(head: bytes) -> bool:
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start >= max(1, len(head) - 3)  # a character cut by the end
    return True
