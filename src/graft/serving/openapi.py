"""Words of OpenAPI documents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from graft import __version__
from graft.serving.media_types import JSON
from graft.serving.problems import MEDIA_TYPE

REFUSALS = {
    "400": "The body is not what its type says.",
    "401": "There is no key, or a wrong one.",
    "403": "A page of another site asks for it.",
    "404": "There is no such thing here.",
    "406": "An answer of that type is not offered.",
    "408": "The body did not come.",
    "409": "The run is not so far, or is over.",
    "413": "The body, an item or the number of items is too large.",
    "415": "A body or an item of that type is not taken.",
    "421": "The server is asked by a name that is not its own.",
    "422": "The request asks for what there is not, or no item can be used.",
    "429": "There is too much to do; Retry-After says when to come again.",
    "503": "The model is being loaded, or the server is about to end.",
}

TEXT: dict[str, Any] = {"type": "string"}
NUMBER: dict[str, Any] = {"type": "number"}
WHOLE: dict[str, Any] = {"type": "integer"}
FLAG: dict[str, Any] = {"type": "boolean"}


def document_of(
    title: str, version: str, description: str, paths: Mapping[str, Any], schemas: Mapping[str, Any]
) -> dict[str, Any]:
    """A whole document; that a server refuses to be asked by another name goes for all paths."""
    for operations in paths.values():
        for operation in operations.values():
            operation["responses"].setdefault("421", refusal_of("421"))
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": f"{__version__}, {version}", "description": description},
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
    }


def object_of(properties: Mapping[str, Any], required: Iterable[str] | None = None) -> dict[str, Any]:
    """An object; all of its members are there unless ``required`` names those that are."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties if required is None else required),
    }


READY = object_of({"ready": FLAG, "name": TEXT, "version": TEXT})


def list_of(items: Any, most: int | None = None) -> dict[str, Any]:
    """A list; of at least one and at most so many where ``most`` is given."""
    return {"type": "array", "items": items, **({} if most is None else {"minItems": 1, "maxItems": most})}


def ref_to(name: str) -> dict[str, str]:
    """One of the document's own schemas."""
    return {"$ref": f"#/components/schemas/{name}"}


def problem_of(more: Mapping[str, Any]) -> dict[str, Any]:
    """A problem, as RFC 9457 has it, with what may stand in it as well."""
    texts = ("type", "title", "status", "detail", "code", "message", "hint")
    return object_of({**dict.fromkeys(texts, TEXT), "status": WHOLE, **more}, texts)


def by_kind(schemas: Mapping[str, Any]) -> dict[str, Any]:
    """Contents by their media type."""
    return {kind: {"schema": schema} for kind, schema in schemas.items()}


def asked_of(
    summary: str,
    bodies: Mapping[str, Any],
    told: str,
    answers: Mapping[str, Any],
    *refusals: str,
    status: str = "200",
    protocol: bool = False,
) -> dict[str, Any]:
    """What is asked with a body.

    Args:
        summary: What for.
        bodies: Schemas of what can be sent, by media type.
        told: What comes back, in words.
        answers: Schemas of it, by media type.
        refusals: Other statuses.
        status: That of the answer.
        protocol: Whether refusals are those of the v2 protocol.
    """
    return {
        "summary": summary,
        "requestBody": {"required": True, "content": by_kind(bodies)},
        "security": [{"key": []}, {}],
        "responses": {
            status: {"description": told, "content": by_kind(answers)},
            **{refusal: refusal_of(refusal, protocol=protocol) for refusal in refusals},
        },
    }


def told_of(summary: str, schema: Any, *refusals: str, kind: str = JSON, protocol: bool = False) -> dict[str, Any]:
    """What is asked without a body."""
    return {
        "summary": summary,
        **({"security": [{"key": []}, {}]} if "401" in refusals else {}),
        "responses": {
            "200": {"description": "It is so.", "content": by_kind({kind: schema})},
            **{status: refusal_of(status, protocol=protocol) for status in refusals},
        },
    }


def refusal_of(status: str, *, protocol: bool = False) -> dict[str, Any]:
    """The answer of this status."""
    content = {JSON: ref_to("ProtocolError")} if protocol else {MEDIA_TYPE: ref_to("Problem")}
    return {"description": REFUSALS[status], "content": by_kind(content)}
