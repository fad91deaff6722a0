"""What ``head.safetensors`` holds: a head, the names of its classes, and which encoder's embeddings it takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np

from graft import bundle
from graft.contracts import MODALITIES, Float32
from graft.errors import BundleError, NewerBundle, UsageError
from graft.heads.kinds import KINDS
from graft.heads.protocols import Answering
from graft.heads.restored import text
from graft.results.prediction import Prediction
from graft.tensors import Tensors


class MadeWith(NamedTuple):
    """The encoder of a model, in words.

    Attributes:
        name: As reports call it.
        address: Under which ``graft.encoders.encoder_for`` finds it.
        version: Hash of weights and preprocessing, before it was tuned.
        backend: What ran it when the model was fitted.
        prompt: What is put before every text.
        tuned: Digest of the weights in ``encoder.safetensors``; ``""`` where it was not tuned.
    """

    name: str
    address: str
    version: str
    backend: str
    prompt: str = ""
    tuned: str = ""

    @classmethod
    def restore(cls, values: Mapping[str, Any]) -> Self:
        """The encoder that ``values``, which were ``_asdict()``, describe.

        Raises:
            ValueError: A value is no text; where one is missing or strange, a ``TypeError``.
        """
        return cls(**{key: text(value, f"encoder.{key}") for key, value in values.items()})


@dataclass(frozen=True, slots=True, eq=False)
class Predictor:
    """Answers for embeddings; nothing in it changes, so that any number of threads may ask at once.

    Attributes:
        classes: The labels, sorted; columns of every array of probabilities.
        modality: ``"image"``, ``"audio"`` or ``"text"``.
        encoder: What makes its embeddings.
        head: Turns them into answers.
        place: The bundle that it is from; ``None`` where its bytes were given.
    """

    classes: tuple[str, ...]
    modality: str
    encoder: MadeWith
    head: Answering
    place: Path | None = None

    @property
    def words(self) -> bool:
        """Whether it looks at the words of texts, and has to be given them."""
        return self.head.words

    def answer(self, rows: Float32, texts: Sequence[str] | None = None) -> list[Prediction]:
        """One nameless prediction for each row.

        Args:
            rows: Embeddings ``(n, dim) float32`` of its encoder.
            texts: The texts themselves, where it looks at ``words``.

        Raises:
            ValueError: It looks at words, and no texts were given.
            UsageError: The embeddings are of another length, no matrix, or not finite.
        """
        if getattr(rows, "ndim", 0) != 2 or rows.dtype.kind not in "fiu":
            found = f"the shape {rows.shape} and the type {rows.dtype}" if isinstance(rows, np.ndarray) else repr(rows)
            raise UsageError(
                f"Embeddings are a matrix of numbers, and these are {found:.100}.", "Give (n, dim) float32, a row each."
            )
        if not np.isfinite(rows.sum(axis=1)).all():  # no mask as large as the matrix
            raise UsageError("Embeddings hold numbers that are not finite.", "Embed the items again.")
        return self.head.predictions(self.classes, self.head.answer(rows, texts))

    @property
    def report(self) -> Any:
        """``report.json`` of its bundle, read and checked now.

        Raises:
            BundleError: There is none, or it is damaged.
        """
        return bundle.read(self._own_place(), {"report.json"}).documents["report"]

    @property
    def record(self) -> Tensors:
        """What it was trained on: ``record.safetensors`` of its bundle, read and checked now.

        Raises:
            BundleError: There is none, or it is damaged.
        """
        return bundle.read(self._own_place(), {"record.safetensors"}).tensors["record"]

    def tensors(self) -> Tensors:
        """What ``head.safetensors`` keeps."""
        return Tensors(
            self.head.arrays(),
            {
                "schema": bundle.SCHEMA,
                "task": self.head.task,
                "classes": list(self.classes),
                "modality": self.modality,
                "encoder": self.encoder._asdict(),
                "settings": self.head.settings(),
            },
        )

    @classmethod
    def restore(cls, tensors: Tensors, place: Path | None = None) -> Self:
        """The predictor that ``tensors`` wrote; every value is doubted, and its arrays are used where they lie.

        Raises:
            ValueError: A value is not what a predictor can have, or they do not fit together. Where something is
                missing or of another type, a ``LookupError``, ``TypeError`` or ``AttributeError``.
            NewerBundle: A newer Graft wrote it.
        """
        values = tensors.settings
        if values["schema"] > bundle.SCHEMA:
            raise NewerBundle(
                f"This head was saved by a newer Graft: its schema is {values['schema']}, and this Graft knows up to "
                f"{bundle.SCHEMA}.",
                "Install a newer Graft.",
            )
        if values["task"] not in KINDS:
            raise ValueError(f"there is no task {values['task']!r}")
        classes, modality = _classes(values["classes"]), values["modality"]
        if modality not in MODALITIES:
            raise ValueError(f"there is no modality {modality!r}")
        encoder = MadeWith.restore(values["encoder"])
        head = KINDS[values["task"]].restore(values["settings"], tensors.arrays)
        head.check(classes, modality)
        return cls(classes, modality, encoder, head, place)

    def _own_place(self) -> Path:
        if self.place is None:
            raise BundleError("This head was loaded alone, without its report and record.", "Load the bundle's folder.")
        return self.place


def _classes(given: Any) -> tuple[str, ...]:
    """The names of the classes: texts, none empty, none twice."""
    if not isinstance(given, list):
        raise ValueError(f"the classes are {str(given)[:60]!r} and no list")
    classes = tuple(text(name, "a class") for name in given)
    if not all(name.strip() for name in classes):
        raise ValueError("a class without a name")
    if len(set(classes)) < len(classes):
        name, _ = Counter(classes).most_common(1)[0]
        raise ValueError(f"two classes are called {name!r}")
    return classes
