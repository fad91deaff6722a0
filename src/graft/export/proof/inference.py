"""Asking an exported graph: from an item's bytes to what the graph takes, and from there to its answer.

A folder that is verified may come from anybody. Its graph is opened from bytes, so that nothing outside it is read, and
whatever it takes and gives is looked at before it is believed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from graft.contracts import Array
from graft.decoding.decode import View, render
from graft.decoding.encoding import read_text
from graft.decoding.sound import decode_sound
from graft.encoders.runtime import onnx_runtime
from graft.errors import ExportError, ItemError, first_line
from graft.executors import workers
from graft.export.proof.agreement import Answer
from graft.export.shrinking import divided
from graft.export.tokenizing.files import FOLDER

SAMPLE_RATE = 16_000
AGAIN = "Export the model again."
PATIENCE = 300.0
"""Seconds for one item: a graph of anybody may hold a loop without an end."""

Values = Mapping[str, Array]
"""What a graph takes for one item, by the name of its inputs: ``pixels (1, h, w, 3) uint8`` and so on."""
Decode = Callable[[bytes], Values]
"""From the bytes of a file to what the graph takes.

Raises:
    ItemError: They are no such file.
"""


def pixels_of(content: bytes) -> Values:
    """A picture at its full size: upright, on white, divided above 2 megapixels."""
    picture, _ = render(content, lambda width, height: View(width, height, width, height, width, height))
    return {"pixels": divided(np.asarray(picture))[None]}


def samples_of(content: bytes) -> Values:
    """A recording as one channel at 16 kHz."""
    return {"samples": decode_sound(content, SAMPLE_RATE).value[None]}


def decoder_of(modality: str, folder: Path) -> Decode:
    """What makes of a file what the graph in a folder takes.

    Raises:
        ExportError: The files in the folder that it takes for that cannot be used.
    """
    if modality == "image":
        return pixels_of
    if modality == "audio":
        return samples_of
    try:
        tokenizer = _tokenizer_in(folder / FOLDER)
    except Exception as error:  # its tables may be anything
        raise ExportError(f"The tokenizer beside the graph cannot be used: {first_line(error)}.", AGAIN) from None
    return partial(_tokens_of, tokenizer)


def _tokenizer_in(folder: Path) -> Any:
    if (folder / "tokenizer.json").is_file():
        from graft.export.tokenizing import library

        return library.Tokenizer(folder)
    from graft.export.tokenizing.tokenizer import Tokenizer

    return Tokenizer(folder)


def _tokens_of(tokenizer: Any, content: bytes) -> Values:
    text = read_text(content)
    try:
        found: Values = tokenizer([text])
    except Exception as error:
        raise ItemError("unanswered", f"The tokenizer beside the graph does not answer: {first_line(error)}.") from None
    return found


class GraphSession:
    """An exported graph, opened by ONNX Runtime.

    Args:
        content: The file's bytes.
        classes: How many classes it tells apart; 0 for numbers.

    Raises:
        ExportError: It cannot be opened, or gives something else than the graph of a model.
    """

    def __init__(self, content: bytes, classes: int) -> None:
        onnxruntime = onnx_runtime()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = workers()
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # whatever is wrong with a graph comes as an exception of the runtime's own
            raise ExportError(f"model.onnx cannot be opened: {first_line(error)}.", "Export the model again.") from None
        self.inputs = tuple(entry.name for entry in self._session.get_inputs())
        self.outputs = expected_outputs(classes)
        given = {entry.name for entry in self._session.get_outputs()}
        if missing := sorted(self.outputs.keys() - given):
            raise ExportError(f"model.onnx gives no {', '.join(missing)}.", AGAIN)

    @property
    def metadata(self) -> Mapping[str, str]:
        """The texts that stand in the graph."""
        found: Mapping[str, str] = self._session.get_modelmeta().custom_metadata_map
        return found

    def ask(self, values: Values) -> Answer:
        """The answer for one item.

        Raises:
            ItemError: The graph refuses it, or answers with something else than numbers of the right shape.
            ExportError: It does not come to an end.
        """
        options = onnx_runtime().RunOptions()
        options.log_severity_level = 4
        clock = threading.Timer(PATIENCE, setattr, (options, "terminate", True))
        clock.daemon = True
        clock.start()
        try:
            found = self._session.run(list(self.outputs), {name: values[name] for name in self.inputs}, options)
        except Exception as error:
            if options.terminate:
                raise ExportError(
                    f"model.onnx does not answer: it was stopped after {PATIENCE:g} seconds with one item.", AGAIN
                ) from None
            raise ItemError("unanswered", f"The graph does not answer: {first_line(error)}.") from None
        finally:
            clock.cancel()
        return checked_answer(dict(zip(self.outputs, found, strict=True)), self.outputs)


def expected_outputs(classes: int) -> dict[str, tuple[int, ...]]:
    """What a graph gives for one item: the shape of each output."""
    if not classes:
        return dict.fromkeys(("value", "low", "high", "unknown_score"), (1,))
    return {"probabilities": (1, classes), "unknown_score": (1,), "set": (1, classes)}


def checked_answer(answer: Mapping[str, Any], outputs: Mapping[str, tuple[int, ...]]) -> Answer:
    """The same answer.

    Raises:
        ItemError: Something in it is no array of the right shape and type.
    """
    for name, shape in outputs.items():
        array = answer.get(name)
        kinds = "b" if name == "set" else "f"
        if not isinstance(array, np.ndarray) or array.shape != shape or array.dtype.kind not in kinds:
            found = f"{array.dtype} {array.shape}" if isinstance(array, np.ndarray) else "nothing"
            raise ItemError("unanswered", f"{name} is {found} instead of {shape}.")
    return {name: answer[name] for name in outputs}
