"""The demonstrations' data: photos of doors, open and closed, drawn on the spot, and messages to a shop."""

from graft.samples.doors import DoorSample, Photo, draw_doors, draw_new_doors
from graft.samples.messages import Message, MessageSample, write_messages, write_new_messages

__all__ = [
    "DoorSample",
    "Message",
    "MessageSample",
    "Photo",
    "draw_doors",
    "draw_new_doors",
    "write_messages",
    "write_new_messages",
]
