"""What a fit is told: a frozen, JSON-able description, and the only thing that travels.

The same object comes from command-line flags, stands in the bundle, and will stand in a job of the service.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, Self

from graft.errors import UsageError

_KINDS: Mapping[str, type] = {
    **dict.fromkeys(("encoder", "prompt", "task", "head", "backend"), str),
    **dict.fromkeys(("set_level", "unknown_rate"), Real),
    "seed": Integral,
}


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to fit a model.

    Attributes:
        encoder: A key of ``graft.encoders.ENCODERS``, a model of the Hugging Face Hub (``owner/model``), a local folder
            that holds one, several of these joined by ``+``, or ``"auto"`` for the one that fits the data's modality.
        prompt: What is put before every text, for text encoders that were trained so (``"query: "``).
        task: A key of ``graft.tasks.TASKS``, or ``"auto"`` for one that the data show: one class for each item, or any
            number of labels.
        head: A key of ``graft.learning.HEADS``, or ``"auto"`` to let cross-validation choose.
        backend: ``"openvino"``, ``"onnxruntime"``, or ``"auto"`` to follow the processor's features.
        seed: Every random choice follows from it.
        set_level: Share of prediction sets that are to contain the true class, in (0, 1).
        unknown_rate: Share of in-class items that may be called unknown, in [0, 1).
    """

    encoder: str = "auto"
    prompt: str = ""
    task: str = "auto"
    head: str = "auto"
    backend: str = "auto"
    seed: int = 0
    set_level: float = 0.9
    unknown_rate: float = 0.05

    def __post_init__(self) -> None:
        for name, kind in _KINDS.items():
            value = getattr(self, name)
            if not isinstance(value, kind) or isinstance(value, bool):
                what = "a text" if kind is str else "a whole number" if kind is Integral else "a number"
                raise UsageError(f"{name} must be {what}, and is {value!r}.", f"Leave {name} out, or give {what}.")
        if not 0 < self.set_level < 1:
            raise UsageError(
                f"set_level must lie between 0 and 1, and is {self.set_level!r}.", "0.9 is the usual choice."
            )
        if not 0 <= self.unknown_rate < 1:
            raise UsageError(
                f"unknown_rate must be at least 0 and below 1, and is {self.unknown_rate!r}.",
                "0.05 is the usual choice.",
            )
        if self.seed < 0:
            raise UsageError(f"The seed must not be negative, and is {self.seed}.", "Take 0 or any larger number.")

    def to_dict(self) -> dict[str, Any]:
        """The recipe as JSON-able values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The recipe that ``to_dict`` wrote.

        Raises:
            UsageError: It is no object, or a key is unknown.
        """
        if not isinstance(values, Mapping):
            raise UsageError(f"The recipe of a job is {values!r}.", "Give an object of its settings.")
        known = {field.name for field in dataclasses.fields(cls)}
        if unknown := sorted(map(str, set(values) - known)):
            raise UsageError(f"A recipe has no {', '.join(unknown)}.", f"It knows {', '.join(sorted(known))}.")
        return cls(**values)
