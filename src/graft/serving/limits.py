"""How much a server takes from anybody."""

from __future__ import annotations

from dataclasses import dataclass

from graft.contracts import MEGABYTE, SERVED, ItemLimits


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """What is refused, and when.

    Attributes:
        body: Bytes of one request.
        bodies: Bytes of all requests that are being read or answered, together.
        items: Of one request.
        waiting: Items of all requests that are being answered, together; more are told to come again. A single request
            that finds nobody else there is taken whatever it holds.
        item: How large each of them may be.
        pause: Seconds in which more of a body has to arrive.
        refused: Bytes of a refused body that are still taken off the line and thrown away, so that its sender can read
            why.
        linger: Seconds for that.
    """

    body: int = 32 * MEGABYTE
    bodies: int = 256 * MEGABYTE
    items: int = 256
    waiting: int = 64
    item: ItemLimits = SERVED
    pause: float = 30.0
    refused: int = 512 * MEGABYTE
    linger: float = 30.0
