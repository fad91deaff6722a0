import pytest

from graft.data.encoding import decode_text, mend, read_text
from graft.errors import ItemError


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_usual_encodings(encoding):
    assert decode_text("Grüße aus Köln, nicht wahr?".encode(encoding)) == "Grüße aus Köln, nicht wahr?"


def test_what_no_encoding_can_be_is_latin():
    assert decode_text(b"caf\xe9 \x81") == "caf\xe9 \x81"


def test_halves_of_characters_are_replaced():
    assert mend("a\ud800b") == "a\N{REPLACEMENT CHARACTER}b"
    assert mend("\ud83d\ude00") == "\N{GRINNING FACE}"  # two halves that belong together
    assert mend("caf\udce9") == "caf\N{REPLACEMENT CHARACTER}"
    assert mend("whole") == "whole"


def test_a_text_is_read_and_anything_else_refused():
    assert read_text(b"ID3 tags say so") == "ID3 tags say so"  # begins like an MP3
    for content, reason in ((b"", "empty"), (b" \n\t", "empty"), (b"\xff\xd8\xff\xe0\x00\x10JFIF", "not_a_text")):
        with pytest.raises(ItemError) as caught:
            read_text(content)
        assert caught.value.reason == reason
