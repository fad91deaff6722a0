"""How a network is tuned: a frozen, JSON-able description, as ``Recipe`` is of a fit."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from graft.errors import UsageError


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """What the loop is told.

    Attributes:
        unfreeze: How many of the network's groups are trained, from the top; ``"all"`` for every one.
        rank: Of the adapters that are trained in place of the weights (LoRA); 0: the weights themselves.
        rate: Learning rate of the topmost group.
        decay: Every group further down learns at this share of the rate of the one above, in (0, 1].
        head_rate: Learning rate of the head.
        weight_decay: Of matrices and kernels; biases, norms and the head have none.
        batch: Items behind each step.
        at_once: Items that go through the network together; the gradients of several such parts are added up.
        epochs: How often every item is seen, if time allows.
        warm_up: Share of the schedule in which the rates rise, in [0, 1).
        clip: Largest norm of a gradient.
        soften: Logits are divided by this in what is learned from. The head knows its own training items: few of them
            are fitted so well that nothing is left to learn, unless it is made less sure. Above 1 errors tell when to
            stop, and not the log loss.
        size: Width and height in pixels of pictures that are learned from; 0: as the encoder takes them. Smaller ones
            take less time, and what is cropped to a part looks larger than it is in a whole picture (Touvron, Vedaldi,
            Douze and Jegou, NeurIPS 2019).
        flips: Whether pictures may be mirrored; not where left and right tell classes apart.
        leave_out: Share of the tokens of a text that are left out while it is learned from, in [0, 1).
        names: Whether the names of classes of texts, if they are words, are learned from, each as one more text of its
            class.
        smoothing: Share of a label that is spread over all classes, in [0, 1).
        mixup: Parameter of the Beta distribution by which pictures are mixed (Zhang et al., ICLR 2018); 0: never.
        contrast: Share of the loss that draws items of one class together, in [0, 1]; the rest is cross-entropy.
        patience: Epochs in a row that are worse on the validation part than the best one, by more than the standard
            error of the difference, before the loop stops.
        alphas: Of these shares of the way from the weights before to those after, the best on the validation part is
            gone (WiSE-FT). ``(1.0,)``: all of it.
        seed: Every random choice follows from it.
    """

    unfreeze: int | Literal["all"] = 4
    rank: int = 0
    rate: float = 3e-4
    decay: float = 0.8
    head_rate: float = 1e-3
    weight_decay: float = 0.01
    batch: int = 25
    at_once: int = 25
    epochs: int = 12
    warm_up: float = 0.1
    clip: float = 1.0
    soften: float = 1.0
    size: int = 0
    flips: bool = True
    leave_out: float = 0.0
    names: bool = False
    smoothing: float = 0.0
    mixup: float = 0.0
    contrast: float = 0.0
    patience: int = 4
    alphas: tuple[float, ...] = (1.0,)
    seed: int = 0

    def __post_init__(self) -> None:
        if self.unfreeze != "all" and (not isinstance(self.unfreeze, int) or self.unfreeze < 0):
            raise UsageError(f"unfreeze is {self.unfreeze!r}.", 'Give a number of groups from 0, or "all".')
        for name in ("rank", "size", "seed"):
            _check(name, getattr(self, name), getattr(self, name) >= 0, "0 or more")
        for name in ("batch", "at_once", "epochs", "patience"):
            _check(name, getattr(self, name), getattr(self, name) >= 1, "1 or more")
        for name in ("rate", "head_rate", "clip", "soften"):
            _check(name, getattr(self, name), getattr(self, name) > 0, "more than 0")
        for name in ("warm_up", "leave_out", "smoothing"):
            _check(name, getattr(self, name), 0 <= getattr(self, name) < 1, "at least 0 and below 1")
        for name in ("weight_decay", "mixup"):
            _check(name, getattr(self, name), getattr(self, name) >= 0, "0 or more")
        _check(
            "mixup beside contrast", self.mixup, not (self.mixup and self.contrast), "0, for mixed items have no class"
        )
        _check("decay", self.decay, 0 < self.decay <= 1, "above 0 and at most 1")
        _check("contrast", self.contrast, 0 <= self.contrast <= 1, "between 0 and 1")
        within = bool(self.alphas) and all(0 <= alpha <= 1 for alpha in self.alphas)
        _check("alphas", self.alphas, within, "one or more numbers between 0 and 1")

    def to_dict(self) -> dict[str, Any]:
        """The plan as JSON-able values."""
        return {**dataclasses.asdict(self), "alphas": list(self.alphas)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The plan that ``to_dict`` wrote.

        Raises:
            UsageError: A key is unknown, or a value is of another type or out of its range.
        """
        known: dict[str, Any] = {field.name: field.default for field in dataclasses.fields(cls)}
        if unknown := sorted(set(values) - set(known)):
            raise UsageError(f"A plan has no {', '.join(unknown)}.", f"It knows {', '.join(sorted(known))}.")
        for name, value in values.items():
            usual = known[name]
            several = isinstance(usual, tuple) and isinstance(value, list | tuple)
            alike = all(_is_like(one, usual[0]) for one in value) if several else _is_like(value, usual)
            alike = alike or (name, value) == ("unfreeze", "all")
            _check(name, value, alike, f"of a kind with {usual!r}, which is usual")
        given: dict[str, Any] = {**values, **({"alphas": tuple(values["alphas"])} if "alphas" in values else {})}
        return cls(**given)


def _is_like(value: object, usual: object) -> bool:
    """Whether it is of the type; an integer is a number, and no truth value is one."""
    if isinstance(usual, bool) or isinstance(value, bool):
        return type(value) is type(usual)
    return isinstance(value, (int, float) if isinstance(usual, float) else type(usual))


def _check(name: str, value: object, holds: bool, allowed: str) -> None:
    if not holds:
        raise UsageError(f"{name} of a plan is {value!r}.", f"It must be {allowed}.")
