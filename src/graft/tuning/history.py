"""What happened while a network was tuned: frozen and JSON-able, for reports and bundles."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Epoch:
    """One pass over the training items, and what the validation part said after it.

    Attributes:
        number: From 1; 0 is the state before the first step, which has learned nothing.
        steps: Updates of the weights so far.
        loss: Mean training loss, augmentation and regularisation included; ``nan`` for number 0.
        validation_loss: Mean log loss on the validation part at its own temperature; ``nan`` where there is none.
        validation_accuracy: Share of the validation part that is right; ``nan`` where there is none.
        rates: Learning rate of every group at the end, from the lowest unfrozen one to the top, the head's last.
        seconds: Of training and validation.
    """

    number: int
    steps: int
    loss: float
    validation_loss: float
    validation_accuracy: float
    rates: tuple[float, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class History:
    """A run of the loop.

    Attributes:
        unfrozen: Names of the groups of the network that were trained, from the lowest to the top.
        parameters: How many numbers were trained, the head's included.
        device: ``"cpu"``, ``"cuda"`` or ``"mps"``.
        precision: In which the network was run: ``"f32"``, ``"bf16"`` or ``"f16"``.
        epochs: What each brought; the first is the state before the first step.
        best: Number of the epoch whose weights were kept.
        alpha: Share of the way from the weights before to those after that was gone.
        stopped: Why it ended: ``"done"``, ``"no longer better"``, ``"time"`` or ``"diverged"``.
        seconds: In all, over all sessions of a run that was resumed.
        notes: What else happened, in the order in which it did, as sentences.
    """

    unfrozen: tuple[str, ...]
    parameters: int
    device: str
    precision: str
    epochs: tuple[Epoch, ...]
    best: int
    alpha: float
    stopped: str
    seconds: float
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The history as strict JSON: ``null`` for what was not measured."""
        return {**dataclasses.asdict(self), "epochs": [epoch_to_dict(epoch) for epoch in self.epochs]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The history that ``to_dict`` wrote."""
        lists = {"unfrozen": tuple(values["unfrozen"]), "notes": tuple(values["notes"])}
        return cls(**{**values, **lists, "epochs": tuple(epoch_from_dict(epoch) for epoch in values["epochs"])})


def epoch_to_dict(epoch: Epoch) -> dict[str, Any]:
    """An epoch as strict JSON."""
    values = dataclasses.asdict(epoch)
    return {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in values.items()}


def epoch_from_dict(values: Mapping[str, Any]) -> Epoch:
    """The epoch that ``epoch_to_dict`` wrote."""
    known: dict[str, Any] = {name: math.nan if value is None else value for name, value in values.items()}
    return Epoch(**{**known, "rates": tuple(known["rates"])})
