"""Where the published weights of the built-in networks come from: a table of places, and one hash that all must match.

In this order: an installed package, Graft's cache, what ``GRAFT_WEIGHTS`` names, the cache of the Hugging Face hub.
The hub itself is asked by ``bring`` alone, and only for a file that none of these has.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from graft.contracts import Progress
from graft.encoders.hub.failures import Unreachable
from graft.encoders.hub.fetch import Address, Source, fetched_before, require
from graft.errors import EncoderError, GraftError
from graft.files import cache_folder, expanded

GIVEN = "GRAFT_WEIGHTS"
"""Names a file that was brought by hand, or a folder of such files."""

MOST_BYTES = 1024**3
"""No network that is built in comes in a larger file; what was named by mistake is not read into memory."""

_why_not: dict[str, GraftError] = {}
"""Why the hub did not give a file, by its hash."""


@dataclass(frozen=True)
class PinnedFile:
    """A published file that a network needs.

    Attributes:
        network: The encoder's name.
        name: Of the file.
        sha256: Of its content.
        size: Its bytes.
        packages: Where it lies in the packages that hold it, by their names in Python.
        install: How one of them is installed.
        model: ``owner/model@commit`` of the hub that has it under this name; ``""``: none.
    """

    network: str
    name: str
    sha256: str
    size: int
    packages: Mapping[str, str]
    install: str
    model: str = ""

    def read(self) -> bytes:
        """Its content, from the first place that has it.

        Raises:
            EncoderError: None has it.
        """
        tried = []
        for place, path in self.places():
            found = self._read_at(path) if path else ""
            if isinstance(found, bytes):
                return found
            tried.append(f"{place} {path}{found}" if path else place)
        failed = _why_not.get(self.sha256)
        advice = failed.hint if failed and not isinstance(failed, Unreachable) else ""
        if self.model:
            what = f"did not give it: {failed.message.rstrip('.')}" if failed else "was not asked"
            tried.append(f"the hub {what}")
        raise EncoderError(
            f"{self.name}, which the encoder {self.network} needs, was not found: {'; '.join(tried)}.",
            f"{self.install}, or let {GIVEN} name the file. {advice}".strip(),
        )

    def _read_at(self, path: Path) -> bytes | str:
        """Its content, or what is to be said of what lies there instead."""
        try:
            state = path.stat()
            if not stat.S_ISREG(state.st_mode):  # a FIFO would hang the read, and a device never end
                return " is no file"
            if state.st_size > MOST_BYTES:
                return f" is another file ({state.st_size:,} bytes, expected {self.size:,})"
            content = path.read_bytes()
        except OSError as error:
            return f": {error.strerror}"
        found = hashlib.sha256(content).hexdigest()
        if found == self.sha256:
            return content
        return f" is another file (sha256 {found[:12]}..., expected {self.sha256[:12]}...)"

    def is_here(self) -> bool:
        """Whether a place has a file of its size."""
        return any(path and path.is_file() and path.stat().st_size == self.size for _, path in self.places())

    @property
    def kept(self) -> Path:
        """Where it lies in Graft's cache, once it was fetched."""
        return cache_folder() / "weights" / self.network / self.name

    def places(self) -> Iterator[tuple[str, Path | None]]:
        """What is looked at, in words, and the path there; ``None`` where there can be nothing."""
        for package, path in self.packages.items():
            spec = importlib.util.find_spec(package)  # found without being imported
            folders = [Path(folder) for folder in (spec and spec.submodule_search_locations) or ()]
            paths = [folder / path for folder in folders]  # a namespace may have several
            if paths:
                yield "the package's", next((path for path in paths if path.is_file()), paths[0])
            else:
                yield f"the package {package} is not installed", None
        yield "in Graft's cache", self.kept
        given = expanded(os.environ.get(GIVEN) or "")
        if given == Path():
            yield f"{GIVEN} is not set", None
        else:
            yield f"{GIVEN}:", given / self.name if given.is_dir() else given
        if self.model:
            fetched = fetched_before(Address.parse(self.model), self.name)
            yield ("in the hub's cache" if fetched else "the hub's cache has none"), fetched


def bring(files: Sequence[PinnedFile], progress: Progress) -> None:
    """Fetch from the hub what no place on this machine has, into Graft's cache; where that fails, ``read`` says why.

    Args:
        files: Those of one network.
        progress: Told of the step ``"download"``, in bytes.
    """
    missing = [file for file in files if file.model and not file.is_here()]
    for model in dict.fromkeys(file.model for file in missing):
        wanted = {file.name: file for file in missing if file.model == model}
        address = Address.parse(model)
        source = Source(
            name=address.name,
            revision=address.revision,
            sizes={name: file.size for name, file in wanted.items()},
            expected={name: file.sha256 for name, file in wanted.items()},
            into=missing[0].kept.parent,
            progress=progress,
        )
        try:
            require("huggingface_hub")
            source.fetch(list(wanted))
        except GraftError as error:
            _why_not.update({file.sha256: error for file in wanted.values()})
