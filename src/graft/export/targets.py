"""Where a model can go, by name: how the folder that holds graph, labels and proof is completed for that place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from graft.export import browser, space
from graft.export.draft import Draft
from graft.export.precisions import FULL, HALF

_STATIC = ("python3", "-m", "http.server", "--bind", "127.0.0.1", "--directory", "DIR", "8000")


def _nothing_more(draft: Draft) -> None:
    """What every export holds is all."""


@dataclass(frozen=True, slots=True)
class Target:
    """A place for a model.

    Attributes:
        told: What is written, in a few words.
        complete: Adds the target's own files to a folder that holds graph, labels and goldens already.
        next_step: What to do with the folder, as words of the command line behind ``graft``; ``DIR`` stands for it.
        precision: In which kind of numbers weights are kept, if nothing else is asked for.
        opened: The words of a command that shows the folder at ``http://localhost:8000``, where that needs one.
    """

    told: str
    complete: Callable[[Draft], None]
    next_step: tuple[str, ...] = ("verify", "DIR")
    precision: str = FULL
    opened: tuple[str, ...] = ()


TARGETS: Mapping[str, Target] = {
    "onnx": Target("one ONNX graph, from pixels, tokens or samples to answers", _nothing_more),
    "space": Target("a Space with Gradio, not started yet", space.complete, ("verify", "DIR", "--install"), HALF),
    "browser": Target("a page that answers in the browser", browser.complete, precision=HALF, opened=_STATIC),
}
"""A new target is a line here."""
