"""Words of OpenAPI documents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

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
FLAG: dict[str, Any] = {"type": "boolean"}


def object_of(properties: Mapping[str, Any], required: Iterable[str] | None = None) -> dict[str, Any]:
    """An object; all of its members are there unless ``required`` names those that are."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties if required is None else required),
    }


def list_of(items: Any, most: int | None = None) -> dict[str, Any]:
    """A list; of at least one and at most so many where ``most`` is given."""
    return {"type": "array", "items": items, **({} if most is None else {"minItems": 1, "maxItems": most})}


def ref_to(name: str) -> dict[str, str]:
    """One of the document's own schemas."""
    return {"$ref": f"#/components/schemas/{name}"}


def told_of(summary: str, schema: Any, *refusals: str, kind: str = JSON, protocol: bool = False) -> dict[str, Any]:
    """What is asked without a body."""
    return {
        "summary": summary,
        **({"security": [{"key": []}, {}]} if "401" in refusals else {}),
        "responses": {
            "200": {"description": "It is so.", "content": {kind: {"schema": schema}}},
            **{status: refusal_of(status, protocol=protocol) for status in refusals},
        },
    }


def refusal_of(status: str, *, protocol: bool = False) -> dict[str, Any]:
    """The answer of this status."""
    content = {JSON: {"schema": ref_to("ProtocolError")}} if protocol else {MEDIA_TYPE: {"schema": ref_to("Problem")}}
    return {"description": REFUSALS[status], "content": content}
