"""Which layers a network has that was written by others, from its input to its output."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

from torch import nn

FIRST = "input"
"""Name of the group of what lies before the first layer."""


def layers_of(model: nn.Module, names: Collection[str], run: Callable[[], object]) -> list[tuple[str, list[str]]]:
    """The parameters of a network by layers, in the order in which these are run.

    A layer is a member of a list of modules, or of a list in such a member: networks of stages have lists of blocks in
    a list. What is in no layer belongs to the one that was run before it, or to the first group.

    Args:
        model: Runs its modules by calling them.
        names: Parameters that count.
        run: Sends something through the network.

    Returns:
        Names of groups, and of the parameters in each.
    """
    modules = dict(model.named_modules())
    layers = {path for path in _layers(model) if any(name.startswith(f"{path}.") for name in names)}
    order = _calls(modules, run)
    started = [path for path in order if path in layers]
    groups: dict[str, list[str]] = {FIRST: [], **{path: [] for path in started}}
    for name, parameter in model.named_parameters():
        if name in names and parameter.requires_grad:
            groups[_group(name.rpartition(".")[0], started, order)].append(name)
    found = [own for path, own in groups.items() if path != FIRST and own]
    first = [(FIRST, groups[FIRST])] if groups[FIRST] else []
    return [*first, *((f"layer {index}", own) for index, own in enumerate(found))]


def _calls(modules: dict[str, Any], run: Callable[[], object]) -> dict[str, int]:
    """The modules that were called, in the order of their first calls."""
    order: dict[str, int] = {}

    def note(path: str) -> None:
        order.setdefault(path, len(order))

    hooks = [module.register_forward_pre_hook(lambda *_, path=path: note(path)) for path, module in modules.items()]
    try:
        run()
    finally:
        for hook in hooks:
            hook.remove()
    return order


def _group(path: str, started: list[str], order: dict[str, int]) -> str:
    """The layer of a module: that in which it lies, or the last one that was started before it."""
    places = [path, *_above(path)]
    if inside := [place for place in places if place in started]:
        return inside[0]
    first = next((order[place] for place in places if place in order), -1)
    return next((layer for layer in reversed(started) if order[layer] < first), FIRST)


def _layers(module: Any, path: str = "") -> Iterator[str]:
    """The members of the outermost lists of modules; of those that hold a stack its members in their place."""
    for name, child in module.named_children():
        if isinstance(child, nn.ModuleList):
            for index, member in child.named_children():
                yield from _blocks(member, f"{path}{name}.{index}")
        else:
            yield from _layers(child, f"{path}{name}.")


def _blocks(member: Any, path: str) -> list[str]:
    parts = {path: member, **{f"{path}.{name}": child for name, child in member.named_children()}}
    return [f"{place}.{at}" for place, part in parts.items() if _is_stack(part) for at in range(len(part))] or [path]


def _is_stack(module: Any) -> bool:
    """Whether it is a list of the same again and again."""
    return isinstance(module, nn.ModuleList | nn.Sequential) and len({type(child) for child in module}) == 1


def _above(path: str) -> list[str]:
    """The paths of what a module lies in, the nearest first, the whole network last."""
    parts = path.split(".") if path else []
    return [".".join(parts[:end]) for end in range(len(parts) - 1, -1, -1)]
