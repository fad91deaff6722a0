"""Batches of records: a line for each, in order, whatever is wrong with one and wherever the file was cut."""

from __future__ import annotations

import csv
import io
import json
from itertools import pairwise
from typing import Any

import pytest

import shapes
from graft.serving import records
from graft.serving.problems import Problem
from graft.serving.records import CSV, LINES, read_records
from serving_checks import in_base64

TEXTS = ["rain again", "pay the bill", 'a "loan", or two', "line one\nline two", "", "it pours", "text", "ä, ö"]


def table(rows: list[list[str]], ending: str = "\r\n") -> bytes:
    written = io.StringIO()
    csv.writer(written, lineterminator=ending, quoting=csv.QUOTE_ALL).writerows(rows)
    return written.getvalue().encode()


def lines(reply: Any) -> list[Any]:
    assert reply.status == 200, reply
    assert reply.headers["content-type"] == LINES[0]
    assert reply.body.endswith(b"\n") or not reply.body
    return [json.loads(line) for line in reply.body.decode().splitlines()]


def asked(server: Any, body: bytes, kind: str = CSV, **headers: str) -> list[Any]:
    return lines(server.predict(body, kind, "/invocations", **headers))


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_a_line_for_each_row_in_order(texts, ending):
    found = asked(texts, table([[text] for text in TEXTS], ending))
    plain = texts.predict({"texts": TEXTS}).json["predictions"]
    assert len(found) == len(TEXTS)
    for line, one in zip(found, plain, strict=True):
        assert "input" not in line
        if "error" in one:
            assert line["error"]["code"] == one["error"]["code"]
        else:
            assert line["label"] == one["label"]
            assert line["confidence"] == pytest.approx(one["confidence"], abs=0.02)


def test_a_header_is_no_record(texts):
    body = table([["text"], ["rain again"], ["pay the bill"]])
    assert [line["label"] for line in asked(texts, body)] == ["rain", "money"]
    assert len(asked(texts, body, "text/csv; header=absent")) == 3
    assert len(asked(texts, table([["remark"], ["rain again"]]), "text/csv; header=present")) == 1
    assert len(asked(texts, table([["remark"], ["rain again"]]))) == 2


@pytest.mark.parametrize("last", [b"", b"\n", b"\r\n", b"\n\n\n"])
def test_blank_lines_are_no_records(texts, last):
    assert len(asked(texts, b"rain again\n\npay the bill" + last)) == 2
    body = b'"rain again"\n\n{"text": "pay the bill"}' + last
    assert len(asked(texts, body, LINES[0])) == 2
    assert asked(texts, last) == []
    assert asked(texts, last, LINES[0]) == []


@pytest.mark.parametrize("kind", LINES)
def test_a_line_of_json_is_a_record_a_bad_one_included(texts, kind):
    body = "\n".join(
        [
            '{"text": "rain again", "id": "a"}',
            "nonsense",
            '"pay the bill"',
            '{"id": 7, "text": 5}',
            '{"image": "aGk="}',
            '{"text": "x", "more": 1}',
            '{"text": "it pours", "id": 7}',
            "[" * 5000,
        ]
    ).encode()
    found = asked(texts, body, kind)
    assert [line.get("id") for line in found] == ["a", None, None, "7", None, None, "7", None]
    assert [line.get("label") for line in found] == ["rain", None, "money", None, None, None, "rain", None]
    codes = [line["error"]["code"] for line in found if "error" in line]
    assert codes == ["not_json", "not_an_item", "not_an_item", "not_an_item", "not_json"]


def test_splitting_elsewhere_changes_nothing(texts):
    rows = table([[text] for text in TEXTS[:6]]).decode().splitlines(keepends=True)
    rows[3:5] = ["".join(rows[3:5])]  # the line break within quotes
    assert len(rows) == 6
    whole = texts.predict("".join(rows).encode(), CSV, "/invocations").body
    for cuts in ([0, 6], [0, 1, 6], [0, 2, 3, 6], [0, 1, 2, 3, 4, 5, 6]):
        parts = ["".join(rows[a:b]).encode() for a, b in pairwise(cuts)]
        assert b"".join(texts.predict(part, CSV, "/invocations").body for part in parts) == whole, cuts


def test_columns_that_are_named_are_read_wherever_the_table_is_cut(texts):
    kind = "text/csv; columns=id,text"
    rows = [["id", "text"], ["1", "rain again"], ["2", "pay, the bill"], ["3"], ["4", ""]]
    whole = texts.predict(table(rows), kind, "/invocations").body
    parts = [texts.predict(table([row]), kind, "/invocations").body for row in rows]
    assert b"".join(parts) == whole
    found = [json.loads(line) for line in whole.decode().splitlines()]
    assert [line.get("id") for line in found] == ["1", "2", None, "4"]
    assert [line.get("label") for line in found[:2]] == ["rain", "money"]
    assert "1 cells, and not 2" in found[2]["error"]["message"]
    reply = texts.predict(table(rows), CSV, "/invocations")
    assert reply.status == 422
    assert "columns=id,text" in reply.problem["hint"]
    assert texts.predict(table(rows), "text/csv; columns=id,remark", "/invocations").status == 422


@pytest.mark.parametrize(
    ("body", "n", "bad"),
    [
        (b'rain again\n"it pours\npay the bill\n', 3, [1]),
        (b'"rain" again\nit pours\n', 2, [0]),
        (b"a,b\nit pours\n", 2, [0]),
        (b'"it "pours"\nwet 3" of rain\nit pours\n', 3, [0]),
        (b'he said "wet"\nit pours\n', 2, []),
        (b'"\n"\nit pours\n', 2, [0]),
        (b'"it pours\n\nagain"\nit pours\n', 2, []),
    ],
)
def test_broken_quotes_cost_their_own_line(texts, body, n, bad):
    found = asked(texts, body)
    assert len(found) == n
    assert [place for place, line in enumerate(found) if "error" in line] == bad


def test_pictures_in_base64(pictures):
    good, other = (in_base64(shapes.encoded(kind, 1)) for kind in ("circle", "square"))
    found = asked(pictures, f"image\n{good}\nnot base64!\n{other}\n".encode())
    assert [line.get("label") for line in found] == ["circle", None, "square"]
    body = f'{{"base64": "{good}"}}\n{{"text": "hi"}}\n"{other}"\n'.encode()
    assert [line.get("label") for line in asked(pictures, body, LINES[0])] == ["circle", None, "square"]


def test_more_than_one_request_may_hold_and_more_than_is_read_at_once(texts):
    body = b"rain again\n" * 700
    found = asked(texts, body)
    assert len(found) == 700
    assert len({json.dumps(line) for line in found}) == 1
    assert len(asked(texts, b'"' + b"x" * 400_000 + b'"\n' + b"\n" * 700_000 + b"it pours\n")) == 2  # in a child


def test_what_cannot_be_a_batch_is_refused_as_a_whole(texts, monkeypatch):
    assert texts.predict(b"a\n", "text/csv", "/predict").status == 415
    assert texts.predict(b"a\n", "text/csv; charset=klingon", "/invocations").status == 415
    assert texts.predict(b"a\n", CSV, "/invocations", Accept="image/png").status == 406
    assert texts.predict(b"a\n", CSV, "/invocations", Accept=LINES[0]).status == 200
    assert texts.predict(b"a\n", CSV, "/invocations", Accept="application/json").status == 200
    assert len(asked(texts, "regen, schnee".encode("utf-16"), "text/csv; charset=utf-16")) == 1
    monkeypatch.setattr(records, "RECORDS", 3)
    with pytest.raises(Problem, match="more than 3 records"):
        read_records(b"a\n" * 4, CSV, "text")
    assert len(read_records(b"a\n" * 3, CSV, "text").items) == 3


def test_top_and_how_a_batch_job_should_ask(texts):
    found = lines(texts.predict(b"rain again\n", CSV, "/invocations?top=1"))
    assert list(found[0]["scores"]) == ["rain"]
    told = texts.ask("GET", "/execution-parameters").json
    assert told == {"MaxConcurrentTransforms": 1, "BatchStrategy": "MULTI_RECORD", "MaxPayloadInMB": 6}
