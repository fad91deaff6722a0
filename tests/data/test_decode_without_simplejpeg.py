"""JPEG where simplejpeg is not installed, as in a function: Pillow decodes it by the same rules."""

from __future__ import annotations

import io
import subprocess
import sys

import numpy as np
from PIL import Image

from graft.decoding.decode import decode_picture
from graft.encoders import encoder_for


def photo() -> bytes:
    """A picture with edges, gradients and colours, four times as large as what an encoder takes."""
    y, x = np.mgrid[0:900, 0:1200].astype(np.float32)
    waves = [127 + 120 * np.sin(x / wide + y / high) for wide, high in ((40, 90), (70, 35), (25, 200))]
    buffer = io.BytesIO()
    Image.fromarray(np.stack(waves, axis=-1).astype(np.uint8)).save(buffer, format="JPEG", quality=92)
    return buffer.getvalue()


def test_pillow_takes_over_and_gives_nearly_the_same_pixels() -> None:
    content = photo()
    code = (
        "import sys, numpy\n"
        "sys.modules['simplejpeg'] = None\n"  # what import then says is that it is not there
        "from graft.decoding.decode import decode_picture\n"
        "from graft.encoders import encoder_for\n"
        "assert encoder_for('auto', 'image').fingerprint.endswith(':pillow')\n"
        "prepared = decode_picture(sys.stdin.buffer.read(), 224, 224)\n"
        "sys.stdout.buffer.write(prepared.value.tobytes())\n"
    )
    told = subprocess.run([sys.executable, "-c", code], input=content, capture_output=True, check=True)
    assert told.stderr == b""
    found = np.frombuffer(told.stdout, np.uint8).reshape(224, 224, 3).astype(int)
    assert not encoder_for("auto", "image").fingerprint.endswith(":pillow")
    here = decode_picture(content, 224, 224).value.astype(int)
    assert np.abs(found - here).mean() < 1
    assert np.abs(found - here).max() <= 8
