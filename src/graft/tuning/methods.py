"""The ways to tune, as a table: a new one is a line here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from graft.errors import UsageError
from graft.tuning.plan import TrainingPlan

_PICTURES = TrainingPlan(unfreeze=13, rate=3e-4, decay=1.0, batch=16, at_once=16, epochs=12, size=160, patience=8)
_TEXTS = TrainingPlan(
    unfreeze=6,
    rate=1e-4,
    decay=0.8,
    batch=64,
    at_once=16,
    epochs=6,
    soften=16.0,
    leave_out=0.15,
    names=True,
    contrast=0.7,
)
_SOUNDS = TrainingPlan(unfreeze=8, rate=3e-4, decay=0.9, batch=32, at_once=32, epochs=12)
_PARTWAY = (0.25, 0.5, 0.75, 1.0)

HUB_LAYERS, HUB_RATE, HUB_AT_ONCE = 4, 5e-5, 8
"""Of networks from a hub: layers that are trained, the highest rate, and items that go through together."""


METHODS: Mapping[str, Mapping[str, TrainingPlan]] = {
    # the last blocks of the network
    "blocks": {"image": _PICTURES, "text": _TEXTS, "audio": _SOUNDS},
    # the whole network
    "full": {
        "image": replace(_PICTURES, unfreeze="all", rate=2e-4, decay=0.9),
        "text": replace(_TEXTS, unfreeze="all", rate=3e-5),
        "audio": replace(_SOUNDS, unfreeze="all"),
    },
    # low-rank adapters beside the linear layers, merged into them afterwards
    "lora": {"text": replace(_TEXTS, unfreeze=6, rank=8, rate=1e-3, decay=1.0)},
    # items of one class drawn together and those of others apart, and nothing else
    "pairs": {"text": replace(_TEXTS, contrast=1.0)},
    # the last blocks, and then as far from the weights before to those after as is best
    "partway": {
        "image": replace(_PICTURES, alphas=_PARTWAY),
        "text": replace(_TEXTS, alphas=_PARTWAY),
        "audio": replace(_SOUNDS, alphas=_PARTWAY),
    },
}
"""What can be chosen by name, and for each modality that it applies to the plan to start from."""


def plan_for(method: str, modality: str, *, built_in: bool = True) -> TrainingPlan:
    """What a method starts from for items of this kind.

    Args:
        method: A key of ``METHODS``.
        modality: ``"image"``, ``"text"`` or ``"audio"``.
        built_in: Whether the network is one of those that come with Graft, which the rates were found for. Those of a
            hub are transformers nearly always: a few layers are trained, slowly, on items as the model takes them.

    Raises:
        UsageError: There is no such method, or it does not apply.
    """
    if method not in METHODS:
        raise UsageError(f"There is no method called {method!r}.", f"Choose one of {', '.join(METHODS)}.")
    if modality not in METHODS[method]:
        able = ", ".join(name for name, plans in METHODS.items() if modality in plans)
        raise UsageError(f"The method {method!r} does not apply to {modality}.", f"Choose one of {able}.")
    plan = METHODS[method][modality]
    if built_in:
        return plan
    unfreeze = plan.unfreeze if plan.unfreeze == "all" else HUB_LAYERS
    rate = plan.rate if plan.rank else min(plan.rate, HUB_RATE)
    return replace(plan, unfreeze=unfreeze, rate=rate, decay=0.9, size=0, at_once=min(plan.at_once, HUB_AT_ONCE))
