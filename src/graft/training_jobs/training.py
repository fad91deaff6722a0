"""A job's work: read, fit, tune if that was asked for, and leave all of it in the folder that is kept, or nothing."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from graft.contracts import Progress
from graft.encoders.cache import Cache
from graft.errors import GraftError, MissingExtra, OutputExists, UsageError, refused_as
from graft.files import beside_already, folder_beside, sync_folder, write_synced
from graft.model import Model, Stopwatch, fit
from graft.model.explaining import with_why
from graft.reading.read import read
from graft.receipts import RECEIPT, Prices, Receipt
from graft.results.facts import plain
from graft.run import NEVER, Flag, Run
from graft.tasks import reading_of
from graft.training_jobs.settings import JobSettings
from graft.training_jobs.tree import JobTree

MODEL = "model.graft"
PAGE = "report.html"
REPORT = "report.json"
TUNE = "tune"
"""Begins the names of the files from which a tuning goes on."""
_STAGE = "job"
TENTH = 10
"""A log is told of so many parts of a step, not of every batch."""


@dataclass(frozen=True, slots=True)
class TrainedJob:
    """What a job left.

    Attributes:
        folder: Holds ``model.graft``, ``report.html``, ``report.json`` and ``receipt.json``.
        model: What was fitted.
        receipt: What the work took.
        tuned: Why the tuned encoder was taken, or was not; ``""`` where no tuning was asked for.
    """

    folder: Path
    model: Model
    receipt: Receipt
    tuned: str = ""

    def to_dict(self, prices: Prices | None = None) -> dict[str, Any]:
        """What ``graft fit --json`` prints, with the receipt."""
        report = replace(self.model.report, model=MODEL, report=PAGE).to_dict()
        return report | {"receipt": self.receipt.to_dict(prices), "tuned": self.tuned or None}


def train(
    tree: JobTree,
    settings: JobSettings,
    *,
    prices: Prices | None = None,
    cancelled: Flag = NEVER,
    say: Callable[[str], None] = lambda text: None,
) -> TrainedJob:
    """Do a job.

    Args:
        tree: Where everything is.
        settings: What the job was told.
        prices: What the machine costs; the receipt says the sum then.
        cancelled: Ends the work once it is set.
        say: Told in a line how it goes.

    Raises:
        UsageError: Something was asked for that there is not; said before the work.
        OutputExists: There is a model already.
        DataError: The data cannot be used.
        Cancelled: ``cancelled`` was set; nothing was written but to the checkpoints.
        GraftError: The model cannot be written.
    """
    began = time.perf_counter()
    out = _output(tree)
    source, test = tree.data(settings.table)
    if settings.tune:
        _check_tuning(settings.tuning.get("method"))
    machine = tree.instance() or None
    if prices is not None:
        Receipt("train", 0.0, machine=machine).costs(prices)  # a price that is missing is said before the work
    cache = _cache(tree, say)
    try:
        n_items, model, tuned = _learned(tree, settings, (source, test), cache, cancelled, say)
    finally:
        if cache is not None:
            cache.close()  # into one file, which a platform can copy away at any time
    Run(cancelled=cancelled).check()
    receipt = Receipt.since(began, "train", rows=n_items, encoder=model.report.encoder, machine=machine)
    done = TrainedJob(out, model, receipt, tuned)
    _write(done, prices)
    if settings.tune and tree.checkpoints is not None:
        from graft.tuning.kept import forget

        forget(tree.checkpoints / TUNE)  # not before: whatever stops the work until here costs nothing
    return done


def _learned(
    tree: JobTree,
    settings: JobSettings,
    data: tuple[Path, Path | None],
    cache: Cache | None,
    cancelled: Flag,
    say: Callable[[str], None],
) -> tuple[int, Model, str]:
    """How many items there were, the model, and why the tuned encoder was taken or was not."""
    clock, progress = Stopwatch(), _told(say)
    with clock.timing("read"):
        dataset = read(data[0], test=data[1], **{**settings.reading, **reading_of(settings.recipe)})
    n, classes, skipped = len(dataset.items), len(dataset.classes), len(dataset.skipped)
    say(f"Read {n:,} items of {classes:,} classes; {skipped:,} were skipped")
    model = fit(dataset, settings.recipe, cache=cache, progress=progress, cancelled=cancelled, clock=clock)
    if cache is not None and cache.trouble:
        say(cache.trouble)
    tuned = ""
    if settings.tune:
        from graft.tuning.tuning import tune

        place = None if tree.checkpoints is None else tree.checkpoints / TUNE
        found = tune(
            model, dataset, cache=cache, checkpoint=place, progress=progress, cancelled=cancelled, **settings.tuning
        )
        model, tuned = found.model, found.reason
        say(tuned)
    return n, with_why(model, progress) if settings.why else model, tuned


def clear_half(tree: JobTree) -> None:
    """Remove what a job that was killed left unfinished."""
    for half in beside_already(tree.model / _STAGE, "new"):
        shutil.rmtree(half, ignore_errors=True)


def _output(tree: JobTree) -> Path:
    """The folder to write into, tried before the work.

    Raises:
        OutputExists: A model lies there.
        GraftError: It cannot be written to.
    """
    out = tree.model
    for name in (MODEL, PAGE, REPORT, RECEIPT):
        if (out / name).exists():
            raise OutputExists(f"{out / name} is already there; nothing was done.", "Give the job an empty folder.")
    with refused_as(GraftError, f"The model cannot be written to {out}", "Let the job write there."):
        out.mkdir(parents=True, exist_ok=True)
        clear_half(tree)
        with folder_beside(out / _STAGE):
            pass
    return out


def _check_tuning(method: str | None) -> None:
    from importlib.util import find_spec

    from graft.tuning.methods import METHODS

    if method is not None and method not in METHODS:
        raise UsageError(f"There is no method {method!r} of tuning.", f"Choose one of {', '.join(METHODS)}.")

    if missing := [name for name in ("torch", "kornia", "peft") if find_spec(name) is None]:
        raise MissingExtra(
            f"tune is set, and {', '.join(missing)} is not installed here; nothing was done.",
            "Use the image of graft export --to docker --gpu, or pip install 'graft-learn[tune]'.",
        )


def _cache(tree: JobTree, say: Callable[[str], None]) -> Cache | None:
    """The checkpoints: the embeddings of earlier starts."""
    folder = tree.checkpoints
    if folder is None:
        say("No checkpoint folder: a job that is stopped begins anew")
        return None
    cache = Cache(folder)
    kept = sum(cache.info().entries.values())
    if cache.trouble:
        say(f"{cache.trouble} The job begins from zero")
    elif kept:
        say(f"{folder} holds what an earlier start embedded ({kept:,} entries): the job goes on from there")
    else:
        say(f"{folder} holds no embeddings: the job begins from zero")
    return cache


def _told(say: Callable[[str], None]) -> Progress:
    """Progress as lines of a log: a few for each step."""
    last: dict[str, int] = {}

    def tell(step: str, done: int, total: int) -> None:
        part = done * TENTH // total if total else 0
        if part > last.get(step, -1):
            last[step] = part
            say(f"{step} {done:,} of {total:,}")

    return tell


def _write(done: TrainedJob, prices: Prices | None) -> None:
    """All files under a temporary name, then the model last: who finds it finds the others.

    Raises:
        GraftError: They cannot be written; nothing is left of them.
    """
    out = done.folder
    named = [PAGE, REPORT, RECEIPT, MODEL]
    moved: list[Path] = []
    try:
        with folder_beside(out / _STAGE) as stage:
            saved = done.model.save(stage / MODEL)
            write_synced(stage / PAGE, replace(saved.report, model=MODEL, report=PAGE).to_html().encode())
            write_synced(stage / REPORT, _json(done.to_dict(prices)))
            write_synced(stage / RECEIPT, _json(done.receipt.to_dict(prices)))
            for name in named:
                (stage / name).rename(out / name)
                moved.append(out / name)
            sync_folder(out)
    except BaseException as error:
        for place in moved:
            with suppress(OSError):
                shutil.rmtree(place) if place.is_dir() else place.unlink()
        if isinstance(error, OSError):
            raise GraftError(
                f"The model cannot be written to {out}: {error.strerror or error}.", "Check the disk's free space."
            ) from None
        raise


def _json(value: Any) -> bytes:
    return (json.dumps(plain(value), ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode()
