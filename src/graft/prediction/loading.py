"""From a bundle, a file or its bytes to what answers."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from graft import bundle, tensors
from graft.errors import BundleError, DamagedBundle, NotABundle
from graft.prediction.predictor import Predictor

MISSING = (LookupError, TypeError, ValueError, AttributeError, OverflowError)
"""What values that are not as they should be raise."""


def load_head(source: str | os.PathLike[str] | bytes | bytearray | memoryview) -> Predictor:
    """Load what answers, and nothing else: no encoder, no report, no record of what it was trained on.

    Args:
        source: A bundle's folder, its ``head.safetensors``, or the bytes of that file.

    Raises:
        NotABundle: There is none.
        DamagedBundle: It was cut short or changed.
        NewerBundle: A newer Graft wrote it.
        BundleError: It holds something that no model can have.
    """
    if isinstance(source, bytes | bytearray | memoryview):
        return _parsed(bytes(source), "The given head")  # a copy of what could change, and of nothing else
    place = Path(source)
    whole = place.name != bundle.HEAD
    data = _bytes_of(os.path.join(place, bundle.HEAD) if whole else place)  # noqa: PTH118 (thousands are loaded)
    if data is not None:
        return _parsed(data, str(source), place if whole else place.parent)
    refuse_index(place)
    content = bundle.read(place if whole else place.parent)  # an older one, one that is being replaced, or none
    with holding(str(source)):
        return Predictor.restore(content.tensors["head"], place)


def refuse_index(folder: Path) -> None:
    """Whether it is an index where a model was asked for.

    Raises:
        NotABundle: It is.
    """
    if bundle.is_index(folder):
        raise NotABundle(f"{folder} is an index, and no saved model.", "graft fit DATA makes one.")


@contextmanager
def holding(name: str) -> Iterator[None]:
    """Inside, values that no model can have are told of as the bundle's.

    Raises:
        BundleError: There was one.
    """
    try:
        yield
    except MISSING as error:
        what = str(error) if isinstance(error, ValueError) else repr(error)
        raise BundleError(f"{name} does not hold what a model needs: {what}.", "Fit it again.") from None


def _parsed(data: bytes, name: str, place: Path | None = None) -> Predictor:
    try:
        content = tensors.parse(data)
    except MISSING as error:
        raise DamagedBundle(f"{name} is damaged: {error}.", "Copy it again, or fit and save the model again.") from None
    with holding(name):
        return Predictor.restore(content, place)


def _bytes_of(path: str | Path) -> bytes | None:
    """What is in the file; ``None`` where there is no such file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except OSError:
        return None
    with open(descriptor, "rb", buffering=0) as file:  # noqa: PTH123 (a pipe in its place is not waited for)
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_size > bundle.MAX_FILE_BYTES:
            return None
        return file.read(found.st_size)
