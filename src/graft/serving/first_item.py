"""The item that a server answers before it says that it is ready."""

from __future__ import annotations

import io

import numpy as np


def first_item(modality: str) -> bytes:
    """A drawn picture, a sentence, or a second of a hum."""
    if modality == "text":
        return b"The first words that are read after the start."
    if modality == "image":
        from PIL import Image

        rows, columns = np.mgrid[0:240, 0:320]
        pixels = np.stack([rows, columns * 3 // 4, (rows + columns) // 3], axis=-1).astype(np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, format="JPEG", quality=90)
        return buffer.getvalue()
    from graft.decoding.sound import wav_bytes

    time = np.arange(16_000, dtype=np.float32) / 16_000
    return wav_bytes((0.1 * np.sin(2 * np.pi * 220 * time)).astype(np.float32), 16_000)
