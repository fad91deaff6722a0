"""From a bundle to a model: every value is checked, and nothing is fetched unless that was allowed.

A bundle may come from anybody, and names its encoder: a model of the hub, or a folder of this machine. The checksums in
it are no signature, so whatever a bundle says is doubted here, once, before anything is done with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from graft import bundle
from graft.data.guard import Inputs
from graft.errors import UsageError
from graft.job import Job
from graft.learning import HEADS
from graft.model.model import Model
from graft.model.packed import model_folder
from graft.model.training import Training
from graft.prediction.loading import holding, refuse_index
from graft.prediction.made_with import encoder_of
from graft.prediction.predictor import Predictor
from graft.recipe import Recipe
from graft.tasks import TASKS, named

T = TypeVar("T")


def load(folder: str | Path, *, backend: str = "auto", allow_download: bool = False) -> Model:
    """Load a bundle.

    Args:
        folder: The bundle; or one that was packed, ``NAME.graft.zip``, here or at an address of an object store.
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
        AddressError: The store refuses, or cannot be reached.
    """
    folder = model_folder(folder)
    refuse_index(Path(folder))
    with holding(str(folder)):
        return _restored(folder, bundle.read(Path(folder)), backend, allow_download)


def _restored(folder: str | Path, content: bundle.Bundle, backend: str, allow_download: bool) -> Model:
    predictor = Predictor.restore(content.tensors["head"], Path(folder))
    classes, modality, head = predictor.classes, predictor.modality, predictor.head
    recipe = _made(Recipe.from_dict, content.manifest["recipe"])
    if recipe.task not in (*TASKS, "auto"):
        raise ValueError(f"there is no task {recipe.task!r}")
    if recipe.head not in (*HEADS, "auto"):
        raise ValueError(f"there is no head {recipe.head!r}")
    own = content.tensors["encoder"].arrays if "encoder" in content.tensors else {}
    encoder = encoder_of(folder, predictor.encoder, modality, own, backend=backend, allow_download=allow_download)
    if head.stages != encoder.stages:
        raise ValueError(f"a head of shape {head.linear.weights.shape} on stages of {head.stages}")
    task = named(head.task if recipe.task == "auto" else recipe.task)
    report = task.report.from_dict(content.documents["report"])
    training = Training.restore(content.tensors["record"])
    task.check_saved(report, training.learned, classes)
    if report.modality != modality:
        raise ValueError(f"the report is of another model: {report.modality}")
    report = replace(report, model=str(folder), inputs=Inputs.of(folder))
    job = content.documents.get("job")  # older bundles do not say what they came from
    job = None if job is None else _made(Job.from_dict, job)
    return Model(classes, encoder, head, recipe, report, training, job=job)


def _made(make: Callable[[Mapping[str, Any]], T], values: Mapping[str, Any]) -> T:
    """What these values describe; those that it does not take are the bundle's fault."""
    try:
        return make(values)
    except UsageError as error:
        raise ValueError(error.message.rstrip(".")) from None
