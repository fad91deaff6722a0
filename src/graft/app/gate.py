"""Who is let in: requests to this machine by name or address, from the page itself, for what the page needs.

A page of another site can make a browser send requests here. Its own name is in their ``Host`` (after DNS rebinding) or
``Origin`` header, and it cannot read the token that every decision must carry.
"""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import urlsplit

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

OWN = "/editor/"
"""Where the editor's own addresses begin; the others are Gradio's."""
SHELL = ("/assets/", "/static/")
FILES = ("/", "/theme.css", "/manifest.json", "/favicon.ico", "/config")
"""What the page needs of Gradio; its ways to upload, to fetch files and to pass requests on stay shut."""
HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-resource-policy": b"same-origin",
}
_PAGE = "/"


class Gate:
    """Stands before an ASGI app."""

    def __init__(self, app: App, host: str) -> None:
        """``host`` is the name or address that the server was told to listen at."""
        self.app = app
        self.host = host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            refusal = self.refusal(scope["method"], scope["path"], _headers(scope))
            if refusal:
                await _refuse(send, *refusal)
            else:
                await self.app(scope, receive, _guarded(scope["path"], send))

    def refusal(self, method: str, path: str, headers: Mapping[str, str]) -> tuple[int, str] | None:
        """Why a request is refused, with its status; ``None``: it is not."""
        host = headers.get("host", "")
        if not is_own(host, self.host):
            return 421, "Open the editor at the address that it printed."
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host:
            return 403, "Another site may not ask for this."
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin") and path != _PAGE:
            return 403, "Another site may not ask for this."
        if method in ("GET", "HEAD") and (path in FILES or path.startswith((OWN, *SHELL))):
            return None
        if method == "POST" and path.startswith(OWN):
            return None
        return 404, "There is nothing here."


def is_own(header: str, told: str) -> bool:
    """Whether a ``Host`` header names this machine: by an address, for no other site can have that as its name."""
    try:
        name = urlsplit(f"//{header}").hostname or ""
    except ValueError:
        return False
    if name in ("localhost", told.lower()):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or not _is_loopback(told)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


def _guarded(path: str, send: Send) -> Send:
    """Adds the headers that tell a browser to trust nothing from elsewhere; the page's own scripts get a nonce."""
    nonce = secrets.token_urlsafe(16)
    start: Message = {}

    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [(name, value) for name, value in message["headers"] if name.lower() not in HEADERS]
            message["headers"] = [*headers, *HEADERS.items()]
            if path == _PAGE:
                message["headers"].append((b"content-security-policy", _policy(nonce)))
                start.update(message)
                return
        elif path == _PAGE and start:
            start["body"] = start.get("body", b"") + message.get("body", b"")
            if message.get("more_body"):
                return
            body = start.pop("body").replace(b"<script", f'<script nonce="{nonce}"'.encode())
            sized = [(n, v) for n, v in start["headers"] if n.lower() != b"content-length"]
            start["headers"] = [*sized, (b"content-length", str(len(body)).encode())]
            await send(start)
            message = {"type": "http.response.body", "body": body}
        await send(message)

    return guarded


def _policy(nonce: str) -> bytes:
    return (
        f"default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; media-src 'self' blob:; font-src 'self' data:; connect-src 'self'; manifest-src 'self'; "
        "base-uri 'self'; form-action 'none'; frame-ancestors 'none'"
    ).encode()


async def _refuse(send: Send, status: int, why: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), *HEADERS.items()]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": why.encode()})
