"""The options with which every command that reads labelled data says how it is to be read."""

from __future__ import annotations

import io
import shlex
import sys
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from graft.cli.options import together
from graft.cli.output import say
from graft.cli.paths import FolderPath, Grouped, guard_outputs

if TYPE_CHECKING:
    from graft.contracts import Progress
    from graft.data.dataset import Dataset
    from graft.data.items import Item
    from graft.model import Model

_option = partial(click.option, cls=Grouped, group="reading")

reading_options = together(
    _option("--modality", type=click.Choice(["image", "text", "audio"]), help="Read this kind, skip the others."),
    _option("--label-column", help="The manifest's column of labels."),
    _option("--item-column", help="The manifest's column of items."),
    _option("--group-column", help="The manifest's column of groups (speaker, patient), which are never split."),
    _option("--root", type=FolderPath(), help="The folder that the manifest's paths are relative to."),
    _option("--pattern", help="What file names tell, such as '{label}_{group}_*.wav'."),
    _option("--fetch", is_flag=True, help="Fetch the files whose addresses the manifest holds, into the cache."),
    _option("--multi-label", is_flag=True, help="Items bear several labels: a|b in a cell, or several folders."),
)
"""How a command's labelled data are to be read; they arrive as one ``dict``, ``reading``, for ``read_data``."""


def as_flags(options: Mapping[str, Any]) -> list[str]:
    """The options that were given, as somebody would type them again."""
    flags = []
    for name, value in options.items():
        if value:
            flags.append(f"--{name.replace('_', '-')}")
            flags += [] if value is True else [shlex.quote(str(value))]
    return flags


def read_like(model: Model, data: str | Path, reading: Mapping[str, Any], *, progress: Progress) -> Dataset:
    """Read labelled data for a model as it reads them, but for what is said of their reading.

    Raises:
        OutputIsInput: An output of the running command is among the files that were read.
    """
    given = {name: value for name, value in reading.items() if value}
    return read_data(data, progress=progress, **{**model.reading, **given, **model.task.reading})


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


def items_of_stdin(modality: str) -> Iterator[Item]:
    """What stdin holds: a text for each line that is not blank, as soon as it is there, or the bytes of one file."""
    from graft.data.items import MAX_ITEM_BYTES, Memory, Text
    from graft.decoding.encoding import decode_lines

    stream = cast("io.BufferedReader", sys.stdin.buffer)
    if modality == "text":
        yield from map(Text, decode_lines(stream, MAX_ITEM_BYTES, partial(say, err=True)))
    else:
        yield Memory(stream.read(MAX_ITEM_BYTES + 1), "stdin")
