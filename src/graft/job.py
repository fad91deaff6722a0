"""What a model came from: how data were read, how it was fitted, and what was done with what files.

A ``Job`` is frozen and JSON-able. It repeats a fit byte for byte with the same versions and backend, or says which of
its inputs has changed since; a tuning that was given a time limit is repeated as far as the time allows, which differs.
Paths stand in it as they were given, so that the same call gives the same job wherever it is made.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Any, Self, get_args, get_type_hints

from graft.errors import DataError, UsageError
from graft.files import expanded
from graft.recipe import Recipe

VERBS = ("fit", "extend", "tune")
MAX_JOB_BYTES = 16 * 1024 * 1024
FROM_MEMORY = "Its data were given in memory and stand in no file."


@dataclass(frozen=True, slots=True)
class Reading:
    """How data were read: the arguments of ``graft.read``.

    Attributes:
        source: The path of the data; ``None`` where they were given in memory, and cannot be read again.
        test: The path of other data for the test split.
        label_column: The table's column of labels.
        item_column: That of paths or texts.
        group_column: That of groups.
        pattern: What names of files say.
        modality: The kind that was asked for.
        multi_label: Whether items have any number of labels.
        root: The folder that a table's paths are relative to.
        remembered: Columns that another table was read by.
        fetch: Whether files were fetched whose addresses a table holds.
    """

    source: str | None = None
    test: str | None = None
    label_column: str | None = None
    item_column: str | None = None
    group_column: str | None = None
    pattern: str | None = None
    modality: str | None = None
    multi_label: bool = False
    root: str | None = None
    remembered: dict[str, str] | None = None
    fetch: bool = False

    def options(self) -> dict[str, Any]:
        """The arguments of ``graft.read`` but for the data."""
        return {name: value for name, value in dataclasses.asdict(self).items() if name != "source"}


@dataclass(frozen=True, slots=True)
class Input:
    """A file or folder that was read.

    Attributes:
        path: As it was given.
        sha256: Of the file's bytes; of a folder that of the names and contents of the items that lie in it.
    """

    path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What was done with the data.

    Attributes:
        verb: ``"fit"``, ``"extend"`` or ``"tune"``.
        journal: The path of the decisions that were followed.
        model: The bundle of the model that was extended or tuned; its recipe is kept.
        old: The path of the items of the first fit, where they were given again.
        method: How it was tuned: a key of ``graft.tuning.methods.METHODS``, or a plan's values.
        flips: Whether pictures might be mirrored.
        epochs: How often every item was to be seen.
        force: Whether the tuned model was to ship whatever the gate said.
        seed: What the tuning's random choices followed from, if not from the recipe's.
        time_limit: Seconds that a tuning was given; what fits into them is another each time.
        inputs: Everything that was read.
    """

    verb: str = "fit"
    journal: str | None = None
    model: str | None = None
    old: str | None = None
    method: str | dict[str, Any] | None = None
    flips: bool = True
    epochs: int | None = None
    force: bool = False
    seed: int | None = None
    time_limit: float | None = None
    inputs: tuple[Input, ...] = ()


@dataclass(frozen=True, slots=True)
class Job:
    """``Reading``, ``Recipe`` and ``Plan``: all that a fit follows from."""

    reading: Reading
    recipe: Recipe
    plan: Plan

    def to_dict(self) -> dict[str, Any]:
        """The job as JSON-able values; what was left as it is by default does not stand in it."""
        inputs = [dataclasses.asdict(one) for one in self.plan.inputs]
        return {
            "reading": _said(self.reading),
            "recipe": self.recipe.to_dict(),
            "plan": {"verb": self.plan.verb, **_said(self.plan), "inputs": inputs},
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The job that ``to_dict`` wrote.

        Raises:
            UsageError: A key is unknown or missing, or a value is not what a job can have.
        """
        if not isinstance(values, Mapping) or set(values) != {"reading", "recipe", "plan"}:
            raise UsageError("A job has a reading, a recipe and a plan, and this has not.", _GIVE_A_JOB)
        plan = _checked(Plan, values["plan"])
        inputs = plan.pop("inputs", [])
        if not isinstance(inputs, list | tuple):
            raise UsageError(f"The inputs of a job are {inputs!r}.", _GIVE_A_JOB)
        if (verb := plan.get("verb", "fit")) not in VERBS:
            raise UsageError(f"There is no verb {verb!r} in a job.", f"It is one of {', '.join(VERBS)}.")
        return cls(
            Reading(**_checked(Reading, values["reading"])),
            Recipe.from_dict(values["recipe"]),
            Plan(**plan, inputs=tuple(Input(**_checked(Input, one)) for one in inputs)),
        )

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> Self:
        """The job in a JSON file.

        Raises:
            UsageError: There is none.
        """
        try:
            place = expanded(path)
            if not place.is_file() or place.stat().st_size > MAX_JOB_BYTES:
                raise ValueError("it is not there, or no file, or far too large")
            return cls.from_dict(json.loads(place.read_bytes()))
        except (OSError, ValueError, RecursionError, TypeError) as error:
            raise UsageError(f"{os.fspath(path)} holds no job: {error}.", _GIVE_A_JOB) from None


_GIVE_A_JOB = "Give a saved model, or the job.json that lies in it."


def _said(values: Any) -> dict[str, Any]:
    """The fields that are not as they are by default."""
    fields = dataclasses.fields(values)
    return {one.name: value for one in fields if (value := getattr(values, one.name)) != one.default}


def _checked(kind: type[Any], values: Any) -> dict[str, Any]:
    """Values for a class's fields, each of its type."""
    hints = get_type_hints(kind)
    if not isinstance(values, Mapping):
        raise UsageError(f"The {kind.__name__.lower()} of a job is {values!r}.", _GIVE_A_JOB)
    if unknown := sorted(map(str, set(values) - set(hints))):
        raise UsageError(f"The {kind.__name__.lower()} of a job has no {', '.join(unknown)}.", _GIVE_A_JOB)
    for name, value in values.items():
        if name != "inputs" and not _is(value, hints[name]):
            raise UsageError(f"{name} of a job is {value!r}.", _GIVE_A_JOB)
    return dict(values)


def _is(value: Any, hint: Any) -> bool:
    if isinstance(hint, UnionType):
        return any(_is(value, one) for one in get_args(hint))
    if hint in (int, float):
        return isinstance(value, int if hint is int else int | float) and not isinstance(value, bool)
    if getattr(hint, "__origin__", None) is dict:
        of = get_args(hint)[1]
        return isinstance(value, dict) and all(
            isinstance(key, str) and (of is Any or isinstance(one, of)) for key, one in value.items()
        )
    return isinstance(value, NoneType if hint is None else hint)


def sha256_of_items(named: Iterable[tuple[str, str]]) -> str:
    """Of names and the hashes of what they name, in whatever order they come."""
    lines = sorted(f"{name}\0{digest}\n" for name, digest in named)
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogatepass")).hexdigest()


def check_inputs(then: Sequence[Input], now: Sequence[Input]) -> None:
    """Whether everything that a job read is what it was.

    Raises:
        DataError: Something is not; says what.
    """
    before, after = ({one.path: one.sha256 for one in inputs} for inputs in (then, now))
    gone = [path for path in before if path not in after]
    new = [path for path in after if path not in before]
    changed = [path for path in before if path in after and before[path] != after[path]]
    for paths, what in ((changed, "changed since"), (gone, "not there any more"), (new, "new")):
        if paths:
            more = f", and {len(paths) - 1:,} more are {what}" if len(paths) > 1 else ""
            detail = f": its sha256 is {after[paths[0]]}, and was {before[paths[0]]}" if paths is changed else ""
            verb = "has" if paths is changed else "is"
            raise DataError(
                f"{paths[0]} {verb} {what}{detail}{more}; the job cannot be repeated.",
                "Put back what was there, or fit a model to what is there now, without --job.",
            )
