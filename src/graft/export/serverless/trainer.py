"""What a function takes along that trains as well: Graft's own wheel, what that imports, and its encoder's weights."""

from __future__ import annotations

import tempfile
import zipfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from graft.encoders import ENCODERS
from graft.errors import MissingExtra, UsageError
from graft.export.draft import Draft
from graft.model import Model
from graft.own_wheel import own_wheel

EVENT = "train_events"
WEIGHTS = "weights"
"""The folder of the encoder's published files."""
NEEDS = {
    "image": ("pillow",),
    "text": ("pillow", "tokenizers"),
    "audio": ("pillow", "soundfile", "soxr"),
}
"""The packages that a fit imports, beside those of every fit: a table of any kind may name pictures."""
_ALWAYS = ("charset-normalizer", "click", "obstore", "rich", "safetensors", "threadpoolctl")
_BEFORE_3_13 = ("typing-extensions",)


def check_model(model: Model) -> None:
    """Whether a function can train what this model is.

    Raises:
        UsageError: Its encoder is none that comes with Graft; or it was tuned, which takes torch.
    """
    modality = model.report.modality
    card = ENCODERS.get(modality)
    if card is None or model.encoder is None or model.encoder.name != card.name:
        raise UsageError(
            f"A function trains with the encoder that comes with Graft, and this model has {model.report.encoder}.",
            "Leave --train out, or train as a job: graft export --to docker.",
        )


def requirements_of_training(modality: str, python: str) -> list[str]:
    """``NAME==VERSION`` of what a fit imports, in the versions that are installed here.

    Raises:
        MissingExtra: One of them is not.
    """
    names = (*_ALWAYS, *NEEDS[modality], *(_BEFORE_3_13 if python < "3.13" else ()))
    try:
        return [f"{name}=={version(name)}" for name in names]
    except PackageNotFoundError as error:
        raise MissingExtra(
            f"A function that trains takes {error.name} along, which is not installed.",
            "pip install 'graft-learn[cloud]', and [text] or [speech] for a model of these.",
        ) from None


def add_trainer(draft: Draft, packages: Path) -> None:
    """Lay Graft among the packages, and the files of its encoder beside them.

    Raises:
        EncoderError: One of these files is nowhere on this machine.
        GraftError: What Graft needs is not known.
    """
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(own_wheel(Path(folder))) as wheel:
        wheel.extractall(packages)
    for file in ENCODERS[draft.model.report.modality].files:
        draft.write(f"{WEIGHTS}/{file.name}", file.read())
