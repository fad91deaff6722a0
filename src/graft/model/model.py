"""The fitted model: what it answers, how it is scored, saved and loaded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from graft import bundle
from graft.contracts import Array, Encoder, Float32, Progress, silent
from graft.data.dataset import Dataset, Item
from graft.data.guard import Inputs
from graft.data.lists import as_iterable, readable
from graft.data.texts import texts_of
from graft.duplicates.likeness import clusters_of
from graft.encoders import tuned_weights
from graft.encoders.embed import Chunk, chunks_of, embed
from graft.errors import BundleError, DataError, GraftError
from graft.evaluation import AskedItems
from graft.explanation import Explanation, explain
from graft.heads.protocols import Answering
from graft.job import Job
from graft.model.inputs import CacheChoice, Source, as_run
from graft.model.training import Training
from graft.prediction.made_with import made_with
from graft.prediction.predictor import Predictor
from graft.reading.read import read
from graft.recipe import Recipe
from graft.report import Evaluation, Report
from graft.results.prediction import Prediction
from graft.results.scores import Scores
from graft.run import NEVER, Flag
from graft.tasks import AnyTask, HeldOut, named
from graft.tasks.examples import check_modality, nothing_readable
from graft.tensors import Tensors

SEEN = "The model was fitted to these very items, so the score flatters: believe the {} in its report."
MAYBE_SEEN = "Models are fitted to the train split: if this one was, the score flatters."


@dataclass(frozen=True)
class Model:
    """A fitted model: an encoder shared with others, and a classifier of its own.

    Attributes:
        classes: The labels, sorted; columns of every array of probabilities.
        encoder: Turns items into embeddings.
        classifier: Turns embeddings into probabilities, prediction sets and unknown scores: the head of its task.
        recipe: What the fit was told.
        report: What it found.
        training: Which items it was fitted to, by content hash; ``None`` where nothing is known of them.
        held_out: What was said of every item by heads that had not seen it; ``None`` once it was loaded: it is not
            saved.
        job: What it came from, and can be made from again; ``None`` where nothing is known of that.
    """

    classes: tuple[str, ...]
    encoder: Encoder | None
    classifier: Answering
    recipe: Recipe
    report: Report
    training: Training | None = None
    held_out: HeldOut | None = field(default=None, repr=False, compare=False)
    job: Job | None = field(default=None, repr=False, compare=False)

    def __repr__(self) -> str:
        return f"Model({self.report.name!r}, {self.report.summary})"

    @property
    def task(self) -> AnyTask:
        """What is asked of items."""
        return named(self.classifier.task if self.recipe.task == "auto" else self.recipe.task)

    @property
    def reading(self) -> Mapping[str, Any]:
        """How ``graft.read`` reads labelled data for it: of its kind and task, by the columns its own were read by."""
        known = {"min_classes": 1, "modality": self.report.modality, "remembered": self.report.columns}
        return {**self.task.reading, **known}

    def predict(self, items: Iterable[Any], *, cache: CacheChoice = "default") -> list[Prediction]:
        """Answer every input; one that cannot be read has an ``error`` instead of a label.

        Args:
            items: A list, an array, a data set or the column of a data frame: paths or the bytes of files; PIL images
                or arrays ``(h, w, 3)`` for pictures; texts (``str``) for texts; ``(samples, rate)`` for recordings. To
                a text model a ``str`` is a text, to any other a path.
            cache: Where embeddings are looked up and kept.

        Raises:
            UsageError: It is one input, and no list of them.
        """
        return list(self.stream(self._items(items), cache=cache))

    def predict_one(self, item: Any, *, cache: CacheChoice = "default") -> Prediction:
        """Answer one input.

        Raises:
            ItemError: It cannot be read.
        """
        (prediction,) = self.predict([item], cache=cache)
        if prediction.error is not None:
            raise prediction.error
        return prediction

    def why(self, item: Any, label: str = "") -> Explanation:
        """What of one input speaks for an answer: the input is answered again without each of its parts.

        Squares of a picture are covered, words of a text left out, moments of a recording silenced.

        Args:
            item: One input, as ``predict`` takes them.
            label: The class to explain; by default the most probable one.

        Raises:
            ItemError: It cannot be read.
            UsageError: The model knows no such class.
        """
        (found,) = self._items([item])
        return explain(self.classes, self.classifier, self._own_encoder(), found.read(), label)

    def predict_proba(self, items: Iterable[Any], *, cache: CacheChoice = "default") -> Array:
        """Calibrated probabilities ``(n, k) float32``, columns as ``classes``.

        Raises:
            ItemError: An input cannot be read.
            UsageError: It is one input, and no list of them.
        """
        found = [np.empty((0, len(self.classes)), np.float32)]
        for chunk in self.chunks(self._items(items), cache=cache):
            for _, error in sorted(chunk.embedded.skipped.items()):
                raise error
            found.append(self._ask(chunk.embedded.x, chunk.readable).p)
        return np.concatenate(found)

    def stream(self, items: Iterable[Item], *, cache: CacheChoice = "default") -> Iterator[Prediction]:
        """Answer any number of inputs in their order, in bounded memory."""
        for chunk in self.chunks(items, cache=cache):
            yield from self.answers(chunk)

    def chunks(self, items: Iterable[Item], *, cache: CacheChoice = "default") -> Iterator[Chunk]:
        """Embed any number of inputs, chunk by chunk, for ``answers``."""
        return chunks_of(self._own_encoder(), items, as_run(cache, silent))

    def answers(self, chunk: Chunk) -> Iterator[Prediction]:
        """Answer items that are embedded already, in their order."""
        answers = self.classifier.predictions(self.classes, self._ask(chunk.embedded.x, chunk.readable))
        placed = dict(zip(chunk.embedded.rows.tolist(), answers, strict=True))
        for row, item in enumerate(chunk.items):
            if row in placed:
                yield replace(placed[row], input=item.name)
            else:
                yield self.task.prediction(item.name, error=chunk.embedded.skipped[row])

    def evaluate(
        self,
        data: Source,
        *,
        split: str = "auto",
        cache: CacheChoice = "default",
        progress: Progress = silent,
        cancelled: Flag = NEVER,
    ) -> Evaluation:
        """Score the model on labelled data.

        Args:
            data: A data set, or a path to one.
            split: ``"test"``, ``"train"``, ``"val"``, ``"all"``, or ``"auto"``: the test part if any, else all.
            cache: Where embeddings are kept.
            progress: Told how far the work has come.
            cancelled: Ends the work once it is set, such as a ``threading.Event``.

        Raises:
            DataError: There is no such part, nothing in it can be read, or the model knows none of its labels.
        """
        task, encoder = self.task, self._own_encoder()
        whole = read(data, progress=progress, cancelled=cancelled, **self.reading)
        check_modality(whole, encoder)
        dataset, part = _part(whole, split)
        task.check_known(dataset, self.classes)
        dataset = task.prepared(dataset)
        run = as_run(cache, progress, cancelled)
        embedded = embed(encoder, dataset.items, run)
        known = dataset.select(embedded.rows)
        if not len(known):
            raise nothing_readable(embedded.skipped_items(dataset.items), dataset.modality)
        skipped = (*dataset.skipped, *embedded.skipped_items(dataset.items))
        clusters = clusters_of(known, embedded, self.classifier.stages, run).clusters
        answered = AskedItems.by(self.classifier, self.classes, embedded.x, known)
        found = task.score(answered, clusters, part)
        seen = known.fingerprint(embedded.digests) == self.report.fingerprint
        doubts = [SEEN.format(self.report.measure)] if seen else [MAYBE_SEEN] if part == "train split" else []
        found = replace(found, skipped=skipped, warnings=(*known.warnings, *found.warnings, *doubts))
        figures = task.shown(found, self.report, answered)
        evaluation: Evaluation = task.evaluation(**vars(found), report=_evaluated(self.report, found, figures, known))
        return evaluation

    def save(self, folder: str | Path, *, overwrite: bool = False, page: str | Path | None = None) -> Model:
        """Write the bundle, and the report as an HTML ``page`` where one is wanted; the model that knows its place.

        Raises:
            OutputExists: There is something at ``folder`` already, and ``overwrite`` is false.
            OutputIsInput: What was read for the model lies there.
            BundleError: The disk refuses, or the model was fitted to a matrix and has no encoder.
        """
        self.report.inputs.check(folder, "model")
        if page:
            self.report.inputs.check(page)
        report = replace(self.report, model=str(folder), report=str(page) if page else None)
        encoder, training = self.encoder, self.training
        if encoder is None or training is None:
            raise BundleError(
                "This model was fitted to a matrix of embeddings, and a bundle holds a model of items.",
                "Fit it to the items themselves, or keep its classifier.arrays().",
            )
        tuned = tuned_weights(encoder)
        head = Predictor(self.classes, encoder.modality, made_with(encoder, self.recipe.prompt), self.classifier)
        tensors = {"head": head.tensors(), "record": training.tensors()}
        if tuned:
            tensors["encoder"] = Tensors(dict(tuned), {})
        bundle.write(
            Path(folder),
            manifest={"recipe": self.recipe.to_dict()},
            tensors=tensors,
            documents={
                "report": _timeless(report).to_dict(),
                **({"job": self.job.to_dict()} if self.job else {}),
            },
            overwrite=overwrite,
        )
        if page:
            try:
                report.to_html(page, overwrite=overwrite)
            except GraftError as error:
                error.message += f" The model was saved as {folder}."
                raise
        return replace(self, report=report)

    def _items(self, given: Any) -> Iterator[Item]:
        """The inputs as items; one of a type that cannot be read is answered as a bad file is."""
        modality = self.report.modality
        values = as_iterable(given, modality, "give a list of one, or ask predict_one(item)")
        return (readable(value, position, modality) for position, value in enumerate(values))

    def _own_encoder(self) -> Encoder:
        if self.encoder is None:
            raise DataError("This model was fitted to a matrix of embeddings.", "Give it embeddings of the same kind.")
        return self.encoder

    def _ask(self, x: Float32, items: Sequence[Item]) -> Any:
        """What the classifier says of embedded items; it reads their texts where it looks at words."""
        return self.classifier.answer(x, texts_of(items) if self.classifier.words else None)


def _timeless(report: Report) -> Report:
    """What a bundle keeps of a report: the same data, seed and recipe give the same bytes, wherever and whenever.

    The times of a tuning stay: they are part of what it says.
    """
    return replace(report, model=None, report=None, seconds={}, cache={})


def _evaluated(fitted: Report, found: Scores, figures: Any, dataset: Dataset) -> Report:
    """The report of an evaluation; what only a fit can tell is left out.

    Args:
        fitted: Of the model's fit.
        found: The scores.
        figures: The same as a report shows them.
        dataset: What was scored.
    """
    return replace(
        fitted,
        name=dataset.name,
        n_items=len(dataset),
        n_train=0,
        n_test=len(dataset),
        n_skipped=len(found.skipped),
        skipped=found.skipped,
        seconds={},
        cache={},
        warnings=found.warnings,
        report=None,
        journal=None,
        tuning=None,
        items={item.name: item for item in dataset.items},
        inputs=Inputs.of(fitted.inputs, dataset),
        **vars(figures),
    )


def _part(dataset: Dataset, split: str) -> tuple[Dataset, str]:
    """The items of a split; ``"auto"`` is the test part where there is one."""
    if split == "auto":
        split = "test" if "test" in dataset.splits else "all"
    if split == "all":
        return dataset, "all items"
    rows = [row for row, own in enumerate(dataset.splits) if own == split]
    if not rows:
        present = sorted({own for own in dataset.splits if own}) or ["none"]
        raise DataError(
            f"There is no {split} part: the data have {', '.join(present)}.",
            "Choose another, or all; val without test is the test part.",
        )
    return dataset.select(rows), f"{split} split"
