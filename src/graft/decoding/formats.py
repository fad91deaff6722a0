"""What a file is, judged by its first bytes and never by its name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import PurePosixPath

from graft.errors import ItemError

HEAD = 32
"""How many bytes ``sniff`` needs."""

PAGE_MARK = b'<meta name="generator" content="Graft">'
"""Stands near the beginning of every page that Graft writes: it may be replaced among the data, and is none of them."""
PAGE_HEAD = 2048
"""So near."""

READS_AVIF = find_spec("PIL._avif") is not None
"""Pillow was built with it, as its wheels are from 11.3 on."""

READS_HEIC = find_spec("pi_heif") is not None
"""The extra ``heic`` is installed."""

PICTURES = frozenset({"jpeg", "png", "gif", "bmp", "tiff", "webp", "pnm"}) | frozenset(
    kind for kind, is_there in (("avif", READS_AVIF), ("heic", READS_HEIC)) if is_there
)
"""The kinds of picture that can be read here."""

RECORDINGS = frozenset({"wav", "flac", "ogg", "mp3", "aiff", "au", "caf", "w64"})
"""The kinds of sound file that can be read."""

MARKUP = frozenset({"html", "svg", "xml"})
"""Texts by their characters, and seldom meant as such: among pictures they are failed downloads and annotations."""

TABULAR = frozenset({".csv", ".tsv", ".jsonl", ".ndjson", ".parquet", ".xlsx", ".xls", ".ods"})
"""Extensions of manifests: text has no first bytes of its own, so a manifest is known by its name."""

_ALSO_TABULAR = frozenset({".json"})
"""Extensions of files that are manifests where they are given as such; in a folder they have many purposes."""

_ENDINGS = {
    "jpeg": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "png": (".png", ".apng"),
    "gif": (".gif",),
    "bmp": (".bmp", ".dib"),
    "tiff": (".tif", ".tiff"),
    "webp": (".webp",),
    "pnm": (".pnm", ".ppm", ".pgm", ".pbm", ".pfm"),
    "avif": (".avif",),
    "heic": (".heic", ".heif", ".hif"),
    "wav": (".wav", ".wave", ".rf64"),
    "flac": (".flac",),
    "ogg": (".ogg", ".oga", ".opus"),
    "mp3": (".mp3", ".mp2", ".mpga"),
    "aiff": (".aif", ".aiff", ".aifc"),
    "au": (".au", ".snd"),
    "caf": (".caf",),
    "w64": (".w64",),
}
"""How files of a kind end, the usual ending first."""

EXTENSIONS = {suffix: kind for kind, suffixes in _ENDINGS.items() for suffix in suffixes}
"""Which kind of picture or recording an extension promises."""

USUAL_EXTENSION = {kind: suffixes[0] for kind, suffixes in _ENDINGS.items()}
"""How a picture or recording of a kind is called."""

_FOREIGN = {
    "image": (".jxl", ".jp2", ".svg", ".psd", ".ico"),
    "audio": (".m4a", ".m4b", ".aac", ".amr", ".wma", ".spx", ".wv", ".weba", ".webm", ".mka"),
    "text": (".txt", ".text", ".md", ".rst", ".log", ".eml"),
    "": (".pdf", ".zip", ".mp4", ".mov", ".avi", ".mkv", ".json", ".xml", ".html", ".docx", ".gz", *TABULAR),
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


def _film(suffix: str) -> _Advice:
    return {"image": f"Give single frames of it: ffmpeg -i in.{suffix} -r 1 out%04d.jpg", **_convert(suffix)}


_DATA_SET = "Give it as the data set itself."
_DATA = "Give the data themselves."
_EXPORT = "Save its text as a .txt file, or its table as CSV."
_SLIDES = "Save its slides as pictures, or its text as a .txt file."
_PICTURE: _Advice = {"image": SAVE_AS}
_RAW: _Advice = {"image": "Export it as JPEG or PNG."}

_KINDS: dict[str, tuple[str, str | _Advice]] = {
    "7z": ("a 7z archive", "Unpack it."),
    "aac": ("an AAC recording", _convert("aac")),
    "aiff": ("an AIFF recording", {}),
    "amr": ("an AMR recording", _convert("amr")),
    "apk": ("an Android program", _DATA),
    "au": ("an AU recording", {}),
    "avi": ("a film", _film("avi")),
    "avif": ("an AVIF picture", _PICTURE),
    "bmp": ("a BMP picture", {}),
    "bzip2": ("a bzip2 archive", "Unpack it."),
    "caf": ("a CAF recording", {}),
    "dds": ("a DDS texture", _PICTURE),
    "doc": ("a Word document (.doc)", _EXPORT),
    "docx": ("a Word document (.docx)", _EXPORT),
    "encrypted": ("an Office document with a password", "Save it without a password, or as CSV."),
    "eps": ("an EPS drawing", _PICTURE),
    "epub": ("an e-book (EPUB)", "Save its text as .txt files, one for each item."),
    "exr": ("an OpenEXR picture", _PICTURE),
    "fits": ("a FITS picture", _PICTURE),
    "flac": ("a FLAC recording", {}),
    "flv": ("a film", _film("flv")),
    "gif": ("a GIF picture", {}),
    "graft": ("a page that Graft wrote", {}),
    "gzip": ("a gzip archive", "Unpack it."),
    "hdf5": ("an HDF5 file", {"image": SAVE_AS, "text": "Save its texts as a table.", "audio": "Save it as WAV."}),
    "hdr": ("a Radiance HDR picture", _PICTURE),
    "heic": (
        "a HEIC picture, as phones make them",
        {"image": "pip install 'graft-learn[heic]' reads it, or: Save it as JPEG or PNG."},
    ),
    "html": (
        "a web page, as a download that failed leaves it",
        {"image": "Download the picture itself.", "audio": "Download the recording itself."},
    ),
    "icns": ("an icon", _PICTURE),
    "ico": ("an icon", _PICTURE),
    "iwork": ("a document of Pages, Numbers or Keynote", "Export it as CSV or as text."),
    "jar": ("a Java archive", _DATA),
    "jpeg": ("a JPEG picture", {}),
    "jpeg2000": ("a JPEG 2000 picture", _PICTURE),
    "jxl": ("a JPEG XL picture", _PICTURE),
    "keras": ("a Keras model", _DATA),
    "kmz": ("a map (KMZ)", _DATA),
    "m4a": ("an M4A recording", _convert("m4a")),
    "matroska": ("a WebM or Matroska file", _film("webm")),
    "midi": ("a MIDI file, which holds notes and no sound", {"audio": "Render it as WAV."}),
    "mp3": ("an MP3 recording", {}),
    "mp4": ("a film", _film("mp4")),
    "mpeg": ("a film", _film("mpg")),
    "npz": ("NumPy arrays (.npz)", "Save pictures as JPEG or PNG; give embeddings to graft.GraftClassifier."),
    "numpy": ("a NumPy array", {"image": SAVE_AS, "audio": "Save it as WAV."}),
    "odp": ("a presentation (.odp)", _SLIDES),
    "ods": ("a spreadsheet (.ods)", _DATA_SET),
    "odt": ("a text document (.odt)", _EXPORT),
    "ogg": ("an Ogg recording", {}),
    "ole": (
        "a document of an older Office",
        {"image": "Export its pages as JPEG or PNG.", "text": "Save its text as a .txt file, or a sheet as CSV."},
    ),
    "ooxml": ("an Office document", "Save it as CSV or as text."),
    "opendocument": ("an OpenDocument file", "Save it as CSV or as text."),
    "pam": ("a PAM picture", _PICTURE),
    "parquet": ("a Parquet table", _DATA_SET),
    "pdf": ("a PDF document", {"image": "Save its pages as JPEG or PNG.", "text": "Save its text as a .txt file."}),
    "png": ("a PNG picture", {}),
    "pnm": ("a PPM, PGM or PBM picture", {}),
    "ppt": ("a presentation (.ppt)", _SLIDES),
    "pptx": ("a presentation (.pptx)", _SLIDES),
    "psd": ("a Photoshop document", _PICTURE),
    "rar": ("a RAR archive", "Unpack it."),
    "raw": ("a camera's raw file", _RAW),
    "rtf": ("an RTF document", {"text": "Save its text as a .txt file.", "image": "Export its pages as JPEG or PNG."}),
    "speex": ("a Speex recording", _convert("spx")),
    "sqlite": ("an SQLite database", {"text": "Save a table of it as CSV.", "image": "Save its pictures as files."}),
    "svg": ("an SVG drawing", {"image": "Render it as PNG."}),
    "text": ("a text file", {}),
    "theora": ("a film", _film("ogv")),
    "tiff": ("a TIFF picture", {}),
    "torch": ("a PyTorch file", _DATA),
    "visio": ("a Visio drawing", "Save its pages as pictures."),
    "w64": ("a Wave64 recording", {}),
    "wav": ("a WAV recording", {}),
    "wavpack": ("a WavPack recording", _convert("wv")),
    "webp": ("a WebP picture", {}),
    "wheel": ("a Python package", _DATA),
    "wma": ("a Windows Media file", _film("wma")),
    "xcf": ("a GIMP picture", _RAW),
    "xls": ("a spreadsheet (.xls)", _DATA_SET),
    "xlsb": ("a binary spreadsheet (.xlsb)", "Save it as .xlsx or CSV."),
    "xlsx": ("a spreadsheet (.xlsx)", _DATA_SET),
    "xml": ("an XML file", {}),
    "xz": ("an xz archive", "Unpack it."),
    "zip": ("a zip archive", "Unpack it, or give it as the data set itself."),
    "zstd": ("a Zstandard archive", "Unpack it."),
}
"""A kind of file in words, and what to do about it, whatever is wanted or by what is wanted."""

UNSUPPORTED: dict[str, tuple[str, _Advice]] = {
    kind: (what, dict.fromkeys(NOUNS, advice) if isinstance(advice, str) else advice)
    for kind, (what, advice) in _KINDS.items()
}
"""A kind of file in words, and what to do about it where pictures, texts or recordings are wanted."""

_UNREADABLE_PICTURES = frozenset(
    {"avif", "dds", "eps", "exr", "fits", "hdr", "heic", "icns", "ico", "jpeg2000", "jxl", "pam", "psd", "raw", "xcf"}
)
_UNREADABLE_RECORDINGS = frozenset({"aac", "amr", "m4a", "speex", "wavpack", "wma"})
_SPEAKS_FOR = {"image": PICTURES | _UNREADABLE_PICTURES, "audio": RECORDINGS | _UNREADABLE_RECORDINGS, "text": {"text"}}

_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (rb"\xff\xd8\xff", "jpeg"),
    (rb"\x89PNG\r\n\x1a\n", "png"),
    (rb"GIF8[79]a", "gif"),
    (rb"II[*+]\x00|MM\x00[*+]", "tiff"),
    (rb"RIFF.{4}WEBP", "webp"),
    # "BM" alone also begins words: the size of the header that follows must be one of those in use.
    (rb"BM.{12}[\x0c\x10\x28\x34\x38\x40\x6c\x7c]\x00\x00\x00", "bmp"),
    # The number of the variety, and the size or a comment: "P5" alone may begin a text.
    (rb"P(?:[1-6]\s+(?:\d+\s+\d+\s|#)|[1-6]\s*[\r\n]+#|[Ff]\s\d+\s+\d+\s)", "pnm"),
    (rb".{4}ftypavi", "avif"),
    (rb".{4}ftyp(?:he[iv]|mif1|msf1)", "heic"),
    (rb".{4}ftypcrx ", "raw"),
    (rb".{4}ftypM4[AB]", "m4a"),
    (rb".{4}(?:ftyp|moov\x00|mdat\x00)", "mp4"),
    (rb"PK(?:\x03\x04|\x05\x06)", "zip"),
    (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"),
    (rb"%PDF", "pdf"),
    (rb"%!PS", "eps"),
    (rb"8BPS", "psd"),
    (rb"PAR1", "parquet"),
    (rb"\x93NUMPY", "numpy"),
    (rb"\x1f\x8b", "gzip"),
    (rb"fLaC[\x00\x80]", "flac"),  # the byte after the word keeps texts out that begin with it; so below
    (rb"ID3[\x02-\x04]", "mp3"),
    (rb"\.snd\x00", "au"),
    (rb"caff\x00", "caf"),
    (rb"(?:RIF[FX]|RF64).{4}WAVE", "wav"),
    (rb"FORM.{4}AIF[FC]", "aiff"),
    (rb"riff\x2e\x91\xcf\x11", "w64"),
    (rb"OggS\x00.{23}Spee", "speex"),
    (rb"OggS\x00.{23}\x80the", "theora"),
    (rb"OggS\x00", "ogg"),
    (rb"#!AMR", "amr"),
    (rb"wvpk", "wavpack"),
    (rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "wma"),
    (rb"RIFF.{4}AVI ", "avi"),
    (rb"\x1aE\xdf\xa3", "matroska"),
    (rb"\xff\x0a|\x00\x00\x00\x0cJXL ", "jxl"),
    (rb"\x00\x00\x00\x0cjP  |\xff\x4f\xff\x51", "jpeg2000"),
    (rb"\x00\x00\x01\x00", "ico"),
    (rb"\x00\x00\x01[\xba\xb3]", "mpeg"),
    (rb"FLV\x01", "flv"),
    (rb"P7\n", "pam"),
    (rb"DDS \x7c\x00", "dds"),
    (rb"icns\x00", "icns"),
    (rb"\x76\x2f\x31\x01", "exr"),
    (rb"#\?RADIANCE\n", "hdr"),
    (rb"SIMPLE  =   ", "fits"),
    (rb"gimp xcf ", "xcf"),
    (rb"FUJIFILMCCD-RAW|IIR[OS]\x08\x00|IIU\x00", "raw"),
    (rb"MThd\x00", "midi"),
    (rb"\{\\rtf1", "rtf"),
    (rb"SQLite format 3\x00", "sqlite"),
    (rb"\x89HDF\r\n\x1a\n", "hdf5"),
    (rb"Rar!\x1a\x07", "rar"),
    (rb"7z\xbc\xaf\x27\x1c", "7z"),
    (rb"\xfd7zXZ\x00", "xz"),
    (rb"BZh91AY&SY", "bzip2"),
    (rb"\x28\xb5\x2f\xfd", "zstd"),
    (rb"(?i:(?:\xef\xbb\xbf)?\s*(?:<!doctype html|<html))", "html"),
    (rb"(?i:(?:\xef\xbb\xbf)?\s*<svg)", "svg"),
    (rb"(?i:(?:\xef\xbb\xbf)?\s*<\?xml)", "xml"),
)
"""How files of a kind begin, as a pattern; the first that fits counts."""
_BEGINNING = re.compile(b"|".join(b"(%b)" % pattern for pattern, _ in _SIGNATURES), re.DOTALL)
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")


def sniff(head: bytes) -> str | None:
    """The kind of file that begins with ``head`` (its first ``HEAD`` bytes): ``"jpeg"``, ``"wav"``, ``"zip"``, ...

    ``None`` where the bytes are no signature; plain text has none.
    """
    if found := _BEGINNING.match(head):
        return _SIGNATURES[(found.lastindex or 0) - 1][1]
    return _mpeg_audio(head)


def is_tabular(name: str, *, given: bool = True) -> bool:
    """Whether a file is called as tables are, packed by gzip too; ``given``: somebody named it as the data."""
    path = PurePosixPath(name.lower())
    suffix = PurePosixPath(path.stem).suffix if path.suffix == ".gz" else path.suffix
    return suffix in TABULAR or (given and suffix in _ALSO_TABULAR)


def bare_name(name: str) -> str:
    """A file's name without its extension, ``a`` for ``a.csv`` and ``a.csv.gz``."""
    path = PurePosixPath(name)
    inner = PurePosixPath(path.stem)
    packs = path.suffix.lower() == ".gz" and inner.suffix.lower() in (*TABULAR, *_ALSO_TABULAR, ".tar")
    return inner.stem if packs else path.stem


def is_text(head: bytes) -> bool:
    """Whether a file that begins with ``head`` reads as plain text."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):  # UTF-16 says so itself
        return True
    if not head.strip() or _CONTROL.search(head):
        return False
    return sum(byte < 0x80 for byte in head) >= 0.5 * len(head) or is_utf8(head, cut=True)


def kind_of(head: bytes) -> str:
    """As ``sniff``, with ``"text"`` for plain text, and ``""`` for what is not known."""
    return sniff(head) or ("text" if is_text(head) else "")


def belongs_to(kind: str) -> str:
    """The modality that a kind of file speaks for, whether it can be read or not; ``""``: for none."""
    return next((modality for modality, kinds in _SPEAKS_FOR.items() if kind in kinds), "")


def readable_kind(content: bytes, modality: str) -> str:
    """The kind of a file that can be read as a picture or recording.

    Raises:
        ItemError: ``empty``, ``not_a_picture`` or ``not_a_recording``.
    """
    kind = sniff(content[:HEAD])
    if not content:
        raise ItemError("empty", "The file is empty.", "Copy or download it again.")
    if kind is None or kind not in (PICTURES if modality == "image" else RECORDINGS):
        what, advice = describe(content[:HEAD], modality)
        message = f"The file is not a {NOUNS[modality][0]} that can be read: it is {what}."
        raise ItemError(NOT_OF_THE_KIND[modality], message, advice)
    return kind


def is_own_page(content: bytes) -> bool:
    """Whether a file that begins so, or is so, is a page that Graft wrote."""
    return PAGE_MARK in content[:PAGE_HEAD]


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
    what, advice = UNSUPPORTED.get(kind, ("of an unknown kind", _UNKNOWN_ADVICE))
    return what, advice.get(modality, f"Give {NOUNS[modality][1]}.")


def remedy(kind: str, modality: str) -> str:
    """What to do about files of a kind that cannot be read as they are; ``""`` where nothing is known.

    Args:
        kind: As ``kind_of`` has it.
        modality: What is wanted; ``""`` where it is not known, and every way is named.
    """
    advice = UNSUPPORTED.get(kind, ("", {}))[1]
    if modality:
        return advice.get(modality, "")
    ways = {way: NOUNS[own][1] for own, way in advice.items()}
    if len(ways) < 2:
        return next(iter(ways), "")
    *first, last = (f"{nouns}: {way}" for way, nouns in ways.items())
    return "For " + "; for ".join([*(way.rstrip(".") for way in first), last])


def _mpeg_audio(head: bytes) -> str | None:
    """A frame of MPEG audio without a tag before it: eleven bits set, and a version, layer and rates that exist."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    if layer == 0:  # ADTS, which is AAC, marks itself by the layer that MPEG audio leaves free
        return "aac" if head[1] & 0xF6 == 0xF0 else None
    exists = version != 1 and layer != 3 and head[2] >> 4 != 15 and head[2] >> 2 & 3 != 3
    return "mp3" if exists else None


def is_utf8(content: bytes, *, cut: bool = False) -> bool:
    """Whether bytes are a text in UTF-8; ``cut``: its end may go through a character."""
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        return cut and error.start >= max(1, len(content) - 3)
    return True
