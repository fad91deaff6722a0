"""What a body may be: types, mistakes, base64, and bodies that are too long while they are still being sent."""

from __future__ import annotations

import base64
import json
import select
import socket
from pathlib import Path
from urllib.parse import quote_plus

import pytest

import shapes
from serving_checks import form, head, in_base64

pytest.importorskip("fastapi", reason="FastAPI is not installed: pip install 'graft-learn[serve]'")

from graft.decoding.base64_items import from_base64
from graft.errors import ItemError
from graft.serving import json_items
from graft.serving.limits import ServerLimits
from graft.serving.problems import Problem, to_json

PHOTO = shapes.encoded("circle", 1)
CONTENT = bytes(range(256)) * 3 + b"\xfb\xef\xff"
AS_CURL_SAYS = "application/x-www-form-urlencoded"
ONE = base64.b64encode(CONTENT).decode()


@pytest.mark.parametrize(
    "kind",
    [
        "application/json; charset=utf-8",
        "Application/JSON",
        "application/problem+json",
        "",
        AS_CURL_SAYS,
    ],
)
def test_json_by_whatever_name(pictures, kind: str):
    body = json.dumps({"images": [in_base64(PHOTO)]}).encode()
    for path in ("/predict", "/invocations"):
        assert pictures.predict(body, kind, path).json["predictions"][0]["label"] == "circle"


@pytest.mark.parametrize(
    "kind",
    ["image/png", "IMAGE/PNG; q=1", "image/jpeg", "application/octet-stream", "", AS_CURL_SAYS],
)
def test_a_photo_by_whatever_name(pictures, kind: str):
    for path in ("/predict", "/invocations"):
        assert pictures.predict(PHOTO, kind, path).json["predictions"][0]["label"] == "circle"


@pytest.mark.parametrize(
    "accept", ["*/*", "application/json", "text/html, application/*;q=0.8", "", "Application/JSON;v=1"]
)
def test_accept_that_is_met(pictures, accept: str):
    assert pictures.predict(PHOTO, "image/png", Accept=accept).status == 200


@pytest.mark.parametrize("accept", ["text/csv", "image/*", "application/json;q=0", "nonsense"])
def test_accept_that_is_not_met(pictures, accept: str):
    for path in ("/predict", "/invocations"):
        reply = pictures.predict(PHOTO, "image/png", path, Accept=accept)
        assert reply.status == 406
        assert "application/json" in reply.problem["hint"]


@pytest.mark.parametrize("kind", ["text/plain", "text/csv", "application/xml", "audio/wav", "application/x-a", "x"])
def test_a_type_that_is_not_taken_names_those_that_are(pictures, kind: str):
    for path in ("/predict", "/invocations")[: 1 if kind == "text/csv" else 2]:  # where a table is a batch
        reply = pictures.predict(b"a,b", kind, path)
        assert reply.status == 415
        assert "multipart/form-data" in reply.problem["hint"]
        assert "image/*" in reply.headers["accept"]


def test_a_compressed_body_is_refused(pictures):
    reply = pictures.predict(b"\x1f\x8b", "application/json", Content_Encoding="gzip")
    assert (reply.status, reply.problem["code"]) == (415, "unsupported_encoding")


def test_a_photo_posted_as_json_is_not_repeated(pictures):
    for body in (PHOTO, PHOTO[:20], b"\xff\xd8\xff\xe0" + bytes(60)):
        reply = pictures.predict(body, "application/json")
        assert reply.status == 400
        assert "picture" in reply.problem["message"]
        assert "image/jpeg" in reply.problem["hint"]
        assert len(reply.body) < 600


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"texts": ["a", NaN]}', 400),
        (b'{"texts": ["a"], "top": Infinity}', 400),
        (b'{"texts": ["\\ud800"]}', 422),
        (b'{"texts": ["a"], "ids": ["\\udc00"]}', 422),
        (b'{"\\ud800": 1}', 422),
        (b'{"texts": ["a"], "\\ud800": 1}', 422),
        ('{"texts": ["a"]}'.encode("utf-16"), 400),
        (b'{"texts": ["a"]', 400),
        (b"[" * 100_000, 400),
        (b'{"texts": ' + b"[" * 100_000, 400),
        (b'{"texts": [' + b"9" * 10_000 + b"]}", 400),
        (b"", 400),
        (b"null", 422),
        (b'"texts"', 422),
        (b'{"texts": []}', 422),
        (b'{"texts": "a"}', 422),
        (b'{"texts": [1, null, true, [], {}, {"text": "a", "b": 1}]}', 422),
        (b'{"texts": ["a"], "images": ["a"]}', 422),
        (b'{"images": ["AAAA"]}', 422),
        (b'{"texts": ["a"], "top": 0}', 422),
        (b'{"texts": ["a"], "top": true}', 422),
        (b'{"texts": ["a"], "top": 1e3}', 422),
        (b'{"texts": ["a"], "max_error": 0.02}', 422),
        (b'{"texts": ["a"], "ids": []}', 422),
        (b'{"texts": ["a"], "parameters": 1}', 422),
    ],
)
def test_json_that_cannot_be_answered(texts, body: bytes, status: int):
    reply = texts.predict(body, "application/json")
    assert reply.status == status
    assert len(reply.body) < 2000


def test_numbers_that_are_none_never_leave():
    with pytest.raises(ValueError, match="JSON"):
        to_json({"score": float("nan")})
    assert to_json({"a": "\ud800"}) == b'{"a":"\\ud800"}'


@pytest.mark.parametrize(
    "written",
    [
        ONE,
        f"data:image/jpeg;base64,{ONE}",
        f"DATA:image/svg+xml;charset=utf-8;base64,{ONE}",
        "\r\n".join(ONE[n : n + 76] for n in range(0, len(ONE), 76)),
        f"\n {ONE}\n",
        ONE.rstrip("="),
        base64.urlsafe_b64encode(CONTENT).decode(),
        base64.urlsafe_b64encode(CONTENT).decode().rstrip("="),
        quote_plus(ONE),
        quote_plus(f"data:image/png;base64,{ONE}"),
    ],
)
def test_base64_in_each_of_the_ways_in_which_it_is_written(written: str):
    assert from_base64(written) == CONTENT


@pytest.mark.parametrize(
    "written",
    [
        ONE[:-1] if not ONE.endswith("=") else ONE[:5],
        ONE.replace("+", " "),
        ONE[:40] + " " + ONE[40:],
        f"data:image/jpeg,{ONE}",
        "data:image/jpeg;base64,",
        ONE[:10] + "*" + ONE[10:],
        ONE[:8] + "====" + ONE[8:],
        "+_" + ONE,
        "=",
        "",
        "é" * 8,
        "photo.jpg",
    ],
)
def test_base64_that_is_not_whole_is_refused_and_never_another_picture(written: str):
    if " " in written:
        assert "+" in ONE
    with pytest.raises(ItemError):
        from_base64(written)


def test_bad_base64_names_its_item(pictures):
    reply = pictures.predict({"images": [in_base64(PHOTO), "not base64!"]})
    assert reply.status == 200
    assert reply.json["predictions"][1] == {
        "input": "images[1]",
        "error": {**reply.json["predictions"][1]["error"], "code": "not_base64"},
    }


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (form(("file", "a.png", PHOTO))[0], "multipart/form-data", 400),
        (form(("file", "a.png", PHOTO))[0], 'multipart/form-data; boundary="other"', 400),
        (form(("file", "a.png", PHOTO))[0][:-4], 'multipart/form-data; boundary="edge"', 400),
        (b"", 'multipart/form-data; boundary="edge"', 400),
        (*form(), 422),
        (*form(("top", None, b"2")), 422),
        (*form(("file", "", b"")), 422),
        (*form(("file", "a.png", PHOTO), ("top", None, b"many")), 422),
        (*form(("colour", None, b"red")), 422),
        (*form(("images", None, b"\xff")), 422),
    ],
)
def test_forms_that_cannot_be_answered(pictures, body: bytes, kind: str, status: int):
    reply = pictures.predict(body, kind)
    assert reply.status == status
    assert reply.problem["hint"]


def test_a_form_with_a_strange_file_name_and_base64(pictures):
    body, kind = form(
        ("file", "../../etc/pass\\wd", PHOTO), ("images", None, in_base64(PHOTO).encode()), ("top", None, b"1")
    )
    found = pictures.predict(body, kind).json["predictions"]
    assert [one["label"] for one in found] == ["circle", "circle"]
    assert [one["input"] for one in found] == ["wd", "images[1]"]
    assert [len(one["scores"]) for one in found] == [1, 1]


def test_too_many_items_are_refused(texts):
    most = ServerLimits().items
    reply = texts.predict({"texts": ["a"] * (most + 1)})
    assert (reply.status, reply.problem["code"]) == (413, "too_many")
    body, kind = form(*(("texts", None, b"a") for _ in range(most + 5)))
    assert texts.predict(body, kind).status == 413


def test_long_json_is_read_in_a_child_and_answered_alike(texts, pictures):
    filling = "rain " * 250_000
    found = texts.predict({"texts": ["it rains", filling]}).json["predictions"]
    assert found[0]["label"] == "rain"
    assert found[1]["error"]["code"] == "too_large"
    reply = pictures.predict(b'{"images": ["' + b"A" * 1_500_000, "application/json")
    assert (reply.status, reply.problem["code"]) == (400, "not_json")
    assert pictures.predict(b'{"images": [' + b"{}," * 500_000 + b"{}]}", "application/json").status == 413


def test_nesting_takes_no_child_with_it(pictures):
    before = pictures.server.decoders.died
    assert pictures.predict(b'{"images": ' + b"[" * 2_000_000, "application/json").status == 400
    assert pictures.server.decoders.died == before


def send_slowly(port: int, begin: bytes, piece: bytes, most: int) -> tuple[bytes, int]:
    """Send pieces until an answer comes; the answer, and how many pieces were sent by then."""
    with socket.create_connection(("127.0.0.1", port), timeout=120) as line:
        line.sendall(begin)
        sent, answer = 0, b""
        while sent < most and not select.select([line], [], [], 0)[0]:
            line.sendall(piece)
            sent += 1
        while b"}" not in answer and (more := line.recv(65536)):
            answer += more
        return answer, sent


@pytest.mark.parametrize("announced", [True, False])
def test_an_upload_over_the_limit_is_told_while_it_is_still_being_sent(pictures, announced: bool):
    size = 300 * 1024 * 1024
    begin = head(size if announced else None) + b"\r\n"
    piece = bytes(65536) if announced else b"10000\r\n" + bytes(65536) + b"\r\n"
    answer, sent = send_slowly(pictures.port, begin, piece, size // 65536)
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"32 MB" in answer
    assert sent < size // 65536


def test_who_sends_all_of_it_before_reading_reads_413_as_well(pictures):
    reply = pictures.predict(bytes(40 * 1024 * 1024), "image/png")
    assert (reply.status, reply.problem["code"]) == (413, "too_large")


def test_who_asks_first_is_told_before_sending(pictures):
    with socket.create_connection(("127.0.0.1", pictures.port), timeout=120) as line:
        line.sendall(head(99_999_999) + b"Expect: 100-continue\r\n\r\n")
        assert line.recv(65536).startswith(b"HTTP/1.1 413")
    with socket.create_connection(("127.0.0.1", pictures.port), timeout=120) as line:
        line.sendall(head(len(PHOTO)) + b"Expect: 100-continue\r\n\r\n")
        assert line.recv(65536).startswith(b"HTTP/1.1 100")
        line.sendall(PHOTO)
        assert line.recv(65536).startswith(b"HTTP/1.1 200")


def test_a_body_that_does_not_come_is_given_up(start, saved: Path):
    server = start(saved, limits=ServerLimits(pause=0.2))
    with socket.create_connection(("127.0.0.1", server.port), timeout=120) as line:
        line.sendall(
            b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: 10\r\n\r\nab"
        )
        assert line.recv(65536).startswith(b"HTTP/1.1 408")
    assert server.server.budget.taken == 0


def test_what_is_read_in_a_child_is_what_is_read_here():
    from graft.serving.packing import pack, read_there, unpack_request

    body = json.dumps({"texts": ["a", "", 1], "ids": ["x", "y", "z"], "top": 2, "n": 3}).encode()
    here = json_items.read_request(body)
    there = unpack_request(read_there(json_items.read_request, pack((), [body])))
    assert (here.names, here.ids, here.top, here.rest) == (there.names, there.ids, there.top, there.rest)
    assert here.items[:2] == there.items[:2] == (b"a", b"")
    assert str(here.items[2]) == str(there.items[2])
    with pytest.raises(Problem, match="no items"):
        read_there(json_items.read_request, pack((), [b"{}"]))
