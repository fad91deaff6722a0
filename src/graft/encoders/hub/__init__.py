"""Pretrained models from the Hugging Face hub, or from a folder in their format, as encoders.

``fetch`` brings a model's files, ``architectures`` says how a kind of model is read, ``readout`` does so, ``image``,
``text`` and ``audio`` turn items into its inputs without torch, ``export`` makes an ONNX graph of it once, ``store``
keeps that, and ``encoder`` runs it. Only the first use of a model needs the network, torch and transformers.
"""

from __future__ import annotations

from graft.contracts import Encoder, Progress, silent
from graft.encoders.hub.fetch import is_hub_name
from graft.encoders.runtime import Backend

__all__ = ["hub_encoder", "is_hub_name"]


def hub_encoder(
    name: str, modality: str | None, runs_on: Backend, prompt: str = "", progress: Progress = silent
) -> Encoder:
    """The encoder of this name, downloaded and exported if that was not done before.

    Args:
        name: ``owner/model`` of the hub, ``owner/model@revision`` for a branch, tag or commit, or a local folder.
        modality: ``"image"``, ``"text"`` or ``"audio"``; ``None`` leaves it to the model.
        runs_on: Backend and precision.
        prompt: What stands before every text, e.g. ``"query: "``; nothing means the model's own default prompt, if any.
        progress: Told of the steps ``"download"`` (bytes) and ``"export"``.

    Raises:
        EncoderError: The model cannot be had, cannot be used, or is of another modality.
        MissingExtra: A library that the first use needs is not installed.
    """
    from graft.encoders.hub.encoder import HubEncoder
    from graft.encoders.hub.export import make
    from graft.encoders.hub.fetch import Address, find, refuse_unless_allowed
    from graft.encoders.hub.store import keep, kept, kept_revision, was_kept

    address = Address.parse(name)
    if address.folder and not was_kept(address):  # before its files are looked at
        refuse_unless_allowed(address)
    revision = kept_revision(address)
    entry = kept(address, revision, modality) if revision else None
    if entry is None:
        if address.folder:
            refuse_unless_allowed(address)
        source = find(address, progress)
        entry = kept(address, source.revision, modality) or keep(address, *make(source, modality, progress))
    return HubEncoder(entry=entry, runs_on=runs_on, prompt=prompt)
