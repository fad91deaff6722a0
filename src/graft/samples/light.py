"""Light on the scene, and what a camera makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from graft.contracts import Float32
from graft.samples.camera import Camera, Colour, Point, bounds

_COARSE = 4  # soft light is drawn this much smaller


@dataclass(frozen=True, slots=True)
class Mood:
    """Light and camera of one photo.

    Attributes:
        warmth: -1 (blue hour) to 1 (candle light).
        exposure: Factor on the brightness.
        contrast: Factor about the middle grey.
        slope: How much brighter one side is than the other, -0.4 to 0.4.
        vignette: Darkening of the corners, 0 to 0.5.
        noise: Standard deviation in levels of 255.
        blur: Standard deviation in pixels.
        quality: Of the JPEG.
        sun: Whether a window throws its light on the wall.
    """

    warmth: float
    exposure: float
    contrast: float
    slope: float
    vignette: float
    noise: float
    blur: float
    quality: int
    sun: bool


def choose_mood(rng: np.random.Generator) -> Mood:
    """A mood at random: mostly fair, sometimes dim, blurred or noisy."""
    poor = bool(rng.random() < 0.15)
    return Mood(
        warmth=float(np.clip(rng.normal(0.08, 0.3), -1, 1)),
        exposure=float(np.clip(rng.normal(0.86 if poor else 1.02, 0.08), 0.6, 1.25)),
        contrast=float(rng.uniform(0.92, 1.15)),
        slope=float(rng.uniform(-0.28, 0.28)),
        vignette=float(rng.uniform(0.0, 0.4)),
        noise=float(rng.uniform(3, 8) if poor else rng.uniform(0.6, 2.5)),
        blur=float(rng.uniform(0.4, 1.0) if poor else rng.choice([0.0, 0.0, 0.3])),
        quality=int(rng.integers(62, 93)),
        sun=bool(rng.random() < 0.2),
    )


def cast_shadow(canvas: Image.Image, camera: Camera, points: Sequence[Point], strength: float, softness: float) -> None:
    """Darken a polygon of the world with soft edges; ``softness`` in metres."""
    _lay(canvas, camera, points, (12, 12, 20), strength, softness)


def throw_light(canvas: Image.Image, camera: Camera, points: Sequence[Point], strength: float, softness: float) -> None:
    """Brighten a polygon of the world with soft edges; ``softness`` in metres."""
    _lay(canvas, camera, points, (255, 236, 196), strength, softness)


def shine_through_window(canvas: Image.Image, camera: Camera, rng: np.random.Generator) -> None:
    """The slanted light of a window on wall and door: panes in two columns and two rows."""
    x, y, slant = float(rng.uniform(-0.9, 0.9)), float(rng.uniform(0.5, 1.3)), float(rng.uniform(-0.35, 0.35))
    strength = float(rng.uniform(0.15, 0.34))
    for column in (0.0, 0.4):
        for row in (0.0, 0.52):
            a, b, c = x + column, y + row, slant
            pane = [
                (a, b, 0.0),
                (a + 0.36, b + c * 0.36, 0.0),
                (a + 0.36 + c * 0.5, b + c * 0.36 + 0.48, 0.0),
                (a + c * 0.5, b + 0.48, 0.0),
            ]
            throw_light(canvas, camera, pane, strength, 0.018)


def develop(image: Image.Image, mood: Mood, rng: np.random.Generator) -> Image.Image:
    """Take the photo: uneven light, lens, film, sensor."""
    if mood.blur:
        image = image.filter(ImageFilter.BoxBlur(1.5 * mood.blur))
    light = _falloff(mood, rng)
    brightest = float(light.max())
    shades = Image.fromarray((light * (255 / brightest)).astype(np.uint8)).resize(image.size, Image.Resampling.BICUBIC)
    image = ImageChops.multiply(image, Image.merge("RGB", (shades,) * 3))
    image = image.point(_curve(mood, brightest))
    speckle = _sensor_noise(image.size, mood.noise, rng)
    return ImageChops.add(image, Image.merge("RGB", (speckle,) * 3), 1, -128)


def _curve(mood: Mood, factor: float) -> list[int]:
    """What each level of red, green and blue becomes ``(3 * 256)``: exposure, contrast and colour temperature."""
    levels = np.arange(256) / 255
    tint = np.array([1 + 0.16 * mood.warmth, 1 + 0.02 * mood.warmth, 1 - 0.2 * mood.warmth])
    exposed = levels * (tint * mood.exposure * factor)[:, None]  # (3, 256)
    exposed = np.where(exposed > 0.75, 1 - 0.25 * np.exp((0.75 - exposed) / 0.25), exposed)  # highlights roll off
    curved = 0.46 + (exposed - 0.46) * mood.contrast
    return [int(v) for v in np.clip(255 * curved, 0, 255).round().ravel()]


def _falloff(mood: Mood, rng: np.random.Generator) -> Float32:
    """Brightness over the picture, coarsely ``(24, 24) float32``: a slope, darker corners, and some unevenness."""
    x = np.linspace(-1, 1, 24, dtype=np.float32)[None, :]
    y = np.linspace(-1, 1, 24, dtype=np.float32)[:, None]
    slope, vignette = np.float32(0.7 * mood.slope), np.float32(0.5 * mood.vignette)
    uneven = 1 - np.float32(0.03) * rng.random((24, 24), dtype=np.float32)
    light: Float32 = (1 + slope * x - np.float32(0.06) * y) * (1 - vignette * (x * x + y * y)) * uneven
    return light


def _sensor_noise(size: tuple[int, int], sigma: float, rng: np.random.Generator) -> Image.Image:
    """Noise about 128 as an L picture, of deviation ``sigma``: the sum of two random bytes, looked up in a table."""
    table = (128 + (np.arange(511) - 255) * (sigma / 104.5)).round().clip(0, 255).astype(np.uint8)
    drawn = np.frombuffer(rng.bytes(2 * size[0] * size[1]), dtype=np.uint8).reshape(2, size[1], size[0])
    return Image.fromarray(table[drawn[0].astype(np.uint16) + drawn[1]])


def _lay(
    canvas: Image.Image, camera: Camera, points: Sequence[Point], colour: Colour, strength: float, softness: float
) -> None:
    polygon = camera.project(points)
    if len(polygon) < 3:
        return
    middle = np.mean(np.asarray(points), axis=0)
    soft = max(0.6, softness * camera.scale_at((float(middle[0]), float(middle[1]), float(middle[2]))))
    reach = 2.5 * soft
    grown = [(x + dx, y + dy) for x, y in polygon for dx, dy in ((-reach, -reach), (reach, reach))]
    box = bounds(grown, canvas.size)
    if box is None:
        return
    coarse = _COARSE if soft > 3 else 1
    size = (box[2] - box[0], box[3] - box[1])
    mask = Image.new("L", (-(-size[0] // coarse), -(-size[1] // coarse)))
    moved = [((x - box[0]) / coarse, (y - box[1]) / coarse) for x, y in polygon]
    ImageDraw.Draw(mask).polygon(moved, fill=round(255 * strength))
    mask = mask.filter(ImageFilter.BoxBlur(1.5 * soft / coarse))
    canvas.paste(colour, box, mask.resize(size, Image.Resampling.BILINEAR) if coarse > 1 else mask)
