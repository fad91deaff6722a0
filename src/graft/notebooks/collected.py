"""What a notebook wrote into its folder: found by looking before and after, and copied beside its executed copy."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from graft.bundle import is_bundle

MAX_LOOKED = 50_000
"""Entries of the notebook's folder that are looked at."""
MAX_FILES = 2_000
"""Files that are copied."""
MAX_BYTES = 4 * 1024**3
"""Bytes of these in all."""
_BLOCK = 1 << 20
_PASSED_OVER = {"__pycache__", "node_modules", "venv", "env", "lost+found"}

State = tuple[int, int, int]
"""A file's bytes, the time of its last change, and its number on the disk."""


@dataclass(frozen=True, slots=True)
class WrittenFiles:
    """What was found: files and models as they lie under the output now, and what there is to say of it."""

    files: tuple[Path, ...] = ()
    models: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()


def listing(folder: Path, output: Path) -> dict[str, State]:
    """The state of every file below a folder; not of hidden ones, nor below ``output``."""
    found: dict[str, State] = {}
    for path, state in _walk(folder, output.resolve()):
        found[path] = state
        if len(found) >= MAX_LOOKED:
            break
    return found


def collect(folder: Path, output: Path, before: dict[str, State]) -> WrittenFiles:
    """Copy what is new or changed; where it lies in ``folder`` it stays."""
    after = listing(folder, output)
    new = sorted(path for path, state in after.items() if before.get(path) != state)
    notes = []
    if len(after) >= MAX_LOOKED:
        notes.append(
            f"The notebook's folder holds more than {MAX_LOOKED:,} files: what else it wrote is not collected."
        )
    files, models, size, n, left_out = [], [], 0, 0, 0
    for name in new:
        if n >= MAX_FILES or size + after[name][0] > MAX_BYTES:  # a smaller one may still have room
            left_out += 1
            continue
        n, size = n + 1, size + after[name][0]
        try:
            copied = _copied(folder / name, output / name)
        except OSError as error:
            notes.append(f"{name} was not collected: {error.strerror or error}.")
            continue
        if (bundle := _bundle_of(folder, name)) is None:
            files.append(copied)
        elif output / bundle not in models:
            models.append(output / bundle)
    if left_out:
        notes.append(
            f"{left_out:,} of the {len(new):,} files that it wrote were not collected: no more than {MAX_FILES:,} are, "
            f"nor more than {MAX_BYTES >> 30} GB. They lie in the notebook's folder."
        )
    return WrittenFiles(tuple(files), tuple(models), tuple(notes))


def _bundle_of(folder: Path, name: str) -> Path | None:
    """The model that a file is part of."""
    return next((parent for parent in reversed(Path(name).parents) if parent.name and is_bundle(folder / parent)), None)


def _copied(source: Path, target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():  # the executed copy's own name, mostly
        target = target.with_name(f"written-{target.name}")
    descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as read, target.open("xb") as written:
        while block := read.read(_BLOCK):
            if block.strip(b"\0"):
                written.write(block)
            else:  # what is a hole, and takes no room, is one in the copy too
                written.seek(len(block), os.SEEK_CUR)
        written.truncate()
    return target


def _walk(folder: Path, output: Path) -> Iterator[tuple[str, State]]:
    waiting = [folder]
    seen = 0
    while waiting and seen < MAX_LOOKED:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    seen += 1
                    if entry.name.startswith(".") or entry.is_symlink():
                        continue
                    if entry.is_dir():
                        if entry.name not in _PASSED_OVER and Path(entry.path).resolve() != output:
                            waiting.append(Path(entry.path))
                    else:
                        there = entry.stat(follow_symlinks=False)
                        if stat.S_ISREG(there.st_mode):
                            state = (there.st_size, there.st_mtime_ns, there.st_ino)
                            yield Path(entry.path).relative_to(folder).as_posix(), state
        except OSError:  # a folder that went, or may not be read
            continue
