"""One pass over items, to learn from them or only to look at them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from graft.contracts import Float32, Float64, Int
from graft.errors import EncoderError
from graft.executors import checkpoint
from graft.heads.calibration import probabilities
from graft.learning.calibration import fit_temperature
from graft.metrics import log_losses
from graft.tuning.augmentation import Augmentation, with_some_left_out
from graft.tuning.batches import Samples, parts
from graft.tuning.devices import autocast, free_memory, is_out_of_memory, pick_precision
from graft.tuning.network import Batch
from graft.tuning.objectives import contrastive, cross_entropy, mix
from graft.tuning.plan import TrainingPlan
from graft.tuning.trainable import Trainable


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What a network makes of items that it does not learn from.

    Attributes:
        losses: Log loss of each item at its calibrated probabilities ``(n,) float64``: those of a model that ships are
            calibrated, too, and tuning makes logits larger, which a temperature takes back.
        errors: 1 for each item that is wrong, else 0 ``(n,) float64``.
    """

    losses: Float64
    errors: Float64

    @property
    def loss(self) -> float:
        """Mean log loss."""
        return float(self.losses.mean())

    @property
    def accuracy(self) -> float:
        """Share that is right."""
        return 1 - float(self.errors.mean())

    def watched(self, plan: TrainingPlan) -> Float64:
        """What tells when to stop ``(n,) float64``: logits that are learned softened say little of how sure to be."""
        return self.errors if plan.soften > 1 else self.losses


class Passes:
    """Runs items through network and head.

    Attributes:
        device: Where.
        precision: A key of ``devices.PRECISIONS``.
        scaler: Keeps gradients in float16 from vanishing; does nothing in other precisions.
        at_once: Items that go through the network together.
    """

    def __init__(
        self, trainable: Trainable, device: Any, augment: Augmentation | None, tell: Callable[[str], object]
    ) -> None:
        """Begin with as many items at once as the plan has.

        Args:
            trainable: Network, head and plan; gradients of its optimiser are forgotten before each batch.
            device: Where.
            augment: Applied to what is learned from.
            tell: Told a sentence when fewer items have to go through the network together.
        """
        self.network, self.head, self.plan = trainable.network, trainable.head, trainable.plan
        self.precision, self.device, self.at_once = pick_precision(device), device, self.plan.at_once
        self.scaler = torch.amp.GradScaler(device.type, enabled=self.precision == "f16")
        self._optimizer, self._augment, self._tell = trainable.optimizer, augment, tell

    def look(self, rows: Samples) -> Look:
        """What the network as it is makes of items, without any augmentation."""
        self.network.eval()
        with torch.no_grad():
            logits = self.run(rows, np.arange(len(rows)))[1]
        if not np.isfinite(logits).all():
            return Look(np.full(len(rows), np.nan), np.full(len(rows), np.nan))
        p = probabilities(logits, fit_temperature(logits, rows.y))
        return Look(log_losses(rows.y, p), (p.argmax(axis=1) != rows.y).astype(np.float64))

    def run(self, rows: Samples, chosen: Int, seed: Sequence[int] | None = None) -> tuple[float, Float32]:
        """One batch; where memory runs out, in smaller parts from then on.

        Args:
            rows: All items.
            chosen: Those of the batch ``(b,) int64``.
            seed: What chance follows from, for learning: gradients of the mean loss are left in the parameters.
                ``None``: only look.

        Returns:
            The mean loss, ``nan`` for a look, and the logits ``(b, k) float32``.

        Raises:
            EncoderError: There is no memory for one item.
        """
        while True:
            try:
                return self._run(rows, chosen, seed)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
            self._halve()  # out of the handler, which holds on to what was computed

    def _run(self, rows: Samples, chosen: Int, seed: Sequence[int] | None) -> tuple[float, Float32]:
        total = math.nan if seed is None else 0.0
        found = np.empty((len(chosen), self.head.bias.shape[0]), np.float32)
        # Items are contrasted with all of their batch, unless memory has run out.
        together = seed is not None and self.plan.contrast > 0 and self.at_once >= self.plan.at_once
        seen: list[tuple[Any, Any, Any]] = []
        self._optimizer.zero_grad()
        for index, places in enumerate(parts(rows, chosen, self.at_once)):
            checkpoint()
            part = chosen[places]
            values = [rows.values[row] for row in part]
            generator = None if seed is None else _chance((*seed, index))
            if generator is not None and self.plan.leave_out:
                values = with_some_left_out(values, self.plan.leave_out, generator)
            batch = self.network.batch(values)
            y = torch.from_numpy(rows.y[part]).to(self.device)
            mixed = None
            if generator is not None:
                batch, mixed = self._changed(batch, y, generator)
            features, logits = self._scored(batch, rows.offset[part] if rows.offset is not None else None)
            found[places] = logits.detach().cpu().numpy()
            if together:
                seen.append((features, logits, y))
            elif seed is not None:
                total += self._backward(features, logits, y, mixed, len(chosen))
        if seen:
            features, logits, y = (torch.cat(each) for each in zip(*seen, strict=True))
            total = self._backward(features, logits, y, None, len(chosen))
        return total, found

    def _backward(self, features: Any, logits: Any, y: Any, mixed: tuple[Any, float] | None, n: int) -> float:
        """Leave the gradients of these items' part in the mean loss of ``n``; that part of it."""
        loss = self._loss(features, logits, y, mixed) / n
        self.scaler.scale(loss).backward()
        return float(loss.item())

    def _scored(self, batch: Batch, offset: Float32 | None) -> tuple[Any, Any]:
        with autocast(self.device, self.precision):
            x = self.network(batch)
        features = self.head.features(x)
        logits = self.head.logits(features)
        return features, logits if offset is None else logits + torch.from_numpy(offset).to(self.device)

    def _loss(self, features: Any, logits: Any, y: Any, mixed: tuple[Any, float] | None) -> Any:
        share = self.plan.contrast
        loss = (1 - share) * cross_entropy(logits / self.plan.soften, y, self.plan.smoothing, mixed)
        return loss + share * contrastive(features, y) if share else loss

    def _changed(self, batch: Batch, y: Any, generator: torch.Generator) -> tuple[Batch, tuple[Any, float] | None]:
        """Augmented and mixed as the plan says; of mixed items the others' labels, and how much is their own."""
        mixed = None
        if self._augment is not None:
            batch = self._augment(batch, generator)
        if self.plan.mixup:
            mixture, others, share = mix(batch[0].float(), self.plan.mixup, generator)
            batch, mixed = (mixture, *batch[1:]), (y[others], share)
        return batch, mixed

    def _halve(self) -> None:
        if self.at_once == 1:
            raise EncoderError(
                f"The network cannot be tuned here: one item is too much for the memory of {self.device.type}.",
                "Train fewer blocks, choose a smaller encoder, or a machine with more memory.",
            )
        self.at_once //= 2
        free_memory(self.device)
        self._tell(
            f"Memory ran out: from here on the network takes {self.at_once} at a time, "
            f"and a step still learns from {self.plan.batch} items."
        )


def _chance(seed: Sequence[int]) -> torch.Generator:
    """A generator of its own, and the same state for what has none, as dropout."""
    number = int(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0]) >> 1
    torch.manual_seed(number)
    return torch.Generator().manual_seed(number)
