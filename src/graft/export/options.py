"""What may be said about one target and no other, in one value that is handed on as it is."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path


@dataclass(frozen=True, slots=True)
class TargetOptions:
    """Settings that belong to some targets; nothing is said of any by default.

    Attributes:
        runtime: ``browser``: a folder of the files that run a graph there; ``None``: Graft finds them.
        platform: ``serverless``: the processor that the function runs on, as Lambda calls it.
        python: ``serverless``: the Python that the function runs on, such as ``"3.13"``.
        output_prefix: ``serverless``: under which keys answers to objects are written.
        wheels: ``serverless``: a folder of wheels to take packages from, so that no package index is asked.
        gpu: ``docker``: whether the image trains on a graphics processor.
        train: ``serverless``: whether the function trains, too.
    """

    runtime: Path | None = None
    platform: str | None = None
    python: str | None = None
    output_prefix: str | None = None
    wheels: Path | None = None
    gpu: bool = False
    train: bool = False

    def given(self) -> tuple[str, ...]:
        """The names of those that were said, in order."""
        return tuple(field.name for field in fields(self) if getattr(self, field.name) not in (None, False))


NOTHING_SAID = TargetOptions()
