"""Clients of a server, in a process of their own: ``python -m benchmarks.http_clients``, told by JSON on stdin.

``{"port", "bodies": folder, "type", "clients", "n"}`` asks ``n`` times, every client again once it has its answer;
``{..., "rate", "seconds"}`` sends so many requests a second, whether there are answers or not. The result is one JSON
line: seconds, and how many answers there were of each status.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any


class _Lines:
    """Connections that are kept, one for each request that is under way."""

    def __init__(self, port: int, kind: str) -> None:
        self.port = port
        self.kind = kind
        self.idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def ask(self, body: bytes) -> int:
        """Send one request; its status, or 0 where the connection broke."""
        reader, writer = self.idle.pop() if self.idle else await asyncio.open_connection("127.0.0.1", self.port)
        head = f"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: {self.kind}\r\n"
        head += f"Content-Length: {len(body)}\r\n\r\n"
        try:
            writer.write(head.encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            status = int(answer[9:12])
            length = int(answer.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            if b"connection: close" in answer.lower():
                writer.close()
            else:
                self.idle.append((reader, writer))
        except (OSError, asyncio.IncompleteReadError):
            writer.close()
            return 0
        return status


async def _closed(lines: _Lines, bodies: Sequence[bytes], clients: int, n: int) -> Counter[int]:
    left = iter(range(n))
    found: Counter[int] = Counter()

    async def client() -> None:
        for place in left:
            found[await lines.ask(bodies[place % len(bodies)])] += 1

    await asyncio.gather(*(client() for _ in range(clients)))
    return found


async def _open(lines: _Lines, bodies: Sequence[bytes], rate: float, seconds: float) -> Counter[int]:
    found: Counter[int] = Counter()

    async def one(place: int) -> None:
        found[await lines.ask(bodies[place % len(bodies)])] += 1

    began, sent, under_way = time.monotonic(), 0, set()
    while (passed := time.monotonic() - began) < seconds:
        while sent < passed * rate:
            task = asyncio.create_task(one(sent))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
            sent += 1
        await asyncio.sleep(0.002)
    await asyncio.gather(*under_way)
    return found


async def _run(told: dict[str, Any]) -> dict[str, Any]:
    bodies = [file.read_bytes() for file in sorted(Path(told["bodies"]).iterdir())]
    lines = _Lines(told["port"], told["type"])
    began = time.monotonic()
    if "rate" in told:
        found = await _open(lines, bodies, told["rate"], told["seconds"])
    else:
        found = await _closed(lines, bodies, told["clients"], told["n"])
    return {"seconds": time.monotonic() - began, "statuses": {str(status): n for status, n in sorted(found.items())}}


def main() -> None:
    """Do what stdin tells."""
    print(json.dumps(asyncio.run(_run(json.loads(sys.stdin.readline())))))


if __name__ == "__main__":
    main()
