"""What the model says of recordings: python example.py model.onnx FILE ...

It needs numpy, onnxruntime and soundfile. Copy it into your own program: samples_of() makes of a file what the graph
takes. Recordings of one length can be asked about together; of several lengths, one by one.
"""

import json
import math
import os
import sys
from typing import Any, BinaryIO

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # before onnxruntime is imported: it would report to its maker

import numpy as np
import onnxruntime
import soundfile
from numpy.typing import NDArray

REACH, BEND, EDGE = 103, 14.387, 0.95686
"""Of the low-pass: zeros of the sine on each side, how it fades out, and where it cuts off, as a share of the band."""
SILENT = 0.02
"""Channels cancel each other where their mean has less than this share of their energy."""


def one_channel(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean of the channels; the loudest where the first block with sound in it shows that they cancel."""
    size = max(1, (1 << 19) // sound.shape[1])
    for start in range(0, len(sound), size):
        part = sound[start : start + size]
        energies = np.square(part).mean(axis=0)
        if energies.any():
            if np.square(part.mean(axis=1)).mean() < SILENT * energies.mean() / sound.shape[1]:
                return np.asarray(sound[:, energies.argmax()])
            break
    return np.asarray(sound.mean(axis=1, dtype=np.float32))


def resampled(samples: NDArray[np.float32], rate: int, to: int) -> NDArray[np.float32]:
    """The samples at another rate, without what the lower of both rates cannot hold."""
    up, down = to // math.gcd(rate, to), rate // math.gcd(rate, to)
    if up == down:
        return samples
    share = min(1.0, to / rate)
    width = int(REACH / share) + 1
    taps = np.arange(-width, width + 1)
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(samples, width), len(taps))
    out = np.empty(math.floor(len(samples) * up / down + 0.5), np.float32)
    for phase in range(min(up, len(out))):
        away = (phase * down % up / up - taps) * share
        fade = np.i0(BEND * np.sqrt(np.maximum(0, 1 - (away / REACH) ** 2))) / np.i0(BEND) * (abs(away) <= REACH)
        kernel = np.sinc(away * EDGE) * EDGE * share * fade
        places = np.minimum(np.arange(phase, len(out), up) * down // up, len(samples) - 1)
        for start in range(0, len(places), 4096):
            part = slice(phase + start * up, phase + (start + 4096) * up, up)
            out[part] = windows[places[start : start + 4096]] @ kernel
    return out


def samples_of(path: str | BinaryIO, rate: int, longest: float, piece: float) -> NDArray[np.float32]:
    """A recording as one channel at the model's rate; of a very long one pieces, spread evenly: (1, length)."""
    sound, own = soundfile.read(path, dtype="float32", always_2d=True)
    samples = one_channel(sound)
    if len(samples) <= int(longest * own):
        return resampled(samples, own, rate)[None]
    size, count = int(piece * own), int(longest / piece)
    starts = np.linspace(0, len(samples) - size, count).astype(np.int64)
    return np.concatenate([resampled(samples[start : start + size], own, rate) for start in starts])[None]


def inputs_of(path: str | BinaryIO, about: dict[str, Any]) -> dict[str, NDArray[Any]]:
    """What the graph takes for a file, by the names of its inputs."""
    host = about["input"]
    return {"samples": samples_of(path, host["rate"], host["longest_seconds"], host["piece_seconds"])}


def answer_of(session: onnxruntime.InferenceSession, about: dict[str, Any], item: Any) -> dict[str, Any]:
    """What the graph says of an item, as inputs_of() takes it."""
    names = [output.name for output in session.get_outputs()]
    found = session.run(None, inputs_of(item, about))
    said = {name: array[0].tolist() for name, array in zip(names, found, strict=True)}
    said["unknown"] = said["unknown_score"] > about["unknown_threshold"]
    if about["classes"]:
        said["set"] = [label for label, member in zip(about["classes"], said["set"], strict=True) if member]
        best = about["classes"][int(np.argmax(said["probabilities"]))]
        said["label"] = "|".join(said["set"]) if "thresholds" in about else best  # any number of labels, or one class
    return said


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
    about = {name: json.loads(text) for name, text in session.get_modelmeta().custom_metadata_map.items()}
    for path in sys.argv[2:]:
        print(json.dumps({"input": path, **answer_of(session, about, path)}))
