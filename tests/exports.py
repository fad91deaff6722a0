"""How an exported graph is asked: with onnxruntime and numpy alone."""

import json

import onnxruntime

from graft.export.shrinking import MAX_PIXELS
from graft.export.templates import example_image


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
    """A file as the graph takes it, decoded by the example beside every export: ``(1, h, w, 3) uint8``."""
    return example_image.pixels_of(str(path), MAX_PIXELS)
