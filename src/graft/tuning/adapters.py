"""Low-rank adapters: small matrices that are trained in place of large ones, and melt into them afterwards."""

from __future__ import annotations

from typing import Any

import torch

from graft.errors import UsageError, needing

SCALE = 2
"""What an adapter adds is multiplied by this, whatever its rank: ``lora_alpha`` is so many times the rank."""


def insert_adapters(network: Any, depth: dict[int, int], rank: int) -> None:
    """Put adapters beside linear layers (LoRA: Hu et al., ICLR 2022). At first they change nothing.

    Args:
        network: Its weights are frozen by this.
        depth: Group of each parameter that may be adapted, by its ``id``; adapters are added, each with that of the
            weights that it stands beside.
        rank: Of the matrices.

    Raises:
        MissingExtra: peft is not installed.
        UsageError: There is no linear layer among the chosen ones.
    """
    with needing("tune", message="The library peft is not installed."):
        from peft import LoraConfig, inject_adapter_in_model
        from peft.tuners.tuners_utils import BaseTunerLayer
    names = [
        name
        for name, module in network.named_modules()
        if isinstance(module, torch.nn.Linear) and id(module.weight) in depth
    ]
    if not names:
        raise UsageError(
            "Adapters need linear layers, and what is to be trained of this network has none.",
            "Choose another method, as the last blocks of the network.",
        )
    inject_adapter_in_model(LoraConfig(r=rank, lora_alpha=SCALE * rank, target_modules=names), network)
    for module in network.modules():
        if isinstance(module, BaseTunerLayer):
            own: Any = module.get_base_layer()
            depth.update((id(each), depth[id(own.weight)]) for each in module.parameters() if each.requires_grad)


def merge_adapters(network: Any) -> None:
    """Add what the adapters have learned to the weights, and take them out again."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    for name, module in list(network.named_modules()):
        if isinstance(module, BaseTunerLayer):
            module.merge()
            parent, _, own = name.rpartition(".")
            setattr(network.get_submodule(parent), own, module.get_base_layer())
