"""What a shared library asks of the machine that loads it, read from its own head: no tool, and nothing is run."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from graft.errors import ExportError

MAGIC = b"\x7fELF"
_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_NEED, _AUX = struct.Struct("<HHIII"), struct.Struct("<IHHII")
_VERNEED = 0x6FFFFFFE
_GLIBC = re.compile(rb"GLIBC_(\d+)\.(\d+)(?:\.\d+)?")
_OF_PYTHON = re.compile(r"\.cpython-(\d)(\d+)[a-z]*-")
_LARGEST = 1 << 30
MACHINES = {"x86_64": 62, "arm64": 183}
"""Numbers of processors in such a head, by the names that Lambda has for them."""


@dataclass(frozen=True, slots=True)
class Machine:
    """Where a function runs.

    Attributes:
        platform: A key of ``MACHINES``.
        python: Its Python, such as ``"3.13"``.
        glibc: The version of its C library.
    """

    platform: str
    python: str
    glibc: tuple[int, int]


def check_libraries(folder: Path, machine: Machine) -> int:
    """Whether a machine can load every shared library of a folder.

    Returns:
        How many there are.

    Raises:
        ExportError: It cannot load one of them; names it.
    """
    count = 0
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        with path.open("rb") as file:
            is_elf = file.read(4) == MAGIC
        if is_elf or path.name.endswith((".so", ".pyd", ".dll", ".dylib")) or ".so." in path.name:
            name = path.relative_to(folder).as_posix()
            if why := _unfit(path, machine) if is_elf else "it is no library of Linux":
                raise ExportError(
                    f"{name} cannot be loaded by Python {machine.python} on Lambda's {machine.platform}: {why}.",
                    "Choose another --python or --platform, or give wheels that fit with --wheels.",
                )
            count += 1
    return count


def _unfit(path: Path, machine: Machine) -> str:
    """Why a machine cannot load a library; ``""`` where it can."""
    made_for = _OF_PYTHON.search(path.name)
    if made_for and f"{made_for[1]}.{made_for[2]}" != machine.python:
        return f"it is made for Python {made_for[1]}.{made_for[2]}"
    if path.stat().st_size > _LARGEST:
        return "it is larger than 1 GB"
    content = path.read_bytes()
    try:
        kind, needed = _machine_of(content), max(_versions(content), default=(0, 0))
    except (struct.error, ValueError, IndexError):
        return "its head cannot be read"
    if kind != MACHINES[machine.platform]:
        names = {number: name for name, number in MACHINES.items()}
        return f"it is made for {names.get(kind, f'another processor ({kind})')}"
    if needed > machine.glibc:
        return f"it needs glibc {needed[0]}.{needed[1]}, and there is {machine.glibc[0]}.{machine.glibc[1]}"
    return ""


def _machine_of(content: bytes) -> int:
    """The processor's number; a library of 32 bits or of the other byte order has none that is known."""
    if content[4:6] != b"\x02\x01":
        return 0
    return int(_HEADER.unpack_from(content)[2])


def _versions(content: bytes) -> Iterator[tuple[int, int]]:
    """Every version of glibc that it names among those that it needs."""
    if content[4:6] != b"\x02\x01":
        return
    header = _HEADER.unpack_from(content)
    start, size, count = header[6], header[11], header[12]
    sections = [_SECTION.unpack_from(content, start + size * place) for place in range(count)]
    for section in sections:
        if section[1] != _VERNEED:
            continue
        names = sections[section[6]][4]
        at, left = section[4], section[7]
        while left > 0:
            _, entries, _, first, following = _NEED.unpack_from(content, at)
            inner = at + first
            for _ in range(entries):
                *_, name, further = _AUX.unpack_from(content, inner)
                found = _GLIBC.fullmatch(content[names + name : content.index(b"\0", names + name)])
                if found:
                    yield int(found[1]), int(found[2])
                inner += further
            at += following
            left -= 1
