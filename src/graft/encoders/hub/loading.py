"""What loading a model by foreign libraries has in common: their failures in our words, and their silence."""

from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from graft.encoders.hub.fetch import Source
from graft.errors import EncoderError, GraftError, first_line
from graft.executors import renew_in_child


def input_names(modality: str, settings: Mapping[str, Any]) -> list[str]:
    """What transformers calls the inputs of a model, in the order in which a ``Feeder`` gives them."""
    if modality == "image":
        return ["pixel_values"]
    if modality == "text":
        return ["input_ids"] if settings["padded"] else ["input_ids", "attention_mask"]
    return ["input_features" if settings["form"] == "mel" else "input_values"]


@contextmanager
def explained(source: Source, what: str, library: str = "transformers") -> Iterator[None]:
    """What a library makes of a model's files, said in our words."""
    try:
        yield
    except (GraftError, MemoryError):
        raise
    except Exception as error:  # a broken or unusual model fails anywhere
        if isinstance(error, ValueError) and "trust_remote_code" in str(error):
            raise foreign_code(source, f"for its {what}") from None
        raise EncoderError(
            f"{library} cannot load the {what} of {source.name}: {first_line(error)}.",
            "Look whether files are missing or cut short, or use another model.",
        ) from error


def foreign_code(source: Source, what: str) -> EncoderError:
    """What is said of a model that cannot be used without the code that it brings."""
    return EncoderError(
        f"{source.name} needs code that comes with it ({what}), and Graft never runs code from a model.",
        "Use a model of a kind that transformers itself knows.",
    )


_one_at_a_time = threading.RLock()
renew_in_child(sys.modules[__name__], _one_at_a_time=threading.RLock)


@contextmanager
def quiet() -> Iterator[None]:
    """Neither transformers nor torch has anything to say that a user of ours could act upon.

    For one thread at a time: what they say is set for the process, and no two exports may get into each other's way.
    """
    import logging

    import transformers

    with _one_at_a_time, warnings.catch_warnings():
        before = transformers.logging.get_verbosity()
        bars = transformers.logging.is_progress_bar_enabled()
        torch_logger = logging.getLogger("torch")
        level = torch_logger.level
        try:
            transformers.logging.set_verbosity_error()
            transformers.logging.disable_progress_bar()
            torch_logger.setLevel(logging.ERROR)
            warnings.simplefilter("ignore")
            yield
        finally:
            torch_logger.setLevel(level)
            transformers.logging.set_verbosity(before)
            if bars:
                transformers.logging.enable_progress_bar()
