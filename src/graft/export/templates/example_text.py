"""What the model says of texts in UTF-8: python example.py model.onnx FILE ...

It needs numpy, onnxruntime and the folder tokenizer beside it. Copy both into your own program: a tokenizer makes of
texts what the graph takes.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # before onnxruntime is imported: it would report to its maker

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizer.tokenizer import Tokenizer

TOKENIZER = Tokenizer(Path(__file__).with_name("tokenizer"))


def inputs_of(text: str, about: dict[str, Any]) -> dict[str, NDArray[Any]]:
    """What the graph takes for a text, by the names of its inputs."""
    return dict(TOKENIZER([text]))


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
        text = Path(path).read_bytes().decode("utf-8")
        print(json.dumps({"input": path, **answer_of(session, about, text)}))
