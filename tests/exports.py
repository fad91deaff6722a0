"""How an exported graph is asked: with onnxruntime and numpy alone."""

import json

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

from graft.export.shrinking import divided


class Asked:
    """An export's graph, opened.

    Args:
        graph: Its path or its bytes.
    """

    def __init__(self, graph):
        self.session = onnxruntime.InferenceSession(
            graph if isinstance(graph, bytes) else str(graph), providers=["CPUExecutionProvider"]
        )
        self.metadata = {
            name: json.loads(text) for name, text in self.session.get_modelmeta().custom_metadata_map.items()
        }

    def __call__(self, **inputs):
        """The outputs by name."""
        names = [entry.name for entry in self.session.get_outputs()]
        return dict(zip(names, self.session.run(None, inputs), strict=True))


def pixels_of(path):
    """A file as the graph takes it, decoded by Pillow alone: ``(1, h, w, 3) uint8``."""
    with Image.open(path) as picture:
        upright = ImageOps.exif_transpose(picture)
    if upright.has_transparency_data:
        upright = upright.convert("RGBA")
        upright = Image.alpha_composite(Image.new("RGBA", upright.size, "white"), upright)
    return divided(np.asarray(upright.convert("RGB")))[None]
