"""Epoch after epoch: rates, validation, early stop, and the way back where a step went wrong."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import InitVar, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from graft.contracts import Float64, Progress
from graft.executors import checkpoint
from graft.results.facts import plain, restored
from graft.results.history import Epoch
from graft.tuning.augmentation import Augmentation
from graft.tuning.batches import Samples, epoch_batches
from graft.tuning.checkpoints import Snapshot, load, put_back, save, take
from graft.tuning.notes import Note
from graft.tuning.passes import Passes
from graft.tuning.schedules import Course, share_of_rate
from graft.tuning.trainable import Trainable

ROLLBACKS = 5
"""A run that has gone wrong so often is ended."""
HURRIED = 1.5
"""A run that was drawn together so many times over for lack of time begins anew if there is so many times as much."""
KEPT_EVERY = 30.0
"""Seconds after which a checkpoint is written within an epoch: what ``kill -9`` can cost."""


@dataclass
class TrainingState:
    """How far a run has come, beside its weights; a checkpoint keeps it as ``plain`` writes it."""

    epochs: tuple[Epoch, ...] = ()
    losses: tuple[float, ...] = ()
    best: int = 0
    watched: tuple[float, ...] = ()
    lowest: tuple[float, ...] = ()
    step: int = 0
    fraction: float = 0.0
    rate_share: float = 1.0
    at_once: int = 0
    rollbacks: int = 0
    seconds: float = 0.0
    stopped: str = ""
    notes: tuple[str, ...] = ()


def _worse(losses: Float64, lowest: Sequence[float]) -> bool:
    """Whether the losses of items are higher by more than the standard error of the difference.

    Few items tell little: of epochs that they do not tell apart the last has learned the most (the rule of one
    standard error: Breiman, Friedman, Olshen and Stone, Classification and Regression Trees, 1984, section 3.4.3).
    """
    difference = losses - np.asarray(lowest)
    if len(difference) < 2:
        return bool(difference.sum() > 0)
    return bool(difference.mean() > difference.std(ddof=1) / math.sqrt(len(difference)))


class _Diverged(Exception):
    """A loss or a gradient is not finite."""


@dataclass
class Loop:
    """A run of the plan, from the first look to the last.

    Attributes:
        trainable: Network, head and optimiser, with the plan.
        device: Where.
        augment: Changes batches that are learned from.
        training: Items to learn from.
        validation: Items to look at after each epoch.
        course: How far the schedule has come; its clock tells seconds.
        checkpoint: Where the run can be taken up again, if anywhere.
        key: Says which run it is.
        progress: Told how many steps of how many are made.
        note: Told in words how it goes.
    """

    trainable: Trainable
    device: InitVar[Any]
    augment: InitVar[Augmentation | None]
    training: Samples
    validation: Samples
    course: Course
    checkpoint: Path | None
    key: str
    progress: Progress
    note: Note
    state: TrainingState = field(default_factory=TrainingState)
    best: dict[str, Any] = field(default_factory=dict)
    passes: Passes = field(init=False)
    _snapshot: Snapshot | None = None
    _since: float = 0.0
    _kept: float = 0.0

    def __post_init__(self, device: Any, augment: Augmentation | None) -> None:
        self.plan, self.clock = self.trainable.plan, self.course.clock
        self.passes = Passes(self.trainable, device, augment, self.tell)

    def run(self) -> None:
        """Go through the plan, or through what is left of it; the best weights are in the network afterwards."""
        self._since = self._kept = self.clock()
        self._begin()
        while not self.state.stopped:
            try:
                self._epoch()
            except _Diverged:
                self._roll_back()
        parameters = self.trainable.parameters
        with torch.no_grad():
            for name, tensor in self.best.items():
                checkpoint()
                parameters[name].copy_(tensor)

    def tell(self, sentence: str) -> None:
        """Something happened that is worth keeping."""
        self.state.notes += (sentence,)
        self.note(sentence)

    def _begin(self) -> None:
        found = self._left_behind()
        if found and self._was_hurried(found.state):
            self.tell("The run that was there had been cut short, and now there is time: started anew.")
            found = None
        if found:
            self._restore(found)
            self.tell(f"Taken up again after step {self.course.step} of {self.course.planned}.")
            return
        if self.checkpoint and self.checkpoint.exists() and not self.state.notes:
            self.tell("The checkpoint that was there is broken or belongs to another run: started anew.")
        try:
            self._close_epoch()
        except _Diverged:
            self.state.epochs = (Epoch(0, 0, math.nan, math.nan, math.nan, (), 0.0),)
            self.state.stopped = "diverged"
            self.best = self._weights()
            self.tell("Before the first step the log loss of the validation part is not a number: nothing was trained.")

    def _left_behind(self) -> Snapshot | None:
        """What an interrupted run has left, if it is of this run and its state has the fields of today."""
        found = load(self.checkpoint, self.trainable.parameters, self.key) if self.checkpoint else None
        if found:
            try:
                restored(TrainingState, found.state, "state")
            except (ValueError, LookupError, TypeError, AttributeError):
                return None
        return found

    def _was_hurried(self, state: Mapping[str, Any]) -> bool:
        """Whether a run's schedule was drawn together for lack of time, and there is clearly more of it now."""
        way = state["fraction"]
        if not way:
            return bool(state["stopped"] == "time")
        hurried = way > state["step"] / self.course.planned * HURRIED
        return bool(hurried and self.course.limit - self.clock() > state["seconds"] / way * HURRIED)

    def _epoch(self) -> None:
        """The rest of an epoch, or what time allows of it, and a look at the validation part."""
        number, done = divmod(self.course.step, self.course.steps_per_epoch)
        batches = epoch_batches(
            self.training.y, self.plan.batch, self.plan.seed, number, in_company=self.plan.contrast > 0
        )
        self.passes.network.train_mode()
        for chosen in batches[done:]:
            left = self.course.left
            if left == 0:
                break
            self._step(chosen, left)
        self._close_epoch()

    def _step(self, chosen: Any, left: int) -> None:
        began = self.clock()
        loss, _ = self.passes.run(self.training, chosen, (self.plan.seed, self.course.step))
        if not math.isfinite(loss):
            raise _Diverged
        self.trainable.set_rates(self._share(self.course.middle(left)))
        scaler, optimizer = self.passes.scaler, self.trainable.optimizer
        checkpoint()
        scaler.unscale_(optimizer)
        norm = torch.nn.utils.clip_grad_norm_(self.trainable.parameters.values(), self.plan.clip)
        if not scaler.is_enabled() and not torch.isfinite(norm):
            raise _Diverged
        checkpoint()
        scaler.step(optimizer)  # where it is enabled, it leaves out a step whose gradients overflow
        scaler.update()
        self.state.losses += (loss,)
        self.course.advance(left, self.clock() - began)
        self.progress("tune", self.course.step, self.course.step + left - 1)
        self.note(self._line(loss), live=True)
        if self.checkpoint and self.clock() - self._kept > KEPT_EVERY:
            self._keep()

    def _close_epoch(self) -> None:
        """What has been learned, and whether to go on."""
        state, began = self.state, self.clock()
        looked = self.passes.look(self.validation)
        if not math.isfinite(looked.loss):
            raise _Diverged
        self.course.looks = self.clock() - began
        spent = state.seconds + self.clock() - self._since - sum(epoch.seconds for epoch in state.epochs)
        loss = sum(state.losses) / len(state.losses) if state.losses else math.nan
        share = self._share(self.course.fraction)
        rates = tuple(peak * share for peak in self.trainable.peaks)
        number = len(state.epochs)
        state.epochs += (Epoch(number, self.course.step, loss, looked.loss, looked.accuracy, rates, spent),)
        state.losses = ()
        watched = looked.watched(self.plan)
        if number == 0 or not _worse(watched, state.lowest):
            state.best, state.watched = number, tuple(watched.tolist())
            self.best = self._weights()
        if number == 0 or watched.sum() < sum(state.lowest):
            state.lowest = tuple(watched.tolist())
        state.stopped = self._reason_to_stop()
        self._keep()

    def _reason_to_stop(self) -> str:
        state, step = self.state, self.course.step
        number = len(state.epochs) - 1
        if number - state.best >= self.plan.patience:
            return "no longer better"
        if step >= self.course.planned:
            return "done"
        return "" if self.course.left else "time"

    def _roll_back(self) -> None:
        """Back to the last good weights, and on from there with half the rates."""
        lost, gone = self.course.step, self.state
        assert self._snapshot is not None
        self._restore(self._snapshot)
        share, rollbacks = gone.rate_share / 2, gone.rollbacks + 1
        self.state = replace(self.state, rate_share=share, rollbacks=rollbacks, notes=gone.notes)
        if self.state.rollbacks > ROLLBACKS:
            self.state.stopped = "diverged"
            self.tell(
                f"After {ROLLBACKS} ways back the loss was again not a number: ended with the best weights so far."
            )
            return
        self.tell(
            f"At step {lost + 1} the loss was not a number: back to step {self.course.step}, "
            f"and on with {self.state.rate_share:g} of the planned rates."
        )
        self._keep()

    def _keep(self) -> None:
        checkpoint()
        state = self.state
        now = self.clock()
        state.seconds += now - self._since
        self._since = self._kept = now
        state.step, state.fraction = self.course.step, self.course.fraction
        state.at_once = self.passes.at_once
        self._snapshot = take(plain(state), self.trainable.parameters, self.best, self.trainable.optimizer)
        checkpoint()
        if self.checkpoint:
            try:
                save(self.checkpoint, self._snapshot, self.key)
            except OSError as error:
                self.checkpoint = None
                self.tell(f"No checkpoint can be written: {error}. A run that is cut short starts anew.")

    def _restore(self, snapshot: Snapshot) -> None:
        put_back(snapshot, self.trainable.parameters, self.trainable.optimizer)
        self.state = restored(TrainingState, snapshot.state, "state")
        device = self.passes.device
        self.best = {name: tensor.to(device) for name, tensor in snapshot.tensors["best"].items()}
        self.course.step, self.course.fraction = self.state.step, self.state.fraction
        self.passes.at_once = self.state.at_once
        self._snapshot = snapshot

    def _weights(self) -> dict[str, Any]:
        checkpoint()
        return {name: each.detach().clone() for name, each in self.trainable.parameters.items()}

    def _share(self, fraction: float) -> float:
        """Of the highest rates, where so much of the schedule is over."""
        return self.state.rate_share * share_of_rate(fraction, self.plan.warm_up)

    def _line(self, loss: float) -> str:
        last = self.state.epochs[-1]
        return f"loss {loss:.3f}, validation {last.validation_loss:.3f} (accuracy {last.validation_accuracy:.3f})"
