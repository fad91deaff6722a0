"""How the pages' servers are asked and answer.

They answer in JSON, with files of the page, pictures and recordings, and with errors as JSON with a status.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from graft.app.media import Medium
from graft.errors import GraftError, ItemError, UsageError

_OF_THE_PAGE = ("text/css", "text/javascript", "image/svg+xml")
"""Kinds of files that a newer Graft may bring anew."""

DISCARDED = 512 << 20
"""Bytes of a body that is too large which are taken in and thrown away, so that its sender can read why."""


def giving(handle: Callable[[Mapping[str, Any]], Any]) -> Callable[[Any], Any]:
    """An endpoint that is asked for something, by what its address says; Starlette runs it in a thread."""

    def endpoint(request: Any) -> Any:
        return respond(handle, {**request.query_params, **request.path_params})

    return endpoint


def taking(
    handle: Callable[[bytes, Mapping[str, list[str]]], Any],
    most: int,
    too_large: str,
    hint: str = "",
    discarded: int = 0,
) -> Callable[[Any], Awaitable[Any]]:
    """An endpoint that takes a body as it is, beside what its address says.

    Args:
        handle: Is given both.
        most: Bytes that it takes at most.
        too_large: What is said of a larger one.
        hint: What to do about it.
        discarded: As far as to so many bytes a larger one is read to its end and thrown away, for a browser shows no
            answer that comes before all is sent. By default it is refused at once.
    """
    from starlette.concurrency import run_in_threadpool
    from starlette.requests import ClientDisconnect

    async def endpoint(request: Any) -> Any:
        parts, size = [], 0
        try:
            async for part in request.stream():
                size += len(part)
                if size <= most:
                    parts.append(part)
                else:
                    parts.clear()
                if size > max(most, discarded):
                    break
        except ClientDisconnect:
            return refuse("usage", "The request was broken off.", 400)
        if size > most:
            return refuse("too_large", too_large, 413, hint)
        query = {name: request.query_params.getlist(name) for name in request.query_params}
        return await run_in_threadpool(respond, handle, b"".join(parts), query)

    return endpoint


def respond(handle: Callable[..., Any], *given: Any) -> Any:
    """What ``handle`` gives, as a response of Starlette's kind."""
    from starlette.responses import Response

    try:
        found = handle(*given)
    except GraftError as error:
        status = 400 if isinstance(error, UsageError) else 404 if isinstance(error, ItemError) else 503
        return as_json(error.to_dict(), status)
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
