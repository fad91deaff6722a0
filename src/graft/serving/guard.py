"""What stands before every route: who is let in, how it ends, what is counted, and that every refusal is in words."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from graft.errors import GraftError
from graft.loopback import is_elsewhere, is_own
from graft.serving.bodies import ClientGone, announced, throw_away
from graft.serving.draining import Draining
from graft.serving.keys import ServerKey
from graft.serving.kserve import refusal
from graft.serving.limits import ServerLimits
from graft.serving.metrics import RequestMetrics
from graft.serving.problems import MEDIA_TYPE, Problem, to_json

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_log = logging.getLogger("graft.serving")
BROKEN = Problem(500, "internal", "The server could not answer this.", "Its log says why.")
HEADERS = ((b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store"))


class RequestGuard:
    """Stands before an ASGI app.

    Args:
        app: What answers.
        open_to_all: Paths that need no key.
        routes: Paths that there are, by which requests are counted; all others are counted together.
        own_host: Where the server listens for this machine alone: requests by other names are refused, for a page of
            another site can make a browser send them. ``None``: by whatever name.
        key: Who is let in; ``None``: everybody.
        limits: What is taken.
        draining: Is told what runs.
        metrics: Is told what was answered.
        template: The route of a path, where paths hold names.
        own_pages: Whether pages of other sites are refused: for a server that does something when it is asked, and does
            not answer alone.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        open_to_all: frozenset[str],
        routes: frozenset[str],
        own_host: str | None,
        key: ServerKey | None,
        limits: ServerLimits,
        draining: Draining,
        metrics: RequestMetrics,
        template: Callable[[str], str] = str,
        own_pages: bool = False,
    ) -> None:
        self._app = app
        self._open = open_to_all
        self._routes = routes
        self._host = own_host
        self._key = key
        self._limits = limits
        self._draining = draining
        self._metrics = metrics
        self._template = template
        self._own_pages = own_pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.monotonic()
        told = _Told(send, self._draining)
        self._draining.running += 1
        try:
            await self._answer(scope, receive, told)
        except ClientGone:
            return
        finally:
            self._draining.running -= 1
            path = self._template(scope["path"])
            route = path if path in self._routes else "other"
            self._metrics.request(route, told.status, time.monotonic() - began)

    async def _answer(self, scope: Scope, receive: Receive, told: _Told) -> None:
        try:
            self._let_in(scope)
        except Problem as problem:
            await self.refused(problem)(scope, receive, told)
            return
        try:
            await self._app(scope, receive, told)
        except ClientGone:
            raise
        except Exception:
            _log.exception("A request could not be answered.")
            if not told.begun:
                await self.refused(BROKEN)(scope, receive, told)

    def refused(self, error: GraftError) -> Refusal:
        """The answer to a request that is refused, which is counted."""
        problem = Problem.of(error)
        self._metrics.error(problem.code)
        return Refusal(problem, self._limits)

    def _let_in(self, scope: Scope) -> None:
        """Whether this request is heard at all; nothing of its body was taken by now.

        Raises:
            Problem: It is not.
        """
        headers: Mapping[bytes, bytes] = dict(scope["headers"])
        host = headers.get(b"host", b"").decode("latin-1")
        if self._host is not None and host and not is_own(host, self._host):
            raise Problem(
                421, "wrong_host", "This server is not known by that name.", "Ask it by its address.", closes=True
            )
        origin, site = (headers.get(name, b"").decode("latin-1") for name in (b"origin", b"sec-fetch-site"))
        reads = scope["method"] in ("GET", "HEAD")  # another site sees nothing of the answer
        if self._own_pages and not reads and is_elsewhere(origin, site, host):
            raise Problem(403, "other_site", "A page of another site asks for this.", "Ask it yourself.", closes=True)
        if (
            self._key is not None
            and scope["path"] not in self._open
            and not self._key.opens(headers.get(b"authorization", b""))
        ):
            raise Problem(
                401,
                "no_key",
                "The request has no key that opens this server.",
                "Send the header Authorization: Bearer KEY.",
                headers={"WWW-Authenticate": "Bearer"},
                closes=True,
            )


class Refusal:
    """An answer that says why there is none; it sees to it that this can be read, though a body is still on its way."""

    def __init__(self, problem: Problem, limits: ServerLimits) -> None:
        self._problem = problem
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        problem, size = self._problem, announced(scope)
        named = {name for name, _ in scope["headers"]}
        # Who asked before sending a body will not send it now: what comes next would be taken for it.
        closes = (problem.closes or b"expect" in named) and (b"transfer-encoding" in named or bool(size))
        protocol = scope["path"] == "/v2" or scope["path"].startswith("/v2/")
        body = refusal(problem) if protocol else to_json(problem.to_dict())
        said = [
            (b"content-type", b"application/json" if protocol else MEDIA_TYPE.encode()),
            (b"content-length", str(len(body)).encode()),
            *((name.lower().encode(), value.encode("latin-1", "replace")) for name, value in problem.headers.items()),
            *([(b"connection", b"close")] if closes else []),
        ]
        await send({"type": "http.response.start", "status": problem.status, "headers": said})
        await send({"type": "http.response.body", "body": body, "more_body": closes})
        if closes:  # whoever still sends can read all of the answer by now
            await throw_away(scope, receive, self._limits)
            await send({"type": "http.response.body", "body": b"", "more_body": False})


class _Told:
    """What goes back: its status is noted, and that the connection ends where the server does."""

    def __init__(self, send: Send, draining: Draining) -> None:
        self._send = send
        self._draining = draining
        self.status = 0
        self.begun = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
            self.status = message["status"]
            message["headers"] = [*message.get("headers", ()), *HEADERS]
            if self._draining.begun:
                message["headers"].append((b"connection", b"close"))
        await self._send(message)
