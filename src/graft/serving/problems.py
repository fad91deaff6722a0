"""Errors over HTTP: problem+json (RFC 9457) with Graft's own code, message and hint."""

from __future__ import annotations

import http
import json
from collections.abc import Mapping
from typing import Any

from graft.errors import GraftError, ItemError

MEDIA_TYPE = "application/problem+json"
_STATUS = {
    "not_a_picture": 415,
    "not_a_recording": 415,
    "not_a_text": 415,
    "not_supported": 415,
    "too_large": 413,
    "overloaded": 429,
}
"""Of items that are refused for a reason; of any other reason it is ``OTHERWISE``."""
OTHERWISE = 422


class Problem(GraftError):
    """A request that is refused.

    Attributes:
        status: Of HTTP.
        code: Stable name of the kind of error, for programs.
        item: Which item of the request is at fault, such as ``images[2]``; ``""`` where it is none in particular.
        headers: What else the answer's head says, such as ``Retry-After``.
        closes: Whether the connection is given up, because the request was not read to its end.
        rest: What else there is to say, by its name.
    """

    code: str  # type: ignore[misc]  # of each, and not of the class

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        hint: str = "",
        *,
        item: str = "",
        headers: Mapping[str, str] | None = None,
        closes: bool = False,
    ) -> None:
        super().__init__(message, hint)
        self.status = status
        self.code = code
        self.item = item
        self.headers = dict(headers or {})
        self.closes = closes
        self.rest: Mapping[str, Any] = {}

    def to_dict(self) -> dict[str, Any]:
        """The members of problem+json, and ``code``, ``message``, ``hint``, ``item``."""
        return {
            "type": "about:blank",
            "title": http.HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": str(self),
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            **({"item": self.item} if self.item else {}),
            **self.rest,
        }

    @classmethod
    def of_item(cls, error: ItemError, item: str) -> Problem:
        """What is said where nothing of a request could be answered."""
        return cls(_STATUS.get(error.reason, OTHERWISE), error.reason, error.message, error.hint, item=item)

    @classmethod
    def of(cls, error: GraftError, status: int = OTHERWISE) -> Problem:
        """The same error as the answer to a request."""
        if isinstance(error, Problem):
            return error
        told = error.to_dict()
        return cls(status, told["code"], told["message"], told["hint"])


def to_json(value: Any) -> bytes:
    """Strict JSON in UTF-8: no NaN and no half characters, whatever is in it."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode(
        "utf-8", "backslashreplace"
    )
