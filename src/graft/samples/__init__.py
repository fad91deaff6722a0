"""The demonstration's data: photos of doors, open and closed, drawn on the spot."""

from graft.samples.doors import DoorSample, Photo, draw_doors, draw_new_doors

__all__ = ["DoorSample", "Photo", "draw_doors", "draw_new_doors"]
