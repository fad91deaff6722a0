"""A pinhole camera, and flat painted surfaces seen through it.

World coordinates are metres: x to the right along the wall, y up, z out of the wall towards the viewer; the wall is
``z = 0``, the floor ``y = 0``. Image coordinates are pixels from the upper left corner.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from PIL import Image, ImageChops, ImageDraw

from graft.contracts import Float64

Point = tuple[float, float, float]
Colour = tuple[int, int, int]
Box = tuple[int, int, int, int]

_NEAR = 0.05  # metres in front of the camera below which nothing is drawn
_FINE = 2  # a mask is drawn this much larger and averaged, which smooths its edges
_BLEED = 1.5  # pixels of a texture kept beyond its outline, so that interpolation never reads past its border


@dataclass(frozen=True, slots=True, eq=False)
class Camera:
    """Where the picture is taken from.

    Attributes:
        position: ``(3,) float64``.
        rotation: ``(3, 3) float64``; its rows are the camera's right, up and forward.
        focal: Focal length in pixels.
        size: Width and height of the picture in pixels.
        centre: The pixel that the camera looks at.
    """

    position: Float64
    rotation: Float64
    focal: float
    size: tuple[int, int]
    centre: tuple[float, float]

    @classmethod
    def looking(cls, position: Point, target: Point, roll: float, focal: float, size: tuple[int, int]) -> Self:
        """The camera at ``position`` that looks at ``target``, turned about its axis by ``roll`` degrees."""
        forward = np.subtract(target, position)
        forward = forward / np.linalg.norm(forward)
        right = np.cross(forward, (0.0, 1.0, 0.0))
        right = right / np.linalg.norm(right)
        up = np.cross(right, forward)
        c, s = math.cos(math.radians(roll)), math.sin(math.radians(roll))
        rotation = np.stack([c * right + s * up, c * up - s * right, forward])
        return cls(np.asarray(position), rotation, focal, size, (size[0] / 2, size[1] / 2))

    def cropped(self, box: Box) -> Camera:
        """The same camera for a cut of its picture."""
        left, top, right, bottom = box
        return replace(self, size=(right - left, bottom - top), centre=(self.centre[0] - left, self.centre[1] - top))

    @property
    def matrix(self) -> Float64:
        """Projection ``(3, 4) float64`` of homogeneous points to homogeneous pixels (Hartley & Zisserman, 6.1)."""
        k = np.array([[self.focal, 0, self.centre[0]], [0, -self.focal, self.centre[1]], [0, 0, 1]])
        return k @ self.rotation @ np.column_stack([np.eye(3), -self.position])

    def project(self, points: Sequence[Point]) -> list[tuple[float, float]]:
        """The outline of a polygon in pixels; what lies behind the camera is cut off (Sutherland & Hodgman, 1974)."""
        seen = (np.asarray(points, dtype=np.float64) - self.position) @ self.rotation.T  # (n, 3)
        kept: list[Float64] = []
        for a, b in zip(seen, np.roll(seen, -1, axis=0), strict=True):
            if a[2] > _NEAR:
                kept.append(a)
            if (a[2] > _NEAR) != (b[2] > _NEAR):
                kept.append(a + (b - a) * (_NEAR - a[2]) / (b[2] - a[2]))
        x, y = self.centre
        return [(float(x + self.focal * p[0] / p[2]), float(y - self.focal * p[1] / p[2])) for p in kept]

    def corners_on(self, axis: int, level: float, reach: float) -> Float64:
        """Where the rays through the picture's corners meet the plane ``axis = level``: ``(4, 3) float64``.

        Rays that miss the plane, or meet it farther than ``reach`` metres away, end at ``reach``.
        """
        width, height = self.size
        pixels = (np.array([[0, 0], [width, 0], [0, height], [width, height]]) - self.centre) * (1, -1) / self.focal
        rays = np.column_stack([pixels, np.ones(4)]) @ self.rotation  # (4, 3)
        with np.errstate(divide="ignore"):
            along = (level - self.position[axis]) / rays[:, axis]
        along = np.where((along > 0) & (along < reach), along, reach)
        return self.position + along[:, None] * rays

    def scale_at(self, point: Point) -> float:
        """Pixels that one metre across the view takes at ``point``."""
        return self.focal / max(_NEAR, float((np.asarray(point) - self.position) @ self.rotation[2]))

    def faces(self, point: Point, normal: Sequence[float] | Float64) -> bool:
        """Whether a face through ``point`` with this outward normal is turned to the camera."""
        return float((self.position - np.asarray(point)) @ np.asarray(normal)) > 0


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """A flat rectangle in the world with a picture painted on it.

    Attributes:
        corner: Upper left corner, in metres.
        across: Unit vector from left to right.
        down: Unit vector from top to bottom.
        width: In metres.
        height: In metres.
        image: What is painted on it, RGB or RGBA.
    """

    corner: Point
    across: Point
    down: Point
    width: float
    height: float
    image: Image.Image

    @property
    def outline(self) -> list[Point]:
        """Its four corners, in order."""
        a, r, d = (np.asarray(v, dtype=np.float64) for v in (self.corner, self.across, self.down))
        r, d = r * self.width, d * self.height
        return [tuple(float(v) for v in p) for p in (a, a + r, a + r + d, a + d)]  # type: ignore[misc]


def paste(canvas: Image.Image, camera: Camera, surface: Surface) -> None:
    """Paint ``surface`` onto ``canvas`` as the camera sees it, with smooth edges."""
    polygon = camera.project(surface.outline)
    if box := bounds(polygon, canvas.size):
        seen, mask = _seen(camera, surface, box), mask_of(polygon, box)
        if seen.mode == "RGBA":
            mask = ImageChops.multiply(mask, seen.getchannel("A"))
            seen = seen.convert("RGB")
        canvas.paste(seen, box[:2], mask)


def cover(canvas: Image.Image, camera: Camera, surface: Surface, lowest: Sequence[Point]) -> None:
    """Paint a surface that reaches beyond the picture on three sides, at least down to the points ``lowest``."""
    low = max(y for _, y in camera.project(lowest))
    box = (0, 0, canvas.size[0], max(1, min(canvas.size[1], math.ceil(low) + 1)))
    canvas.paste(_seen(camera, surface, box), box[:2])


def fill(canvas: Image.Image, camera: Camera, points: Sequence[Point], colour: Colour) -> None:
    """Paint a polygon of one colour onto ``canvas`` as the camera sees it."""
    polygon = camera.project(points)
    if box := bounds(polygon, canvas.size):
        canvas.paste(colour, box, mask_of(polygon, box))


def bounds(polygon: Sequence[tuple[float, float]], size: tuple[int, int]) -> Box | None:
    """The smallest box of whole pixels that holds the polygon within a picture, or None where they do not meet."""
    if len(polygon) < 3:
        return None
    xs, ys = zip(*polygon, strict=True)
    box = (
        max(0, math.floor(min(xs))),
        max(0, math.floor(min(ys))),
        min(size[0], math.ceil(max(xs))),
        min(size[1], math.ceil(max(ys))),
    )
    return box if box[0] < box[2] and box[1] < box[3] else None


def mask_of(polygon: Sequence[tuple[float, float]], box: Box) -> Image.Image:
    """The polygon as a mask of the box's size, with smooth edges."""
    mask = Image.new("L", ((box[2] - box[0]) * _FINE, (box[3] - box[1]) * _FINE))
    moved = [((x - box[0]) * _FINE, (y - box[1]) * _FINE) for x, y in polygon]
    ImageDraw.Draw(mask).polygon(moved, fill=255)
    return mask.reduce(_FINE)


def _seen(camera: Camera, surface: Surface, box: Box) -> Image.Image:
    """The part ``box`` of the picture, filled with the surface's plane."""
    size, coefficients = (box[2] - box[0], box[3] - box[1]), _pixel_to_texture(camera, surface, box)
    return surface.image.transform(size, Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BILINEAR)


def _pixel_to_texture(camera: Camera, surface: Surface, box: Box) -> tuple[float, ...]:
    """The eight coefficients of the homography from a pixel of ``box`` to a pixel of the surface's picture."""
    columns, rows = surface.image.size
    across = np.asarray(surface.across) * surface.width / (columns - 2 * _BLEED)
    down = np.asarray(surface.down) * surface.height / (rows - 2 * _BLEED)
    origin = np.asarray(surface.corner) - _BLEED * (across + down)
    plane = np.column_stack([np.append(across, 0), np.append(down, 0), np.append(origin, 1)])  # (4, 3)
    shift = np.array([[1, 0, box[0]], [0, 1, box[1]], [0, 0, 1]])
    inverse = np.linalg.inv(camera.matrix @ plane) @ shift
    return tuple((inverse / inverse[2, 2]).ravel()[:8].tolist())
