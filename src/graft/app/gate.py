"""Who is let in: whoever has the address that was printed, by a name of this machine, from the page itself.

Any program and any user of this machine can reach the port. The printed address carries a token; opened once, it makes
the browser's session, a cookie that no script can read and that no other site can make a browser send. Without it
nothing is answered, to reading as little as to deciding. A page of another site is also told by its own name in the
``Host`` (after DNS rebinding) or ``Origin`` header.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast
from urllib.parse import parse_qs, urlsplit

from graft.app.responses import refuse
from graft.loopback import is_own

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

PAGE = "/"
OWN = "/editor/"
"""Where all of the editor's addresses but that of the page begin."""
_SAFE = {
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-resource-policy": b"same-origin",
    b"cross-origin-opener-policy": b"same-origin",
}


def headers_of(policy: str) -> dict[bytes, bytes]:
    """Headers that tell a browser to trust nothing from elsewhere.

    Args:
        policy: The page's content security policy, without who may frame it: nobody.
    """
    return {**_SAFE, b"content-security-policy": f"{policy}; frame-ancestors 'none'".encode()}


HEADERS = headers_of(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'"
)
"""Those of the editor."""


@dataclass(frozen=True, slots=True)
class BrowserSession:
    """What lets a browser in, as long as one editor runs.

    Attributes:
        name: Of the cookie. Browsers keep cookies by host, not by port: editors beside each other have their own.
        token: In the printed address.
        key: In the cookie.
        secure: Whether browsers reach it by https only, through a proxy.
    """

    name: str
    token: str = field(default_factory=secrets.token_urlsafe, repr=False)
    key: str = field(default_factory=secrets.token_urlsafe, repr=False)
    secure: bool = False

    @property
    def cookie(self) -> str:
        """The header that begins the session; it lasts as long as the browser, at most as long as the editor."""
        return f"{self.name}={self.key}; Path=/; HttpOnly; SameSite=Strict{'; Secure' if self.secure else ''}"

    def is_begun(self, cookies: str) -> bool:
        """Whether a ``Cookie`` header holds the key."""
        pairs = (pair.strip().partition("=") for pair in cookies.split(";"))
        return any(name == self.name and _same(value, self.key) for name, _, value in pairs)

    def begins(self, query: bytes) -> bool:
        """Whether the query of an address holds the token."""
        try:
            given = parse_qs(query.decode("latin-1"), max_num_fields=20).get("token", [])
        except ValueError:
            return False
        return any(_same(token, self.token) for token in given)


@dataclass(frozen=True, slots=True)
class Gate:
    """Stands before an ASGI app.

    Attributes:
        app: Takes what is let through.
        host: The name or address that the server was told to listen at.
        session: What lets a browser in.
        what: What the page is called in words.
        own: Where the addresses begin that the page's scripts ask for: these are refused in JSON.
        headers: Of every answer.
        public: The name, and port if any, under which a proxy shows the page; ``""`` where there is none.
        prefix: What a proxy puts before every path, and may or may not take away again.
    """

    app: ASGIApp
    host: str
    session: BrowserSession
    what: str
    own: str
    headers: Mapping[bytes, bytes]
    public: str
    prefix: str

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            if self.prefix and scope["path"].startswith(f"{self.prefix}/"):
                scope = {**scope, "path": scope["path"].removeprefix(self.prefix)}
            begins = scope["path"] == PAGE and self.session.begins(scope["query_string"])
            refusal = self.refusal(scope["path"], _headers(scope), begins=begins)
            cookie = self.session.cookie if begins and not refusal else None
            answer = self._refused(scope["path"], *refusal) if refusal else self.app
            await answer(scope, receive, self._guarded(send, cookie))

    def refusal(self, path: str, headers: Mapping[str, str], *, begins: bool = False) -> tuple[int, str] | None:
        """Why a request is refused, with its status; ``None``: it is not.

        Args:
            path: What is asked for.
            headers: With names in lower case.
            begins: Whether it is for the page, and carries the token.
        """
        host = headers.get("host", "")
        if not (is_own(host, self.host) or (self.public and host == self.public)):
            return 421, f"Open the {self.what} at the address that it printed."
        if not begins and not self.session.is_begun(headers.get("cookie", "")):
            return 403, (
                f"This {self.what} is closed to you. Open the address that it printed when it started, with its token."
            )
        # A proxy may call this machine by another name than the browser does, which tells by itself whose page asks.
        site, origin = headers.get("sec-fetch-site", "none"), headers.get("origin")
        if origin is not None and site != "same-origin" and _place(origin) not in (host, self.public or host):
            return 403, "Another site may not ask for this."
        if site not in ("none", "same-origin") and path != PAGE:
            return 403, "Another site may not ask for this."
        return None

    def _guarded(self, send: Send, cookie: str | None) -> Send:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *self.headers.items()]
                if cookie:
                    message["headers"].append((b"set-cookie", cookie.encode()))
            await send(message)

        return guarded

    def _refused(self, path: str, status: int, why: str) -> ASGIApp:
        """In words for people; as JSON for the page's own requests."""
        from starlette.responses import PlainTextResponse

        if path != PAGE and path.startswith(self.own):
            return cast("ASGIApp", refuse("refused", why, status))
        return PlainTextResponse(why, status, {"cache-control": "no-store"})


def _place(origin: str) -> str:
    """Host and port of an ``Origin`` header; ``""`` where it is none."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def _same(given: str, kept: str) -> bool:
    """Whether two texts are equal; how long it takes does not tell how far they are."""
    return hmac.compare_digest(given.encode(), kept.encode())


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
