"""How a server is asked: an OpenAPI document that says what is true, and a plain page of it without a script."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from graft.pages import text
from graft.serving import kserve
from graft.serving.json_items import KEYS, MOST_TOP
from graft.serving.media_types import BYTES, JSON, MULTIPART, RAW
from graft.serving.openapi import (
    FLAG,
    NUMBER,
    READY,
    TEXT,
    WHOLE,
    asked_of,
    by_kind,
    document_of,
    list_of,
    object_of,
    problem_of,
    ref_to,
    told_of,
)
from graft.serving.records import CSV, LINES

if TYPE_CHECKING:
    from graft.serving.one_model import ModelServer

_NOUN = {"image": "picture", "text": "text", "audio": "recording"}
_STYLE = """
body { max-width: 60rem; margin: 0 auto; padding: clamp(1.25rem, 3vw, 2.5rem) clamp(1rem, 3vw, 2.5rem) 4rem; }
.programs { margin-top: var(--s3); }
.lead { font: var(--lead); color: var(--quiet); max-width: 46rem; margin-top: var(--s3); }
section { margin-top: var(--s6); padding-top: var(--s4); border-top: var(--line) solid var(--rule); }
h2 { font: var(--head); }
h2 code { font-size: 0.9em; }
h2 .verb { color: var(--accent); font: var(--label); margin-right: var(--s2); }
code, pre { font-family: ui-monospace, "Liberation Mono", Menlo, Consolas, monospace; font-size: 0.875rem; }
pre { background: var(--wash); border-radius: var(--radius); padding: var(--s3) var(--s4); overflow-x: auto; }
table { border-collapse: collapse; width: 100%; margin-top: var(--s3); font: var(--note); }
caption { text-align: left; color: var(--quiet); font: var(--small); }
td { padding: var(--s2) var(--s3) var(--s2) 0; border-top: 1px solid var(--rule); vertical-align: top; }
td:first-child { white-space: nowrap; font-variant-numeric: tabular-nums; width: 1%; padding-right: var(--s5); }
"""


def document(server: ModelServer) -> dict[str, Any]:
    """The OpenAPI document of a server."""
    model = server.model
    paths: dict[str, Any] = {
        "/predict": {"post": _question(server, "Answer one item or many.", "Predictions", "top")},
        "/invocations": {"post": _invoking(server)},
        "/execution-parameters": {"get": told_of("How a batch job of SageMaker should ask.", _EXECUTION)},
        "/healthz": {"get": told_of("Whether the process lives.", object_of({"status": TEXT}))},
        "/readyz": {"get": told_of("Whether the model answers, and will go on to.", READY, "503")},
        "/ping": {"get": told_of("Whether the model answers, for SageMaker.", object_of({"status": TEXT}), "503")},
        "/metrics": {"get": told_of("Figures for Prometheus.", TEXT, "401", kind="text/plain")},
        "/v2": {"get": told_of("The server, by the v2 protocol.", object_of({"name": TEXT, "version": TEXT}), "401")},
        "/v2/health/live": {"get": told_of("Whether the process lives.", object_of({"live": FLAG}))},
        "/v2/health/ready": {"get": told_of("Whether the model answers.", READY, "503", protocol=True)},
    }
    if server.index is not None:
        paths["/search"] = {"post": _question(server, "Find what is most like each item.", "Results", "n")}
    for own in (f"/v2/models/{model.name}", f"/v2/models/{model.name}/versions/{model.version}"):
        data = object_of({"name": TEXT, "platform": TEXT}, ("name", "inputs", "outputs"))
        paths[own] = {"get": told_of("The model, by the v2 protocol.", data, "401", protocol=True)}
        paths[f"{own}/ready"] = {"get": told_of("Whether the model answers.", READY, "503", protocol=True)}
        paths[f"{own}/infer"] = {"post": _inferring(server)}
    title = f"{model.name}, served by Graft"
    return document_of(title, f"model {model.version}", _about(server), paths, _schemas(server))


def _about(server: ModelServer) -> str:
    limits, noun = server.limits, _NOUN[server.model.modality]
    what = f"one of {len(server.model.classes):,} classes" if server.model.classes else "a number with its interval"
    most = {
        "image": f"{limits.item.pixels // 1_000_000} megapixels",
        "audio": f"{limits.item.seconds:g} seconds",
        "text": f"{limits.item.characters:,} characters",
    }
    return (
        f"A {noun} in, {what} out. At most {limits.items:,} items and {limits.body >> 20} MB a request, and "
        f"{most[server.model.modality]} an item. Items that cannot be used are answered with an error in their "
        "place; where that is all of them, the answer is the problem of the first."
    )


_EXECUTION = object_of({"MaxConcurrentTransforms": WHOLE, "BatchStrategy": TEXT, "MaxPayloadInMB": WHOLE})
_REFUSALS = ("400", "401", "406", "408", "413", "415", "422", "429", "503")
"""Of what is asked with a body."""


def _schemas(server: ModelServer) -> dict[str, Any]:
    model = server.model
    error = object_of({"code": TEXT, "message": TEXT, "hint": TEXT})
    failed = object_of({"id": TEXT, "input": TEXT, "error": error}, ("input", "error"))
    if model.classes:
        answer = {
            "label": TEXT,
            "confidence": NUMBER,
            "unknown": FLAG,
            "unknown_score": NUMBER,
            "scores": {"type": "object", "additionalProperties": NUMBER},
            "set": list_of(TEXT),
        }
        more = {"labels": list_of(TEXT)}
    else:
        answer, more = {"value": NUMBER, "low": NUMBER, "high": NUMBER, "unknown": FLAG}, {}
    whole = object_of({"id": TEXT, "input": TEXT, **answer, **more}, ("input", *answer))
    match = object_of(
        {
            "rank": WHOLE,
            "path": TEXT,
            "text": TEXT,
            "label": TEXT,
            "similarity": NUMBER,
            "row": WHOLE,
            "same": FLAG,
        },
        ("rank", "similarity", "row", "same"),
    )
    near = object_of({"id": TEXT, "query": TEXT, "matches": list_of(match)}, ("query", "matches"))
    lost = object_of({"id": TEXT, "query": TEXT, "error": error}, ("query", "error"))
    said = {"model": TEXT, "version": TEXT}
    return {
        "Problem": problem_of({"item": TEXT, "errors": list_of(object_of({"item": TEXT, **error["properties"]}))}),
        "ProtocolError": object_of({"error": TEXT}),
        "Predictions": object_of({**said, "predictions": list_of({"anyOf": [whole, failed]})}),
        "Results": object_of({**said, "results": list_of({"anyOf": [near, lost]})}),
    }


def _question(server: ModelServer, summary: str, schema: str, option: str) -> dict[str, Any]:
    """A question, whose body has several forms; its option may stand in the address as well."""
    modality = server.model.modality
    key = {modality: key for key, modality in KEYS.items()}[modality]
    item = TEXT if modality == "text" else {"type": "string", "contentEncoding": "base64"}
    number = {**WHOLE, "minimum": 1, "maximum": MOST_TOP}
    ids = list_of({"type": "string", "maxLength": 200})
    asked = object_of({key: list_of(item, server.limits.items), "ids": ids, option: number}, (key,))
    form = {"type": "object", "properties": {"file": {"type": "string", "contentMediaType": BYTES}}}
    bodies = {JSON: {**asked, "additionalProperties": False}, MULTIPART: form, RAW[modality]: TEXT, BYTES: TEXT}
    told = "The answers, in the order of the items."
    question = asked_of(summary, bodies, told, {JSON: ref_to(schema)}, *_REFUSALS)
    return question | {"parameters": [{"name": option, "in": "query", "required": False, "schema": number}]}


def _invoking(server: ModelServer) -> dict[str, Any]:
    """As for ``/predict``; a batch of records is answered by a line for each."""
    asked = _question(
        server, "The same, where SageMaker asks; a line for each record of a batch.", "Predictions", "top"
    )
    asked["requestBody"]["content"] |= by_kind({CSV: TEXT, LINES[0]: TEXT})
    asked["responses"]["200"]["content"] |= by_kind({LINES[0]: TEXT})
    return asked


def _inferring(server: ModelServer) -> dict[str, Any]:
    modality = server.model.modality
    tensor = object_of(
        {
            "name": TEXT,
            "datatype": {"const": "BYTES"},
            "shape": list_of({**WHOLE, "minimum": 1}),
            "data": list_of(TEXT),
            "parameters": {"type": "object"},
        },
        ("name", "datatype", "shape", "data"),
    )
    names = list(kserve.outputs_of(server.model))
    wanted = list_of(object_of({"name": {"enum": names}, "parameters": {"type": "object"}}, ("name",)))
    one = {**list_of(tensor), "minItems": 1, "maxItems": 1}
    return asked_of(
        f"Answer by the v2 protocol; the input is called {kserve.INPUTS[modality]}.",
        {JSON: object_of({"id": TEXT, "inputs": one, "outputs": wanted}, ("inputs",)), BYTES: TEXT},
        "The outputs.",
        {JSON: object_of({"model_name": TEXT, "model_version": TEXT, "outputs": list_of({})}), BYTES: TEXT},
        *_REFUSALS,
        protocol=True,
    )


def style() -> bytes:
    """The style of the page: that of all pages, and a little of its own."""
    return (text("tokens.css") + _STYLE).encode()


def page(told: Mapping[str, Any]) -> bytes:
    """An OpenAPI document as a page."""
    info = told["info"]
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<title>{html.escape(info["title"])}</title><link rel="stylesheet" href="docs/style.css"></head><body>',
        f'<main><h1>{html.escape(info["title"])}</h1><p class="lead">{html.escape(info["description"])}</p>',
        '<p class="programs">For programs: <a href="openapi.json">openapi.json</a>.</p>',
    ]
    for path, operations in told["paths"].items():
        for method, operation in operations.items():
            parts.append(_section(method, path, operation))
    return "".join([*parts, "</main></body></html>"]).encode()


def _section(method: str, path: str, operation: Mapping[str, Any]) -> str:
    rows = [(kind, _example(kind, own["schema"])) for kind, own in _bodies(operation).items()]
    answers = [(status, html.escape(own["description"])) for status, own in sorted(operation["responses"].items())]
    return (
        f'<section><h2><span class="verb">{method.upper()}</span><code>{html.escape(path)}</code></h2>'
        f"<p>{html.escape(operation['summary'])}</p>"
        + (_table("What can be sent", rows) if rows else "")
        + _table("What comes back", answers)
        + "</section>"
    )


def _bodies(operation: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = operation.get("requestBody", {}).get("content", {})
    return found


def _example(kind: str, schema: Mapping[str, Any]) -> str:
    if kind == JSON:
        properties = schema["properties"]
        shown = schema.get("example", {name: _shown(properties[name]) for name in schema["required"]})
        return f"<code>{html.escape(json.dumps(shown))}</code>"
    return {MULTIPART: "A form with one file or many."}.get(kind, "The bytes of one file.")


def _shown(schema: Mapping[str, Any]) -> Any:
    if schema.get("type") == "array":
        return [_shown(schema["items"])]
    if schema.get("type") == "object":
        return {name: _shown(own) for name, own in schema["properties"].items() if name in schema["required"]}
    return schema.get("const") or {"integer": 1}.get(schema.get("type", ""), schema.get("contentEncoding", "..."))


def _table(heading: str, rows: Iterable[tuple[str, str]]) -> str:
    inside = "".join(f"<tr><td><code>{html.escape(left)}</code></td><td>{right}</td></tr>" for left, right in rows)
    return f'<table><caption class="sr">{heading}</caption><tbody>{inside}</tbody></table>'
