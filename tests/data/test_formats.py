import io

import numpy as np
import pytest
from PIL import Image

from graft.data.formats import HEAD, PICTURES, describe, is_text, sniff


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
