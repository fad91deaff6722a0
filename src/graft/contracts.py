"""The whole extension surface on one page: what an encoder, a head and a task must offer.

The built-in ones use the same door. An encoder joins ``graft.encoders.ENCODERS``, a head ``graft.learning.HEADS``, a
task ``graft.tasks.TASKS``; the checks in ``tests/contracts.py`` then run over it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from graft.recipe import Recipe

T = TypeVar("T")
R = TypeVar("R")
Array = NDArray[Any]
Float16 = NDArray[np.float16]
Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Int = NDArray[np.int64]
Bool = NDArray[np.bool_]
NEVER = float(np.finfo(np.float32).max)
"""A threshold that nothing passes."""
Box = tuple[float, float, float, float]
"""Part of a picture: left, top, right and bottom as shares of its width and height, 0 to 1."""
Stages = tuple[tuple[int, ...], ...]
"""For each network (nearly always one) the widths of its pooled stages, in order; the last is its own output."""
MODALITIES = ("image", "audio", "text")
"""What Graft can read; of two that are met equally often, the earlier counts."""
SEPARATOR = "|"
"""Stands between the labels of an item in a table, and in ``Dataset.labels``."""


class Progress(Protocol):
    """Told how far a long step has come; the command line draws a bar from it."""

    def __call__(self, step: str, done: int, total: int) -> None:
        """``done`` of ``total`` units of ``step`` (``"embed"``, ``"fit"``, ...) are finished; 0 in all: not known."""


def silent(step: str, done: int, total: int) -> None:
    """The progress that nobody watches."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """One item, decoded: what an encoder takes.

    Attributes:
        value: The encoder's input for this item, e.g. ``(224, 224, 3) uint8``, or the token ids of a text.
        statistics: What was measured on the way (pictures: ``brightness`` 0 to 1, ``sharpness`` >= 0, ``width`` and
            ``height`` in pixels, ...; ``graft.decoding.measures`` has all).
        views: Of a picture, for each network the part of the upright picture that it sees.
    """

    value: Any
    statistics: Mapping[str, float]
    views: tuple[Box, ...] = ()


@dataclass(frozen=True, slots=True)
class ItemLimits:
    """How large an item may be that is decoded. A server that answers anybody lowers them.

    Attributes:
        bytes: Of its file, or of a text in UTF-8.
        pixels: Of a picture, as its header says; formats whose decoders take more memory have lower limits of their
            own.
        side: The longest side of a picture in pixels, at most JPEG's own limit: a picture of one column costs a decoder
            memory by the row.
        seconds: Of a recording. Of one of more than two minutes, pieces are read.
        characters: Of a text. Of a very long one, pieces are read.
    """

    bytes: int = 512 * 1024 * 1024
    pixels: int = 100_000_000
    side: int = 65_535
    seconds: float = float("inf")
    characters: int = 512 * 1024 * 1024


LIMITS = ItemLimits()
"""The usual ones."""
MEGABYTE = 1 << 20
SERVED = ItemLimits(bytes=32 * MEGABYTE, pixels=25_000_000, side=32_767, seconds=600.0, characters=200_000)
"""Those of a page, a Space and a server: the same on every road, so that they can be said once."""


class Encoder(Protocol):
    """A frozen pretrained network that turns prepared items into embeddings."""

    @property
    def name(self) -> str:
        """The name that stands in reports and bundles, e.g. ``"efficientnet-lite0"``."""

    @property
    def modality(self) -> str:
        """``"image"``, ``"text"`` or ``"audio"``."""

    @property
    def version(self) -> str:
        """Hash of weights and preprocessing: a head fitted on one version is of no use on another."""

    @property
    def fingerprint(self) -> str:
        """The cache's key: changes whenever an embedding might, in any digit, or what is measured.

        ``version``, backend, precision, and ``graft.decoding.measures.MEASURES``.
        """

    @property
    def backend(self) -> str:
        """What runs the network here, and in which precision, e.g. ``"openvino bf16"``."""

    @property
    def stages(self) -> Stages:
        """Widths of the pooled stages; they sum to ``dim``."""

    @property
    def dim(self) -> int:
        """Length of an embedding."""

    @property
    def batch_size(self) -> int:
        """How many items are best encoded at once."""

    @property
    def statistics(self) -> tuple[str, ...]:
        """Names of the numbers that ``prepare`` measures on every item."""

    def prepare(self, content: bytes, limits: ItemLimits = LIMITS) -> Prepared:
        """Decode one item. Thread-safe.

        Args:
            content: A file's bytes, or a text in UTF-8.
            limits: How large it may be; judged before it is decoded, as far as its header tells.

        Raises:
            ItemError: The item is empty, broken, of another kind, or too large.
        """

    def embed(self, batch: Sequence[Any]) -> Float32:
        """Embed the values of ``n`` prepared items into ``(n, dim) float32``.

        Thread-safe; what stands beside an item in the batch changes rounding only. Items of different length are sorted
        and divided in here.
        """

    def warm(self) -> None:
        """Make ready what the first batch would have to wait for.

        Raises:
            EncoderError: The encoder cannot be had.
        """


class Store(Protocol):
    """Keeps embeddings from one run to the next; ``graft.encoders.cache.Cache`` is the one on disk.

    An entry has a ``vector`` ``(d,) float32`` and ``statistics``, what was measured when the item was decoded.
    """

    @property
    def trouble(self) -> str | None:
        """What is to be said of it, such as why it is not used."""

    def get(self, keys: Sequence[bytes], dim: int | None = None) -> Mapping[bytes, Any]:
        """The entries that are there, of these keys; ``dim`` is the length of a vector."""

    def put(self, encoder: str, entries: Mapping[bytes, Any]) -> None:
        """Keep these entries of an encoder."""


_BLOCK = 8192
"""Rows that are copied at a time."""


@dataclass(frozen=True, slots=True)
class Linear:
    """What every head comes to: ``scores = x @ weights + bias``.

    Attributes:
        weights: ``(d, k) float32``, or float16 as bundles keep them.
        bias: ``(k,) float32``.
    """

    weights: Float32 | Float16
    bias: Float32

    def scores(self, x: Float32) -> Float32:
        """Unnormalised log probabilities ``(n, k) float32`` of ``x`` ``(n, d) float32``."""
        return x @ self.weights.astype(np.float32, copy=False) + self.bias

    def scores_of(self, x: Float32, rows: Int | Bool) -> Float32:
        """The same of some rows of ``x``, ``(m,) int64`` or ``(n,) bool``; few of them are copied at a time."""
        places = np.arange(len(x))[rows]
        found = np.empty((len(places), len(self.bias)), np.float32)
        for start in range(0, len(places), _BLOCK):
            found[start : start + _BLOCK] = self.scores(x[places[start : start + _BLOCK]])
        return found


class Head(Protocol):
    """A way to fit linear heads, at several strengths and on several subsets of the rows at once."""

    @property
    def strengths(self) -> tuple[float, ...]:
        """The strengths that cross-validation tries, from the strongest regularisation to the weakest."""

    def fit(self, x: Float32, y: Int, k: int, weights: Float32, strengths: Sequence[float]) -> list[list[Linear]]:
        """Fit one head per row subset and strength.

        Args:
            x: Features ``(n, d) float32``.
            y: Class of each row ``(n,) int64`` in ``[0, k)``.
            k: Number of classes; a class without rows in a subset gets a very low score.
            weights: ``(s, n) float32`` >= 0, one row per subset: the weight of each item, 0 for those held out.
            strengths: Which strengths to fit.

        Returns:
            ``s`` lists with one ``Linear`` for each strength.
        """


class Executor(Protocol):
    """Does several things at once: owns the threads, and says how many of them a matrix product may take.

    ``graft.executors.CORES`` is the one that uses this machine's cores.
    """

    @property
    def workers(self) -> int:
        """How many things are worth doing at once."""

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """``[function(item) for item in items]``; the first exception is raised, and no item is begun after it."""

    def both(self, first: Callable[[], T], second: Callable[[], R]) -> tuple[T, R]:
        """``(first(), second())``."""

    def submit(self, function: Callable[[], T]) -> Future[T]:
        """Begin ``function()`` when a thread is free; it must not wait for others that were submitted."""

    def one_thread_each(self) -> AbstractContextManager[None]:
        """Matrix products within run on the thread that asks for them."""


Data = TypeVar("Data", contravariant=True)
Rows = TypeVar("Rows", contravariant=True)
Found = TypeVar("Found")
Answers = TypeVar("Answers", contravariant=True)
Figures = TypeVar("Figures", covariant=True)
Scores = TypeVar("Scores")


@dataclass(frozen=True, slots=True)
class Targets:
    """What the rows to train on are to be answered with.

    Attributes:
        classes: Names of what there is to answer; empty where that is a number.
        values: One entry for each row, as the task has them: ``(n,) int64`` classes, ``(n, k) bool`` labels, ...
        strata: What folds hold the same share of each of ``(n,) int64``.
    """

    classes: tuple[str, ...]
    values: Array
    strata: Int


class Task(Protocol[Data, Rows, Found, Answers, Figures, Scores]):
    """A kind of target: how it is read from data, learned, judged and scored.

    ``Data`` is a ``graft.data.dataset.Dataset``, ``Rows`` are ``graft.evaluation.Rows``, ``Found`` is what was learned,
    a ``graft.tasks.FitResult``; ``Answers`` are what a head says of items, ``graft.evaluation.AskedItems``;
    ``Figures`` and ``Scores`` are records of ``graft.results``.
    """

    @property
    def name(self) -> str:
        """The key in ``TASKS``, which stands in recipes and bundles."""

    @property
    def words(self) -> bool:
        """Whether heads look at the words of texts."""

    @property
    def tunable(self) -> bool:
        """Whether an encoder can be tuned for it, with a head that tells classes apart."""

    @property
    def growing(self) -> bool:
        """Whether classes can be added to a model."""

    @property
    def report(self) -> Any:
        """The class of a report, made of the facts of a fit and of the figures: a ``graft.report.TaskReport``."""

    @property
    def prediction(self) -> Any:
        """The class of an answer to one input, such as ``graft.results.prediction.Prediction``."""

    @property
    def evaluation(self) -> Any:
        """The class of an evaluation, made of scores and the report that shows them: a ``graft.report.Shown``."""

    @property
    def reading(self) -> Mapping[str, Any]:
        """How ``graft.read`` reads such data, where they do not say so themselves."""

    def prepared(self, dataset: Data) -> Any:
        """The same items with targets as the task knows them.

        Raises:
            DataError: They are of another task.
        """

    def check(self, dataset: Data, recipe: Recipe) -> None:
        """Whether there is something to learn, and something of it in the test split; asked before the work.

        Raises:
            DataError: There is not.
            UsageError: The recipe asks for what the task does not have.
        """

    def check_known(self, dataset: Data, classes: Sequence[str]) -> None:
        """Whether a model of these classes can be scored on such data.

        Raises:
            DataError: It cannot.
        """

    def check_saved(self, report: Any, learned: Collection[str], classes: Sequence[str]) -> None:
        """Whether a report, and the labels of what was learned from, are those of a model of these classes.

        Raises:
            ValueError: They are not.
        """

    def targets(self, learned: Data, units: Int) -> Targets:
        """Of the rows to train on, of which ``units`` ``(n,) int64`` says what stays together.

        Raises:
            TooFewClasses: There is nothing to tell apart.
        """

    def fit(self, rows: Rows, recipe: Recipe) -> Found:
        """Choose a head, fit it to all rows, and say of every row what heads say that have not seen it."""

    def judge(self, found: Found, rows: Rows, recipe: Recipe) -> Figures:
        """What a report says of it, from out-of-fold answers alone."""

    def score(self, answered: Answers, copies: Int, part: str) -> Scores:
        """Score a head by what it says of items that it was not fitted to.

        Args:
            answered: The items, ``n`` of them, with their targets and its answers.
            copies: What is a copy of what ``(n,) int64``, so that copies do not narrow the interval.
            part: What these items are called in the result.
        """

    def right(self, answered: Answers, among: Data) -> Float64:
        """How good answers are ``(n,)``, 1 at best: the mean is what the report calls the score.

        Args:
            answered: ``n`` items with their targets and what a head says of them.
            among: All items that are to be answered, of which these are some.
        """

    def shown(self, scores: Scores, report: Any, answered: Answers) -> Any:
        """The figures of an evaluation as a report shows them, with the items behind its mistakes."""

    def warn(self, dataset: Data, digests: Sequence[str], whole: Int, train: Int, rows: Rows) -> tuple[str, ...]:
        """What is to be said of the data before their figures are believed.

        Args:
            dataset: All items.
            digests: Content hash of each.
            whole: Cluster of near-duplicates of each ``(n,) int64``.
            train: Which were trained on ``(m,) int64``.
            rows: These.
        """
