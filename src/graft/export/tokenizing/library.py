"""Texts -> what `model.onnx` takes, with numpy and the library tokenizers. Reads the files beside it.

    tokenizer = Tokenizer("tokenizer")
    session.run(None, tokenizer(["one text", "another"]))

The model's vocabulary is of a kind that cannot be written out in plain Python: the library of its makers reads
`tokenizer.json`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tokenizers

from graft.export.tokenizing.tokenizer import Words, clean, inputs_of

WINDOWS, PIECE = 64, 4096
"""So many windows of a text are read, and of one of more than WINDOWS * PIECE characters so many pieces."""


class Tokenizer:
    """The tokenizer of one exported model.

    Args:
        folder: Where `tokenizer.json`, `settings.json` and, for a model that looks at words, `words.json` lie.
    """

    def __init__(self, folder: str | Path) -> None:
        folder = Path(folder)
        settings = json.loads((folder / "settings.json").read_text("utf-8"))
        self.length, self.lower, self.prompt = settings["length"], settings["lower"], settings["prompt"]
        self.library = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.library.no_truncation()
        self.library.no_padding()
        self.library.encode_special_tokens = True  # a text that says "[SEP]" says just that
        self.marks = len(self.encode(""))
        words = folder / "words.json"
        self.words = Words(json.loads(words.read_text("utf-8"))) if words.is_file() else None

    def __call__(self, texts: Sequence[str]) -> dict[str, np.ndarray[Any, Any]]:
        """``n`` texts -> `input_ids` and `attention_mask` ``(n, length) int64``, and `words` ``(n, w) float32`` or not.

        Raises:
            ValueError: A text has no character that can be read.
        """
        return inputs_of(texts, [self.segments(text) for text in texts], self.words)

    def segments(self, text: str) -> list[list[int]]:
        """The tokens of the windows that are read, with their prompt and their marks.

        Raises:
            ValueError: Nothing of it can be read.
        """
        text = clean(text)
        if not text.strip():
            raise ValueError("The text has no character that can be read.")
        text = text.lower() if self.lower else text
        if len(text) <= WINDOWS * PIECE:
            whole = self.encode(text)
            if len(whole) == self.marks:
                raise ValueError("The text has no character that can be read.")
            if len(whole) <= self.length:
                return [whole]
        starts = [0] if len(text) <= WINDOWS * PIECE else np.linspace(0, len(text) - PIECE, WINDOWS).astype(int)
        room = self.length - self.marks - 2
        windows = []
        for piece in [text[start:] if len(starts) == 1 else text[start : start + PIECE] for start in starts]:
            places = self.library.encode(piece, add_special_tokens=False).offsets
            count = -(-len(places) // room)
            for part in range(count):  # cut where tokens end, and encoded anew
                first, last = len(places) * part // count, len(places) * (part + 1) // count - 1
                windows.append(self.encode(piece[places[first][0] : places[last][1]])[: self.length])
        windows = windows or [self.encode(text)[: self.length]]
        if len(windows) <= WINDOWS:
            return windows
        return [windows[index] for index in np.linspace(0, len(windows) - 1, WINDOWS).round().astype(int)]

    def encode(self, text: str) -> list[int]:
        """Tokens of the prompt and a text, with the model's marks."""
        return list(self.library.encode(self.prompt + text).ids)

    def cannot(self, text: str) -> str:
        """Why a text may be read otherwise here than by the model, or `""`."""
        if self.words is not None and (odd := self.words.newer(text)):
            return f"This Python does not know the character U+{ord(odd):04X}, the model does."
        return ""
