"""Makes the page's addresses relative: it works behind a proxy with a path of its own, another port, or https outside.

Gradio builds them from what the last proxy calls this machine. The page knows better where it is.
"""

import re
from typing import Any

HERE = 'new URL(".", window.location.href).href.slice(0, -1)'
PLACED = f"<script>window.gradio_config.root = {HERE};</script><script data-gradio-mode>"


def relative(page: str) -> str:
    """Gradio's page with the address that the browser has in the place of the one that the server was called by."""
    page = page.replace("<script data-gradio-mode>", PLACED, 1)
    page = re.sub(r'const root = "[^"]*";', "const root = window.gradio_config.root;", page, count=1)
    return page.replace('<link rel="manifest" href="/manifest.json" />', '<link rel="icon" href="data:," />', 1)


class RelativeAddresses:
    """Between the server and Gradio: changes the page, and nothing else.

    Args:
        app: Gradio's application.
    """

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """One request."""
        if scope["type"] != "http" or scope["path"] != "/" or scope["method"] != "GET":
            await self.app(scope, receive, send)
            return
        begun: list[Any] = []
        parts: list[bytes] = []

        async def kept(message: Any) -> None:
            if message["type"] == "http.response.start":
                begun.append(message)
                return
            parts.append(message.get("body", b""))
            if not message.get("more_body"):
                body = relative(b"".join(parts).decode()).encode()
                headers = [pair for pair in begun[0]["headers"] if pair[0].lower() != b"content-length"]
                length = (b"content-length", str(len(body)).encode())
                await send({**begun[0], "headers": [*headers, length]})
                await send({"type": "http.response.body", "body": body})

        await self.app(scope, receive, kept)
