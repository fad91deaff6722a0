"""From a bundle to a model: every value is checked, and nothing is fetched unless that was allowed.

A bundle may come from anybody, and names its encoder: a model of the hub, or a folder of this machine. The checksums in
it are no signature, so whatever a bundle says is doubted here, once, before anything is done with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from graft import bundle
from graft.contracts import Array, Encoder
from graft.data.guard import Inputs
from graft.encoders import encoder_for, retuned, tuned_weights
from graft.encoders.hub.fetch import staying_here
from graft.errors import DamagedBundle, EncoderError, EncoderMismatch, UsageError
from graft.heads.tags import TagClassifier
from graft.learning import HEADS
from graft.model.model import Model
from graft.model.training import Training
from graft.prediction.loading import holding
from graft.prediction.predictor import Predictor
from graft.recipe import Recipe
from graft.report import Report
from graft.report.checked import check_fields


def load(folder: str | Path, *, backend: str = "auto", allow_download: bool = False) -> Model:
    """Load a bundle.

    Args:
        folder: The bundle.
        backend: ``"openvino"``, ``"onnxruntime"`` or ``"auto"``.
        allow_download: Whether its encoder may be fetched from the hub, or made of a model in a folder that the bundle
            names, where it was not used on this machine before. Allow it to bundles whose maker you trust.

    Raises:
        NotABundle: There is none.
        DamagedBundle: It was cut short or tampered with.
        NewerBundle: It was written by a newer Graft.
        BundleError: It holds something that no model can have.
        EncoderError: This Graft does not have its encoder, or it would have to be fetched.
        EncoderMismatch: It was made with another version of its encoder.
    """
    with holding(str(folder)):
        return _restored(folder, bundle.read(Path(folder)), backend, allow_download)


def _restored(folder: str | Path, content: bundle.Bundle, backend: str, allow_download: bool) -> Model:
    predictor = Predictor.restore(content.tensors["head"], Path(folder))
    classes, modality, head = predictor.classes, predictor.modality, predictor.head
    several = isinstance(head, TagClassifier)
    recipe = _recipe(content.manifest["recipe"])
    encoder = _its_encoder(folder, predictor, backend, allow_download)
    own = content.tensors["encoder"].arrays if "encoder" in content.tensors else {}
    encoder = _with_its_weights(folder, encoder, own, predictor.encoder.tuned)
    if head.stages != encoder.stages:
        raise ValueError(f"a head of shape {head.linear.weights.shape} on stages of {head.stages}")
    report = _report(content.documents["report"], classes, modality, several=several)
    training = Training.restore(content.tensors["record"])
    if not several:
        _check_labels(training, classes)
    report = replace(report, model=str(folder), inputs=Inputs.of(folder))
    return Model(classes, encoder, head, recipe, report, training)


def _check_labels(training: Training, classes: Sequence[str]) -> None:
    """Whether what was learned from bears the names of classes; a test split may have others."""
    learned = {label for label, split in zip(training.labels, training.splits, strict=True) if split != "test"}
    if strange := sorted(learned - set(classes)):
        raise ValueError(f"the training items have a label that is no class: {strange[0]!r}")


def _recipe(values: Mapping[str, Any]) -> Recipe:
    try:
        recipe = Recipe.from_dict(values)
    except UsageError as error:
        raise ValueError(error.message.rstrip(".")) from None
    if recipe.head not in (*HEADS, "auto"):
        raise ValueError(f"there is no head {recipe.head!r}")
    return recipe


def _report(values: Mapping[str, Any], classes: Sequence[str], modality: str, *, several: bool) -> Report:
    """The report, of the same classes as the model."""
    report = Report.from_dict(values)
    check_fields(report)
    if report.classes != tuple(classes) or report.modality != modality or report.multi_label != several:
        raise ValueError(f"the report is of another model: {report.modality}, {', '.join(report.classes[:5])}")
    return report


def _its_encoder(folder: str | Path, predictor: Predictor, backend: str, allow_download: bool) -> Encoder:
    (_, name, version, _, prompt, _), modality = predictor.encoder, predictor.modality
    try:
        with staying_here(f"{folder} was made with", unless=allow_download):
            encoder = encoder_for(name, modality, backend, prompt)
    except UsageError as error:
        raise EncoderError(
            f"{folder} was made with the encoder {name!r}, which this Graft does not have. {error.message}",
            "Fit it again, or install the Graft that made it.",
        ) from None
    if encoder.modality != modality:
        raise ValueError(f"the encoder {name} takes {encoder.modality}, and the model {modality}")
    if encoder.version != version:
        raise EncoderMismatch(
            f"{folder} was made with version {version} of {encoder.name}, and this Graft has "
            f"{encoder.version}: what it makes of the same item is no longer what the model learned from.",
            "Fit it again, or install the Graft that made it.",
        )
    return encoder


def _with_its_weights(folder: str | Path, encoder: Encoder, own: Mapping[str, Array], digest: str) -> Encoder:
    """The encoder with the weights that the bundle has for it."""
    if not own and not digest:
        return encoder
    try:
        tuned = retuned(encoder, own)
    except (ValueError, UsageError) as error:
        raise DamagedBundle(f"The tuned encoder of {folder} is damaged: {error}.", "Copy it again.") from None
    if tuned_weights(tuned).digest != digest:
        raise DamagedBundle(
            f"The tuned encoder of {folder} is damaged: its {len(own)} weights are not those that were saved.",
            "Copy it again.",
        )
    return tuned
