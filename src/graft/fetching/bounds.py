"""What is refused because of an option, and would be taken with another one."""

from __future__ import annotations

from graft.errors import ItemError


class OutOfBounds(ItemError):
    """A picture is too small or too large for the options of this run.

    ``facts`` is what is known of it, under the names that it has in the manifest.
    """

    def __init__(self, reason: str, message: str, **facts: int) -> None:
        super().__init__(reason, message)
        self.facts = facts


def too_small(width: int, height: int, least: int) -> OutOfBounds:
    """A picture of so many pixels, where each side needs ``least``."""
    message = f"The picture is {width} x {height} pixels; each side needs {least}."
    return OutOfBounds("too_small", message, width=width, height=height)


def too_large(n_bytes: int, most: int) -> OutOfBounds:
    """A file of at least so many bytes, where ``most`` are allowed."""
    return OutOfBounds("too_large", f"The file has more than {most / 1e6:g} MB.", bytes=n_bytes)
