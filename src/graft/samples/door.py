"""The door: its measures, how it hangs, and how its leaf is seen."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image

from graft.contracts import Float64
from graft.samples.camera import Camera, Point, Surface, fill, paste
from graft.samples.leaf import Leaf, paint_leaf
from graft.samples.paint import shade

_GAP = 0.007  # metres between leaf and frame


@dataclass(frozen=True, slots=True)
class Door:
    """How a door is built and how far it stands open.

    The opening is the part of the wall with ``0 <= x <= width`` and ``0 <= y <= height``.

    Attributes:
        width: Of the opening, in metres.
        height: Of the opening, in metres.
        depth: Of the wall, in metres.
        hinge: The side, seen from the viewer, about which the leaf turns.
        swing: Towards the viewer (``"outwards"``) or away.
        angle: In degrees; 0 is closed.
        thickness: Of the leaf, in metres.
    """

    width: float
    height: float
    depth: float
    hinge: Literal["left", "right"]
    swing: Literal["inwards", "outwards"]
    angle: float
    thickness: float = 0.042

    @property
    def is_open(self) -> bool:
        """Whether it stands open at all."""
        return self.angle > 0

    @property
    def opening(self) -> list[Point]:
        """The opening in the wall's front."""
        return [(0, self.height, 0), (self.width, self.height, 0), (self.width, 0, 0), (0, 0, 0)]

    @property
    def pivot(self) -> Point:
        """The foot of the hinges."""
        return (0.0 if self.hinge == "left" else self.width, 0.0, 0.0 if self.swing == "outwards" else -self.depth)

    @property
    def along(self) -> Point:
        """Unit vector from the hinges to the free edge."""
        side, out, turn = self._signs()
        return (side * math.cos(turn), 0.0, out * math.sin(turn))

    @property
    def across(self) -> Point:
        """Unit vector through the leaf, from the face on the side it swings to to the other."""
        side, out, turn = self._signs()
        return (side * math.sin(turn), 0.0, -out * math.cos(turn))

    def leaf_point(self, along: float, height: float, across: float) -> Point:
        """A point of the leaf, in metres from the foot of the hinges."""
        p = np.asarray(self.pivot) + along * np.asarray(self.along) + across * np.asarray(self.across)
        return (float(p[0]), float(p[1]) + height, float(p[2]))

    def _signs(self) -> tuple[float, float, float]:
        return (
            1.0 if self.hinge == "left" else -1.0,
            1.0 if self.swing == "outwards" else -1.0,
            math.radians(self.angle),
        )


def draw_leaf(canvas: Image.Image, camera: Camera, door: Door, leaf: Leaf, light: float) -> None:
    """Draw those sides of the leaf that the camera sees; ``light`` is the brightness where it stands."""
    t = door.thickness
    for across, normal in ((0.0, np.negative(door.across)), (t, np.asarray(door.across))):
        at = door.leaf_point(0, 0, across)
        if camera.faces(at, normal):
            tone = light * _facing_light(normal)
            paste(canvas, camera, _leaf_surface(camera, door, leaf, across, normal, tone))
    edge = door.width - _GAP
    if door.is_open and camera.faces(door.leaf_point(edge, 0, 0), door.along):
        corners = [(edge, _GAP, 0.0), (edge, door.height - _GAP, 0.0), (edge, door.height - _GAP, t), (edge, _GAP, t)]
        tone = light * _facing_light(np.asarray(door.along)) * 0.92
        fill(canvas, camera, [door.leaf_point(*c) for c in corners], shade(leaf.colour, tone))
        _draw_latch(canvas, camera, door, leaf, light)


def draw_hinges(canvas: Image.Image, camera: Camera, door: Door, leaf: Leaf, light: float) -> None:
    """The knuckles of the hinges, which stand out on the side the leaf swings to."""
    x, _, z = door.pivot
    if door.swing == "inwards":
        return
    for share in (0.11, 0.52, 0.88):
        y = door.height * share
        points: list[Point] = [(x - 0.011, y, z), (x + 0.011, y, z), (x + 0.011, y + 0.1, z), (x - 0.011, y + 0.1, z)]
        fill(canvas, camera, points, shade(leaf.metal, light))


def _draw_latch(canvas: Image.Image, camera: Camera, door: Door, leaf: Leaf, light: float) -> None:
    edge, t = door.width - _GAP, door.thickness
    points = [
        door.leaf_point(edge, y, a) for y, a in ((0.95, t * 0.25), (1.12, t * 0.25), (1.12, t * 0.75), (0.95, t * 0.75))
    ]
    fill(canvas, camera, points, shade(leaf.metal, light * 0.9))


def _facing_light(normal: Float64) -> float:
    """Lambert's law for a lamp above and behind the viewer's left shoulder, with much light from all around."""
    lamp = np.array([-0.45, 0.5, 0.74])
    return 0.72 + 0.3 * max(-0.4, float(lamp @ normal))


def _leaf_surface(camera: Camera, door: Door, leaf: Leaf, across: float, normal: Float64, tone: float) -> Surface:
    """One face of the leaf, painted the right way round for who looks at it."""
    width, height = door.width - 2 * _GAP, door.height - 2 * _GAP
    scale = 1.25 * camera.scale_at(door.leaf_point(width / 2, height / 2, across))
    to_right = np.cross((0.0, 1.0, 0.0), normal)
    hinge_left = float(to_right @ np.asarray(door.along)) > 0
    image = paint_leaf(leaf, width, height, scale, hinge_left=hinge_left, tone=tone)
    start = _GAP if hinge_left else door.width - _GAP
    direction = np.asarray(door.along) * (1 if hinge_left else -1)
    rightwards = (float(direction[0]), 0.0, float(direction[2]))
    return Surface(door.leaf_point(start, height + _GAP, across), rightwards, (0, -1, 0), width, height, image)
