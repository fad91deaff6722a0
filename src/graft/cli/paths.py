"""What of a command's words is read and what is written, so that no output ever takes the place of an input."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.types import StringParamType

from graft.errors import UsageError
from graft.files import expanded

if TYPE_CHECKING:
    from graft.data.dataset import Dataset
    from graft.data.guard import Inputs, Kind

    NamedOutput = tuple[str, Path, Kind]


class InputPath(click.Path):
    """A file or folder that is read; as a ``str`` unless told otherwise, for a ``Path`` loses a web address's slash."""

    def __init__(self, kind: type[str] | type[Path] = str) -> None:
        super().__init__(path_type=kind)


class ModelPath(InputPath):
    """A saved model that is only read: its folder, or ``NAME.graft.zip``, here or at an address of an object store."""

    name = "path"

    def __init__(self) -> None:
        super().__init__(Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The folder: a packed model is unpacked into the cache.

        Raises:
            GraftError: It cannot be fetched or unpacked.
        """
        from graft.model.packed import model_folder

        return super().convert(model_folder(value), param, ctx)


class FolderPath(click.Path):
    """A folder in which files are looked for; those that are read are inputs, and what else lies there is not."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)


class Mixed(StringParamType):
    """What may be a path that is read, and may be something else: a text, a name, ``-``."""


class Output(click.Path):
    """A file or folder that is written; what kind of, see ``Inputs.check``."""

    def __init__(self, kind: Kind = "page") -> None:
        super().__init__(path_type=Path)
        self.kind = kind


class OutputFile(Output):
    """A file that is written whole, and takes the place of another one with ``--overwrite`` only."""


class Grouped(click.Option):
    """An option that reaches its command together with the others of its group: as one ``record``, by their names."""

    def __init__(self, *declared: Any, group: str, record: Callable[..., Any] = dict, **settings: Any) -> None:
        super().__init__(*declared, **settings)
        self.group, self.record = group, record


class Command(click.Command):
    """A command that looks, before any work, whether its outputs would take the place of anything they should not.

    ``guard_outputs`` looks again once it is known which files a table names.
    """

    def invoke(self, ctx: click.Context) -> Any:
        """Check the outputs, then run.

        Raises:
            OutputIsInput: One of them is an input.
            UsageError: Two of them are the same.
            OutputExists: One is a file that is there already.
        """
        if outputs := list(_outputs(ctx)):
            from graft.data.guard import Inputs

            _check_apart(outputs)
            journals = (target for _, target, kind in outputs if kind == "journal")
            _check(outputs, Inputs.of(*_inputs(ctx)), Inputs.of(*journals))
        arguments = dict(ctx.params)
        groups: defaultdict[str, dict[str, Any]] = defaultdict(dict)
        records: dict[str, Callable[..., Any]] = {}
        for parameter in self.params:
            name = parameter.name or ""
            if isinstance(parameter.type, OutputFile) and ctx.params[name] is not None:
                from graft.report.writing import check_free

                check_free(ctx.params[name], overwrite=ctx.params["overwrite"])
            if isinstance(parameter, Grouped):
                groups[parameter.group][name] = arguments.pop(name)
                records[parameter.group] = parameter.record
        arguments |= {group: records[group](**given) for group, given in groups.items()}
        assert self.callback is not None
        return ctx.invoke(self.callback, **arguments)


def guard_outputs(*sources: Dataset | Path | None) -> None:
    """Whether the running command's outputs would take the place of what was read by now.

    Raises:
        OutputIsInput: One of them would.
    """
    from graft.data.guard import Inputs

    ctx = click.get_current_context(silent=True)
    if ctx is not None and (outputs := list(_outputs(ctx))):
        _check(outputs, Inputs.of(*sources))


def _check(outputs: Sequence[NamedOutput], *inputs: Inputs) -> None:
    """A journal is read as well as written, so that ``inputs`` that follow the first hold for the other outputs."""
    for _, target, kind in outputs:
        for read in inputs[:1] if kind == "journal" else inputs:
            read.check(target, kind)


def _check_apart(outputs: Sequence[NamedOutput]) -> None:
    """Two outputs at one place would be one, and one inside another goes with it when that is replaced."""
    seen: dict[Path, str] = {}
    for name, target, kind in outputs:
        if kind == "journal":  # which counts as an input of the others
            continue
        place = target.resolve()
        for other, called in seen.items():
            if place == other or other in place.parents or place in other.parents:
                raise UsageError(f"{called} and {name} would both be written to {target}.", "Name two places.")
        seen[place] = name


def _outputs(ctx: click.Context) -> Iterator[NamedOutput]:
    for parameter in ctx.command.params:
        value = ctx.params.get(parameter.name or "")
        if isinstance(parameter.type, Output) and value is not None:
            yield parameter.opts[-1], value, parameter.type.kind


def _inputs(ctx: click.Context) -> Iterator[str | Path]:
    for parameter in ctx.command.params:
        value = ctx.params.get(parameter.name or "")
        values = value if isinstance(value, tuple) else () if value is None else (value,)
        if isinstance(parameter.type, InputPath):
            yield from values
        elif isinstance(parameter.type, Mixed):
            yield from (path for text in values for path in _paths_in(text))


def _paths_in(text: str) -> Iterator[Path]:
    """The files that a word may mean: itself, or where encoders are joined by ``+`` each of them."""
    for part in dict.fromkeys((text, *text.split("+"))):
        try:
            if part and expanded(part).exists():
                yield Path(part)
        except (OSError, ValueError, RuntimeError):  # a text is no name of a file
            continue
