"""Small drawn photos of coloured shapes: quick to draw, quick to learn, and the same for the same seed."""

import io
import random
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path

from PIL import Image, ImageDraw

import graft

FORMS = ("circle", "square", "triangle")


def picture(label: str, seed: int, size: int = 96) -> Image.Image:
    """A shape on a light ground with some clutter; the form follows from the label."""
    chance = random.Random(f"{label} {seed}")
    image = Image.new("RGB", (size, size), tuple(chance.randint(170, 255) for _ in range(3)))
    pen = ImageDraw.Draw(image)
    for _ in range(5):
        x, y = chance.randint(0, size), chance.randint(0, size)
        ink = tuple(chance.randint(0, 255) for _ in range(3))
        pen.line((x, y, x + chance.randint(-30, 30), y + chance.randint(-30, 30)), fill=ink, width=2)
    x, y, side = (chance.randint(size // 10, size // 3), chance.randint(size // 10, size // 3), size // 2)
    ink = tuple(chance.randint(0, 120) for _ in range(3))
    form = FORMS.index(label) if label in FORMS else zlib.crc32(label.encode()) % len(FORMS)
    if form == 0:
        pen.ellipse((x, y, x + side, y + side), fill=ink)
    elif form == 1:
        pen.rectangle((x, y, x + side, y + side), fill=ink)
    else:
        pen.polygon([(x, y + side), (x + side, y + side), (x + side // 2, y)], fill=ink)
    return image


def encoded(label: str, seed: int, kind: str = "PNG", size: int = 96) -> bytes:
    """The same as the bytes of a file."""
    buffer = io.BytesIO()
    picture(label, seed, size).save(buffer, kind)
    return buffer.getvalue()


def bar(height: float, seed: int, size: int = 96) -> bytes:
    """A PNG of a bar that is so high, in percent of the picture, on a ground with some clutter."""
    chance = random.Random(f"bar {seed}")
    image = Image.new("RGB", (size, size), tuple(chance.randint(180, 255) for _ in range(3)))
    pen, left, ink = ImageDraw.Draw(image), chance.randint(10, 40), tuple(chance.randint(0, 110) for _ in range(3))
    for _ in range(6):
        ends = [chance.randint(0, size) for _ in range(4)]
        pen.line(ends, fill=tuple(chance.randint(100, 255) for _ in range(3)), width=chance.randint(1, 4))
    pen.rectangle((left, round(size * (1 - height / 100)), left + chance.randint(20, 45), size), fill=ink)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def folders(root: Path, counts: Mapping[str, int], first: int = 0) -> Path:
    """A folder for each label with so many photos."""
    for label, n in counts.items():
        (root / label).mkdir(parents=True, exist_ok=True)
        for seed in range(first, first + n):
            (root / label / f"{seed:03}.png").write_bytes(encoded(label, seed))
    return root


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims this size and holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def bad_files(folder: Path) -> dict[str, str]:
    """Four files that cannot be used, and the code that each should be skipped with."""
    (folder / "empty.png").write_bytes(b"")
    whole = encoded("circle", 99, "JPEG", 300)
    (folder / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "huge.png").write_bytes(png_header(20_000, 10_000))
    (folder / "letter.png").write_text("Dear all,\n")
    return {"empty.png": "empty", "cut.jpg": "truncated", "huge.png": "too_large", "letter.png": "not_a_picture"}


def lists(**counts):
    """Items and labels in memory."""
    labels = [label for label, n in counts.items() for _ in range(n)]
    return [encoded(label, seed) for seed, label in enumerate(labels)], labels


def dataset(*, splits=None, groups=None, **counts):
    return graft.Dataset.from_lists(*lists(**counts), splits=splits, groups=groups)


def turned(turn: int) -> bytes:
    """A JPEG of an oblong picture that is stored turned."""
    image, buffer = Image.new("RGB", (120, 80), (230, 220, 210)), io.BytesIO()
    image.paste((30, 20, 90), (10, 10, 50, 40))
    exif = Image.Exif()
    exif[0x0112] = turn
    image.save(buffer, "JPEG", exif=exif, quality=95)
    return buffer.getvalue()


def clear(mode: str) -> bytes:
    """A picture with transparency."""
    image, buffer = picture("triangle", 5).convert("RGBA"), io.BytesIO()
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    if mode == "P":
        image = image.convert("RGB").quantize(16)
        image.info["transparency"] = 0
    elif mode == "LA":
        image = image.convert("LA")
    image.save(buffer, "PNG", **({"transparency": 0} if mode == "P" else {}))
    return buffer.getvalue()


AWKWARD = {
    **{f"turn {turn}": turned(turn) for turn in range(1, 9)},
    **{f"clear {mode}": clear(mode) for mode in ("RGBA", "LA", "P")},
    "plain": encoded("circle", 77),
}
"""Files that are easily read otherwise than they were by the fit."""
