"""Bodies of requests: read within bounds, and refused in words while they are still being sent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from graft.serving.limits import ServerLimits
from graft.serving.problems import Problem

if TYPE_CHECKING:
    from starlette.types import Receive, Scope

SMALL = 1 << 20
"""A body of so many bytes is read to its end though it was refused, and the connection goes on."""


class ClientGone(Exception):
    """Whoever asked has left, and nobody waits for an answer."""


class BodyBudget:
    """Memory for the bodies that are being read or answered, all together."""

    def __init__(self, limits: ServerLimits) -> None:
        self._limits = limits
        self.taken = 0

    @contextmanager
    def room(self) -> Iterator[Callable[[int], None]]:
        """Within, what takes so many more bytes; all are given back at the end.

        Raises:
            Problem: There are no more to be had now.
        """
        own = 0

        def take(size: int) -> None:
            nonlocal own
            if self.taken + size > self._limits.bodies and self.taken > own:
                raise overloaded("The server is busy with other requests.", closes=True)
            own += size
            self.taken += size

        try:
            yield take
        finally:
            self.taken -= own


def overloaded(message: str, seconds: int = 1, *, closes: bool = False) -> Problem:
    """What whoever comes while there is no room is told."""
    return Problem(
        429,
        "overloaded",
        message,
        f"Send it again in {seconds} seconds, and less at once." if seconds > 1 else "Send it again in a second.",
        headers={"Retry-After": str(seconds)},
        closes=closes,
    )


def announced(scope: Scope) -> int | None:
    """How long a body is by its own account; ``None`` where that is not said."""
    for name, value in scope["headers"]:
        if name == b"content-length":
            try:
                return int(value)
            except ValueError:
                return None
    return None


async def read_body(scope: Scope, receive: Receive, take: Callable[[int], None], limits: ServerLimits) -> bytes:
    """The whole body.

    Args:
        scope: Of the request.
        receive: Where it comes from.
        take: Of ``BodyBudget.room``.
        limits: How long it may be, and how long it may take.

    Raises:
        Problem: It is too long, or does not come.
        ClientGone: Its sender has left.
    """
    size = announced(scope)
    if size is not None:
        if size > limits.body:
            raise too_long(limits)
        take(size)
    parts, got = [], 0
    while True:
        try:
            async with asyncio.timeout(limits.pause):
                message = await receive()
        except TimeoutError:
            raise Problem(
                408,
                "too_slow",
                f"Nothing more of the body came for {limits.pause:g} seconds.",
                "Send it again.",
                closes=True,
            ) from None
        if message["type"] == "http.disconnect":
            raise ClientGone
        part = message.get("body", b"")
        got += len(part)
        if got > limits.body:
            raise too_long(limits)
        if size is None:
            take(len(part))
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


def too_long(limits: ServerLimits) -> Problem:
    """What the sender of a longer body is told."""
    return Problem(
        413,
        "too_large",
        f"The body is longer than {limits.body >> 20} MB.",
        "Send fewer items at once, or smaller ones.",
        closes=True,
    )


async def throw_away(scope: Scope, receive: Receive, limits: ServerLimits) -> None:
    """Take what is still being sent off the line, so that its sender reads the answer and no reset connection."""
    if any(name == b"expect" for name, _ in scope["headers"]):
        return  # it is not sent before it is asked for
    until, got = time.monotonic() + limits.linger, 0
    while got < limits.refused and (left := until - time.monotonic()) > 0:
        try:
            async with asyncio.timeout(min(left, limits.pause)):
                message = await receive()
        except TimeoutError:
            return
        got += len(message.get("body", b""))
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            return
