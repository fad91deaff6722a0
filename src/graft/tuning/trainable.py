"""What of a network is trained, and at which rates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from graft.executors import checkpoint
from graft.tuning.adapters import insert_adapters, merge_adapters
from graft.tuning.head import TrainableHead
from graft.tuning.plan import TrainingPlan
from graft.tuning.schedules import rates_by_depth


class Trainable:
    """The unfrozen groups of a network and the head, with their optimiser (AdamW: Loshchilov & Hutter, ICLR 2019).

    Attributes:
        network: What is tuned: a ``Network``.
        head: On top of it.
        plan: How.
        unfrozen: Names of the groups that are trained, from the lowest to the top.
        parameters: What is trained, by name; the head's last.
        optimizer: Steps them.
        peaks: The highest rate of each unfrozen group, from the lowest to the top, and of the head.
    """

    def __init__(self, network: Any, head: TrainableHead, plan: TrainingPlan) -> None:
        self.network, self.head, self.plan = network, head, plan
        groups = network.groups()
        count = len(groups) if plan.unfreeze == "all" else min(plan.unfreeze, len(groups))
        self.unfrozen = tuple(groups)[len(groups) - count :]
        self.peaks = (*rates_by_depth(count, plan.rate, plan.decay), plan.head_rate)
        self._adapted = plan.rank > 0 and count > 0
        depth = {id(parameter): at for at, name in enumerate(self.unfrozen) for parameter in groups[name]}
        self._base = {name: each for name, each in network.named_parameters() if id(each) in depth}
        self._head = {f"head.{name}": each for name, each in head.named_parameters()}
        for parameter in network.parameters():
            parameter.requires_grad_(id(parameter) in depth)
        if self._adapted:
            insert_adapters(network, depth, plan.rank)
        tuned = {name: each for name, each in network.named_parameters() if each.requires_grad}
        self.parameters: dict[str, Any] = {**tuned, **self._head}
        checkpoint()
        self.optimizer = self._optimizer(tuned, depth, plan.weight_decay)

    def weights(self) -> dict[str, Any]:
        """A copy of the network's weights that training may change, adapters melted in, and of the head's.

        Only before the adapters are put in and after they were merged are these all that counts.
        """
        checkpoint()
        return {name: each.detach().clone() for name, each in {**self._base, **self._head}.items()}

    def blend(self, before: Mapping[str, Any], after: Mapping[str, Any], alpha: float) -> None:
        """Go this share of the way between two copies (WiSE-FT: Wortsman et al., CVPR 2022)."""
        with torch.no_grad():
            for name, parameter in {**self._base, **self._head}.items():
                checkpoint()
                parameter.copy_(torch.lerp(before[name], after[name], alpha))

    def set_rates(self, share: float) -> None:
        """Every rate is this share of its peak."""
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak"] * share

    def merge(self) -> None:
        """Melt the adapters, where there are any, into the weights."""
        if self._adapted:
            merge_adapters(self.network)
            self._adapted = False

    def _optimizer(self, tuned: dict[str, Any], depth: dict[int, int], decay: float) -> Any:
        groups = []
        for at, peak in enumerate(self.peaks[:-1]):
            own = [each for each in tuned.values() if depth[id(each)] == at]
            for flat in (False, True):  # what has one dimension is a bias or belongs to a norm
                some = [each for each in own if (each.ndim < 2) == flat]
                groups += [{"params": some, "peak": peak, "weight_decay": 0.0 if flat else decay}] if some else []
        head = {"params": list(self._head.values()), "peak": self.peaks[-1], "weight_decay": 0.0}
        return torch.optim.AdamW([*groups, head])
