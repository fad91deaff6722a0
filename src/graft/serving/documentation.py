"""How a server is asked: an OpenAPI document that says what is true, and a plain page of it without a script."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from graft import __version__
from graft.pages import text
from graft.serving import kserve
from graft.serving.json_items import KEYS, MOST_TOP
from graft.serving.media_types import BYTES, JSON, MULTIPART, RAW
from graft.serving.problems import MEDIA_TYPE

if TYPE_CHECKING:
    from graft.serving.one_model import ModelServer

REFUSALS = {
    "400": "The body is not what its type says.",
    "401": "There is no key, or a wrong one.",
    "404": "There is no such thing here.",
    "406": "An answer of that type is not offered.",
    "408": "The body did not come.",
    "413": "The body, an item or the number of items is too large.",
    "415": "A body or an item of that type is not taken.",
    "421": "The server is asked by a name that is not its own.",
    "422": "The request asks for what there is not, or no item can be used.",
    "429": "There is too much to do; Retry-After says when to come again.",
    "503": "The model is being loaded, or the server is about to end.",
}
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
        "/predict": {"post": _question(server, "Answer one item or many.", "Predictions", ("top",))},
        "/invocations": {"post": _question(server, "The same, where SageMaker asks.", "Predictions", ("top",))},
        "/healthz": {"get": _told("Whether the process lives.", _object({"status": _TEXT}))},
        "/readyz": {"get": _told("Whether the model answers, and will go on to.", _READY, "503")},
        "/ping": {"get": _told("Whether the model answers, for SageMaker.", _object({"status": _TEXT}), "503")},
        "/metrics": {"get": _told("Figures for Prometheus.", _TEXT, "401", kind="text/plain")},
        "/v2": {"get": _told("The server, by the v2 protocol.", _object({"name": _TEXT, "version": _TEXT}), "401")},
        "/v2/health/live": {"get": _told("Whether the process lives.", _object({"live": _FLAG}))},
        "/v2/health/ready": {"get": _told("Whether the model answers.", _READY, "503", protocol=True)},
    }
    if server.index is not None:
        paths["/search"] = {"post": _question(server, "Find what is most like each item.", "Results", ("n",))}
    for own in (f"/v2/models/{model.name}", f"/v2/models/{model.name}/versions/{model.version}"):
        data = _object({"name": _TEXT, "platform": _TEXT}, ("name", "inputs", "outputs"))
        paths[own] = {"get": _told("The model, by the v2 protocol.", data, "401", protocol=True)}
        paths[f"{own}/ready"] = {"get": _told("Whether the model answers.", _READY, "503", protocol=True)}
        paths[f"{own}/infer"] = {"post": _inferring(server)}
    for operations in paths.values():
        for operation in operations.values():
            operation["responses"].setdefault("421", _refusal("421", protocol=False))
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"{model.name}, served by Graft",
            "version": f"{__version__}, model {model.version}",
            "description": _about(server),
        },
        "paths": paths,
        "components": {"schemas": _schemas(server), "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
    }


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


_TEXT: dict[str, Any] = {"type": "string"}
_NUMBER: dict[str, Any] = {"type": "number"}
_FLAG: dict[str, Any] = {"type": "boolean"}


def _object(properties: Mapping[str, Any], required: Iterable[str] | None = None) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties if required is None else required),
    }


_READY = _object({"ready": _FLAG, "name": _TEXT, "version": _TEXT})


def _list(items: Any, most: int | None = None) -> dict[str, Any]:
    return {"type": "array", "items": items, **({} if most is None else {"minItems": 1, "maxItems": most})}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _schemas(server: ModelServer) -> dict[str, Any]:
    model = server.model
    error = _object({"code": _TEXT, "message": _TEXT, "hint": _TEXT})
    failed = _object({"id": _TEXT, "input": _TEXT, "error": error}, ("input", "error"))
    if model.classes:
        answer = {
            "label": _TEXT,
            "confidence": _NUMBER,
            "unknown": _FLAG,
            "unknown_score": _NUMBER,
            "scores": {"type": "object", "additionalProperties": _NUMBER},
            "set": _list(_TEXT),
        }
        more = {"labels": _list(_TEXT)}
    else:
        answer, more = {"value": _NUMBER, "low": _NUMBER, "high": _NUMBER, "unknown": _FLAG}, {}
    whole = _object({"id": _TEXT, "input": _TEXT, **answer, **more}, ("input", *answer))
    match = _object(
        {
            "rank": {"type": "integer"},
            "path": _TEXT,
            "text": _TEXT,
            "label": _TEXT,
            "similarity": _NUMBER,
            "row": {"type": "integer"},
            "same": _FLAG,
        },
        ("rank", "similarity", "row", "same"),
    )
    near = _object({"id": _TEXT, "query": _TEXT, "matches": _list(match)}, ("query", "matches"))
    lost = _object({"id": _TEXT, "query": _TEXT, "error": error}, ("query", "error"))
    said = {"model": _TEXT, "version": _TEXT}
    return {
        "Problem": _object(
            {
                "type": _TEXT,
                "title": _TEXT,
                "status": {"type": "integer"},
                "detail": _TEXT,
                "code": _TEXT,
                "message": _TEXT,
                "hint": _TEXT,
                "item": _TEXT,
                "errors": _list(_object({"item": _TEXT, "code": _TEXT, "message": _TEXT, "hint": _TEXT})),
            },
            ("type", "title", "status", "detail", "code", "message", "hint"),
        ),
        "ProtocolError": _object({"error": _TEXT}),
        "Predictions": _object({**said, "predictions": _list({"anyOf": [whole, failed]})}),
        "Results": _object({**said, "results": _list({"anyOf": [near, lost]})}),
    }


def _request(server: ModelServer, option: str) -> dict[str, Any]:
    """The body of a question in each of its forms."""
    modality = server.model.modality
    key = {modality: key for key, modality in KEYS.items()}[modality]
    item = _TEXT if modality == "text" else {"type": "string", "contentEncoding": "base64"}
    asked = {
        key: _list(item, server.limits.items),
        "ids": _list({"type": "string", "maxLength": 200}),
        option: {"type": "integer", "minimum": 1, "maximum": MOST_TOP},
    }
    form = {"type": "object", "properties": {"file": {"type": "string", "contentMediaType": BYTES}}}
    return {
        "required": True,
        "content": {
            JSON: {"schema": {**_object(asked, (key,)), "additionalProperties": False}},
            MULTIPART: {"schema": form},
            RAW[modality]: {"schema": _TEXT},
            BYTES: {"schema": _TEXT},
        },
    }


def _question(server: ModelServer, summary: str, schema: str, options: tuple[str, ...]) -> dict[str, Any]:
    refusals = ("400", "401", "406", "408", "413", "415", "422", "429", "503")
    return {
        "summary": summary,
        "requestBody": _request(server, *options),
        "parameters": [
            {
                "name": option,
                "in": "query",
                "required": False,
                "schema": {"type": "integer", "minimum": 1, "maximum": MOST_TOP},
            }
            for option in options
        ],
        "security": [{"key": []}, {}],
        "responses": {
            "200": {
                "description": "The answers, in the order of the items.",
                "content": {JSON: {"schema": _ref(schema)}},
            },
            **{status: _refusal(status) for status in refusals},
        },
    }


def _inferring(server: ModelServer) -> dict[str, Any]:
    modality = server.model.modality
    tensor = _object(
        {
            "name": _TEXT,
            "datatype": {"const": "BYTES"},
            "shape": _list({"type": "integer", "minimum": 1}),
            "data": _list(_TEXT),
            "parameters": {"type": "object"},
        },
        ("name", "datatype", "shape", "data"),
    )
    refusals = ("400", "401", "406", "408", "413", "415", "422", "429", "503")
    names = list(kserve.outputs_of(server.model))
    wanted = _list(_object({"name": {"enum": names}, "parameters": {"type": "object"}}, ("name",)))
    return {
        "summary": f"Answer by the v2 protocol; the input is called {kserve.INPUTS[modality]}.",
        "requestBody": {
            "required": True,
            "content": {
                JSON: {
                    "schema": _object(
                        {"id": _TEXT, "inputs": {**_list(tensor), "minItems": 1, "maxItems": 1}, "outputs": wanted},
                        ("inputs",),
                    )
                },
                BYTES: {"schema": _TEXT},
            },
        },
        "security": [{"key": []}, {}],
        "responses": {
            "200": {
                "description": "The outputs.",
                "content": {
                    JSON: {"schema": _object({"model_name": _TEXT, "model_version": _TEXT, "outputs": _list({})})},
                    BYTES: {"schema": _TEXT},
                },
            },
            **{status: _refusal(status, protocol=True) for status in refusals},
        },
    }


def _told(summary: str, schema: Any, *refusals: str, kind: str = JSON, protocol: bool = False) -> dict[str, Any]:
    return {
        "summary": summary,
        **({"security": [{"key": []}, {}]} if "401" in refusals else {}),
        "responses": {
            "200": {"description": "It is so.", "content": {kind: {"schema": schema}}},
            **{status: _refusal(status, protocol=protocol) for status in refusals},
        },
    }


def _refusal(status: str, *, protocol: bool = False) -> dict[str, Any]:
    content = {JSON: {"schema": _ref("ProtocolError")}} if protocol else {MEDIA_TYPE: {"schema": _ref("Problem")}}
    return {"description": REFUSALS[status], "content": content}


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
        shown = {name: _shown(properties[name]) for name in schema["required"]}
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
