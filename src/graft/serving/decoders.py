"""Children in which files of anybody are decoded: each with limits, each replaced when it dies or has served long."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import queue
import struct
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

from graft.contracts import LIMITS, Encoder, Float32, ItemLimits, Prepared
from graft.errors import EncoderError, GraftError, ItemError
from graft.executors import workers
from graft.serving import decoding_child
from graft.serving.decoding_child import DONE, PREPARE, Reader
from graft.serving.packing import unpack, unpack_prepared
from graft.serving.problems import Problem

RECYCLED = 1000
"""Contents after which a child is replaced, whatever it has leaked by then."""
LAST_SECONDS = 2.0
"""In which a child ends by itself."""
PATIENCE = 40.0
"""Seconds for one content; its processor time is limited more tightly."""
MOST_CHILDREN = 4
_LONGEST_ANSWER = 1 << 29
_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
"""What libraries of matrices ask for how many threads to start; a child has one."""


@dataclass(frozen=True, slots=True)
class _DecodingJob:
    kind: bytes
    content: bytes
    answer: Future[bytes]


class Decoders:
    """A few children and a thread for each, which hands it one content after the other.

    Args:
        encoder: Whose ``prepare`` decodes.
        limits: How large an item may be.
        readers: By their letter, functions of a module that are run on contents as well.
        children: How many; by default one for each core that may be used, and ``MOST_CHILDREN`` at most.
    """

    def __init__(
        self,
        encoder: Encoder,
        limits: ItemLimits,
        readers: Mapping[bytes, Reader] | None = None,
        children: int | None = None,
    ) -> None:
        self._arguments = (encoder, limits, dict(readers or {}))
        self._waiting: queue.SimpleQueue[_DecodingJob | None] = queue.SimpleQueue()
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(
            ["graft.serving.decoding_child", "graft.decoding.decode", "graft.encoders"]
        )
        count = min(workers(), MOST_CHILDREN) if children is None else children
        self._threads = [
            threading.Thread(target=self._serve, name=f"graft-decoder-{place}", daemon=True) for place in range(count)
        ]
        self._children: set[_Child] = set()
        self.died = 0

    def start(self) -> None:
        """Start the children; contents may be handed over already."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End the children; what waits still is not answered any more, and what runs has ``LAST_SECONDS``."""
        with contextlib.suppress(queue.Empty):
            while True:
                if (left := self._waiting.get_nowait()) is not None:
                    left.answer.cancel()
        for _ in self._threads:
            self._waiting.put(None)
        until = time.monotonic() + LAST_SECONDS
        for thread in self._threads:
            if thread.is_alive():
                thread.join(max(0.0, until - time.monotonic()))
        for child in list(self._children):
            child.end()

    def submit(self, content: bytes, kind: bytes = PREPARE) -> Future[bytes]:
        """Have a content decoded, or read; the answer is what the child's function made of it.

        It raises ``ItemError`` where the content is bad or took a child with it; ``Problem`` where a reader says so.
        """
        found: Future[bytes] = Future()
        self._waiting.put(_DecodingJob(kind, content, found))
        return found

    def _serve(self) -> None:
        child: _Child | None = None
        while (asked := self._waiting.get()) is not None:
            if not asked.answer.set_running_or_notify_cancel():
                continue
            try:
                if child is None:
                    child = _Child(self._context, self._arguments)
                    self._children.add(child)
                asked.answer.set_result(child.ask(asked.kind, asked.content))
            except GraftError as error:
                asked.answer.set_exception(error)
            except BaseException as error:
                self.died += 1
                self._without(child)
                child = None
                asked.answer.set_exception(_died(error))
            if child and child.asked >= RECYCLED:
                child.close()
                self._without(child)
                child = None
        if child:
            child.close()
            self._without(child)

    def _without(self, child: _Child | None) -> None:
        if child:
            self._children.discard(child)
            child.kill()


class _Child:
    """One process and the line to it."""

    def __init__(self, context: Any, arguments: tuple[Any, ...]) -> None:
        self._line, theirs = context.Pipe()
        self.asked = 0
        self._process = context.Process(
            target=decoding_child.run, args=(theirs, *arguments), name="graft-decoder", daemon=True
        )
        with _one_thread():  # the first one starts the server that forks all of them
            self._process.start()
        theirs.close()

    def ask(self, kind: bytes, content: bytes) -> bytes:
        self.asked += 1
        self._line.send_bytes(kind)
        self._line.send_bytes(content)
        if not self._line.poll(PATIENCE):
            raise TimeoutError
        done = self._line.recv_bytes(1) == DONE
        message: bytes = self._line.recv_bytes(_LONGEST_ANSWER)
        if done:
            return message
        told, _ = unpack(message)
        raise _restored(told)

    def close(self) -> None:
        self._line.close()
        self._process.join(LAST_SECONDS)

    def end(self) -> None:
        """End the process under its thread, which finds the other end of its line closed."""
        with contextlib.suppress(ValueError, OSError):
            self._process.kill()

    def kill(self) -> None:
        with contextlib.suppress(OSError):
            self._line.close()
        with contextlib.suppress(ValueError, OSError):
            self._process.kill()
            self._process.join()
            self._process.close()


def _restored(told: Mapping[str, Any]) -> GraftError:
    if told["kind"] == "Problem":
        return Problem(int(told["status"]), told["code"], told["message"], told["hint"], item=told["item"])
    if told["kind"] == "EncoderError":
        return EncoderError(told["message"], told["hint"])
    return ItemError(told["code"], told["message"], told["hint"])


def _died(error: BaseException) -> Exception:
    """What is said of a content that took a child with it."""
    if isinstance(error, TimeoutError):
        return ItemError("too_slow", f"Decoding took longer than {PATIENCE:g} seconds.", "Save it again, smaller.")
    if isinstance(error, EOFError | OSError | ValueError | LookupError | struct.error):
        found = "The program that decodes it ended: it takes too much memory or time, or is damaged."
        return ItemError("corrupt", found, "Save it again with another program.")
    return error if isinstance(error, Exception) else RuntimeError(repr(error))


@contextmanager
def _one_thread() -> Iterator[None]:
    with _environment:
        before = {name: os.environ.get(name) for name in _THREADS}
        os.environ.update(dict.fromkeys(_THREADS, "1"))
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value


_environment = threading.Lock()


class DecodedElsewhere:
    """An encoder for items that a child has decoded: its contents are what ``packing.pack_prepared`` wrote."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self.name = encoder.name
        self.fingerprint = encoder.fingerprint
        self.dim = encoder.dim
        self.statistics = encoder.statistics

    @classmethod
    def of(cls, encoder: Encoder) -> Encoder:
        """The same as an encoder, which it is wherever items are embedded."""
        return cast("Encoder", cls(encoder))

    def prepare(self, content: bytes, limits: ItemLimits = LIMITS) -> Prepared:
        """What the child made of the item."""
        return unpack_prepared(content)

    def embed(self, batch: list[Any]) -> Float32:
        """The embeddings ``(n, dim) float32``."""
        return self._encoder.embed(batch)
