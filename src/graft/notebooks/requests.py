"""What callers of a function or a server ask of a notebook: values by name, and how long it may take."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Self

from graft.errors import UsageError

REQUEST_HINT = 'Send {"parameters": {"name": value}, "time_limit": seconds}; both may be left out.'
_KEYS = {"parameters", "time_limit"}
_MOST_PARAMETERS = 200
_MOST_SECONDS = 1e9
"""Thirty years: who gives more gives no limit."""


@dataclass(frozen=True, slots=True)
class RunRequest:
    """One request, checked.

    Attributes:
        given: Values of JSON by the names of parameters, as they came.
        seconds: That the run may take; ``None`` where nothing was said.
    """

    given: dict[str, Any]
    seconds: float | None

    @classmethod
    def of(cls, value: Any) -> Self:
        """Check what was sent.

        Raises:
            UsageError: It is something else.
        """
        if not isinstance(value, dict) or value.keys() - _KEYS:
            raise UsageError("What was sent is no object of parameters and time_limit.", REQUEST_HINT)
        given, seconds = value.get("parameters", {}), value.get("time_limit")
        if not isinstance(given, dict) or len(given) > _MOST_PARAMETERS:
            raise UsageError("The parameters are no object, or too many.", REQUEST_HINT)
        is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
        if seconds is not None and not (is_number and seconds > 0):
            raise UsageError("time_limit is no number above 0.", REQUEST_HINT)
        return cls(given, None if seconds is None or seconds > _MOST_SECONDS else float(seconds))

    @property
    def texts(self) -> dict[str, str]:
        """The values as ``run_notebook`` takes them."""
        return {name: one if isinstance(one, str) else json.dumps(one) for name, one in self.given.items()}
