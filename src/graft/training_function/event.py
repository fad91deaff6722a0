"""What may be asked for: data, where the model goes, and the options of ``graft fit``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from hashlib import sha256
from pathlib import PurePosixPath
from typing import Any, Self

from graft.buckets import BucketAddress, is_bucket_address
from graft.encoders import ENCODERS
from graft.encoders.joined import SEPARATOR
from graft.errors import UsageError
from graft.model.packed import ENDING
from graft.receipts import Prices
from graft.recipe import Recipe
from graft.tasks import READING_FLAGS
from graft.version import __version__

MOST_EXAMPLES = 100_000
READING = ("label_column", "item_column", "group_column", "pattern", "modality")
_MAX_NAME, _MAX_KEY = 200, 960
"""Bytes: a file may be called by 255, an object by 1,024, and ``.graft.report.html`` beside the model is longer."""
_FLAGS = (*READING_FLAGS, "force")
_OWN = ("train", "output", "test", "name", "prices", *_FLAGS)
_RECIPE = tuple(one.name for one in fields(Recipe) if one.name != "backend")
_EXAMPLE = frozenset({"text", "base64", "label", "group", "split"})
_GIVE = 'Send {"train": "s3://bucket/photos/", "output": "s3://bucket/models/"}.'
_EXAMPLES = '{"examples": [{"text": ..., "label": ...}]}, or base64 in the place of text'


@dataclass(frozen=True, slots=True)
class TrainEvent:
    """An event, checked.

    Attributes:
        source: The address of the data; ``None`` where the event holds them.
        archive: A zip in base64, where the event holds one.
        examples: Labelled texts or files, where it holds these.
        test: The address of other data for the final figure.
        output: The address of the model, which ends with ``.graft.zip``.
        recipe: How to fit.
        reading: How the data are read: arguments of ``graft.read``.
        force: Whether to train although the same was trained before.
        prices: What time costs, where the receipt is to say it.
    """

    source: str | None
    archive: str | None
    examples: tuple[Mapping[str, Any], ...]
    test: str | None
    output: str
    recipe: Recipe
    reading: Mapping[str, Any]
    force: bool
    prices: Prices | None

    @classmethod
    def from_dict(cls, event: Any) -> Self:
        """The event as a caller sent it.

        Raises:
            UsageError: A key is unknown or missing, or a value is not what it can be.
        """
        if not isinstance(event, Mapping):
            raise UsageError(f"The event is of type {type(event).__name__}.", _GIVE)
        known = (*_OWN, *READING, *_RECIPE)
        if unknown := sorted(str(name)[:40] for name in event if name not in known):
            raise UsageError(f"An event to train has no {', '.join(unknown)}.", f"It knows {', '.join(sorted(known))}.")
        for name in ("train", "output"):
            if name not in event:
                raise UsageError(f"The event does not say {name!r}.", _GIVE)
        source, archive, examples = _data_of(event["train"])
        _check_encoder(event.get("encoder", "auto"))
        recipe = Recipe(**{name: event[name] for name in _RECIPE if name in event})
        reading: dict[str, Any] = {name: _text(event, name) for name in READING if event.get(name) is not None}
        for name in _FLAGS:
            if not isinstance(event.get(name, False), bool):
                raise UsageError(f"{name} is {event[name]!r:.80}.", "Give true or false.")
        reading |= {name: True for name in READING_FLAGS if event.get(name)}
        if examples and (beside := [name for name in (*reading, "test") if event.get(name)]):
            raise UsageError(f"{beside[0]} is not for examples.", "Leave it out; an example may have a split.")
        test = None if event.get("test") is None else _address(event["test"], "test")
        output = _output(event["output"], _text(event, "name") if "name" in event else _name_of(source))
        for given in filter(None, (source, test)):
            if _lies_in(output, given):
                raise UsageError(
                    f"The model would be written to {output}, among the data at {given}.",
                    "Give an output outside of the data: it would be read as data the next time.",
                )
        prices = None if event.get("prices") is None else Prices.from_dict(event["prices"])
        force = bool(event.get("force", False))
        return cls(source, archive, examples, test, output, recipe, reading, force, prices)

    def digest(self, state: str) -> str:
        """What is the same for the same event on the same data, by the same Graft.

        Args:
            state: Of the data, such as the ETags of their objects.
        """
        told = {
            "source": self.source,
            "archive": self.archive,
            "examples": [dict(one) for one in self.examples],
            "test": self.test,
            "recipe": self.recipe.to_dict(),
            "reading": dict(self.reading),
            "state": state,
            "version": __version__,
        }
        return sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _check_encoder(given: Any) -> None:
    """An encoder that comes with Graft: nobody who may call has the function fetch one, or read one of its folders."""
    known = {"auto", *ENCODERS, *(card.name for card in ENCODERS.values())}
    if not isinstance(given, str) or not set(given.split(SEPARATOR)) <= known:
        raise UsageError(
            f"encoder is {given!r:.80}, and a function trains with those that come with Graft.",
            f"Give one of {', '.join(sorted(known))}, or train as a job: graft export --to docker.",
        )


def _data_of(given: Any) -> tuple[str | None, str | None, tuple[Mapping[str, Any], ...]]:
    if isinstance(given, str):
        return _address(given, "train"), None, ()
    if isinstance(given, Mapping) and set(given) == {"zip"} and isinstance(given["zip"], str):
        return None, given["zip"], ()
    if isinstance(given, Mapping) and set(given) == {"examples"} and isinstance(given["examples"], list):
        examples = given["examples"]
        if not 0 < len(examples) <= MOST_EXAMPLES:
            raise UsageError(
                f"The event holds {len(examples):,} examples.", f"Send 1 to {MOST_EXAMPLES:,}, or an address of more."
            )
        for place, one in enumerate(examples):
            if not isinstance(one, Mapping) or not set(one) <= _EXAMPLE or ("text" in one) == ("base64" in one):
                raise UsageError(f"examples[{place}] of the event is no example.", f"Send {_EXAMPLES}.")
            if strange := [name for name, value in one.items() if not isinstance(value, str) or not _is_whole(value)]:
                raise UsageError(f"{strange[0]} of examples[{place}] is no text.", f"Send {_EXAMPLES}.")
            if "label" not in one or ("text" in one) != ("text" in examples[0]):
                raise UsageError(f"examples[{place}] of the event has no label, or is of another kind.", _EXAMPLES)
        return None, None, tuple(examples)
    raise UsageError(
        "What the event gives to train on is neither an address nor a zip nor examples.",
        f'Give "s3://bucket/photos/", {{"zip": "base64"}}, or {_EXAMPLES}.',
    )


def _is_whole(text: str) -> bool:
    """Whether a text holds no half of a letter (a lone surrogate), which no file and no answer could repeat."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _address(given: Any, name: str) -> str:
    """An address of an object store: nobody who may call reads the files of the machine that answers."""
    if not isinstance(given, str) or not is_bucket_address(given) or BucketAddress.of(given).scheme == "file":
        raise UsageError(f"{name} is {given!r:.200}, and no address of an object store.", _GIVE)
    return given


def _output(given: Any, name: str) -> str:
    """Where the model goes: into a folder under its name, or to the address of the model itself."""
    address = _address(given, "output")
    if address.endswith("/"):
        address += name + ENDING
    place = BucketAddress.of(address)
    if not address.endswith(ENDING) or place.name == ENDING:
        raise UsageError(
            f"The output {address} names neither a folder nor a model.", f"Let it end with / or with NAME{ENDING}."
        )
    if len(place.name.encode()) > _MAX_NAME or len(place.key.encode()) > _MAX_KEY:  # said before hours of work
        raise UsageError(
            f"The output {address[:100]}... is too long.",
            f"Give its name at most {_MAX_NAME} bytes, and the whole key {_MAX_KEY}: what lies beside it is longer.",
        )
    return address


def _name_of(source: str | None) -> str:
    if source is None:
        return "model"
    name = BucketAddress.of(source).name
    return PurePosixPath(name).stem or name


def _text(event: Mapping[str, Any], name: str) -> str:
    value = event[name]
    if not isinstance(value, str) or not value or len(value) > 1000 or (name == "name" and "/" in value):
        raise UsageError(f"{name} is {value!r:.80}.", "Give a text.")
    return value


def _lies_in(output: str, source: str) -> bool:
    """Whether the model lies among the data, or the data among what is written beside the model."""
    into, data = BucketAddress.of(output), BucketAddress.of(source)
    elsewhere = into.account and data.account and into.account != data.account  # one that is not named may be either
    if elsewhere or (into.scheme, into.bucket) != (data.scheme, data.bucket):
        return False
    beside = data.key.startswith(f"{into.key.removesuffix('.zip')}.")
    return beside or into.key.startswith(f"{data.key.removesuffix('/')}/" if data.key else "")
