"""Where a model can go, by name: how the folder that holds graph, labels and proof is completed for that place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from graft.errors import UsageError
from graft.export import browser, docker, serverless, space
from graft.export.draft import Added, Draft
from graft.export.options import TargetOptions
from graft.export.precisions import FULL, HALF

_STATIC = ("python3", "-m", "http.server", "--bind", "127.0.0.1", "--directory", "DIR", "8000")


def _nothing_more(draft: Draft) -> None:
    """What every export holds is all."""


def _any(options: TargetOptions) -> None:
    """Nothing about them can be wrong before they are used."""


@dataclass(frozen=True, slots=True)
class Target:
    """A place for a model.

    Attributes:
        told: What is written, in a few words.
        complete: Adds the target's own files to a folder that holds graph, labels and goldens already, and says what
            there is to say of them.
        next_step: What to do with the folder, as words of the command line behind ``graft``; ``DIR`` stands for it.
        precision: In which kind of numbers weights are kept, if nothing else is asked for.
        opened: The words of a command that shows the folder at ``http://localhost:8000``, where that needs one.
        options: Which of ``TargetOptions`` it knows, by their names.
        check: Refuses values of them that it cannot use, before the work.
    """

    told: str
    complete: Callable[[Draft], Added | None]
    next_step: tuple[str, ...] = ("verify", "DIR")
    precision: str = FULL
    opened: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    check: Callable[[TargetOptions], None] = _any

    def check_options(self, name: str, options: TargetOptions) -> None:
        """Whether this target, of this name, can use what was said.

        Raises:
            UsageError: It does not know one of them, or cannot use its value.
        """
        for option in options.given():
            if option not in self.options:
                knowing = " and ".join(f"--to {other}" for other, target in TARGETS.items() if option in target.options)
                raise UsageError(
                    f"--{option.replace('_', '-')} is for {knowing}, not for --to {name}.", "Leave it out."
                )
        self.check(options)


TARGETS: Mapping[str, Target] = {
    "onnx": Target("one ONNX graph, from pixels, tokens or samples to answers", _nothing_more),
    "space": Target("a Space with Gradio, not started yet", space.complete, ("verify", "DIR", "--install"), HALF),
    "browser": Target(
        "a page that answers in the browser", browser.complete, precision=HALF, opened=_STATIC, options=("runtime",)
    ),
    "serverless": Target(
        "a function for AWS Lambda, and a container for it, Cloud Run and Azure Container Apps",
        serverless.complete,
        precision=HALF,
        options=("platform", "python", "output_prefix", "wheels", "train"),
        check=serverless.check,
    ),
    "docker": Target(
        "an image that answers and trains, for SageMaker, Azure ML and any machine", docker.complete, options=("gpu",)
    ),
}
"""A new target is a line here."""
