"""From the bytes of a sound file to the samples that an encoder takes."""

from __future__ import annotations

import io
import math
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from graft.contracts import LIMITS, Array, Float32, ItemLimits, Prepared
from graft.decoding.formats import HEAD, readable_kind, sniff
from graft.decoding.measures import of_file, of_sound
from graft.errors import DataError, EncoderError, ItemError

LONGEST = 120.0
"""Seconds of a recording that are read; of a longer one, pieces of ``PIECE`` seconds spread evenly."""
PIECE = 10.0
LOWEST_RATE, HIGHEST_RATE = 2_000, 768_000
"""Samples per second that make sense: below, there is no speech; nothing records faster."""
MOST_CHANNELS = 64

_BLOCK = 1 << 19
"""Samples that are decoded at once (2 MB)."""
_LOUDEST = 1e10
"""Samples beyond this are damage; 32-bit integers that were stored as floats stay below."""
_CANCELLED = 0.02
"""Channels whose mean has less than this share of their energy cancel each other: one of them is taken instead."""
_FULL_SCALE = {"PCM_U8": 0.99, "PCM_S8": 0.99, "ULAW": 0.98, "ALAW": 0.98}
"""From where on a sample is at full scale; other encodings reach 1 more closely."""


def decode_sound(content: bytes, rate: int, limits: ItemLimits = LIMITS) -> Prepared:
    """Decode a recording of any supported format to one channel at one rate. Thread-safe, in bounded memory.

    A file that was cut short is read as far as it goes, where its format lets it.

    Args:
        content: The file's bytes.
        rate: Samples per second of the result.
        limits: How long the recording may be.

    Returns:
        The value is ``(s,) float32``, s >= 1, full scale being 1: the mean of the channels. The statistics are
        ``seconds`` (how long the recording is), ``rate`` (samples per second in the file), ``channels``, ``peak`` and
        ``rms`` (largest absolute sample and root mean square over all channels, full scale being 1), ``clipped`` (share
        of the samples at full scale), ``read`` (share of the recording that the value stands for), ``bytes`` and
        ``format`` of the file (number in ``measures.FORMATS``), and those of ``measures.of_sound``.

    Raises:
        ItemError: ``empty``, ``not_a_recording``, ``too_large`` or ``corrupt``.
        EncoderError: The packages that read sound are not installed.
    """
    with _opened(content) as file:
        _check_length(_claimed_frames(file) / file.samplerate, limits)
        listener = _listen(file, rate)
    _check_length(listener.heard / listener.file_rate, limits)  # whatever its header says
    return listener.result(content)


def decode_beginning(content: bytes, seconds: float) -> tuple[Float32, int, float]:
    """The beginning of a recording as one channel, at its own rate.

    Args:
        content: The file's bytes.
        seconds: How much of it.

    Returns:
        ``(s,) float32``, s >= 0; samples per second; and how many seconds the whole is, ``nan`` where nobody knows.

    Raises:
        ItemError: As ``decode_sound`` does.
        EncoderError: The packages that read sound are not installed.
    """
    with _opened(content) as file:
        wanted = round(seconds * file.samplerate)
        listener = _Listener(file, int(file.samplerate))
        heard = listener.hear(wanted)
        total = heard if heard < wanted else listener.claimed
        return np.concatenate([np.empty(0, np.float32), *listener.chunks]), listener.rate, total / listener.rate


def seconds_of(content: bytes) -> float:
    """How long a recording is, by its header or else by listening; ``nan`` beyond ``LONGEST`` where nobody knows.

    Raises:
        ItemError: As ``decode_sound`` does.
        EncoderError: The packages that read sound are not installed.
    """
    _, _, claimed = decode_beginning(content, 0)
    return decode_beginning(content, LONGEST)[2] if math.isnan(claimed) else claimed


@contextmanager
def _opened(content: bytes) -> Iterator[Any]:
    """The file, with its header mended and checked; what goes wrong inside comes out as ``ItemError``."""
    kind = readable_kind(content, "audio")
    soundfile, _ = _packages()
    try:
        with soundfile.SoundFile(_Content(mended(content))) as file:
            _check_header(file)
            if math.isnan(_claimed_frames(file)):
                file.seekable = lambda: False  # soundfile seeks after each read, which needs to know where the end is
            yield file
    except ItemError:
        raise
    except MemoryError:
        raise ItemError("too_large", "The recording does not fit into memory.", "Cut it into pieces.") from None
    except Exception as error:  # codecs raise anything
        raise _broken(kind, error, soundfile) from None


def wav_bytes(samples: Any, rate: int) -> bytes:
    """A recording in memory as a WAV file; the same samples give the same bytes.

    Args:
        samples: ``(s,)`` or ``(s, channels)``; with at most 64 rows and more columns, the channels are taken to come
            first. Floats have full scale 1; integers of 8 (unsigned), 16 or 32 bits their own.
        rate: Samples per second.

    Raises:
        DataError: The samples are not numbers of such a shape, or the rate is not a positive whole number.
    """
    array = np.asarray(samples)
    if array.ndim == 2 and array.shape[0] <= MOST_CHANNELS < array.shape[1]:
        array = array.T
    if array.ndim not in (1, 2) or (array.ndim == 2 and not 1 <= array.shape[1] <= MOST_CHANNELS):
        raise DataError(
            f"A recording as an array has the shape {array.shape}.",
            "Give (samples,) or (samples, channels).",
        )
    if not _is_rate(rate):
        raise DataError(f"The rate of a recording is {rate!r}.", "Give samples per second, such as 16000.")
    if array.dtype.kind == "f":
        encoding, array = 3, array.astype("<f4")
    elif array.dtype in (np.uint8, np.int16, np.int32):
        encoding, array = 1, array.astype(array.dtype.newbyteorder("<"))
    else:
        raise DataError(
            f"A recording as an array has the type {array.dtype}.",
            "Give float32 with full scale 1, or int16.",
        )
    return _wav(array, encoding, int(rate))


def _is_rate(rate: Any) -> bool:
    try:
        return not isinstance(rate, bool | np.bool_) and int(rate) == rate and 0 < rate < 1 << 31
    except (TypeError, ValueError, OverflowError):
        return False


def _wav(array: Array, encoding: int, rate: int) -> bytes:
    channels = array.shape[1] if array.ndim == 2 else 1
    width = array.dtype.itemsize
    body = array.tobytes()
    padding = b"\0" * (len(body) % 2)
    form = struct.pack(
        "<4sIHHIIHH", b"fmt ", 16, encoding, channels, rate, rate * channels * width, channels * width, 8 * width
    )
    data = struct.pack("<4sI", b"data", min(len(body), 0xFFFFFFFF)) + body + padding
    return struct.pack("<4sI4s", b"RIFF", min(4 + len(form) + len(data), 0xFFFFFFFF), b"WAVE") + form + data


class _Content(io.BytesIO):
    """A damaged header sends its reader before the beginning, where Python would raise inside of C."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        try:
            return super().seek(offset, whence)
        except (ValueError, OverflowError):
            return self.tell()


class _Listener:
    """Hears pieces of a file, measures their samples, and keeps them as one channel at the wanted rate."""

    def __init__(self, file: Any, rate: int) -> None:
        self.file, self.rate = file, rate
        self.file_rate, self.channels = int(file.samplerate), int(file.channels)
        self.full_scale = _FULL_SCALE.get(file.subtype, 0.999)
        self.claimed = _claimed_frames(file)
        self.chunks: list[Float32] = []
        self.heard = self.at_full_scale = 0
        self.peak = self.energy = 0.0
        self.channel: int | None = None
        self.skipped = False

    def hear(self, frames: int) -> int:
        """Hear the next so many frames, or as many as there are; what is heard later need not follow on them."""
        n, most, resampler = 0, max(1, _BLOCK // self.channels), None
        if self.file_rate != self.rate:
            _, soxr = _packages()
            resampler = soxr.ResampleStream(self.file_rate, self.rate, 1, dtype="float32", quality="HQ")
        while n < frames:
            block = self.file.read(min(most, frames - n), dtype="float32", always_2d=True)
            if not len(block):
                break
            n += len(block)
            self._measure(block)
            samples = self._mixed(block)
            self.chunks.append(resampler.resample_chunk(np.ascontiguousarray(samples)) if resampler else samples)
        if resampler:
            self.chunks.append(resampler.resample_chunk(np.empty(0, np.float32), last=True))
        return n

    def _measure(self, block: Float32) -> None:
        """Measure the next samples ``(s, channels) float32``, s >= 1."""
        magnitude = np.abs(block)
        peak = float(magnitude.max())
        if not peak <= _LOUDEST:  # nan as well
            what = "numbers far beyond full scale" if math.isfinite(peak) else "values that are no numbers"
            raise ItemError("corrupt", f"The recording holds {what} among its samples.", "Export it again.")
        self.peak = max(self.peak, peak)
        if peak >= self.full_scale:
            self.at_full_scale += int(np.count_nonzero(magnitude >= self.full_scale))
        flat = block.reshape(-1)
        self.energy += float(np.einsum("n,n->", flat, flat, dtype=np.float64))  # the same however blocks are cut
        self.heard += len(block)

    def result(self, content: bytes) -> Prepared:
        """The samples and what was measured, of a file of this content."""
        if not self.heard:
            raise ItemError("empty", "The recording holds no sound.", "Record it again, or leave it out.")
        samples = np.concatenate(self.chunks)
        samples = samples if len(samples) else np.zeros(1, np.float32)
        total = float(np.fmax(self.heard, self.claimed))
        statistics = {
            "seconds": (total if self.skipped else self.heard) / self.file_rate,
            "rate": float(self.file_rate),
            "channels": float(self.channels),
            "peak": self.peak,
            "rms": math.sqrt(self.energy / (self.heard * self.channels)),
            "clipped": self.at_full_scale / (self.heard * self.channels),
            "read": self.heard / total,
            **of_sound(samples, self.rate),
            **of_file(content),
        }
        return Prepared(samples, statistics)

    def _mixed(self, block: Float32) -> Float32:
        if self.channels == 1:
            return block[:, 0]
        mixed = block.mean(axis=1)
        if self.channel is None:  # decided by the first block with sound in it, and kept
            energies = np.square(block).mean(axis=0)
            if energies.any():
                cancelled = float(np.square(mixed).mean()) < _CANCELLED * float(energies.mean()) / self.channels
                self.channel = int(energies.argmax()) if cancelled else -1
        return mixed if self.channel is None or self.channel < 0 else block[:, self.channel]


def _listen(file: Any, rate: int) -> _Listener:
    """Hear the whole recording, or pieces of a long one."""
    listener = _Listener(file, rate)
    longest = int(LONGEST * file.samplerate)
    if longest < listener.claimed and file.seekable():
        piece, count = int(PIECE * file.samplerate), int(LONGEST / PIECE)
        listener.skipped = True
        try:
            for start in np.linspace(0, file.frames - piece, count).astype(np.int64).tolist():
                file.seek(start)
                if listener.hear(piece) < piece:
                    raise EOFError
            return listener
        except (EOFError, RuntimeError):  # the header claimed more than there is, or the file cannot be entered midway
            listener = _Listener(file, rate)
            file.seek(0)
    listener.skipped = listener.hear(longest) == longest
    return listener


def _claimed_frames(file: Any) -> float:
    """How long a recording is by its header, ``nan`` where it does not say; FLAC of a pipe says the largest number."""
    return float(file.frames) if 0 <= file.frames < 1 << 50 else math.nan


def _check_header(file: Any) -> None:
    if not LOWEST_RATE <= file.samplerate <= HIGHEST_RATE:
        raise ItemError(
            "corrupt",
            f"The recording claims {file.samplerate:,} samples per second.",
            f"Give recordings of {LOWEST_RATE:,} to {HIGHEST_RATE:,}; export it again if its header is wrong.",
        )
    if file.channels > MOST_CHANNELS:
        raise ItemError(
            "too_large",
            f"The recording has {file.channels} channels; the limit is {MOST_CHANNELS}.",
            "Mix them down to one or two.",
        )


def _check_length(seconds: float, limits: ItemLimits) -> None:
    if seconds > limits.seconds:
        raise ItemError(
            "too_large",
            f"The recording is {seconds:,.1f} seconds long; the limit is {limits.seconds:g}.",
            "Cut it into pieces.",
        )


def mended(content: bytes) -> bytes:
    """The content of a recording with sizes in its header set right where that makes a difference."""
    kind = sniff(content[:HEAD])
    if kind == "wav":
        return _with_wav_size(content)
    return _with_mp3_size(content) if kind == "mp3" else content


def _with_wav_size(content: bytes) -> bytes:
    """A recorder that was switched off has not written how much it recorded: 0 then means all of the file."""
    at = 12
    while at + 8 <= len(content) and content.startswith(b"RIFF"):
        name, size = content[at : at + 4], int.from_bytes(content[at + 4 : at + 8], "little")
        if name == b"data":
            rest = len(content) - at - 8
            return content[: at + 4] + struct.pack("<I", rest) + content[at + 8 :] if not size and rest else content
        at += 8 + size + size % 2
    return content


def _with_mp3_size(content: bytes) -> bytes:
    """An MP3 file that was cut still says how long it was, of which its decoder complains on standard error."""
    start = 0
    if content.startswith(b"ID3") and len(content) >= 10:
        start = 10 + sum((byte & 0x7F) << shift for byte, shift in zip(content[6:10], (21, 14, 7, 0), strict=True))
    head = content[start : start + 200]
    tag = max(head.find(b"Xing"), head.find(b"Info"))
    if tag < 0 or len(head) < tag + 16:
        return content
    flags = int.from_bytes(head[tag + 4 : tag + 8], "big")
    at = tag + 8 + 4 * (flags & 1)  # the number of bytes follows that of frames, where there are both
    if not flags & 2 or int.from_bytes(head[at : at + 4], "big") <= len(content) - start:
        return content
    at += start
    return content[:at] + struct.pack(">I", len(content) - start) + content[at + 4 :]


def _packages() -> tuple[Any, Any]:
    try:
        import soundfile
        import soxr
    except (ImportError, OSError) as error:  # OSError: the package is there, its library is not
        raise EncoderError(
            f"The packages that read sound are not installed: {error}.", "pip install 'graft-learn[speech]'"
        ) from None
    return soundfile, soxr


def _broken(kind: str, error: Exception, soundfile: Any) -> ItemError:
    found = error.error_string if isinstance(error, soundfile.LibsndfileError) else str(error)
    found = found.strip().rstrip(".").splitlines()[0][:200] if found.strip() else "its samples cannot be decoded"
    message = f"The {kind.upper()} recording is damaged or cut short: {found}."
    return ItemError("corrupt", message, "Copy or download it again.")
