"""What happened while an encoder was tuned: frozen and JSON-able, for reports, bundles and checkpoints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

DIGITS = 5
"""Of the figures that a report keeps."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """One pass over the training items, and what the validation part said after it.

    Attributes:
        number: From 1; 0 is the state before the first step, which has learned nothing.
        steps: Updates of the weights so far.
        loss: Mean training loss, augmentation and regularisation included; ``nan`` for number 0.
        validation_loss: Mean log loss on the validation part at its own temperature; ``nan`` where there is none.
        validation_accuracy: Share of the validation part that is right; ``nan`` where there is none.
        rates: Learning rate of every group at the end, from the lowest unfrozen one to the top, the head's last; in a
            report those of the lowest, the topmost and the head.
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

    @property
    def passes(self) -> tuple[Epoch, ...]:
        """The epochs in which something was learned: all but the state before the first step."""
        return tuple(epoch for epoch in self.epochs if epoch.number > 0)

    def shortened(self) -> Self:
        """As a report keeps it: three rates for each epoch, and figures of five digits."""
        return replace(self, epochs=tuple(_shortened(epoch) for epoch in self.epochs), seconds=round(self.seconds, 2))


@dataclass(frozen=True, slots=True)
class Tuning:
    """A try at tuning a model's encoder, and what came of it.

    Attributes:
        method: What it is called; ``"plan"`` where one was written by hand.
        shipped: Whether the tuned model took the place of the one that went in.
        forced: Whether it did so because it was told to, against the gate.
        reason: Why, in one sentence.
        before: ``accuracy`` and ``log_loss`` of the model that went in, on the items that decided.
        after: Those of the tuned one, which was held out from the same items.
        n_decided: How many items decided.
        runs: The trials that the gate judged; what ships is the mean of their networks.
        seconds: In all.
    """

    method: str
    shipped: bool
    forced: bool
    reason: str
    before: Mapping[str, float]
    after: Mapping[str, float]
    n_decided: int
    runs: tuple[History, ...]
    seconds: float


def _shortened(epoch: Epoch) -> Epoch:
    rates = (epoch.rates[0], *epoch.rates[-2:]) if len(epoch.rates) > 2 else epoch.rates
    return replace(
        epoch,
        loss=_brief(epoch.loss),
        validation_loss=_brief(epoch.validation_loss),
        validation_accuracy=_brief(epoch.validation_accuracy),
        rates=tuple(map(_brief, rates)),
        seconds=round(epoch.seconds, 2),
    )


def _brief(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
