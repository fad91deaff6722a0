"""Items: files, members of a zip, texts, and values in memory, all of which can be read as bytes."""

from __future__ import annotations

import io
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from graft.contracts import LIMITS
from graft.decoding.archive import READ_ERRORS, read_member
from graft.decoding.encoding import mend
from graft.errors import DataError, ItemError, UnsafeArchive
from graft.files import did_you_mean

MAX_ITEM_BYTES = LIMITS.bytes
"""An item's file may be this large; nothing is read without a bound."""

MAX_NAME = 300
"""A text is called by itself, up to so many characters."""


class Item(Protocol):
    """Something that can be read: a file, a member of a zip, or a value in memory."""

    @property
    def name(self) -> str:
        """How the item is called in reports and errors."""

    def read(self) -> bytes:
        """The item's content.

        Raises:
            ItemError: It cannot be read, or is larger than ``MAX_ITEM_BYTES``.
        """


@dataclass(frozen=True, slots=True)
class File:
    """An item that is a file of the user's."""

    path: Path
    name: str

    def read(self) -> bytes:
        """The file's bytes, bounded."""
        try:
            if not stat.S_ISREG(self.path.stat().st_mode):  # a FIFO or a device would hang the read, or never end
                raise ItemError("unreadable", f"{self.name} is not a regular file.", "Give a file.")
            with self.path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                return _bounded(file.read(MAX_ITEM_BYTES + 1) if size <= MAX_ITEM_BYTES else b"", size, self.name)
        except OSError as error:
            if "://" in self.name:
                raise ItemError(
                    "unreadable", f"{self.name} is a web address: download it first.", "Give the file."
                ) from None
            raise ItemError(
                "unreadable",
                f"{self.name} cannot be read: {error.strerror or error}.",
                did_you_mean(self.path) or "Check that it is there.",
            ) from None
        except ValueError as error:  # a NUL, or half a character
            raise ItemError("unreadable", f"{mend(self.name)!r} is no path: {error}.", "Check its spelling.") from None


@dataclass(frozen=True, slots=True)
class Member:
    """An item that is a file in a zip or tar; its archive was checked when it was read."""

    archive: Path
    member: str
    name: str

    def read(self) -> bytes:
        """The member's bytes, bounded; ``zipfile`` verifies its checksum."""
        try:
            return _bounded(*read_member(self.archive, self.member, MAX_ITEM_BYTES), self.name)
        except UnsafeArchive as error:  # it was replaced meanwhile
            raise ItemError(
                "unreadable", f"{self.name} cannot be read from the archive: {error.message}", error.hint
            ) from None
        except READ_ERRORS as error:
            raise ItemError(
                "unreadable", f"{self.name} cannot be read from the archive: {error}.", "Pack it again."
            ) from None


@dataclass(frozen=True, slots=True)
class Memory:
    """An item that is held in memory, as the bytes of a file."""

    content: bytes
    name: str

    def read(self) -> bytes:
        """The bytes themselves."""
        return _bounded(self.content, len(self.content), self.name)


@dataclass(frozen=True, slots=True)
class Text:
    """An item that is a text in memory: a row of a table, or a ``str`` in Python."""

    text: str

    @property
    def name(self) -> str:
        """The text itself on one line, of ``MAX_NAME`` characters at most."""
        line = " ".join(self.text.split(None, MAX_NAME)[:MAX_NAME])  # so many words are long enough
        return mend(line if len(line) <= MAX_NAME else line[: MAX_NAME - 1] + "\N{HORIZONTAL ELLIPSIS}")

    def read(self) -> bytes:
        """The text in UTF-8, bounded; what cannot be encoded becomes U+FFFD."""
        content = mend(self.text).encode()
        return _bounded(content, len(content), self.name)


@dataclass(frozen=True, slots=True)
class Broken:
    """An item that is known to be of no use: reading it says why, so that it is answered in its place."""

    name: str
    reason: str
    message: str
    hint: str = ""

    def read(self) -> bytes:
        """Nothing, ever.

        Raises:
            ItemError: Always.
        """
        raise ItemError(self.reason, self.message, self.hint)


@dataclass(frozen=True, slots=True)
class Skipped:
    """An item that could not be used, and why."""

    path: str
    reason: str
    code: str = "bad_item"

    def to_dict(self) -> dict[str, str]:
        """``{path, reason, code}``, as in the report."""
        return {"path": self.path, "reason": self.reason, "code": self.code}


def as_item(value: Any, position: int = 0, modality: str = "image") -> Item:
    """The item for a value in Python.

    Args:
        value: An item; a ``Path``; the bytes of a file; and by modality: for texts a ``str``, which is the text; for
            pictures a PIL image or an array of pixels; for recordings a tuple ``(samples, rate)`` of an array ``(n,)``
            or ``(n, channels)`` and samples a second. To anything but texts a ``str`` is a path.
        position: What the item is called by where it has no name.
        modality: ``"image"``, ``"text"`` or ``"audio"``.

    Raises:
        DataError: The value is of a type that Graft cannot read.
    """
    name = f"item {position}"
    if isinstance(value, File | Member | Memory | Text | Broken):
        return value
    if isinstance(value, str):
        return Text(value) if modality == "text" else File(Path(value), value)
    if isinstance(value, os.PathLike):
        path = Path(value)
        return File(path, str(path))
    if isinstance(value, bytes | bytearray | memoryview):
        return Memory(bytes(value), name)
    if modality == "audio" and is_sound(value):
        return Memory(_sound_as_wav(value, position), name)
    if modality == "image" and is_picture(value):
        return Memory(_picture_as_png(value, position), name)
    raise DataError(f"Item {position} cannot be read: it is of type {type(value).__name__}.", _GIVE[modality])


def is_picture(value: Any) -> bool:
    """Whether it is an array, or a PIL image, found out without importing PIL for those who have none."""
    return isinstance(value, np.ndarray) or (hasattr(value, "convert") and hasattr(value, "save"))


def is_sound(value: Any) -> bool:
    """Whether it is a tuple ``(samples, rate)``."""
    return isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], np.ndarray)


_GIVE = {
    "image": "Give a path, the bytes of a file, a PIL image, or an array of pixels.",
    "text": "Give a text (str), a Path, or the bytes of a file.",
    "audio": "Give a path, the bytes of a file, or (samples, rate).",
}


def _bounded(content: bytes, size: int, name: str) -> bytes:
    if max(size, len(content)) > MAX_ITEM_BYTES:
        raise ItemError(
            "too_large",
            f"{name} is {size / 1e6:.0f} MB; the limit is {MAX_ITEM_BYTES / 1e6:.0f} MB.",
            "Make it smaller.",
        )
    return content


def _picture_of(array: Any, position: int) -> Any:
    """An array of pixels as a PIL image."""
    from PIL import Image

    pixels = np.asarray(array)
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
    grey_or_colour = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in (3, 4))
    if not grey_or_colour or 0 in pixels.shape:
        raise DataError(
            f"Item {position} is not a picture: an array of shape {pixels.shape}.",
            "Give (height, width), (height, width, 3) or (height, width, 4).",
        )
    if pixels.dtype == np.bool_:
        pixels = pixels.astype(np.uint8) * 255
    elif np.issubdtype(pixels.dtype, np.floating):
        if not np.isfinite(pixels).all() or pixels.min() < 0 or pixels.max() > 1:
            raise DataError(
                f"Item {position} has pixels from {pixels.min():g} to {pixels.max():g}.",
                "Floating-point pixels go from 0 to 1; give uint8 for 0 to 255.",
            )
        pixels = np.rint(pixels * 255).astype(np.uint8)
    elif pixels.dtype == np.uint16:
        pixels = (pixels >> 8).astype(np.uint8)
    elif pixels.dtype != np.uint8:
        raise DataError(
            f"Item {position} has pixels of type {pixels.dtype}.", "Give uint8, uint16, or floats from 0 to 1."
        )
    return Image.fromarray(np.ascontiguousarray(pixels))


def _picture_as_png(picture: Any, position: int) -> bytes:
    buffer = io.BytesIO()
    if isinstance(picture, np.ndarray):
        picture = _picture_of(picture, position)
    try:
        if picture.mode == "I":
            picture = picture.convert("I;16")
        if picture.mode not in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"):
            picture = picture.convert("RGB")
        picture.save(buffer, format="PNG", compress_level=1)
    except (OSError, ValueError, SyntaxError) as error:  # a file behind it that was opened and never read
        raise DataError(
            f"Item {position} cannot be read: {error}.", "Check the file that it was opened from."
        ) from None
    return buffer.getvalue()


def _sound_as_wav(value: tuple[Any, Any], position: int) -> bytes:
    from graft.decoding.sound import wav_bytes

    samples, rate = value
    if isinstance(rate, bool) or not isinstance(rate, int | np.integer) or rate < 1:
        raise DataError(
            f"Item {position} has the rate {rate!r}.", "Give (samples, rate), the rate an int in samples a second."
        )
    if samples.ndim not in (1, 2) or 0 in samples.shape:
        raise DataError(
            f"Item {position} is not a recording: an array of shape {samples.shape}.", "Give (n,) or (n, channels)."
        )
    return wav_bytes(_full_scale(samples, position), int(rate))


def _full_scale(samples: Any, position: int) -> Any:
    """Samples as ``float32`` from -1 to 1, as integers are scaled in files of theirs."""
    if samples.dtype == np.uint8:
        return (samples.astype(np.float32) - 128) / 128
    if samples.dtype in (np.int16, np.int32):
        return (samples / -float(np.iinfo(samples.dtype).min)).astype(np.float32)
    if not np.issubdtype(samples.dtype, np.floating):
        raise DataError(
            f"Item {position} has samples of type {samples.dtype}.",
            "Give floats from -1 to 1, or int16, int32 or uint8.",
        )
    if not np.isfinite(samples).all():
        raise DataError(f"Item {position} has samples that are not finite.", "Give floats from -1 to 1.")
    return samples.astype(np.float32)
