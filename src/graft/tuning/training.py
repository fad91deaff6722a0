"""Changes a network's weights: from the fitted head, gently, and so that nothing is lost on the way."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from graft.contracts import Float32, Linear, Progress, silent
from graft.errors import UsageError
from graft.results.history import History
from graft.tuning.augmentation import Augmentation
from graft.tuning.batches import Samples
from graft.tuning.checkpoints import key_of
from graft.tuning.devices import pick_device, pick_precision, prepared
from graft.tuning.head import TrainableHead
from graft.tuning.loop import Loop
from graft.tuning.notes import Note, unheard
from graft.tuning.passes import UNSEEN, Passes
from graft.tuning.plan import TrainingPlan
from graft.tuning.schedules import Course
from graft.tuning.trainable import Trainable
from graft.version import __version__


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """What came of it. The network that was given holds the same weights.

    Attributes:
        state: The network's parameters that were unfrozen, by its own names, float32.
        head: The head that was trained with it, on the same features as the one it started from; its scores
            are to be divided by ``temperature``.
        temperature: Fitted to the validation part; 1 where there is none.
        history: What happened.
    """

    state: Mapping[str, Float32]
    head: Linear
    temperature: float
    history: History


def train(
    network: Any,
    head: TrainableHead,
    training: Samples,
    validation: Samples | None,
    plan: TrainingPlan,
    *,
    augment: Augmentation | None = None,
    device: Any = None,
    deadline: float | None = None,
    checkpoint: Path | None = None,
    progress: Progress = silent,
    note: Note = unheard,
    clock: Callable[[], float] = time.monotonic,
) -> Trained:
    """Tune a network from a fitted head on (LP-FT), and keep the weights that were best on the validation part.

    The same arguments give the same weights again on the same device, also where the run was interrupted and is taken
    up from its checkpoint, unless the deadline cuts it short.

    Args:
        network: What to tune, a ``Network``; changed in place, and left on the CPU in evaluation mode.
        head: Where to start from; changed in place.
        training: Items to learn from.
        validation: Items that say which weights are the best and when to stop; ``None``: the last ones are kept.
        plan: How.
        augment: Changes batches that are learned from.
        device: A ``torch.device``; found out where ``None``.
        deadline: Seconds from now in which all must be over; the schedule is drawn together to fit.
        checkpoint: A file; the run is taken up from it if it is there, and kept in it for another time.
        progress: Told of every step.
        note: Told in words how it goes.
        clock: Tells seconds.

    Raises:
        UsageError: There is nothing to learn from, or several alphas and no validation part to choose by.
        EncoderError: The device's memory does not hold one item.
    """
    _check(training, validation, plan)
    device = torch.device(device) if device is not None else pick_device()
    precision = pick_precision(device)
    limit = math.inf if deadline is None else clock() + deadline
    key = _key(network, head, training, validation, plan) if checkpoint else ""
    with prepared(device, plan.seed):
        network.to(device)
        head.to(device)
        trainable = Trainable(network, head, plan)
        scaler = torch.amp.GradScaler(device.type, enabled=precision == "f16")
        passes = Passes(network, head, plan, device, precision, trainable.optimizer, scaler, augment, plan.at_once)
        each = -(-len(training) // plan.batch)
        course = Course(
            plan.epochs * each, each, limit, clock, final_looks=1 + sum(alpha != 1 for alpha in plan.alphas)
        )
        loop = Loop(passes, trainable, training, validation, plan, course, clock, checkpoint, key, progress, note)
        before = trainable.weights()
        try:
            loop.run()
        finally:
            trainable.merge()
            network.eval()
        alpha, temperature = _go_part_of_the_way(loop, before)
        network.to("cpu")
        head.to("cpu")
    return Trained(trainable.state(), head.linear(), temperature, _history(loop, alpha))


def _check(training: Samples, validation: Samples | None, plan: TrainingPlan) -> None:
    if not len(training):
        raise UsageError("There are no items to learn from.", "Give at least one for each class.")
    if validation is None and len(plan.alphas) > 1:
        raise UsageError(
            f"Of {len(plan.alphas)} alphas the best cannot be told without items to look at.",
            "Give one, or a validation part.",
        )


def _go_part_of_the_way(loop: Loop, before: Mapping[str, Any]) -> tuple[float, float]:
    """Interpolate between the weights before and after, as far as is best for the validation part.

    Returns:
        The share of the way, and the temperature there.
    """
    plan, trainable, state = loop.plan, loop.trainable, loop.state
    after = trainable.weights()
    # Of the whole way the loop has kept what was watched, and its temperature.
    known = float(np.mean(state.watched)) if state.watched else math.nan
    found = {1.0: (known, state.temperature)}
    for alpha in plan.alphas:
        if alpha != 1.0:
            trainable.blend(before, after, alpha)
            looked = UNSEEN if loop.validation is None else loop.passes.look(loop.validation)
            watched = looked.watched(plan)
            found[alpha] = (float(watched.mean()) if len(watched) else math.nan, looked.temperature)
    # Of equals the largest: it is what the loop has found.
    best = plan.alphas[0] if len(plan.alphas) == 1 else min(sorted(plan.alphas)[::-1], key=lambda each: found[each][0])
    trainable.blend(before, after, best)
    return best, found[best][1]


def _history(loop: Loop, alpha: float) -> History:
    state = loop.state
    return History(
        unfrozen=loop.trainable.unfrozen,
        parameters=sum(parameter.numel() for parameter in loop.trainable.parameters.values()),
        device=loop.passes.device.type,
        precision=loop.passes.precision,
        epochs=tuple(state.epochs),
        best=state.best,
        alpha=alpha,
        stopped=state.stopped,
        seconds=state.seconds,
        notes=tuple(state.notes),
    )


def _key(network: Any, head: TrainableHead, training: Samples, validation: Samples | None, plan: TrainingPlan) -> str:
    rows = [part for each in (training, validation) if each for part in (list(each.values), each.y, each.offset)]
    start = {**network.state_dict(), **head.parameters}
    return key_of(
        {**plan.to_dict(), "version": __version__},
        [*rows, {name: tensor.detach().cpu().numpy() for name, tensor in start.items()}],
    )
