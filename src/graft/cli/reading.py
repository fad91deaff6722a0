"""The options with which every command that reads labelled data says how it is to be read."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from graft.cli.paths import FolderPath, guard_outputs

if TYPE_CHECKING:
    from graft.contracts import Progress
    from graft.data.dataset import Dataset

_OPTIONS = (
    click.option("--modality", type=click.Choice(["image", "text", "audio"]), help="Read this kind, skip the others."),
    click.option("--label-column", help="The manifest's column of labels."),
    click.option("--item-column", help="The manifest's column of items."),
    click.option("--group-column", help="The manifest's column of groups (speaker, patient), which are never split."),
    click.option("--root", type=FolderPath(), help="The folder that the manifest's paths are relative to."),
    click.option("--pattern", help="What file names tell, such as '{label}_{group}_*.wav'."),
    click.option("--fetch", is_flag=True, help="Fetch the files whose addresses the manifest holds, into the cache."),
    click.option("--multi-label", is_flag=True, help="Items bear several labels: a|b in a cell, or several folders."),
)


def reading_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command; they arrive as keyword arguments for ``read_data``."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def as_flags(options: Mapping[str, Any]) -> list[str]:
    """The options that were given, as somebody would type them again."""
    flags = []
    for name, value in options.items():
        if value:
            flags.append(f"--{name.replace('_', '-')}")
            flags += [] if value is True else [shlex.quote(str(value))]
    return flags


def read_data(
    data: str | Path, *, progress: Progress, test: str | None = None, min_classes: int = 2, **options: Any
) -> Dataset:
    """Read labelled data as the options say; ``options`` are those of ``reading_options``.

    Raises:
        OutputIsInput: An output of the running command is among the files that were read.
    """
    from graft.reading.read import read

    dataset = read(data, test=test, min_classes=min_classes, progress=progress, **options)
    guard_outputs(dataset)
    return dataset
