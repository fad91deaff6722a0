"""A fit once more, from what a bundle or a file says of it."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from graft import bundle
from graft.contracts import Progress, silent
from graft.data.provenance import inputs_of
from graft.encoders import encoder_for
from graft.encoders.hub.fetch import staying_here
from graft.errors import NotABundle, UsageError
from graft.job import FROM_MEMORY, Job, check_inputs
from graft.model.extending import extend
from graft.model.fitting import fit
from graft.model.inputs import CacheChoice, as_run
from graft.model.loading import load
from graft.model.model import Model
from graft.prediction.loading import refuse_index
from graft.reading.read import read
from graft.run import NEVER, Flag, Stopwatch
from graft.tasks import reading_of
from graft.tasks.examples import embed_dataset


def job_of(source: str | os.PathLike[str]) -> Job:
    """The job of a saved model, or the one in a JSON file.

    Raises:
        UsageError: There is none.
        BundleError: The model is damaged.
    """
    if not Path(source).is_dir():
        return Job.from_file(source)
    refuse_index(Path(source))
    found = bundle.read(Path(source), ("job.json",)).documents.get("job")
    if found is None:
        raise NotABundle(f"{source} does not say what it came from.", "An older Graft wrote it: fit it again.")
    return Job.from_dict(found)


def repeat(
    job: Job | str | os.PathLike[str],
    *,
    cache: CacheChoice = "default",
    progress: Progress = silent,
    cancelled: Flag = NEVER,
    clock: Stopwatch | None = None,
    allow_download: bool = False,
) -> Model:
    """Fit, extend or tune a model as it was done before: byte for byte, on the same versions and backend.

    A tuning that was given a time limit comes out different, as far as the time went.

    Args:
        job: What is to be repeated: a job, the path of a saved model, or of a file that holds its job.
        cache: Where embeddings are kept.
        progress: Told how far the work has come.
        cancelled: Ends the work once it is set, such as a ``threading.Event``.
        clock: Holds the seconds of steps that came before.
        allow_download: Whether the encoder may be fetched, or made of a model in a folder; for jobs that you trust.

    Raises:
        DataError: The data, the journal or the model that it starts from has changed since; says which.
        UsageError: There is no job, or its data were given in memory.
    """
    job = job if isinstance(job, Job) else job_of(job)
    reading, recipe, plan = job.reading, job.recipe, job.plan
    if reading.source is None:
        raise UsageError(f"The job cannot be repeated. {FROM_MEMORY}", "Fit a model to the data as they are given.")
    if plan.verb != "fit" and plan.model is None:
        raise UsageError("The job cannot be repeated. The model that it started from was not saved.", "Save it first.")
    run = as_run(cache, progress, cancelled, clock)
    with run.clock.timing("read"):
        model = None if plan.model is None else load(plan.model, allow_download=allow_download)
        watched: dict[str, Any] = {"progress": progress, "cancelled": cancelled}
        least = {"min_classes": 1} if model else reading_of(recipe)
        dataset = read(reading.source, **{**reading.options(), **least, **watched})
    told: dict[str, Any] = {"cache": run.cache, "progress": progress, "cancelled": cancelled}
    with staying_here("The job names", unless=allow_download):
        encoder = model.encoder if model else None
        if encoder is None:
            encoder = encoder_for(recipe.encoder, dataset.modality, recipe.backend, recipe.prompt, run.tell)
        usable, embedded = embed_dataset(encoder, dataset, run)
        check_inputs(plan.inputs, inputs_of(usable, embedded.digests, plan.journal, plan.model))
        if model is None:
            return fit(dataset, recipe, journal=plan.journal, clock=run.clock, **told)
        if plan.verb == "extend":
            as_old = {**replace(reading, test=None, remembered=None).options(), "min_classes": 1}
            old = None if plan.old is None else read(plan.old, **as_old)
            return extend(model, dataset, old=old, clock=run.clock, **told)
        from graft.tuning.plan import TrainingPlan
        from graft.tuning.tuning import tune

        method = TrainingPlan.from_dict(plan.method) if isinstance(plan.method, dict) else plan.method or "blocks"
        asked = {name: getattr(plan, name) for name in ("flips", "epochs", "time_limit", "force", "seed")}
        return tune(model, dataset, method=method, **asked, **told).model
