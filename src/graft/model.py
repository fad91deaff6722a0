"""From a data set to a model, and from a model to predictions."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from graft import bundle
from graft.contracts import Array, Encoder, Float32, Int, Progress, silent
from graft.data.dataset import Dataset, Item, Skipped, as_item
from graft.data.read import read
from graft.data.split import choose_folds, merge, near_duplicates, stratified_group_folds
from graft.encoders import encoder_for, find
from graft.encoders.cache import Cache
from graft.encoders.embed import Embedded, embed, stream
from graft.errors import BundleError, DataError, EncoderError, EncoderMismatch, NothingToRead, TooFewClasses
from graft.evaluation import judge, score_held_out, warn_of_the_data
from graft.evaluation.held_out import check_shared_labels
from graft.executors import one_thread_each
from graft.heads.classifier import Classifier, fit_classifier
from graft.heads.features import GIVEN, transform, width
from graft.heads.selection import check_head
from graft.prediction import Evaluation, Prediction
from graft.recipe import Recipe
from graft.report import Report
from graft.report.content import HeadChoice, Interval
from graft.version import __version__

Source = Dataset | str | Path
CacheChoice = Cache | Literal["default"] | None

SEEN = "The model was fitted to these very items, so the score flatters: believe the accuracy in its report."
MAYBE_SEEN = "Models are fitted to the train split: if this one was, the score flatters."


@dataclass(frozen=True)
class Model:
    """A fitted model: an encoder shared with others, and a classifier of its own.

    Attributes:
        classes: The labels, sorted; columns of every array of probabilities.
        encoder: Turns items into embeddings.
        classifier: Turns embeddings into probabilities, prediction sets and unknown scores.
        recipe: What the fit was told.
        report: What it found.
    """

    classes: tuple[str, ...]
    encoder: Encoder | None
    classifier: Classifier
    recipe: Recipe
    report: Report

    def predict(self, items: Iterable[Any]) -> list[Prediction]:
        """Answer every input; one that cannot be read has an ``error`` instead of a label.

        Args:
            items: Paths, the bytes of files, PIL images, or arrays ``(h, w, 3)``.
        """
        return list(self.stream(as_item(value, position) for position, value in enumerate(items)))

    def predict_one(self, item: Any) -> Prediction:
        """Answer one input.

        Raises:
            ItemError: It cannot be read.
        """
        (prediction,) = self.predict([item])
        if prediction.error is not None:
            raise prediction.error
        return prediction

    def predict_proba(self, items: Iterable[Any]) -> Array:
        """Calibrated probabilities ``(n, k) float32``, columns as ``classes``.

        Raises:
            ItemError: An input cannot be read.
        """
        return self.classifier.probabilities(embed_items(self, items))

    def stream(self, items: Iterable[Item]) -> Iterator[Prediction]:
        """Answer any number of inputs in their order, in bounded memory."""
        waiting: list[Item] = []

        def noted() -> Iterator[Item]:
            for item in items:
                waiting.append(item)
                yield item

        offset = 0
        for part in stream(self._own_encoder(), noted()):
            answers = dict(zip(part.rows.tolist(), self._answer(part), strict=True))
            rows = sorted([*answers, *part.skipped])
            for row in rows:
                name = waiting[row - offset].name
                yield replace(answers[row], input=name) if row in answers else Prediction(name, error=part.skipped[row])
            del waiting[: len(rows)]
            offset += len(rows)

    def evaluate(
        self, data: Source, *, split: str = "auto", cache: CacheChoice = "default", progress: Progress = silent
    ) -> Evaluation:
        """Score the model on labelled data.

        Args:
            data: A data set, or a path to one.
            split: ``"test"``, ``"train"``, ``"val"``, ``"all"``, or ``"auto"``: the test part if any, else all.
            cache: Where embeddings are kept.
            progress: Told how far the work has come.

        Raises:
            DataError: There is no such part, nothing in it can be read, or the model knows none of its labels.
        """
        whole = _dataset(data, min_classes=1)
        dataset, part = _part(whole, split)
        check_shared_labels("The data", dataset.labels, "the model", self.classes)
        embedded = embed(self._own_encoder(), dataset.items, _cache(cache), progress)
        known = dataset.select(embedded.rows)
        if not len(known):
            raise _nothing_readable(embedded.skipped_items(dataset.items))
        skipped = (*dataset.skipped, *embedded.skipped_items(dataset.items))
        clusters = near_duplicates(embedded.digests, transform(embedded.x, self.classifier.stages, "last"))
        found = score_held_out(self.classifier, self.classes, embedded.x, known.labels, clusters, part)
        seen = known.fingerprint(embedded.digests) == self.report.fingerprint
        doubts = [SEEN] if seen else [MAYBE_SEEN] if part == "train split" else []
        return replace(found, skipped=skipped, warnings=(*known.warnings, *found.warnings, *doubts))

    def save(self, folder: str | Path, *, overwrite: bool = False, page: str | Path | None = None) -> Model:
        """Write the bundle, and the report as an HTML ``page`` where one is wanted; the model that knows its place.

        Raises:
            OutputExists: There is something at ``folder`` already, and ``overwrite`` is false.
            BundleError: The disk refuses, or the model was fitted to a matrix and has no encoder.
        """
        report = replace(self.report, model=str(folder), report=str(page) if page else None)
        encoder = self.encoder
        if encoder is None:
            raise BundleError(
                "This model was fitted to a matrix of embeddings, and a bundle holds a model of items.",
                "Fit it to the items themselves, or keep its classifier.arrays().",
            )
        bundle.write(
            Path(folder),
            manifest={
                "classes": list(self.classes),
                "encoder": {"name": encoder.name, "version": encoder.version, "backend": encoder.backend},
                "recipe": self.recipe.to_dict(),
                "classifier": self.classifier.settings(),
            },
            arrays=self.classifier.arrays(),
            documents={"report": _timeless(report).to_dict()},
            overwrite=overwrite,
        )
        if page:
            report.to_html(page, overwrite=overwrite)
        return replace(self, report=report)

    def _own_encoder(self) -> Encoder:
        if self.encoder is None:
            raise DataError("This model was fitted to a matrix of embeddings.", "Give it embeddings of the same kind.")
        return self.encoder

    def _answer(self, part: Embedded) -> list[Prediction]:
        answer = self.classifier.answer(part.x)
        return [
            Prediction(
                input="",
                label=self.classes[int(p.argmax())],
                confidence=float(p.max()),
                unknown=bool(score > self.classifier.unknown.threshold),
                unknown_score=float(score),
                scores=dict(zip(self.classes, map(float, p), strict=True)),
                set=tuple(label for label, inside in zip(self.classes, members, strict=True) if inside),
            )
            for p, members, score in zip(answer.p, answer.sets, answer.unknown_score, strict=True)
        ]


def fit(
    data: Source,
    recipe: Recipe | None = None,
    *,
    cache: CacheChoice = "default",
    progress: Progress = silent,
    watch: Stopwatch | None = None,
) -> Model:
    """Fit a model and judge it.

    Args:
        data: A data set, or a path to one.
        recipe: How to fit; the default is right for most.
        cache: Where embeddings are kept: ``"default"``, a ``Cache``, or ``None`` for nowhere.
        progress: Told how far the work has come.
        watch: Holds the seconds of steps that came before, such as reading.

    Raises:
        TooFewClasses: Fewer than two classes have an item that can be read.
        NothingToRead: No item can be read.
        DataError: The test split shares no label with what is to be trained on.
        UsageError: The recipe asks for something that is not there.
    """
    recipe = recipe or Recipe()
    check_head(recipe.head)  # before the work, not after it
    watch = watch or Stopwatch()
    with watch.timing("read"):
        dataset = _dataset(data)
    _check_test_labels(dataset)
    encoder = encoder_for(recipe.encoder, dataset.modality, recipe.backend)
    with watch.timing("embed"):
        store = _cache(cache)
        embedded = embed(encoder, dataset.items, store, progress)
    usable = replace(
        dataset.select(embedded.rows),
        skipped=(*dataset.skipped, *embedded.skipped_items(dataset.items)),
        warnings=(*dataset.warnings, *([store.trouble] if store and store.trouble else [])),
    )
    return _fit_embedded(usable, embedded, encoder, encoder.stages, recipe, watch, progress)


def fit_embeddings(
    x: Float32, labels: Sequence[str], recipe: Recipe | None = None, *, groups: Sequence[Any] | None = None
) -> Model:
    """Fit a head to a matrix that was computed elsewhere, its columns taken as they are.

    Args:
        x: ``(n, d) float32``; rows of length about 1 suit the heads' strengths.
        labels: One for each row.
        recipe: How to fit; its encoder does not matter.
        groups: Rows of one group never straddle a split.

    Raises:
        TooFewClasses: There are fewer than two labels.
    """
    x = np.ascontiguousarray(x, np.float32)
    rows = [_Row(f"row {row}", values.tobytes()) for row, values in enumerate(x)]
    dataset = Dataset(tuple(rows), tuple(labels), groups=tuple(map(str, groups)) if groups is not None else ())
    digests = tuple(hashlib.sha256(row.content).hexdigest() for row in rows)
    embedded = Embedded(x, np.arange(len(x)), digests, {}, {}, 0, len(x))
    return _fit_embedded(dataset, embedded, None, GIVEN, recipe or Recipe(), Stopwatch(), silent)


def load(folder: str | Path, *, backend: str = "auto") -> Model:
    """Load a bundle.

    Raises:
        NotABundle: There is none.
        DamagedBundle: It was cut short or tampered with.
        NewerBundle: It was written by a newer Graft.
        EncoderError: This Graft does not have its encoder.
        EncoderMismatch: It was made with another version of its encoder.
    """
    content = bundle.read(Path(folder))
    manifest = content.manifest
    try:
        made_with = manifest["encoder"]
        if find(made_with["name"]) is None:
            raise EncoderError(
                f"{folder} was made with the encoder {made_with['name']!r}, which this Graft does not have.",
                "Fit it again, or install the Graft that made it.",
            )
        recipe = Recipe.from_dict(manifest["recipe"])
        encoder = encoder_for(made_with["name"], backend=backend)
        if encoder.version != made_with["version"]:
            raise EncoderMismatch(
                f"{folder} was made with version {made_with['version']} of {encoder.name}, and this Graft has "
                f"{encoder.version}.",
                "Fit it again, or install the Graft that made it.",
            )
        classifier = Classifier.restore(manifest["classifier"], content.arrays)
        _check_shapes(classifier, encoder, len(manifest["classes"]))
        report = Report.from_dict(content.documents["report"])
        return Model(tuple(manifest["classes"]), encoder, classifier, recipe, replace(report, model=str(folder)))
    except (KeyError, TypeError, ValueError) as error:
        raise BundleError(f"{folder} does not hold what a model needs: {error!r}.", "Fit it again.") from None


def embed_items(model: Model, items: Iterable[Any]) -> Float32:
    """Embeddings ``(n, d) float32`` of inputs of any kind, through the cache.

    Raises:
        ItemError: An input cannot be read.
    """
    wrapped = [as_item(value, position) for position, value in enumerate(items)]
    embedded = embed(model._own_encoder(), wrapped, _cache("default"))
    for _, error in sorted(embedded.skipped.items()):
        raise error
    return embedded.x


def _fit_embedded(
    dataset: Dataset,
    embedded: Embedded,
    encoder: Encoder | None,
    stages: tuple[int, ...],
    recipe: Recipe,
    watch: Stopwatch,
    progress: Progress,
) -> Model:
    """Split, fit and judge; ``dataset`` has the rows of ``embedded``."""
    held_out = np.array([split == "test" for split in dataset.splits], np.bool_)
    train, test = np.flatnonzero(~held_out), np.flatnonzero(held_out)
    classes = _classes(dataset, train)
    y = np.array([classes.index(dataset.labels[row]) for row in train], np.int64)
    x = embedded.x[train]
    with watch.timing("fit"), one_thread_each():
        progress("fit", 0, 1)
        clusters = _clusters(embedded, stages)
        units = merge(clusters, dataset.groups)  # what must stand on one side of every split
        n_folds, repeats = choose_folds(y, units[train])
        folds = stratified_group_folds(y, units[train], n_folds, recipe.seed, repeats) if n_folds else []
        classifier, out_of_fold = fit_classifier(x, y, len(classes), stages, folds, recipe)
        progress("fit", 1, 1)
    with watch.timing("evaluate"), one_thread_each():
        items = [dataset.items[row] for row in train]
        judgement = judge(
            classifier,
            out_of_fold,
            x,
            y,
            folds,
            units[train],
            classes,
            items,
            recipe.unknown_rate,
            recipe.seed,
            progress,
        )
        score = _final_score(classifier, classes, dataset, embedded.x, test, clusters)
    chosen = out_of_fold.choice.chosen
    report = Report(
        encoder=encoder.name if encoder else "given embeddings",
        modality=dataset.modality,
        backend=encoder.backend if encoder else "none",
        classes=classes,
        n_items=len(dataset),
        n_train=len(train),
        n_test=len(test),
        n_skipped=len(dataset.skipped),
        skipped=dataset.skipped,
        accuracy=judgement.accuracy,
        test=score,
        macro_f1=judgement.macro_f1,
        baselines=judgement.baselines,
        per_class=judgement.per_class,
        confusion=judgement.confusion,
        judged_on=judgement.judged_on,
        calibration=judgement.calibration,
        overfit_gap=judgement.overfit_gap,
        learning_curve=judgement.growth.curve,
        forecast=judgement.growth.forecast,
        sets=judgement.sets,
        unknown=judgement.unknown,
        hardest=judgement.hardest,
        mistakes=judgement.mistakes,
        head=HeadChoice(chosen.head, chosen.features, chosen.strength, out_of_fold.choice.why),
        seconds=watch.seconds(),
        cache={"hits": embedded.hits, "misses": embedded.misses},
        warnings=(*dataset.warnings, *warn_of_the_data(dataset, embedded.digests, clusters, train, y, classes)),
        recipe=recipe.to_dict(),
        fingerprint=dataset.fingerprint(embedded.digests),
        name=dataset.name,
        version=__version__,
        items={item.name: item for item in dataset.items},
    )
    return Model(classes, encoder, classifier, recipe, report)


def _classes(dataset: Dataset, train: Int) -> tuple[str, ...]:
    """The labels of the training part, sorted."""
    if not len(dataset):
        raise _nothing_readable(dataset.skipped)
    if not len(train):
        raise TooFewClasses(
            f"All {len(dataset)} items that can be read stand in the test split; there is nothing to train on.",
            "Mark items to train on, or give the data without a split.",
        )
    classes = tuple(sorted({dataset.labels[row] for row in train}))
    if len(classes) < 2:
        raise TooFewClasses(
            f"There is only one class with items to train on, {classes[0]!r}.",
            "A classifier needs at least two: add a folder (or rows) with another label.",
        )
    return classes


def _check_test_labels(dataset: Dataset) -> None:
    learned = [label for label, split in zip(dataset.labels, dataset.splits, strict=True) if split != "test"]
    tested = [label for label, split in zip(dataset.labels, dataset.splits, strict=True) if split == "test"]
    if learned:
        check_shared_labels("The test data", tested, "the training data", learned)


def _nothing_readable(skipped: Sequence[Skipped]) -> NothingToRead:
    first = f"; the first, {skipped[0].path}: {skipped[0].reason.rstrip('.')}" if skipped else ""
    return NothingToRead(
        f"None of the {len(skipped)} items can be read{first}.", "Check that the files open in a picture viewer."
    )


def _clusters(embedded: Embedded, stages: tuple[int, ...]) -> Int:
    """Which rows are the same item or nearly so ``(n,) int64``; in a given matrix, of equal content only."""
    if stages == GIVEN:
        return merge(np.arange(len(embedded.x)), embedded.digests)
    return near_duplicates(embedded.digests, transform(embedded.x, stages, "last"))


def _timeless(report: Report) -> Report:
    """What a bundle keeps of a report: the same data, seed and recipe give the same bytes, wherever and whenever."""
    return replace(report, model=None, report=None, seconds={}, cache={})


def _check_shapes(classifier: Classifier, encoder: Encoder, k: int) -> None:
    d = width(classifier.stages, classifier.features)
    if classifier.stages != encoder.stages or classifier.linear.weights.shape != (d, k):
        raise ValueError(
            f"a head of shape {classifier.linear.weights.shape} for {k} classes on stages of {classifier.stages}"
        )
    if classifier.unknown.prototypes.shape[1] != d or len(classifier.sets.counts) != k:
        raise ValueError(f"prototypes of shape {classifier.unknown.prototypes.shape}, sets for {k} classes")


def _final_score(
    classifier: Classifier, classes: Sequence[str], dataset: Dataset, x: Float32, test: Int, clusters: Int
) -> Interval | None:
    if not len(test):
        return None
    labels = [dataset.labels[row] for row in test]
    score = score_held_out(classifier, classes, x[test], labels, clusters[test], split="test").accuracy
    return replace(score, method="the given test split, used once; Wilson interval")


def _dataset(data: Source, min_classes: int = 2) -> Dataset:
    return read(data, min_classes=min_classes)


def _cache(choice: CacheChoice) -> Cache | None:
    return Cache() if choice == "default" else choice


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


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of a matrix that was given instead of items."""

    name: str
    content: bytes

    def read(self) -> bytes:
        return self.content


class Stopwatch:
    """Seconds of each step of a fit."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._seconds: dict[str, float] = dict.fromkeys(("read", "embed", "fit", "evaluate"), 0.0)

    @contextmanager
    def timing(self, step: str) -> Iterator[None]:
        """Add the time of the block to ``step``."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self._seconds[step] += time.perf_counter() - start

    def seconds(self) -> dict[str, float]:
        """Seconds of each step and in all, to the millisecond."""
        total = time.perf_counter() - self._start
        return {step: round(value, 3) for step, value in (*self._seconds.items(), ("total", total))}
