"""Texts for models of the hub: tokens by the model's own vocabulary, long texts window by window."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from graft.contracts import LIMITS, Array, Bool, Int, ItemLimits, Prepared
from graft.decoding.encoding import read_text
from graft.decoding.measures import OF_TEXTS
from graft.encoders.windows import MAX_WINDOWS, cuts, measured, pieces, spread, verbatim
from graft.errors import EncoderError, ItemError

LONGEST = 512
"""Tokens of a window at most, whatever the model can take: its time grows with the square of its length."""
PIECE = 4096
"""Of a text of more than ``MAX_WINDOWS`` times as many characters, only pieces of this many are cut into tokens."""
ROOM = 8
"""Tokens of a window that must be left for the text: with fewer, all embeddings would be that of the prompt."""
CALL = 4096
"""Tokens that go through the network at once, padding included."""
STEP = 16
"""Lengths are padded to a multiple of this, as a runtime gets ready for every shape anew."""


class Texts:
    """Texts -> windows of token ids ``(t,) int64`` -> ``input_ids`` and ``attention_mask (n, t) int64``.

    Args:
        settings: ``length`` (tokens of a window at most, ends included), ``pad`` (the id that fills up), ``padded``
            (whether every window is filled up to ``length`` and nothing is masked), ``lower``.
        vocabulary: The content of a ``tokenizer.json``.
        prompt: What stands before every window.

    Raises:
        EncoderError: The prompt leaves fewer than ``ROOM`` tokens of a window to the text.
    """

    statistics = OF_TEXTS
    batch_size = 64

    def __init__(self, settings: Mapping[str, Any], vocabulary: bytes, prompt: str = "") -> None:
        from tokenizers import Tokenizer

        self.settings = settings
        self.prompt = prompt
        self.length = int(settings["length"])
        self.tokenizer = verbatim(Tokenizer.from_buffer(vocabulary))
        if self._room < ROOM:
            raise EncoderError(
                f"The model reads {self.length} tokens at once; the prompt and the marks at the ends take "
                f"{self._overhead} of them, and too few are left for the text.",
                "Use a shorter prompt." if prompt else "Use another model.",
            )

    def prepare(self, content: bytes, limits: ItemLimits = LIMITS) -> Prepared:
        """Cut a text into windows: the value is a tuple of them, ``(t,) int64`` each.

        Raises:
            ItemError: ``empty``, ``not_a_text`` or ``too_large``.
        """
        text = read_text(content, limits)
        windows, tokens = self._windows(text.lower() if self.settings["lower"] else text)
        chosen = spread(windows)
        statistics = measured(text, tokens, len(chosen), len(chosen) / len(windows) * self._share(text))
        return Prepared(tuple(np.array(window, np.int64) for window in chosen), statistics)

    def calls(self, windows: Sequence[Int]) -> Iterator[tuple[Int, tuple[Array, ...], Bool | None]]:
        """What goes through the network at once.

        Yields:
            Which windows, ``(w,)``; ``input_ids`` and, unless the model knows no mask, ``attention_mask``,
            ``(w or more, t) int64`` each; which tokens are pooled, ``(w or more, t) bool``.
        """
        lengths = np.array([len(window) for window in windows])
        order = np.argsort(lengths, kind="stable")
        start = 0
        while start < len(order):
            end = start + 1
            while end < len(order) and self._padded(lengths[order[end]]) * (end + 1 - start) <= CALL:
                end += 1
            chosen = order[start:end]
            ids, real = self._fill([windows[index] for index in chosen])
            yield chosen, (ids,) if self.settings["padded"] else (ids, real.astype(np.int64)), real
            start = end

    def trial(self) -> list[list[tuple[Int, ...]]]:
        """Texts of one window and of several, to try a graph with."""
        texts = [self.prepare(sample.encode()).value for sample in SAMPLES]
        return [texts[:2], texts[2:3], texts, [self.prepare(SAMPLES[3].encode() * 3).value]]

    def _padded(self, length: int) -> int:
        return self.length if self.settings["padded"] else min(-(-int(length) // STEP) * STEP, max(self.length, length))

    def _fill(self, windows: Sequence[Int]) -> tuple[Int, Bool]:
        rows = 1 << (len(windows) - 1).bit_length()  # a power of two: again one shape fewer to get ready for
        filled = [*windows, *[windows[0]] * (rows - len(windows))]
        ids = np.full((rows, self._padded(len(windows[-1]))), self.settings["pad"], np.int64)
        real = np.zeros(ids.shape, bool)
        for row, window in enumerate(filled):
            ids[row, : len(window)] = window
            real[row, : len(window)] = True
        return ids, real

    def _windows(self, text: str) -> tuple[list[list[int]], int]:
        """Windows of token ids, each with prompt and ends; and how many tokens the text itself has."""
        if len(text) <= MAX_WINDOWS * PIECE:
            whole = self._encode(text)
            if len(whole) == self._overhead:
                raise ItemError("empty", "The text has no character that can be read.", "Check its encoding.")
            if len(whole) <= self.length:
                return [whole], len(whole) - self._overhead
        windows = []
        tokens = 0
        for piece in pieces(text, PIECE):
            offsets = self.tokenizer.encode(piece, add_special_tokens=False).offsets
            tokens += len(offsets)
            # Cut where tokens end, and encoded anew: what is at the edge of a window may become other tokens there.
            for start, end in cuts(len(offsets), self._room):
                windows.append(self._encode(piece[offsets[start][0] : offsets[end - 1][1]])[: self.length])
        return windows or [self._encode(text)[: self.length]], round(tokens / self._share(text))

    def _encode(self, text: str) -> list[int]:
        return list(self.tokenizer.encode(self.prompt + text).ids)

    @cached_property
    def _overhead(self) -> int:
        return len(self._encode(""))

    @property
    def _room(self) -> int:
        """Tokens of a window that are the text's; two fewer, as it may be cut into other tokens at its edges."""
        return self.length - self._overhead - 2

    def _share(self, text: str) -> float:
        return min(1.0, MAX_WINDOWS * PIECE / len(text))


def settings_from(
    tokenizer: Any, config: Mapping[str, Any], sentence: Mapping[str, Any], padded: bool, name: str
) -> dict[str, Any]:
    """Settings from a model's tokenizer, its configuration, and its ``sentence_bert_config.json``.

    Raises:
        EncoderError: The tokenizer cannot run without transformers, or leaves too little room for a text.
    """
    if not getattr(tokenizer, "is_fast", False):
        raise EncoderError(
            f"The tokenizer of {name} ({type(tokenizer).__name__}) runs only inside transformers.",
            "Use a model that has a tokenizer.json.",
        )
    if tokenizer.padding_side != "right" and padded:
        raise EncoderError(
            f"The tokenizer of {name} pads on the left, which Graft does not know.", "Use another model."
        )
    text = config.get("text_config") or config
    positions = text.get("max_position_embeddings")
    if isinstance(positions, int) and text.get("pad_token_id") and text.get("model_type") in POSITIONS_AFTER_PADDING:
        positions -= int(text["pad_token_id"]) + 1
    limits = [LONGEST, tokenizer.model_max_length, sentence.get("max_seq_length"), positions]
    pad = tokenizer.pad_token_id
    return {
        "length": min(int(limit) for limit in limits if limit and limit > 0),
        "pad": int(pad) if pad is not None else 0,
        "padded": padded,
        "lower": bool(sentence.get("do_lower_case", False)),
    }


POSITIONS_AFTER_PADDING = (
    *("roberta", "xlm-roberta", "xlm-roberta-xl", "camembert", "mpnet", "longformer", "data2vec-text", "esm", "ibert"),
    "roberta-prelayernorm",
)
"""Kinds that number the tokens from the padding's own number on, so that as many positions are never used."""


def check(texts: Texts, tokenizer: Any, name: str) -> None:
    """Hold our tokens to the model's own tokenizer's.

    Raises:
        EncoderError: They differ.
    """
    for sample in SAMPLES:
        ours = texts.prepare(sample.encode()).value[0].tolist()
        theirs = list(tokenizer(sample, truncation=True, max_length=texts.length)["input_ids"])
        if ours[: texts.length] != theirs and len(theirs) < texts.length:
            raise EncoderError(
                f"The tokenizer of {name} makes other tokens inside transformers than outside of it.",
                "Use another model.",
            )


SAMPLES = ("My card has not arrived yet.", "two  spaces, Ünïcödé and 漢字", "a", "Where is it? " * 8)
