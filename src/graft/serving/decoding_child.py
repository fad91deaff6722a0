"""What runs in a decoding child: files of anybody are opened here, where no more than this process can come to harm."""

from __future__ import annotations

import contextlib
import resource
import signal
import struct
from collections.abc import Callable
from multiprocessing.connection import Connection

from graft.contracts import Encoder, ItemLimits
from graft.encoders.lru import SMALLEST
from graft.errors import GraftError
from graft.serving.packing import pack, pack_prepared

PREPARE = b"p"
"""Asks for an item to be decoded; other letters ask for what the server has put on the list of ``readers``."""
DONE, REFUSED = b"d", b"r"
MEMORY = 900_000_000
"""Bytes of addresses that a child may take."""
ROOM = 650_000_000
"""As many are left to it beyond what its libraries take, if that is more."""
SECONDS = 20
"""Of processor time, for one item."""

Reader = Callable[[bytes], bytes]


def run(line: Connection, encoder: Encoder, limits: ItemLimits, readers: dict[bytes, Reader]) -> None:
    """Serve until the other end is closed: a letter, then a content; back a letter, then what became of it.

    Args:
        line: To the server.
        encoder: Whose ``prepare`` decodes.
        limits: How large an item may be.
        readers: By their letter, what else is read here.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which closes the line
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with contextlib.suppress(GraftError):
        encoder.prepare(SMALLEST[encoder.modality], limits)  # loads what it takes, before the limits count
    _limit_memory()
    with contextlib.suppress(EOFError, OSError):
        while True:
            kind = line.recv_bytes(1)
            content = line.recv_bytes()
            _limit_time()
            for part in _answer(kind, content, encoder, limits, readers):
                line.send_bytes(part)


def _answer(
    kind: bytes, content: bytes, encoder: Encoder, limits: ItemLimits, readers: dict[bytes, Reader]
) -> tuple[bytes, bytes]:
    try:
        if kind == PREPARE:
            return DONE, pack_prepared(encoder.prepare(content, limits))
        return DONE, readers[kind](content)
    except GraftError as error:
        told = {**error.to_dict(), "kind": type(error).__name__}
        own = {"status": getattr(error, "status", 0), "item": getattr(error, "item", "")}
        return REFUSED, pack({**told, **own}, [])
    except MemoryError:
        told = {"code": "too_large", "message": "It does not fit into memory.", "hint": "Make it smaller."}
        return REFUSED, pack({**told, "kind": "ItemError", "status": 413, "item": ""}, [])


def _limit_memory() -> None:
    taken = 0
    with contextlib.suppress(OSError, ValueError, struct.error), open("/proc/self/statm", "rb") as file:  # noqa: PTH123
        taken = int(file.read().split()[0]) * resource.getpagesize()
    most = max(MEMORY, taken + ROOM)
    with contextlib.suppress(OSError, ValueError):  # macOS knows no such limit
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _limit_time() -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    most = int(used.ru_utime + used.ru_stime) + 1 + SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (most if hard < 0 else min(most, hard), hard))
