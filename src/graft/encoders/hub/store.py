"""What was made of a model once: ONNX graph, vocabulary, and a card that says what they are. Written whole or not.

``<cache>/encoders/<model>/<revision>-<modality>-<recipe>/`` holds the files, the card among them; a small file beside
the folders remembers to which commit a name led, so that a later run asks nobody.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from graft.encoders.hub.fetch import Address
from graft.errors import EncoderError
from graft.files import cache_folder, clear_unfinished, folder_beside, sync_folder, write_atomically, write_synced

CARD = "card.json"
GRAPH = "model.onnx"
VOCABULARY = "tokenizer.json"
DENSE = "dense.safetensors"
RECIPE = "2"
"""Raised whenever the same model would give another graph or other settings; what was made before is then made anew."""
STALE = 24 * 3600.0
"""Seconds after which what another process left half-made is thrown away."""


@dataclass(frozen=True)
class Card:
    """What there is to know of an encoder that was made from a model.

    Attributes:
        name: The model's name on the hub, or its folder's whole path.
        revision: The commit it was made from, or a hash of the folder's files.
        on_hub: Whether it came from there.
        modality: ``"image"``, ``"text"`` or ``"audio"``.
        main: Whether that is the model's modality unless another is asked for.
        kind: The model's type as its ``config.json`` has it, e.g. ``"dinov2"``.
        dim: Length of an embedding.
        sources: sha256 of each of the model's files that went into it.
        settings: How items become inputs; what ``image``, ``text`` or ``audio`` read.
        readout: How outputs become an embedding; what ``readout.read_out`` reads.
        default_prompt: The prompt that the model's makers put before every text.
        licence: As the model card says, or ``""``.
        graph: ``"exported"`` by us, or the ``"repository"``'s own ONNX file.
        parity: The largest difference between the graph and torch on samples, relative to the largest output; ``None``
            where there are no torch weights that are safe to load, and the graph was trusted as it is.
        open: Whether the graph has its weights under their names, and says what torch says when they are replaced.
        made_with: Versions of the libraries that made it.
        files: sha256 of each file beside the card.
    """

    name: str
    revision: str
    on_hub: bool
    modality: str
    main: bool
    kind: str
    dim: int
    sources: Mapping[str, str]
    settings: Mapping[str, Any]
    readout: Mapping[str, Any]
    default_prompt: str = ""
    licence: str = ""
    graph: str = "exported"
    parity: float | None = None
    open: bool = False
    made_with: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class StoredEncoder:
    """An encoder on disk."""

    card: Card
    folder: Path

    def read(self, file: str) -> bytes:
        """The content of a file.

        Raises:
            EncoderError: It is gone, or not what was written.
        """
        try:
            content = (self.folder / file).read_bytes()
        except OSError as error:
            raise _damaged(self.folder, f"{file} cannot be read: {error}") from None
        if hashlib.sha256(content).hexdigest() != self.card.files.get(file):
            raise _damaged(self.folder, f"{file} is not what was written")
        return content


def kept_revision(address: Address) -> str | None:
    """The commit to which the name led when it was first used, or a folder's present state."""
    if address.folder:
        return address.state()
    if address.is_commit:
        return address.revision
    try:
        found = _pointer(address).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return found if re.fullmatch(r"[0-9a-f]{40}", found) else None


def was_kept(address: Address) -> bool:
    """Whether anything was made of this model on this machine, whatever state it was in then."""
    return _folder_of(address).is_dir()


def kept(address: Address, revision: str, modality: str | None) -> StoredEncoder | None:
    """What was made from this revision, for this modality or, where none is asked for, for any."""
    model_folder = _folder_of(address)
    for candidate in (modality,) if modality else ("image", "text", "audio"):
        folder = model_folder / f"{revision}-{candidate}-{RECIPE}"
        try:
            card = Card(**json.loads((folder / CARD).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, RecursionError):
            continue
        if modality or card.main:
            # A folder may have been called otherwise when this was made: relative to where the program then ran.
            return StoredEncoder(replace(card, name=address.name) if address.folder else card, folder)
    return None


def keep(address: Address, card: Card, contents: Mapping[str, bytes]) -> StoredEncoder:
    """Keep an encoder on disk, unless another process has just done so: then the encoder is the one that is there.

    Raises:
        EncoderError: The disk is full, or the cache cannot be written to.
    """
    folder = _folder_of(address) / f"{card.revision}-{card.modality}-{RECIPE}"
    entry = StoredEncoder(card, folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        clear_unfinished(folder, STALE)
        with folder_beside(folder) as temporary:
            for name, content in contents.items():
                write_synced(temporary / name, content)
            write_synced(temporary / CARD, json.dumps(asdict(card), indent=1, sort_keys=True).encode())
            sync_folder(temporary)
            entry = kept(address, card.revision, card.modality) or _placed(temporary, entry, address)
        sync_folder(folder.parent)
        if not address.folder and not address.is_commit:
            write_atomically(_pointer(address), card.revision.encode("ascii"))
    except OSError as error:
        raise EncoderError(
            f"The encoder made from {card.name} cannot be kept in {folder.parent}: {error}.",
            "Make room, or set GRAFT_CACHE to a folder on another disk.",
        ) from None
    return entry


def _placed(temporary: Path, entry: StoredEncoder, address: Address) -> StoredEncoder:
    """Give the folder its name; what has none that can be read makes room for it."""
    if entry.folder.exists():
        shutil.rmtree(entry.folder)
    try:
        temporary.replace(entry.folder)
    except OSError:
        if there := kept(address, entry.card.revision, entry.card.modality):  # another process was quicker after all
            return there
        raise
    return entry


def _folder_of(address: Address) -> Path:
    return cache_folder() / "encoders" / address.slug


def _pointer(address: Address) -> Path:
    return _folder_of(address) / f"{hashlib.sha256(address.revision.encode()).hexdigest()[:16]}.commit"


def _damaged(folder: Path, what: str) -> EncoderError:
    return EncoderError(f"The encoder in {folder} is damaged: {what}.", "Delete that folder; it will be made again.")
