"""How many bytes may be taken, where the environment says."""

from __future__ import annotations

import os

from graft.errors import UsageError


def bytes_allowed(variable: str, otherwise: int) -> int:
    """The number of bytes that this variable of the environment gives, such as ``"2e9"``.

    Raises:
        UsageError: It is no number.
    """
    given = os.environ.get(variable)
    if given is None:
        return otherwise
    try:
        return int(float(given))
    except (ValueError, OverflowError):
        raise UsageError(f"{variable} is {given!r}.", "Give a number of bytes, such as 2e9.") from None
