import os
from io import BufferedReader, BytesIO

import pytest

from graft.decoding.encoding import decode, decode_lines, decode_text, mend, read_text
from graft.errors import ItemError


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_usual_encodings(encoding):
    assert decode_text("Grüße aus Köln, nicht wahr?".encode(encoding)) == "Grüße aus Köln, nicht wahr?"


def test_bytes_of_no_encoding_are_text_all_the_same():
    assert len(decode_text(bytes(range(1, 256)) * 3)) > 700


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


FRENCH = "".join(f"où est mon colis numéro {n},retardé\n" for n in range(20))


def test_one_byte_that_is_no_utf8_changes_no_other():
    content = FRENCH.encode()
    spoilt = content.replace("numéro 5,".encode(), "numéro 5,".encode("cp1252"))
    decoded = decode(spoilt)
    assert decoded.text == FRENCH
    assert decoded.encoding == "UTF-8"
    assert decoded.strays == 1
    (told,) = decoded.told("a.csv")
    assert "One byte of a.csv cannot be UTF-8 as the rest is, and was read" in told
    assert "numéro 5" in told


@pytest.mark.parametrize(
    ("text", "encoding", "called"),
    [
        ("".join(f"gdzie jest przesyłka {n},spóźniona\n" for n in range(20)), "cp1250", "Windows-1250"),
        ("".join(f"где моя посылка номер {n},верните деньги\n" for n in range(20)), "cp1251", "Windows-1251"),
        ("".join(f"πού είναι το δέμα {n},επιστροφή χρημάτων\n" for n in range(20)), "cp1253", "Windows-1253"),
        ("".join(f"我的包裹在哪里{n},请退款给我\n" for n in range(20)), "gb18030", "GB 18030"),
        ("kde je můj balík číslo 3, zpožděný", "cp1250", "Windows-1250"),
        ("kargom nerede, şimdi geri ödeme istiyorum, ığdır", "cp1254", "Windows-1254"),
        ("где моя посылка номер 3, верните деньги", "koi8_r", "KOI8-R"),
        ("أين طردي رقم 3", "cp1256", "Windows-1256"),
        ("".join(f"איפה החבילה שלי {n}\n" for n in range(20)), "cp1255", "Windows-1255"),
        ("荷物はまだ届いていません。返金してください", "cp932", "Shift JIS"),
        ("荷物はまだ届いていません。返金してください", "euc_jp", "EUC-JP"),
        ("我的包裹還沒有到，請退款", "big5", "Big5"),
        ("소포가 아직 도착하지 않았습니다 환불", "cp949", "CP949"),
        ("Grüße aus Köln, meine Straße", "cp850", "850"),
        (FRENCH, "cp1252", "Windows-1252"),
        ("Grüße aus Köln, nicht wahr?", "cp1252", "Windows-1252"),
        ("var är mitt paket? jag vill ha pengarna tillbaka", "cp1252", "Windows-1252"),
    ],
)
def test_older_encodings_are_told_apart_and_told(text, encoding, called):
    decoded = decode(text.encode(encoding))
    assert decoded.text == text
    assert called in decoded.encoding
    (told,) = decoded.told("a.csv")
    assert called in told
    assert "save it as UTF-8" in told


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "ascii"])
def test_what_is_not_in_doubt_is_not_told(encoding):
    text = "plain" if encoding == "ascii" else FRENCH
    assert decode(text.encode(encoding)).told("a.csv") == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "cp1250"])
@pytest.mark.parametrize("first", ["plain\n\n", ""])
def test_lines_of_a_stream_are_read_as_those_of_a_file(encoding, first):
    lines = [f"gdzie jest przesyłka {n}, spóźniona" for n in range(5)] if encoding == "cp1250" else FRENCH.split()[:9]
    content = (first + "\r\n".join(lines)).encode(encoding)
    told = []
    found = list(decode_lines(BufferedReader(BytesIO(content)), 10_000, told.append))
    assert found == [*first.split(), *lines]
    assert bool(told) == encoding.startswith("cp")


def test_a_stray_byte_in_a_stream_of_utf8():
    content = "é à ü\nok\n".encode() + b"caf\xe9\nlast\n"
    assert list(decode_lines(BufferedReader(BytesIO(content)), 10_000, [].append)) == ["é à ü", "ok", "café", "last"]


def test_lines_come_as_soon_as_they_are_there():
    ours, theirs = os.pipe()
    with os.fdopen(ours, "rb") as stream, os.fdopen(theirs, "wb", buffering=0) as pipe:
        pipe.write("zuerst ä\n".encode())
        lines = decode_lines(stream, 10_000, [].append)
        assert next(lines) == "zuerst ä"
        pipe.write(b"then\n")
        assert next(lines) == "then"
