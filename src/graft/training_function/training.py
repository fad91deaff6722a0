"""An event from end to end: data brought, a model fitted and put at its address whole, or a sentence on why not."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from graft.buckets import BucketAddress, list_objects, write_bytes
from graft.buckets.access import with_access
from graft.buckets.objects import BucketObject, look_at
from graft.data.dataset import Dataset
from graft.decoding.base64_items import from_base64
from graft.encoders import encoder_for
from graft.encoders.hub.fetch import staying_here
from graft.errors import Busy, DataError, GraftError, ItemError, NothingToRead
from graft.model.fitting import fit
from graft.model.packed import packed
from graft.reading.read import read
from graft.receipts import Receipt
from graft.run import Stopwatch
from graft.tasks import reading_of
from graft.training_function.event import TrainEvent
from graft.training_function.limits import Allowance, Watch
from graft.training_function.runs import DONE, FAILED, TrainingRun, begin

_alone = threading.Lock()


def train_event(event: Any, context: Any = None) -> dict[str, Any]:
    """Train as an event says, and put the model at its address.

    An event that is repeated on the same data is answered as before and trains nothing.

    Args:
        event: ``{"train": ADDRESS | {"zip": base64} | {"examples": [...]}, "output": ADDRESS, ...}``, beside these the
            options of ``graft fit`` by their names.
        context: What AWS Lambda gives beside the event: says how much time is left.

    Returns:
        What ``graft fit --json`` prints; ``model`` and ``report`` are addresses, ``receipt`` says what it took,
        ``repeated`` whether it was done before.

    Raises:
        UsageError: The event is none.
        Busy: The same address is being trained already.
        FunctionLimit: Time or memory will not do; nothing was written.
        GraftError: The data cannot be read, nothing can be learned from them, or the store refuses.
    """
    start = time.perf_counter()
    allowed = Allowance.of(context)
    watch = Watch(allowed)
    asked = TrainEvent.from_dict(event)
    if not _alone.acquire(blocking=False):
        raise Busy("This process is training already.", "Ask again when it is over; nothing was changed.")
    try:
        with _folder_of_its_own() as folder:
            state = _state_of(asked, watch, folder)
            begun = begin(asked.output, asked.digest(state), allowed.seconds, force=asked.force)
            if not isinstance(begun, TrainingRun):
                return {**begun, "repeated": True}
            try:
                answer = _train(asked, watch, folder, start)
            except Exception as error:
                unknown = {"code": "internal", "message": type(error).__name__, "hint": ""}
                why = error.to_dict() if isinstance(error, GraftError) else unknown
                with suppress(GraftError):  # what went wrong is said, not that it could not be recorded
                    begun.end(FAILED, {"error": why})
                raise
            begun.end(DONE, {"answer": answer})
            return {**answer, "repeated": False}
    finally:
        _alone.release()


@contextmanager
def _folder_of_its_own() -> Iterator[Path]:
    """A folder for all that one call fetches and keeps, gone after it: nothing grows, and no call meets another's."""
    with TemporaryDirectory(prefix="graft-") as folder:
        before = os.environ.get("GRAFT_CACHE")
        os.environ["GRAFT_CACHE"] = folder
        try:
            yield Path(folder)
        finally:
            if before is None:
                del os.environ["GRAFT_CACHE"]
            else:
                os.environ["GRAFT_CACHE"] = before


def _state_of(asked: TrainEvent, watch: Watch, folder: Path) -> str:
    """What changes with the data at the addresses, before anything is fetched; whether the disk has room for them.

    Raises:
        FunctionLimit: It has not.
        NothingToRead: There is nothing at an address.
    """
    objects = [one for address in (asked.source, asked.test) if address for one in _objects_at(address)]
    watch.check_room(sum(one.size for one in objects), shutil.disk_usage(folder).free)
    lines = "".join(f"{one.key}\0{one.etag}\0{one.size}\n" for one in objects)
    return hashlib.sha256(lines.encode("utf-8", "surrogatepass")).hexdigest()


def _objects_at(address: str) -> tuple[BucketObject, ...]:
    place = BucketAddress.of(address)
    if not place.is_folder:
        try:
            return (with_access(place, look_at),)
        except NothingToRead:
            pass
    found = list_objects(place).objects
    if not found:
        raise NothingToRead(f"There is nothing at {place}.", "Check the spelling of the address.")
    return found


def _train(asked: TrainEvent, watch: Watch, folder: Path, start: float) -> dict[str, Any]:
    """Read, fit, and write: the model, which is one object, and then what is said of it."""
    clock = Stopwatch()
    with watch.saying_why(), staying_here("The event names"):
        with clock.timing("read"):
            dataset = _dataset_of(asked, folder, watch)
        encoder = encoder_for(asked.recipe.encoder, dataset.modality, asked.recipe.backend, asked.recipe.prompt)
        watch.encoder, watch.dim = encoder.name, encoder.dim
        model = fit(dataset, asked.recipe, cache=None, progress=watch, cancelled=watch, clock=clock)
    stem = asked.output.removesuffix(".zip")
    place = folder / f"{BucketAddress.of(asked.output).name.removesuffix('.zip')}"
    page = folder / "report.html"
    saved = model.save(place, page=page)
    content = packed(place)
    watch.check()
    write_bytes(asked.output, content)
    write_bytes(f"{stem}.report.html", page.read_bytes())
    report = replace(saved.report, model=asked.output, report=f"{stem}.report.html")
    receipt = Receipt.since(
        start, "train", rows=len(dataset), encoder=report.encoder, memory_mb=watch.allowed.memory_mb
    )
    prices = asked.prices if receipt.memory_mb is not None else None
    told = receipt.to_dict(prices)
    write_bytes(f"{stem}.report.json", _json(report.to_dict()))
    write_bytes(f"{stem}.receipt.json", _json(told))
    return {**report.to_dict(), "receipt": told}


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode("utf-8", "replace")


def _dataset_of(asked: TrainEvent, folder: Path, watch: Watch) -> Dataset:
    """The data, read as ``graft fit`` reads them; what an event holds has no place that could be read again."""
    reading: dict[str, Any] = {**asked.reading, **reading_of(asked.recipe), "test": asked.test}
    reading |= {"progress": watch, "cancelled": watch}
    if asked.source is not None:
        return read(asked.source, **reading)
    if asked.archive is not None:
        place = folder / "data.zip"
        place.write_bytes(from_base64(asked.archive))
        dataset = read(place, **reading)
        return replace(dataset, reading=None, sources=())
    contents = [_content_of(one, place) for place, one in enumerate(asked.examples)]
    return Dataset.from_lists(
        contents,
        [one["label"] for one in asked.examples],
        splits=[one.get("split", "") for one in asked.examples],
        groups=[one.get("group", "") for one in asked.examples],
        modality="text" if "text" in asked.examples[0] else None,
    )


def _content_of(example: Mapping[str, Any], place: int) -> str | bytes:
    """A text, or the bytes of a file.

    Raises:
        DataError: They are not in base64.
    """
    if "text" in example:
        return str(example["text"])
    try:
        return from_base64(example["base64"])
    except ItemError as error:
        raise DataError(f"examples[{place}]: {error.message}", error.hint) from None
