"""Brings a model's files: from the hub, from the hub's cache on this machine, or from a folder."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import json
import os
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from graft.contracts import Progress, silent
from graft.encoders.hub.failures import Unreachable, explained
from graft.errors import EncoderError, MissingExtra
from graft.files import expanded, sha256_of

HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
REVISION = re.compile(r"[A-Za-z0-9][\w./-]{0,95}", re.ASCII)
COMMIT = re.compile(r"[0-9a-f]{40}")
MAX_JSON = 50_000_000
"""Bytes of a settings file; tokenizers of large vocabularies have some 20 MB."""
MAX_SETTINGS = 250_000_000
"""Bytes of all settings files of a model."""
MAX_WEIGHTS = 1_900_000_000
"""Bytes in f32: an ONNX graph is one message of at most 2 GiB."""
WEIGHTS = (".safetensors", ".onnx")
SHARD = re.compile(r"(.*?)model-\d+-of-\d+\.safetensors")
MAX_FILES = 5000
"""Of a local folder."""


_asked_by: ContextVar[str] = ContextVar("asked_by", default="")
"""Why nothing may be fetched: how the error begins; ``""`` where it may."""


@contextmanager
def staying_here(why: str, *, unless: bool = False) -> Iterator[None]:
    """Inside, what is not on this machine is not fetched, and no model is made of a folder that was not used before.

    Args:
        why: Begins the error, as in "shop.graft was made with".
        unless: It may be fetched after all.
    """
    token = _asked_by.set("" if unless else why)
    try:
        yield
    finally:
        _asked_by.reset(token)


def refuse_unless_allowed(address: Address) -> None:
    """Whether a model may be fetched, or be made of a folder.

    Raises:
        EncoderError: It may not.
    """
    if not (why := _asked_by.get()):
        return
    what = (
        f"the model in the folder {address.folder}, which was not used on this machine before"
        if address.folder
        else f"{address.name}, a model of the hub that is not on this machine"
    )
    raise EncoderError(
        f"{why} {what}, and a saved model brings nothing by itself.",
        "If you trust who made it, allow that: allow_download=True in Python, --allow-download on the command line.",
    )


def is_hub_name(name: str) -> bool:
    """Whether this names a model of the hub, or a folder that holds one. Looks at the disk only."""
    try:
        Address.parse(name)
    except EncoderError:
        return False
    return True


def local_folder(name: str) -> Path | None:
    """The whole path of a folder on this machine; ``None`` where there is none of this name, or it may not be read."""
    try:
        folder = expanded(name).resolve()
        return folder if folder.is_dir() and os.access(folder, os.R_OK | os.X_OK) else None
    except (OSError, RuntimeError, ValueError):  # too long for the disk, of a user that is not there, with a null byte
        return None


@dataclass(frozen=True)
class Address:
    """Where a model lies.

    Attributes:
        name: ``owner/model``, or the folder's whole path, which leads to it from wherever a program is run.
        revision: Branch, tag or commit; of no meaning for a folder.
        folder: The local folder, or ``None`` for the hub.
    """

    name: str
    revision: str = "main"
    folder: Path | None = None

    @classmethod
    def parse(cls, name: str) -> Address:
        """Read ``owner/model``, ``owner/model@revision`` or the path of a folder with a ``config.json``.

        Raises:
            EncoderError: It is none of them.
        """
        folder = local_folder(name)
        if folder and ((folder / "config.json").is_file() or (folder / "modules.json").is_file()):
            return cls(str(folder), folder=folder)
        if folder:
            raise EncoderError(
                f"The folder {name} holds no model: there is no config.json in it.",
                "Give the folder that a model was saved to with save_pretrained, or that was downloaded from the hub.",
            )
        model, _, revision = name.partition("@")
        if not HUB_NAME.fullmatch(model) or not (revision == "" or REVISION.fullmatch(revision)) or ".." in name:
            raise EncoderError(
                f"{name!r} is neither a model of the hub nor a folder.",
                "A model of the hub is called owner/model, for example facebook/dinov2-small.",
            )
        return cls(model, revision or "main")

    @property
    def is_commit(self) -> bool:
        """Whether the revision can never lead anywhere else."""
        return self.folder is None and COMMIT.fullmatch(self.revision) is not None

    @property
    def slug(self) -> str:
        """A name for a folder of the cache."""
        if self.folder is None:
            return self.name.replace("/", "--")
        return f"local--{hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:16]}"

    def state(self) -> str:
        """A hash of names, sizes and times of a local folder's files: changes when one of them is replaced."""
        assert self.folder is not None
        found = sorted(_files_of(self.folder).items())
        lines = [f"{name} {status.st_size} {status.st_mtime_ns}" for name, status in found]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:40]


@dataclass(frozen=True)
class Source:
    """A model's files at one revision, which lie here or can be brought.

    Attributes:
        name: ``owner/model``, or the folder's whole path.
        revision: The commit, or the state of the folder.
        sizes: Bytes of every file, by name; 0 where that is not known.
        expected: sha256 of the files for which the hub gives one.
        folder: Where the files lie; ``None``: on the hub, until they are fetched.
        into: The folder that they are fetched into; ``None``: the hub's cache.
        on_hub: Whether the name is one of the hub's.
        progress: Told of the step ``"download"``.
    """

    name: str
    revision: str
    sizes: Mapping[str, int]
    expected: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    into: Path | None = None
    on_hub: bool = True
    progress: Progress = silent
    _hashes: dict[str, str] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __contains__(self, file: str) -> bool:
        return file in self.sizes

    def fetch(self, files: Sequence[str]) -> Path:
        """Bring these files; the folder in which they lie by their names.

        Raises:
            EncoderError: They cannot be had, are too large, or are not what the hub says they are.
        """
        self._refuse_giants(files)
        if self.folder:
            return self.folder
        total = sum(self.sizes[file] for file in files)
        done = 0
        place = Path()
        for file in files:
            path = self._download(file, done, total)
            place = path.parents[file.count("/")]
            done += self.sizes[file]
        self.progress("download", total, total)
        return place

    def _refuse_giants(self, files: Sequence[str]) -> None:
        for file in files:
            self._check_size(file, self.sizes[file])
        settings = sum(self.sizes[file] for file in files if not file.endswith(WEIGHTS))
        if settings > MAX_SETTINGS:
            raise EncoderError(
                f"{self.name} is too large: beside its weights it has {settings / 1e6:.0f} MB, and "
                f"{MAX_SETTINGS // 10**6} MB are allowed.",
                "Look at its files, or use another model.",
            )

    def _check_size(self, file: str, size: int) -> None:
        if size > (limit := limit_of(file)):
            raise EncoderError(
                f"{file} of {self.name} is larger than {limit // 10**6} MB.", "Look at it, or use another model."
            )

    def note(self, branch: str) -> None:
        """Ask for a small file by the branch's name, so that the hub's cache knows where the branch is now."""
        self._refuse_giants(["config.json"])
        self._download("config.json", 0, self.sizes["config.json"], branch)

    def path(self, file: str) -> Path:
        """One file, brought if it was not there."""
        return self.fetch([file]) / file

    def json(self, file: str) -> dict[str, Any]:
        """The content of a settings file; empty where the model has no such file.

        Raises:
            EncoderError: It is no JSON object.
        """
        found = self._read_json(file) if file in self else {}
        if not isinstance(found, dict):
            raise EncoderError(f"{file} of {self.name} is not a JSON object.", "Download the model again.")
        return found

    def json_list(self, file: str) -> list[dict[str, Any]]:
        """The same for a list of objects; empty where there is no such file."""
        found = self._read_json(file) if file in self else []
        if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
            raise EncoderError(f"{file} of {self.name} is not a list of JSON objects.", "Download the model again.")
        return found

    def sha256(self, file: str, path: Path | None = None) -> str:
        """Hash of the content of a file, which lies at ``path`` or is brought; remembered under its name."""
        if file not in self._hashes:
            self._hashes[file] = sha256_of(path or self.path(file))
        return self._hashes[file]

    def _read_json(self, file: str) -> Any:
        with self.path(file).open("rb") as opened:
            content = opened.read(MAX_JSON + 1)
        self._check_size(file, len(content))
        try:
            return json.loads(content)
        except ValueError as error:
            raise EncoderError(f"{file} of {self.name} is damaged: {error}.", "Download the model again.") from None
        except RecursionError:
            raise EncoderError(f"{file} of {self.name} is nested too deeply.", "Use another model.") from None

    def _download(self, file: str, done: int, total: int, revision: str = "") -> Path:
        import huggingface_hub

        def arrived(size: int) -> None:
            self._check_size(file, size)  # where the hub said nothing of it, or something else
            self.progress("download", min(done + size, total), total)

        here_only = bool(_asked_by.get())
        told = "tqdm_class" in inspect.signature(huggingface_hub.hf_hub_download).parameters  # since its version 1.2
        try:
            with explained(self.name, file):
                given = huggingface_hub.hf_hub_download(
                    self.name,
                    file,
                    revision=revision or self.revision,
                    local_files_only=here_only,
                    local_dir=self.into,
                    **({"tqdm_class": _meter(arrived)} if told else {}),
                )
        except Unreachable:
            refuse_unless_allowed(Address(self.name, self.revision))
            raise
        path = Path(given)
        self._check_size(file, path.stat().st_size)
        if (wanted := self.expected.get(file)) and self.sha256(file, path) != wanted:
            path.resolve().unlink(missing_ok=True)  # the blob that the name leads to
            path.unlink(missing_ok=True)
            raise EncoderError(
                f"{file} of {self.name} arrived damaged: sha256 {self._hashes.pop(file)[:12]}..., "
                f"expected {wanted[:12]}....",
                "It was deleted; run the command again to download it anew.",
            )
        return path


def limit_of(file: str) -> int:
    """How many bytes a file of this name may have."""
    return MAX_WEIGHTS if file.endswith(WEIGHTS) else MAX_JSON


def find(address: Address, progress: Progress = silent) -> Source:
    """What there is at an address: asks the hub, or looks into its cache on this machine where that cannot be reached.

    Raises:
        EncoderError: There is no such model, it may not be read, or the hub cannot be reached and it is not here.
        MissingExtra: huggingface_hub is not installed.
    """
    if address.folder:
        sizes = {name: status.st_size for name, status in _files_of(address.folder).items()}
        return Source(address.name, address.state(), sizes, folder=address.folder, on_hub=False)
    require("huggingface_hub")
    import huggingface_hub

    if _asked_by.get() and (here := _cached(address)):
        return here
    refuse_unless_allowed(address)
    progress("download", 0, 0)
    try:
        with explained(address.name):
            info = huggingface_hub.model_info(
                address.name, revision=address.revision, files_metadata=True, timeout=20.0
            )
    except Unreachable:
        if here := _cached(address):
            return here
        raise
    if info.id != address.name:
        warnings.warn(f"{address.name} is now called {info.id}; it was followed there.", stacklevel=3)
    siblings = info.siblings or []
    source = Source(
        name=info.id,
        revision=str(info.sha),
        sizes={file.rfilename: file.size or 0 for file in siblings},
        expected={file.rfilename: file.lfs.sha256 for file in siblings if file.lfs},
        progress=progress,
    )
    if not address.is_commit and "config.json" in source:
        source.note(address.revision)
    return source


def found_again(name: str, revision: str, on_hub: bool, sha256: Mapping[str, str]) -> Source:
    """The files from which an encoder was made; asks the hub only for those that are not in its cache any more.

    Args:
        name: ``owner/model``, or the folder's whole path.
        revision: The commit, or the state of the folder.
        on_hub: Whether the name is one of the hub's.
        sha256: Of the files, by name.
    """
    shards = [found[1] for found in map(SHARD.fullmatch, sha256) if found]
    files = dict.fromkeys([*sha256, *(f"{place}model.safetensors.index.json" for place in shards)], 0)
    return Source(name, revision, files, sha256, folder=None if on_hub else Path(name), on_hub=on_hub)


def require(*packages: str) -> None:
    """Check that the libraries of the first use are installed.

    Raises:
        MissingExtra: One is not.
    """
    if missing := [package for package in packages if importlib.util.find_spec(package) is None]:
        raise MissingExtra(
            f"The first use of a model of the hub needs {' and '.join(missing)}, not installed here.",
            "pip install 'graft-learn[hub]'",
        )


def _cached(address: Address) -> Source | None:
    """What an earlier download left in the hub's own cache."""
    import huggingface_hub
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        found = huggingface_hub.snapshot_download(address.name, revision=address.revision, local_files_only=True)
    except (LocalEntryNotFoundError, OSError, ValueError):
        return None
    folder = Path(found)
    sizes = {name: status.st_size for name, status in _files_of(folder).items()}
    whole = any(name.endswith(WEIGHTS) for name in sizes)
    return Source(address.name, folder.name, sizes, folder=folder) if whole else None


def fetched_before(address: Address, file: str) -> Path | None:
    """Where a file lies in the hub's own cache; ``None`` where it is not there, or nothing can look."""
    if importlib.util.find_spec("huggingface_hub") is None:
        return None
    import huggingface_hub

    found = huggingface_hub.try_to_load_from_cache(address.name, file, revision=address.revision)
    return Path(found) if isinstance(found, str) else None


def _meter(arrived: Callable[[int], None]) -> type[Any]:
    """What the hub's library takes for a progress bar, and tells how many bytes are here instead."""
    from tqdm.std import tqdm  # type: ignore[import-untyped]

    class Meter(tqdm):  # type: ignore[misc]
        def __init__(self, *args: Any, initial: int = 0, **settings: Any) -> None:
            super().__init__(*args, **{**settings, "disable": True})
            self.arrived = initial

        def update(self, n: float | None = 1) -> bool | None:
            self.arrived += int(n or 0)
            arrived(self.arrived)
            return None

    return Meter


def _files_of(folder: Path) -> dict[str, os.stat_result]:
    found = {}
    for path in folder.rglob("*"):
        if path.is_file() and not path.relative_to(folder).parts[0].startswith("."):
            found[path.relative_to(folder).as_posix()] = path.stat()
        if len(found) > MAX_FILES:
            raise EncoderError(
                f"The folder {folder} holds more than {MAX_FILES} files.", "Give the folder of the model alone."
            )
    return found
