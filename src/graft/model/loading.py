"""From a bundle to a model: every value is checked, and nothing is fetched unless that was allowed.

A bundle may come from anybody, and names its encoder: a model of the hub, or a folder of this machine. The checksums in
it are no signature, so whatever a bundle says is doubted here, once, before anything is done with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from graft import bundle
from graft.contracts import Array, Encoder
from graft.data.guard import Inputs
from graft.data.kinds import MODALITIES
from graft.encoders import encoder_for, retuned, tuned_weights
from graft.encoders.hub.fetch import staying_here
from graft.errors import BundleError, DamagedBundle, EncoderError, EncoderMismatch, UsageError
from graft.heads.classifier import Classifier
from graft.heads.features import width
from graft.heads.tags import KIND as TAGS
from graft.heads.tags import TagClassifier
from graft.learning import HEADS
from graft.model.model import WEIGHTS, Model
from graft.model.training import Training
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
    content = bundle.read(Path(folder))
    try:
        return _restored(folder, content, backend, allow_download)
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        what = str(error) if isinstance(error, ValueError) else repr(error)
        raise BundleError(f"{folder} does not hold what a model needs: {what}.", "Fit it again.") from None


def _restored(folder: str | Path, content: bundle.Bundle, backend: str, allow_download: bool) -> Model:
    manifest = content.manifest
    classes = _classes(manifest["classes"])
    several = manifest["classifier"].get("kind") == TAGS
    if len(classes) < 2 and not several:
        raise ValueError(f"a classifier with the classes {list(classes)!r}")
    modality = manifest["modality"]
    if modality not in MODALITIES:
        raise ValueError(f"there is no modality {modality!r}")
    recipe = _recipe(manifest["recipe"])
    made_with = {key: _text(value, f"encoder.{key}") for key, value in manifest["encoder"].items()}
    encoder = _its_encoder(folder, made_with, modality, backend, recipe.prompt, allow_download)
    encoder = _with_its_weights(folder, encoder, content.arrays, made_with.get("tuned", ""))
    kind = TagClassifier if several else Classifier
    classifier = kind.restore(manifest["classifier"], content.arrays)
    _check_shapes(classifier, encoder, len(classes))
    report = _report(content.documents["report"], classes, modality, several=several)
    own = {name.removeprefix("training."): array for name, array in content.arrays.items()}
    training = Training.restore(manifest["training"], own)
    if not several:
        _check_labels(training, classes)
    report = replace(report, model=str(folder), inputs=Inputs.of(folder))
    return Model(classes, encoder, classifier, recipe, report, training)


def _check_labels(training: Training, classes: Sequence[str]) -> None:
    """Whether what was learned from bears the names of classes; a test split may have others."""
    learned = {label for label, split in zip(training.labels, training.splits, strict=True) if split != "test"}
    if strange := sorted(learned - set(classes)):
        raise ValueError(f"the training items have a label that is no class: {strange[0]!r}")


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{name} is {value!r} and no text")
    return value


def _classes(given: Any) -> tuple[str, ...]:
    """The names of the classes: texts, none empty, none twice."""
    if not isinstance(given, list):
        raise ValueError(f"the classes are {str(given)[:60]!r} and no list")
    classes = tuple(_text(name, "a class") for name in given)
    if not classes or not all(name.strip() for name in classes):
        raise ValueError("a class without a name")
    if len(set(classes)) < len(classes):
        name, _ = Counter(classes).most_common(1)[0]
        raise ValueError(f"two classes are called {name!r}")
    return classes


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


def _its_encoder(
    folder: str | Path, made_with: Mapping[str, str], modality: str, backend: str, prompt: str, allow_download: bool
) -> Encoder:
    name = made_with["address"]
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
    if encoder.version != made_with["version"]:
        raise EncoderMismatch(
            f"{folder} was made with version {made_with['version']} of {encoder.name}, and this Graft has "
            f"{encoder.version}: what it makes of the same item is no longer what the model learned from.",
            "Fit it again, or install the Graft that made it.",
        )
    return encoder


def _with_its_weights(folder: str | Path, encoder: Encoder, arrays: Mapping[str, Array], digest: str) -> Encoder:
    """The encoder with the weights that the bundle has for it."""
    own = {name.removeprefix(WEIGHTS): array for name, array in arrays.items() if name.startswith(WEIGHTS)}
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


def _check_shapes(classifier: Classifier | TagClassifier, encoder: Encoder, k: int) -> None:
    d = width(classifier.stages, classifier.features)
    lexical = None if isinstance(classifier, TagClassifier) else classifier.lexical
    if lexical is not None and encoder.modality != "text":
        raise ValueError(f"weights of words for a model of {encoder.modality}")
    if classifier.stages != encoder.stages or classifier.linear.weights.shape != (d, k):
        raise ValueError(
            f"a head of shape {classifier.linear.weights.shape} for {k} classes on stages of {classifier.stages}"
        )
    if lexical is not None and lexical.weights.shape[1] != k:
        raise ValueError(f"weights of words of shape {lexical.weights.shape} for {k} classes")
    sets = k if isinstance(classifier, TagClassifier) else len(classifier.sets.counts)
    if classifier.unknown.prototypes.shape[1] != d or sets != k:
        raise ValueError(f"prototypes of shape {classifier.unknown.prototypes.shape}, sets for {k} classes")
