"""What the model says of pictures: python example.py model.onnx PICTURE ...

It needs numpy, onnxruntime and Pillow. Copy it into your own program: pixels_of() makes of a file what the graph takes.
"""

import json
import os
import sys
from typing import Any, BinaryIO

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # before onnxruntime is imported: it would report to its maker

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from PIL import Image, ImageOps


def pixels_of(path: str | BinaryIO, most: int) -> NDArray[np.uint8]:
    """The picture upright, on white, and above so many pixels divided by a whole factor: (1, height, width, 3)."""
    with Image.open(path) as opened:
        opened.load()
        opened.info = {name: value for name, value in opened.info.items() if name in ("exif", "transparency")}
        picture = ImageOps.exif_transpose(opened)
    if picture.mode.startswith("I"):  # grey of 16 bits
        picture = Image.fromarray(np.rint(np.asarray(picture, np.float32) / 257).astype(np.uint8))
    picture = picture.convert("RGBA")
    white = Image.new("RGBA", picture.size, "white")
    pixels = np.asarray(Image.alpha_composite(white, picture).convert("RGB"))
    height, width, _ = pixels.shape
    f = 1
    while (height // f) * (width // f) > most:
        f += 1
    top, left = height % f // 2, width % f // 2
    part = pixels[top : top + height // f * f, left : left + width // f * f]
    means = part.reshape(height // f, f, width // f, f, 3).mean(axis=(1, 3), dtype=np.float64)
    return np.asarray(np.floor(means + 0.5), np.uint8)[None]


def inputs_of(path: str | BinaryIO, about: dict[str, Any]) -> dict[str, NDArray[Any]]:
    """What the graph takes for a file, by the names of its inputs."""
    return {"pixels": pixels_of(path, about["input"]["max_pixels"])}


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
