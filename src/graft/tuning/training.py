"""Changes a network's weights: from the fitted head, gently, and so that nothing is lost on the way."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from graft.contracts import Progress, silent
from graft.results.history import History
from graft.tuning.augmentation import Augmentation
from graft.tuning.batches import Samples
from graft.tuning.checkpoints import key_of
from graft.tuning.devices import pick_device, prepared
from graft.tuning.head import TrainableHead
from graft.tuning.loop import Loop
from graft.tuning.notes import Note, unheard
from graft.tuning.plan import TrainingPlan
from graft.tuning.schedules import Course
from graft.tuning.trainable import Trainable
from graft.version import __version__


def train(
    network: Any,
    head: TrainableHead,
    training: Samples,
    validation: Samples,
    plan: TrainingPlan,
    *,
    augment: Augmentation | None = None,
    device: Any = None,
    deadline: float = math.inf,
    checkpoint: Path | None = None,
    progress: Progress = silent,
    note: Note = unheard,
    clock: Callable[[], float] = time.monotonic,
) -> History:
    """Tune a network from a fitted head on (LP-FT), and keep the weights that were best on the validation part.

    The same arguments give the same weights again on the same device, also where the run was interrupted and is taken
    up from its checkpoint, unless the deadline cuts it short.

    Args:
        network: What to tune, a ``Network``; changed in place, and left on the CPU in evaluation mode.
        head: Where to start from; changed in place.
        training: Items to learn from, at least one.
        validation: Items that say which weights are the best and when to stop, at least one.
        plan: How.
        augment: Changes batches that are learned from.
        device: A ``torch.device``; found out where ``None``.
        deadline: Seconds from now in which all must be over; the schedule is drawn together to fit.
        checkpoint: A file; the run is taken up from it if it is there, and kept in it for another time.
        progress: Told of every step.
        note: Told in words how it goes.
        clock: Tells seconds.

    Returns:
        What happened.

    Raises:
        EncoderError: The device's memory does not hold one item.
    """
    limit = clock() + deadline
    device = torch.device(device) if device is not None else pick_device()
    key = _key(network, head, training, validation, plan) if checkpoint else ""
    with prepared(device, plan.seed):
        network.to(device)
        head.to(device)
        trainable = Trainable(network, head, plan)
        each = -(-len(training) // plan.batch)
        looks = 1 + sum(alpha != 1 for alpha in plan.alphas)
        course = Course(plan.epochs * each, each, limit, clock, final_looks=looks)
        loop = Loop(trainable, device, augment, training, validation, course, checkpoint, key, progress, note)
        before = trainable.weights()
        try:
            loop.run()
        finally:
            trainable.merge()
            network.eval()
        alpha = _go_part_of_the_way(loop, before)
        network.to("cpu")
        head.to("cpu")
    return _history(loop, alpha)


def _go_part_of_the_way(loop: Loop, before: Mapping[str, Any]) -> float:
    """Interpolate between the weights before and after, as far as is best for the validation part; how far that is."""
    plan, trainable, watched = loop.plan, loop.trainable, loop.state.watched
    after = trainable.weights()
    found = {1.0: float(np.mean(watched)) if watched else math.nan}  # of the whole way the loop has kept it
    for alpha in plan.alphas:
        if alpha != 1.0:
            trainable.blend(before, after, alpha)
            found[alpha] = float(loop.passes.look(loop.validation).watched(plan).mean())
    best = min(sorted(plan.alphas, reverse=True), key=lambda alpha: found[alpha])  # of equals what the loop has found
    trainable.blend(before, after, best)
    return best


def _history(loop: Loop, alpha: float) -> History:
    state = loop.state
    return History(
        unfrozen=loop.trainable.unfrozen,
        parameters=sum(parameter.numel() for parameter in loop.trainable.parameters.values()),
        device=loop.passes.device.type,
        precision=loop.passes.precision,
        epochs=state.epochs,
        best=state.best,
        alpha=alpha,
        stopped=state.stopped,
        seconds=state.seconds,
        notes=state.notes,
    )


def _key(network: Any, head: TrainableHead, training: Samples, validation: Samples, plan: TrainingPlan) -> str:
    rows = [part for each in (training, validation) for part in (list(each.values), each.y, each.offset)]
    start = {**network.state_dict(), **head.state_dict()}
    return key_of(
        {**plan.to_dict(), "version": __version__},
        [*rows, {name: tensor.detach().cpu().numpy() for name, tensor in start.items()}],
    )
