import io
import re

import numpy as np
import pytest
from PIL import Image

import graft
from graft.decoding import formats
from graft.decoding.formats import HEAD, PICTURES, RECORDINGS, describe, is_text, kind_of, sniff


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP"])
def test_pictures_are_known_by_their_first_bytes(form):
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(buffer, form)
    assert sniff(buffer.getvalue()[:HEAD]) == form.lower()
    assert sniff(buffer.getvalue()[:HEAD]) in PICTURES


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"", None),
        (b"BMW drives 250 km/h, they say, at times", None),  # begins like a bitmap
        (b"path,label\n1.jpg,cat\n", None),
        (b"RIFF\x24\0\0\0WAVEfmt ", "wav"),
        (b"WAVEWAVEWAVE", None),  # the word alone is no recording
        (b"PK\x03\x04\x14\0", "zip"),
        (b"%PDF-1.7\n", "pdf"),
        (b"\n\n  <!DOCTYPE html><html>", "html"),
        (b"\xef\xbb\xbf<HTML lang=en>", "html"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'>", "svg"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "heic"),
        (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1", "avif"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0", "mp4"),
        (bytes(32), None),
    ],
)
def test_other_kinds(head, kind):
    assert sniff(head) == kind


@pytest.mark.parametrize(
    ("form", "kind"),
    [
        ("WAV", "wav"), ("WAVEX", "wav"), ("RF64", "wav"), ("W64", "w64"), ("AIFF", "aiff"), ("AU", "au"),
        ("CAF", "caf"), ("FLAC", "flac"), ("OGG", "ogg"), ("MP3", "mp3"),
    ],
)  # fmt: skip
def test_recordings_are_known_by_their_first_bytes(form, kind):
    soundfile = pytest.importorskip("soundfile")
    buffer = io.BytesIO()
    soundfile.write(buffer, np.zeros(4000, np.float32), 16_000, format=form)
    assert sniff(buffer.getvalue()[:HEAD]) == kind
    assert kind in RECORDINGS


def frames(*second):
    return [bytes([0xFF, byte, 0x90, 0x64]) + bytes(28) for byte in second]


@pytest.mark.parametrize("head", [*frames(0xFB, 0xFA, 0xF3, 0xF2, 0xE3, 0xE2, 0xFD, 0xFC), b"ID3\x03\0" + bytes(27)])
def test_mpeg_audio_with_and_without_a_tag(head):
    assert kind_of(head) == "mp3"


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        *((head, "aac") for head in frames(0xF1, 0xF9)),
        (b"\0\0\0\x20ftypM4A \0\0\0\0", "m4a"),
        (b"#!AMR-WB\n", "amr"),
        (b"\x1aE\xdf\xa3\x9fB\x86\x81\x01", "matroska"),
        (b"0&\xb2u\x8ef\xcf\x11\xa6\xd9", "wma"),
        (b"OggS\0\x02" + bytes(22) + b"Speex   ", "speex"),
        (b"OggS\0\x02" + bytes(22) + b"OpusHead", "ogg"),
    ],
)
def test_sound_that_cannot_be_read_is_named_with_how_to_convert_it(head, kind):
    assert sniff(head) == kind
    if kind != "ogg":
        assert "ffmpeg -i in." in describe(head, "audio")[1]


@pytest.mark.parametrize(
    "head",
    [
        b"ID3 tags hold the names of songs",
        b"caffeine is in coffee, and in tea",
        b"fLaC is how it begins",
        b".snd is an old extension",
        b"RIFF is a word, and so is WAVE..",
        b"FORM 27 was AIFFed",
        b"MM, II and BM",
        "a,b".encode("utf-16"),
    ],
)
def test_words_that_begin_like_files_are_texts(head):
    assert kind_of(head[:HEAD]) == "text"


@pytest.mark.parametrize(
    "head", [b"path,label\n", "überall".encode(), "é".encode() * 15 + b"\xc3", "a,b".encode("utf-16")]
)
def test_text_is_text(head):
    assert is_text(head)


@pytest.mark.parametrize(
    "head", [b"", b"\0\1\2\3", b"\xff\xd8\xff\xe0", b"  \n", np.arange(32, dtype=np.uint8).tobytes()]
)
def test_bytes_are_no_text(head):
    assert not is_text(head)


def test_what_is_no_picture_is_named_with_what_to_do():
    assert "PDF" in describe(b"%PDF-1.4")[0]
    assert "HEIC" in describe(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")[0]
    assert describe(b"hello there") == ("a text file", "Give pictures.")
    assert all(describe(bytes([n]) * 32)[1] for n in range(256))


@pytest.mark.parametrize(
    ("head", "what", "advice"),
    [
        (b"\0\0\0\x18ftypisom", "a film", "ffmpeg -i in.mp4"),
        (b"\0\0\0\x14ftypqt  ", "a film", "ffmpeg -i in.mp4"),
        (b"\x1aE\xdf\xa3", "WebM", "ffmpeg -i in.webm"),
        (b"RIFF\0\0\0\0AVI LIST", "a film", "ffmpeg -i in.avi"),
        (b"\0\0\x01\xba\x44", "a film", "ffmpeg -i in.mpg"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "older Office", "Export its pages"),
        (b"{\\rtf1\\ansi", "an RTF document", "Export its pages"),
        (b"\0\0\0\x18ftypcrx ", "raw file", "Export it as JPEG"),
        (b"Rar!\x1a\x07\x01", "a RAR archive", "Unpack it."),
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "Unpack it."),
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file", "JPEG or PNG"),
        (b"DDS \x7c\0\0\0", "a DDS texture", "JPEG or PNG"),
        (b"SQLite format 3\0", "an SQLite database", "Save its pictures"),
    ],
)
def test_known_formats_have_a_remedy_of_their_own(head, what, advice):
    assert what in describe(head)[0]
    assert advice in describe(head)[1]


@pytest.mark.parametrize("head", [b"P6 40 40 255\n", b"P5\n# by hand\n4 4\n", b"P1\n3 3\n0 1 0", b"Pf 4 4 -1.0\n"])
def test_portable_pictures_are_known(head):
    assert kind_of(head) == "pnm"


@pytest.mark.parametrize("head", [b"P5 is a pixel map", b"P6 40 pounds", b"Pf 200 grams of flour", b"DDS is a dentist"])
def test_words_that_begin_like_pictures_are_texts(head):
    assert kind_of(head) == "text"


def test_advice_fits_the_modality():
    photo = b"\xff\xd8\xff\xe0"
    assert describe(photo, "audio") == ("a JPEG picture", "Give recordings.")
    assert describe(photo, "text") == ("a JPEG picture", "Give texts.")
    assert describe(b"%PDF-1.4", "text") == ("a PDF document", "Save its text as a .txt file.")
    assert describe(b"%PDF-1.4")[1] == "Save its pages as JPEG or PNG."
    assert describe(b"<html>", "audio")[1] == "Download the recording itself."
    assert describe(bytes(32), "text")[1].startswith("Check that it opens in a text editor")


def test_what_kinds_and_names_speak_for():
    kinds = ("jpeg", "heic", "wav", "m4a", "text", "html", "")
    assert [formats.belongs_to(kind) for kind in kinds] == ["image", "image", "audio", "audio", "text", "", ""]
    assert [formats.promised(f"a{suffix}") for suffix in (".JPG", ".opus", ".txt", ".m4a", ".zip", ".php", "")] == [
        "image", "audio", "text", "audio", "", "", "",
    ]  # fmt: skip
    assert {".jpg", ".wav", ".txt", ".csv"} <= formats.KNOWN_SUFFIXES


def test_what_advice_names_in_python_is_there():
    advice = " ".join(way for _, ways in formats.UNSUPPORTED.values() for way in ways.values())
    named = set(re.findall(r"\bgraft\.(\w+)", advice))
    assert "GraftClassifier" in named
    assert not [name for name in named if not hasattr(graft, name)]
