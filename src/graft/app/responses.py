"""How the pages' servers answer: JSON, files of the page, pictures and recordings, and errors as JSON with a status."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from graft.app.media import Medium
from graft.errors import GraftError, ItemError, UsageError

_OF_THE_PAGE = ("text/css", "text/javascript", "image/svg+xml")
"""Kinds of files that a newer Graft may bring anew."""


def respond(handle: Callable[..., Any], *given: Any) -> Any:
    """What ``handle`` gives, as a response of Starlette's kind."""
    from starlette.responses import Response

    try:
        found = handle(*given)
    except UsageError as error:
        return as_json(error.to_dict(), 400)
    except ItemError as error:
        return as_json(error.to_dict(), 404)
    except GraftError as error:
        return as_json(error.to_dict(), 503)
    if isinstance(found, Medium):
        lasting = "no-cache" if found.kind in _OF_THE_PAGE else "private, max-age=86400, immutable"
        lasting = "no-store" if found.kind == "text/html" else lasting  # it comes with the cookie
        return Response(found.content, media_type=found.kind, headers={"cache-control": lasting})
    return as_json(found, 200)


def refuse(code: str, message: str, status: int, hint: str = "") -> Any:
    """A refusal in the shape of an error."""
    return as_json({"code": code, "message": message, "hint": hint}, status)


def as_json(values: Any, status: int) -> Any:
    """ASCII only: a name may hold what cannot be encoded."""
    from starlette.responses import Response

    content = json.dumps(values, allow_nan=False, separators=(",", ":"))
    return Response(content, status, {"cache-control": "no-store"}, "application/json")
