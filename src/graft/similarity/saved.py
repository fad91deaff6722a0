"""An index as a folder: its vectors, what its items are called and where they lie, and which encoder it takes.

::

    name.index/
    |-- index.safetensors       a vector for each item, the middle of the collection, the encoder's address and version
    |-- encoder.safetensors     weights of its encoder that were tuned, where there are any
    |-- items.json              name, label, content hash and whereabouts of each item; texts stand in it themselves
    `-- manifest.json           size and sha256 of every file; written last

An index may come from anybody: a file that it names is shown only while it has the content that was indexed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from graft import bundle
from graft.contracts import MODALITIES, Encoder, Float32
from graft.data.dataset import Dataset, Item
from graft.data.items import Broken, File, Member, Text
from graft.encoders import tuned_weights
from graft.encoders.embed import content_digest
from graft.errors import BundleError, ItemError, NotABundle
from graft.files import expanded
from graft.heads.features import width
from graft.heads.restored import text
from graft.prediction.loading import holding
from graft.prediction.made_with import encoder_of, made_with
from graft.prediction.predictor import MadeWith
from graft.similarity.space import FEATURES, Space
from graft.tensors import Tensors

VECTORS, ITEMS, WEIGHTS = "index", "items", "encoder"


@dataclass(frozen=True, slots=True)
class Indexed:
    """An item of an index that was saved; a file is read only as long as its content is what was indexed."""

    item: Item
    name: str
    digest: str

    def read(self) -> bytes:
        """The content, bounded.

        Raises:
            ItemError: It cannot be read, or has changed.
        """
        content = self.item.read()
        if content_digest(content) != self.digest:
            raise ItemError("changed", f"{self.name} has changed since it was indexed.", "Index the data again.")
        return content


@dataclass(frozen=True, slots=True)
class QuerySettings:
    """How a query becomes a vector of an index.

    Attributes:
        encoder: What embeds a query.
        prompt: What it puts before every text.
        space: Where a query has its place.
    """

    encoder: Encoder
    prompt: str
    space: Space


@dataclass(frozen=True, slots=True)
class IndexContent:
    """What an index holds, and its folder where it is saved.

    Attributes:
        dataset: Its items.
        digests: Content hash of each; ``""`` where none is known.
        x: A vector of unit length for each ``(n, d) float32``.
        querying: How a query becomes such a vector; ``None``: queries are vectors themselves.
    """

    dataset: Dataset
    digests: tuple[str, ...]
    x: Float32
    querying: QuerySettings | None


def write(folder: str | Path, content: IndexContent, *, overwrite: bool) -> None:
    """Write an index, wholly or not at all.

    Raises:
        OutputExists: Something is there, and ``overwrite`` is false or it is no index.
        BundleError: The disk refuses, or queries are vectors themselves.
    """
    if (querying := content.querying) is None:
        raise BundleError(
            "This index is of embeddings that were computed elsewhere, and knows no encoder.",
            "Keep the matrix, or index the items themselves.",
        )
    tuned, dataset = tuned_weights(querying.encoder), content.dataset
    settings = {
        "name": dataset.name,
        "modality": dataset.modality,
        "encoder": made_with(querying.encoder, querying.prompt)._asdict(),
    }
    above = expanded(folder).resolve().parent
    bundle.write(
        folder,
        manifest={},
        tensors={
            VECTORS: Tensors({"vectors": content.x, "centre": querying.space.centre}, settings),
            **({WEIGHTS: Tensors(dict(tuned), {})} if tuned else {}),
        },
        documents={
            ITEMS: [
                {"name": item.name, "label": label, "digest": digest, **_whereabouts(item, above)}
                for item, label, digest in zip(dataset.items, dataset.labels, content.digests, strict=True)
            ]
        },
        overwrite=overwrite,
    )


def read(folder: str | Path, *, backend: str = "auto", allow_download: bool = False) -> IndexContent:
    """Read an index; every value is doubted.

    Raises:
        NotABundle: There is none.
        DamagedBundle: It was cut short or changed.
        NewerBundle: A newer Graft wrote it.
        BundleError: It holds something that no index can have.
        EncoderError: This Graft does not have its encoder, or it would have to be fetched.
        EncoderMismatch: It was made with another version of its encoder.
    """
    folder = expanded(folder)
    if folder.exists() and not (folder / bundle.MANIFEST).is_file():
        raise NotABundle(f"{folder} is no index: it has no {bundle.MANIFEST}.", "graft index DATA -o DIR makes one.")
    content = bundle.read(folder)
    if VECTORS not in content.tensors:
        raise NotABundle(f"{folder} is a saved model, and no index.", "graft index DATA -o DIR makes one.")
    with holding(str(folder)):
        arrays, settings = content.tensors[VECTORS]
        if (modality := settings["modality"]) not in MODALITIES:
            raise ValueError(f"there is no modality {modality!r}")
        kept = MadeWith.restore(settings["encoder"])
        weights = content.tensors[WEIGHTS].arrays if WEIGHTS in content.tensors else {}
        encoder = encoder_of(folder, kept, modality, weights, backend=backend, allow_download=allow_download)
        x, space = arrays["vectors"], Space(encoder.stages, arrays["centre"])
        entries = content.documents[ITEMS]
        d = width(encoder.stages, FEATURES)
        if x.dtype != np.float32 or x.shape != (len(entries), d) or space.centre.shape != (d,) or not len(x):
            raise ValueError(f"vectors of shape {x.shape} for {len(entries)} items of {encoder.name}")
        items = tuple(_item(entry, folder.resolve().parent) for entry in entries)
        dataset = Dataset(
            items,
            tuple(text(entry["label"], "a label") for entry in entries),
            modality=modality,
            name=text(settings["name"], "the name"),
            sources=(folder,),
        )
        digests = tuple(entry["digest"] for entry in entries)
        return IndexContent(dataset, digests, x, QuerySettings(encoder, kept.prompt, space))


def _whereabouts(item: Item, above: Path) -> dict[str, str]:
    """Where an item lies: below the folder that the index stands in relative to that, so that both can be moved."""
    if isinstance(item, Indexed):
        return _whereabouts(item.item, above)
    if isinstance(item, Text):
        return {"text": item.text}
    if isinstance(item, Member):
        return {"archive": _path(item.archive, above), "member": item.member}
    return {"file": _path(item.path, above)} if isinstance(item, File) else {}


def _path(path: Path, above: Path) -> str:
    whole = expanded(path).resolve()
    return str(whole.relative_to(above) if whole.is_relative_to(above) else whole)


def _item(entry: Mapping[str, Any], above: Path) -> Item:
    name, digest = text(entry["name"], "a name"), text(entry["digest"], "a hash")
    if "text" in entry:
        return Text(text(entry["text"], "a text"))
    if "member" in entry:
        archive = above / text(entry["archive"], "a path")
        return Indexed(Member(archive, text(entry["member"], "a path"), name), name, digest)
    if "file" in entry:
        return Indexed(File(above / text(entry["file"], "a path"), name), name, digest)
    return Broken(name, "unreadable", f"{name} was in memory when it was indexed.", "Index files to see them again.")
