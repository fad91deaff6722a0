"""The encoder of a model or an index: what is kept of it, and how it is found again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from graft.contracts import Array, Encoder
from graft.encoders import address_of, base_of, encoder_for, retuned, tuned_weights
from graft.encoders.hub.fetch import staying_here
from graft.errors import DamagedBundle, EncoderError, EncoderMismatch, UsageError
from graft.prediction.predictor import MadeWith


def made_with(encoder: Encoder, prompt: str) -> MadeWith:
    """An encoder in words."""
    return MadeWith(
        name=encoder.name,
        address=address_of(encoder),
        version=base_of(encoder).version,
        backend=encoder.backend,
        prompt=prompt,
        tuned=tuned_weights(encoder).digest,
    )


def encoder_of(
    place: str | Path,
    kept: MadeWith,
    modality: str,
    weights: Mapping[str, Array],
    *,
    backend: str = "auto",
    allow_download: bool = False,
) -> Encoder:
    """The encoder that was kept.

    Args:
        place: What it belongs to, for errors.
        kept: From ``made_with``.
        modality: What it takes.
        weights: Those that were tuned, by name; mostly none.
        backend: As ``graft.encoders.encoder_for`` takes it.
        allow_download: Whether it may be fetched.

    Raises:
        EncoderError: This Graft does not have it, or it would have to be fetched.
        EncoderMismatch: This Graft has another version of it.
        DamagedBundle: The tuned weights are not those that were kept.
        ValueError: It takes another modality.
    """
    try:
        with staying_here(f"{place} was made with", unless=allow_download):
            encoder = encoder_for(kept.address, modality, backend, kept.prompt)
    except UsageError as error:
        raise EncoderError(
            f"{place} was made with the encoder {kept.address!r}, which this Graft does not have. {error.message}",
            "Fit it again, or install the Graft that made it.",
        ) from None
    if encoder.modality != modality:
        raise ValueError(f"the encoder {kept.address} takes {encoder.modality}, and the model {modality}")
    if encoder.version != kept.version:
        raise EncoderMismatch(
            f"{place} was made with version {kept.version} of {encoder.name}, and this Graft has "
            f"{encoder.version}: what it makes of the same item is no longer what the model learned from.",
            "Fit it again, or install the Graft that made it.",
        )
    if not weights and not kept.tuned:
        return encoder
    try:
        tuned = retuned(encoder, weights)
    except (ValueError, UsageError) as error:
        raise DamagedBundle(f"The tuned encoder of {place} is damaged: {error}.", "Copy it again.") from None
    if tuned_weights(tuned).digest != kept.tuned:
        raise DamagedBundle(
            f"The tuned encoder of {place} is damaged: its {len(weights)} weights are not those that were saved.",
            "Copy it again.",
        )
    return tuned
