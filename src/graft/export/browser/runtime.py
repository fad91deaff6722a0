"""The three files of onnxruntime-web that a page needs to run a graph, wherever they come from, checked by hash.

They are packed into the wheel when it is built. A checkout has them brought once by the npm client into Graft's cache;
or a folder of them is given by hand. Standard library alone: the build of the wheel loads this file by its path.
"""

from __future__ import annotations

import errno
import hashlib
import importlib.util
import os
import shutil
import subprocess  # nosec: the npm client, with fixed arguments
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["FILES", "LICENSE", "PACKAGE", "VERSION", "RuntimeFile", "RuntimeMissing", "bring", "licences", "read"]

PACKAGE, VERSION = "onnxruntime-web", "1.30.0"
LICENSE = Path(__file__).with_name("LICENSE.onnxruntime")
"""Of the three files; it goes where they go."""

NOTICES = "ThirdPartyNotices.txt"

PACKED = Path(__file__).with_name("packed")
"""Where the wheel has them."""

_PATIENCE = 600
"""Seconds that the npm client may take for 33 MB."""


class RuntimeMissing(Exception):
    """No place has the files; what was tried, in words, is the message."""


@dataclass(frozen=True)
class RuntimeFile:
    """A file of the package.

    Attributes:
        name: In the package's ``dist/``.
        written: Its name in an export: with an extension for which every host says that it is JavaScript.
        size: Its bytes.
        sha256: Of its content.
    """

    name: str
    written: str
    size: int
    sha256: str


FILES = (
    RuntimeFile(
        "ort.wasm.min.mjs", "ort.js", 50_126, "219e6a1fc8a9938268d18efca3c91d310bd2f4a59bbd13744df5b2b7fc6cee3b"
    ),
    RuntimeFile(
        "ort-wasm-simd-threaded.mjs",
        "ort-wasm.js",
        24_381,
        "e13f7f94fc51b4ca72b12faeb1ee95f4ace6dfbc8939bc718aabdc0a27c4299b",
    ),
    RuntimeFile(
        "ort-wasm-simd-threaded.wasm",
        "ort-wasm.wasm",
        14_239_897,
        "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
    ),
)


def read(cache: Path, given: Path | None = None) -> dict[str, bytes]:
    """The files' contents by the names under which an export has them.

    Args:
        cache: A folder where they are kept once the npm client has brought them.
        given: A folder that holds them; then no other place is asked.

    Raises:
        RuntimeMissing: No place has all three, with the right content.
    """
    tried: list[str] = []
    for place in [given] if given is not None else [PACKED, cache]:
        if (found := _read_folder(place, tried)) is not None:
            return found
    if given is None:
        try:
            bring(cache)
        except RuntimeMissing as error:
            tried.append(str(error))
        else:
            if (found := _read_folder(cache, tried)) is not None:
                return found
    raise RuntimeMissing("; ".join(tried))


def licences() -> dict[str, bytes]:
    """What has to go where the files go: their licence, and those of the libraries in them as onnxruntime has them."""
    found = {"LICENSE": LICENSE.read_bytes()}
    spec = importlib.util.find_spec("onnxruntime")  # found without being imported
    for folder in (spec and spec.submodule_search_locations) or ():
        if (notices := Path(folder) / NOTICES).is_file():
            found[NOTICES] = notices.read_bytes()
    return found


def bring(folder: Path) -> None:
    """Have the npm client fetch the package, and keep the three files in ``folder``. None of its scripts is run.

    Raises:
        RuntimeMissing: There is no such client, it failed, or what it brought is something else.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise RuntimeMissing("the npm client, which would bring them, is not installed")
    with tempfile.TemporaryDirectory(prefix="graft-runtime-") as work:
        command = [npm, "pack", f"{PACKAGE}@{VERSION}", "--ignore-scripts", "--silent", "--pack-destination", work]
        try:
            done = subprocess.run(  # noqa: S603  # found on the path, with fixed arguments
                command, cwd=work, stdin=subprocess.DEVNULL, capture_output=True, timeout=_PATIENCE, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise RuntimeMissing(f"the npm client did not bring them ({type(error).__name__})") from None
        archives = list(Path(work).glob("*.tgz"))
        if done.returncode or len(archives) != 1:
            said = (done.stderr + done.stdout).decode("utf-8", "replace").strip().splitlines()
            raise RuntimeMissing(f"the npm client did not bring them ({said[0][:200] if said else 'it said nothing'})")
        _keep(dict(_unpacked(archives[0])), folder)


def _unpacked(archive: Path) -> Iterator[tuple[RuntimeFile, bytes]]:
    try:
        with tarfile.open(archive, "r:gz") as package:
            for wanted in FILES:
                stream = package.extractfile(f"package/dist/{wanted.name}")
                content = stream.read(wanted.size + 1) if stream else b""
                if _differs(wanted, content):
                    raise RuntimeMissing(f"what the npm client brought has another {wanted.name}")
                yield wanted, content
    except (tarfile.TarError, KeyError, OSError, EOFError) as error:
        raise RuntimeMissing(f"what the npm client brought cannot be unpacked ({error})") from None


def _keep(contents: dict[RuntimeFile, bytes], folder: Path) -> None:
    """Each under another name first: who reads meanwhile sees a whole file or none."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, content in contents.items():
            temporary = folder / f".{file.name}.{os.getpid()}.new"
            temporary.write_bytes(content)
            temporary.replace(folder / file.name)
    except OSError as error:
        raise RuntimeMissing(f"{folder} cannot be written to ({error.strerror})") from None


def _read_folder(folder: Path, tried: list[str]) -> dict[str, bytes] | None:
    contents = {}
    for file in FILES:
        try:
            if not (folder / file.name).is_file():  # opening a FIFO would wait for ever
                raise FileNotFoundError(errno.ENOENT, "it is no file")
            with (folder / file.name).open("rb") as stream:
                content = stream.read(file.size + 1)
        except OSError as error:
            tried.append(f"{folder} has no {file.name} ({error.strerror})")
            return None
        if _differs(file, content):
            tried.append(f"{folder / file.name} is another file than that of {PACKAGE} {VERSION}")
            return None
        contents[file.written] = content
    return contents


def _differs(file: RuntimeFile, content: bytes) -> bool:
    return len(content) != file.size or hashlib.sha256(content).hexdigest() != file.sha256
