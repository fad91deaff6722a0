"""Asks the model about one item: example.py does the work, with limits and plain words around it."""

import io
import json
import math
import os
from pathlib import Path
from typing import Any, BinaryIO

import example
import onnxruntime

MOST_BYTES, MOST_PIXELS, LONGEST_SIDE, MOST_SECONDS, MOST_CHARACTERS = 32 << 20, 25_000_000, 32_767, 600, 200_000
HEIC = (b"ftypheic", b"ftypheix", b"ftyphei", b"ftyphev", b"ftypmif1", b"ftypmsf1")
AGAIN = "Copy or download it again."
GROUP = Path("/sys/fs/cgroup")
"""Where the container's share of the processor stands."""
LAMBDA_MEMORY = "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"
"""AWS Lambda shows its machine's processors and gives time on them by memory: 1,769 MB stand for one."""


class NotRead(Exception):
    """One item cannot be used: a stable word, what was wrong and found, what to do."""

    def __init__(self, code: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.told = {"code": code, "message": message, "hint": hint}


def cores() -> int:
    """How many processors this process may use: by its affinity and its group's quota, not by the host's count."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if (memory := os.environ.get(LAMBDA_MEMORY, "")).isdigit():
        count = max(1, min(count, round(int(memory) / 1769)))
    try:
        if (newer := GROUP / "cpu.max").exists():
            quota, period = newer.read_text().split()
        else:  # of older kernels
            quota, period = ((GROUP / "cpu" / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
        share = int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):  # "max" is no number either
        return count
    return max(1, min(count, math.ceil(share))) if share > 0 else count


def opened() -> tuple[onnxruntime.InferenceSession, dict[str, Any]]:
    """The model, and what its file says of it."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = cores(), 1
    graph = str(Path(__file__).with_name("model.onnx"))
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    return session, {name: json.loads(text) for name, text in session.get_modelmeta().custom_metadata_map.items()}


SESSION, ABOUT = opened()


def answer(item: str | bytes) -> dict[str, Any]:
    """What the model says of the file at a path, of its bytes, or of a text: an entry of graft predict --json."""
    source: Any = io.BytesIO(item) if isinstance(item, bytes) else item
    try:
        CHECKS[ABOUT["modality"]](source)
        if isinstance(source, io.BytesIO):
            source.seek(0)
        return of_graph(example.answer_of(SESSION, ABOUT, source))
    except NotRead as error:
        return {"error": error.told}
    except (OSError, ValueError, SyntaxError, RuntimeError, MemoryError) as error:  # all that decoders raise
        found = (str(error).strip().splitlines() or [type(error).__name__])[0].replace(str(source), "the file")[:200]
        return {"error": {"code": "corrupt", "message": f"The item cannot be read: {found}.", "hint": AGAIN}}


def of_graph(said: dict[str, Any]) -> dict[str, Any]:
    """An answer of the graph, by the names that graft predict gives its values."""
    if not ABOUT["classes"]:
        return {name: said[name] for name in ("value", "low", "high", "unknown", "unknown_score")}
    scores = dict(sorted(zip(ABOUT["classes"], said["probabilities"], strict=True), key=lambda pair: -pair[1]))
    sure = max(scores.values())
    more = {}
    if "thresholds" in ABOUT:  # several labels: that exactly these are right, each decided for itself
        sure = math.prod(p if label in said["set"] else 1 - p for label, p in scores.items())
        more["labels"] = [label for label in scores if label in said["set"]]
    return {
        "label": "|".join(said["set"]) if more else said["label"],
        "confidence": sure,
        "unknown": said["unknown"],
        "unknown_score": said["unknown_score"],
        "scores": scores,
        "set": said["set"],
        **more,
    }


def check_picture(path: str | BinaryIO) -> None:
    """Whether a file is a picture that is not too large; no more than its head is read.

    Raises:
        NotRead: It is none, or too large.
    """
    from PIL import Image, UnidentifiedImageError

    if check_file(path)[4:16].startswith(HEIC):
        raise NotRead(
            "not_supported",
            "The file is not a picture that can be read: it is a HEIC picture, as phones make them.",
            "Save it as JPEG or PNG, or choose it from the phone's photos, which gives a JPEG.",
        )
    Image.MAX_IMAGE_PIXELS = None  # the limit below is lower, and said in words
    try:
        with Image.open(path) as picture:
            width, height = picture.size
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        raise NotRead(
            "not_a_picture", "The file is not a picture that can be read.", "Save it as JPEG or PNG."
        ) from None
    if max(width, height) > LONGEST_SIDE:
        found = f"The picture is {width:,} x {height:,} pixels; the limit of a side is {LONGEST_SIDE:,}."
        raise NotRead("too_large", found, "Cut it into parts.")
    if width * height > MOST_PIXELS:
        found = f"The picture is {width:,} x {height:,} pixels; the limit is {MOST_PIXELS / 1e6:g} megapixels."
        raise NotRead("too_large", found, "Make it smaller, or save it as JPEG.")


def check_recording(path: str | BinaryIO) -> None:
    """Whether a file is a recording that is not too long; no more than its head is read.

    Raises:
        NotRead: It is none, or too long.
    """
    import soundfile

    check_file(path)
    try:
        found = soundfile.info(path)
    except (soundfile.LibsndfileError, OSError, RuntimeError):
        raise NotRead(
            "not_a_recording", "The file is not a recording that can be read.", "Save it as WAV, FLAC, OGG or MP3."
        ) from None
    if found.duration > MOST_SECONDS:
        message = f"The recording is {found.duration:,.1f} seconds long; the limit is {MOST_SECONDS}."
        raise NotRead("too_large", message, "Cut it into pieces.")


def check_text(text: str) -> None:
    """Whether a text has something in it, and not too much.

    Raises:
        NotRead: It has not, or too much.
    """
    if not text.strip():
        raise NotRead("empty", "The text is empty.", "Write something, or leave the item out.")
    if len(text) > MOST_CHARACTERS:
        message = f"The text has {len(text):,} characters; the limit is {MOST_CHARACTERS:,}."
        raise NotRead("too_large", message, "Cut it into parts.")


def check_file(path: str | BinaryIO) -> bytes:
    """The first bytes of a file that is neither empty nor too large.

    Raises:
        NotRead: It is one or the other.
    """
    size = Path(path).stat().st_size if isinstance(path, str) else path.seek(0, io.SEEK_END)
    if not size:
        raise NotRead("empty", "The file is empty.", AGAIN)
    if size > MOST_BYTES:
        raise NotRead("too_large", f"The item has more than {MOST_BYTES >> 20} MB, the limit.", "Make it smaller.")
    if not isinstance(path, str):
        path.seek(0)
        head = path.read(64)
        path.seek(0)
        return head
    with Path(path).open("rb") as file:
        return file.read(64)


CHECKS: dict[str, Any] = {"image": check_picture, "audio": check_recording, "text": check_text}
