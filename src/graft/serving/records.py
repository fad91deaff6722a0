"""Batches: a body of many records, CSV or a value of JSON on each line, answered by exactly one line each, in order.

Batch jobs cut a file where they like, and join what comes back. So nothing that is said of a record depends on those
beside it: its line has no number, a bad one is a line with an error, and what a first line means follows from the line
itself. Blank lines are no records.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from graft.errors import ItemError
from graft.serving.json_items import content_of
from graft.serving.media_types import parameters, to_utf8
from graft.serving.predict_request import PredictRequest
from graft.serving.problems import Problem

CSV = "text/csv"
LINES = (
    "application/jsonlines",
    "application/x-jsonlines",
    "application/jsonl",
    "application/x-ndjson",
    "application/ndjson",
)
RECORDS = 100_000
"""So many are taken at once."""
NAME = "record"
"""What every one is called: a number would change with the place where a file was cut."""
_ITEM = {
    "text": ("text", "texts", "item"),
    "image": ("image", "images", "base64", "b64", "item"),
    "audio": ("audio", "recording", "base64", "b64", "item"),
}
"""What a column or key of items is called."""
_FILE = ("image", "audio")
_KEYS: Mapping[str, tuple[str, ...]] = {
    "text": ("text",),
    "image": ("image",),
    "audio": ("audio",),
    **dict.fromkeys(("base64", "b64", "bytes"), _FILE),
}
"""By key of a line: of which modalities its item is."""
_ID = "id"
_LONGEST_ID = 200
_HINT = 'Send each as {"text": ...} or {"base64": ...}, or as a text by itself; an "id" may stand beside it.'


def kind_of_records(header: str) -> str:
    """``CSV``, the first of ``LINES``, or ``""`` for a body that is no batch.

    Args:
        header: ``Content-Type``.
    """
    kind, _ = parameters(header)
    return CSV if kind == CSV else LINES[0] if kind in LINES else ""


def read_records(body: bytes, header: str, modality: str) -> PredictRequest:
    """The records of a batch.

    Args:
        body: All of it.
        header: ``Content-Type``.
        modality: What the model takes.

    Raises:
        Problem: They cannot be told apart, are too many, or it is not said which column holds the items.
    """
    text = to_utf8(body, header).decode("utf-8-sig", "replace")
    told = parameters(header)[1]
    found = _of_csv(text, told, modality) if kind_of_records(header) == CSV else _of_lines(text, modality)
    items: list[bytes | ItemError] = []
    ids: list[str] = []
    for item, own in found:
        if len(items) >= RECORDS:
            raise Problem(413, "too_many", f"The batch has more than {RECORDS:,} records.", "Send it in smaller parts.")
        items.append(item)
        ids.append(own)
    return PredictRequest(tuple(items), (NAME,) * len(items), tuple(ids))


def lines_of(said: Sequence[Mapping[str, Any]], ids: Sequence[str]) -> bytes:
    """The answers, each on a line of its own.

    Args:
        said: What is said of each record.
        ids: What the caller calls each; ``""`` for nothing.
    """
    lines = []
    for one, own in zip(said, ids, strict=True):
        rest = {name: value for name, value in one.items() if name != "input"}
        lines.append(json.dumps({"id": own, **rest} if own else rest, ensure_ascii=False, allow_nan=False))
    return "".join(f"{line}\n" for line in lines).encode()


Record = tuple[bytes | ItemError, str]
"""A content, or why there is none; and what the caller calls it."""


def _of_lines(text: str, modality: str) -> Iterator[Record]:
    for line in io.StringIO(text):
        if line.strip():
            yield _of_line(line, modality)


def _of_line(line: str, modality: str) -> Record:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        said = error.msg if isinstance(error, json.JSONDecodeError) else "it is nested too deeply"
        return ItemError("not_json", f"The line is no JSON: {said}.", _HINT), ""
    own = ""
    if isinstance(value, dict):
        value = dict(value)
        given = value.pop(_ID, None)
        if given is not None:
            own = given if isinstance(given, str) else json.dumps(given)
        if len(own) > _LONGEST_ID:
            return ItemError("bad_id", f"The id is longer than {_LONGEST_ID} characters.", "Give a shorter one."), ""
        if len(value) != 1 or (key := next(iter(value))) not in _KEYS:
            return ItemError("not_an_item", "The line holds no item.", _HINT), own
        if modality not in _KEYS[key]:
            return ItemError("not_an_item", f"The line holds {key!r}, and this model takes {modality}.", _HINT), own
        value = value[key]
    if not isinstance(value, str):
        return ItemError("not_an_item", "The item is no text.", _HINT), own
    return content_of(value, modality), own


def _of_csv(text: str, told: Mapping[str, str], modality: str) -> Iterator[Record]:
    """Rows of one column, or of those that the type names: ``text/csv; columns=id,text``.

    Raises:
        Problem: The first row names several columns, and the type does not: parts without it could not be read.
    """
    columns = [name.strip().lower() for name in told.get("columns", "").split(",") if name.strip()]
    at = _column(columns, modality)
    rows = iter(_rows(text))
    first = next(rows, None)
    if first is None:
        return
    cells = [] if isinstance(first, ItemError) else [cell.strip().lower() for cell in first]
    known = {_ID, "label", *_ITEM[modality]}
    if not columns and len(cells) > 1 and set(cells) <= known:
        raise Problem(
            422,
            "bad_request",
            f"The table has {len(cells)} columns, and a part of it without its first line could not be read.",
            f"Name them: Content-Type: text/csv; columns={','.join(cells)}",
        )
    named = cells == columns if columns else len(cells) == 1 and cells[0] in _ITEM[modality]
    header = told.get("header", "")
    if not (header == "present" or (named and header != "absent")):
        rows = chain([first], rows)
    for row in rows:
        yield _of_row(row, columns, at, modality)


def _column(columns: Sequence[str], modality: str) -> int:
    found = [place for place, name in enumerate(columns) if name in _ITEM[modality]]
    if columns and len(found) != 1:
        raise Problem(
            422,
            "bad_request",
            f"Of the columns that Content-Type names, {len(found)} hold the items.",
            f"Call one of them {_ITEM[modality][0]}.",
        )
    return found[0] if found else 0


def _of_row(row: list[str] | ItemError, columns: Sequence[str], at: int, modality: str) -> Record:
    if isinstance(row, ItemError):
        return row, ""
    wanted = len(columns) or 1
    if len(row) != wanted:
        hint = "Put quotes around a text with commas, or name the columns: Content-Type: text/csv; columns=id,text"
        return ItemError("not_an_item", f"The row has {len(row)} cells, and not {wanted}.", hint), ""
    own = row[columns.index(_ID)][:_LONGEST_ID] if _ID in columns else ""
    return content_of(row[at], modality), own


def _rows(text: str) -> Iterator[list[str] | ItemError]:
    """Rows that are not blank. One whose quotes are broken is an error by itself: the next line begins another."""
    lines = list(io.StringIO(text, newline=""))
    if csv.field_size_limit() < len(text):  # a limit of the whole process; raised, never lowered
        csv.field_size_limit(len(text))
    odd = [place for place, line in enumerate(lines) if line.count('"') % 2]
    at, passed = 0, 0
    while at < len(lines):
        while passed < len(odd) and odd[passed] <= at:
            passed += 1
        opens = lines[at].count('"') % 2 == 1
        closes = odd[passed] if opens and passed < len(odd) else at
        try:
            (row,) = csv.reader(lines[at : closes + 1], strict=True)
        except (csv.Error, ValueError):
            yield ItemError("not_csv", "The quotes of the row do not fit.", 'Write "" for a quote inside quotes.')
            at += 1
            continue
        if row:
            yield row
        at = closes + 1
