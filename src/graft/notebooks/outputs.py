"""What cells print and show, kept within bounds: nothing hangs, the end is never lost, redrawn lines are kept once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graft.notebooks.hiding import Hiding

MAX_STREAM = 512 * 1024
"""Characters that are kept of what a cell prints: as many from its end as from its beginning."""
MAX_OUTPUTS = 500
"""Pictures, tables and the like of one cell."""
MAX_OUTPUT_BYTES = 20 * 1024 * 1024
"""Characters of these in one cell, about."""
MAX_COPY_BYTES = 100 * 1024 * 1024
"""Of these in the whole executed copy."""
MAX_LINE = 64 * 1024
"""A line that is longer is taken in parts."""


class PrintedText:
    """A stream of a cell: lines as they look in the end, and the middle left out where there are too many.

    Args:
        tell: Told lines as they are complete.
        hiding: What may not be kept nor told.
        limit: Characters that are kept in all.
    """

    def __init__(self, tell: Callable[[str], None], hiding: Hiding, limit: int = MAX_STREAM) -> None:
        self._tell = tell
        self._hiding = hiding
        self._half = limit // 2
        self._head: list[str] = []
        self._tail: list[str] = []
        self._head_size = self._tail_size = 0
        self._line = ""
        self.left_out = 0

    def add(self, text: str) -> None:
        """More of it."""
        *complete, rest = (self._line + text).split("\n")
        if complete:
            self._pass_on("".join(_redrawn(line) + "\n" for line in complete))
        if len(rest) > MAX_LINE:
            redrawn = _redrawn(rest)
            if len(redrawn) > MAX_LINE:
                told = len(redrawn) - self._hiding.may_begin(redrawn)
                self._pass_on(redrawn[:told])
                redrawn = redrawn[told:]
            rest = redrawn + ("\r" if rest.endswith("\r") and redrawn else "")
        self._line = rest

    def end(self) -> None:
        """There is no more: what stands in the last line is told."""
        if line := _redrawn(self._line):
            self._pass_on(line)
        self._line = ""

    def last_line(self) -> str:
        """The line that is not complete yet, as it looks now."""
        return self._hiding.text(_redrawn(self._line))

    def text(self) -> str:
        """What is kept."""
        tail = "".join(self._tail)
        out = self.left_out + max(len(tail) - self._half, 0)
        kept = 2 * self._half
        left = f"\n[{out:,} characters were left out here: {kept:,} of what a cell prints are kept]\n" if out else ""
        return "".join(self._head) + left + tail[-self._half :] + self.last_line()

    def _pass_on(self, text: str) -> None:
        text = self._hiding.text(text)
        self._keep(text)
        self._tell(text)

    def _keep(self, text: str) -> None:
        if (room := self._half - self._head_size) > 0 and not self._tail:
            self._head.append(text[:room])
            self._head_size += len(self._head[-1])
            text = text[room:]
        if not text:
            return
        self._tail.append(text)
        self._tail_size += len(text)
        if self._tail_size > 2 * self._half:
            kept = "".join(self._tail)
            self.left_out += len(kept) - self._half
            self._tail = [kept[-self._half :]]
            self._tail_size = self._half


def _redrawn(line: str) -> str:
    """What is seen of a line after its carriage returns."""
    if "\r" not in line:
        return line
    ended = line.rstrip("\r")
    return ended.rpartition("\r")[2]


def size_of(output: Any) -> int:
    """Characters of an output, about."""
    if isinstance(output, str):
        return len(output)
    if isinstance(output, dict):
        return sum(len(key) + size_of(value) for key, value in output.items())
    if isinstance(output, list | tuple):
        return sum(map(size_of, output))
    return 8


def plain(data: Any) -> str:
    """The plain form of what was shown."""
    text = data.get("text/plain", "")
    return "".join(text) if isinstance(text, list) else str(text)
