"""Examples that are made from the real ones: as many photos as are wanted, and recordings of exactly one second."""

from __future__ import annotations

import io
import random
import wave
from collections import defaultdict
from pathlib import Path

from benchmarks.sets import read_folders, read_takes

SIDE = 500
"""Longer side of a photo that is made, in pixels."""
SOURCES = ("ants_bees", "beds_sofas", "potato_leaves", "bears_scraped")


def draw_photos(source: Path, folder: Path, count: int, seed: int = 0) -> None:
    """Cut so many different JPEGs from the photos of ``source``, in a folder per class.

    Each is a window of 60 to 100 % of a photo's sides, mirrored or not, brought to 500 pixels and encoded again.

    Raises:
        FileNotFoundError: There are no photos to cut from.
    """
    found = [photo for name in SOURCES if (source / name).is_dir() for photo in read_folders(source / name)]
    photos = [photo for photo in found if Path(photo.item).suffix != ".txt"]  # lists of addresses lie among the bears
    if not photos:
        raise FileNotFoundError(f"there are no photos in {source}")
    chance = random.Random(seed)
    for number in range(count):
        photo = photos[number % len(photos)]
        target = folder / photo.label / f"{number:06d}.jpg"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(_window(Path(photo.item), chance))


def join_clips(source: Path, folder: Path, count: int) -> list[Path]:
    """Join recordings of one speaker and cut them into clips of one second, as WAV files of the same rate.

    Raises:
        FileNotFoundError: There are no recordings, or not enough of them.
    """
    takes: dict[str, list[Path]] = defaultdict(list)
    for take in read_takes(source):
        takes[take.group].append(Path(take.item))
    clips: list[Path] = []
    folder.mkdir(parents=True, exist_ok=True)
    for speaker, files in sorted(takes.items()):
        with wave.open(str(files[0])) as first:
            shape = first.getparams()
        samples = b"".join(_samples(file) for file in files)
        second = shape.framerate * shape.sampwidth * shape.nchannels
        for start in range(0, len(samples) - second + 1, second):
            clips.append(folder / f"{speaker}_{start // second}.wav")
            with wave.open(str(clips[-1]), "wb") as clip:
                clip.setparams(shape)
                clip.writeframes(samples[start : start + second])
            if len(clips) == count:
                return clips
    raise FileNotFoundError(f"the recordings in {source} make {len(clips)} clips of one second, not {count}")


def _samples(file: Path) -> bytes:
    with wave.open(str(file)) as take:
        return take.readframes(take.getnframes())


def _window(path: Path, chance: random.Random) -> bytes:
    from PIL import Image

    with Image.open(path) as file:
        picture = file.convert("RGB")
    share = chance.uniform(0.6, 1.0)
    width, height = round(picture.width * share), round(picture.height * share)
    left, top = chance.randint(0, picture.width - width), chance.randint(0, picture.height - height)
    scale = SIDE / max(width, height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    picture = picture.resize(size, Image.Resampling.BILINEAR, box=(left, top, left + width, top + height))
    if chance.random() < 0.5:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    buffer = io.BytesIO()
    picture.save(buffer, format="JPEG", quality=90)
    return buffer.getvalue()
