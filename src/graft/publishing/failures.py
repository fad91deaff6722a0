"""What can go wrong between this machine and the hub while something is sent there, in words and without the token."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any, TypeVar

from graft.errors import HubError

TRIES = 5
"""So often a request is made that the hub answers with "later"."""
LONGEST_WAIT = 300.0
"""Seconds: a hub that asks for more is not waited for."""
LATER = frozenset({429, 500, 502, 503, 504})

_TOKEN = re.compile(r"hf_[A-Za-z0-9_]{4,}")
_RESET = re.compile(r"\bt=(\d{1,6})\b")

T = TypeVar("T")


def attempt(
    what: str, call: Callable[[], T], *, token: str = "", wait: Callable[[float], None] = time.sleep, tries: int = TRIES
) -> T:
    """What ``call`` gives; where the hub says "later" it is made again, after the time that the hub names.

    Args:
        what: Begins the error, as in "The hub did not make owner/name".
        call: Asks the hub, and may be asked again.
        token: Is kept out of every error.
        wait: Waits so many seconds.
        tries: How often in all.

    Raises:
        HubError: The hub refused, asked for too long a wait, or was not reached. Its ``status`` is what it answered.
    """
    failed = None
    for number in range(1, tries + 1):
        try:
            return call()
        except Exception as error:
            found = error
        status = status_of(found)
        later = status in LATER or (status == 0 and is_transport(found))
        seconds = _seconds(found, number)
        failed = explained(what, found, token)
        if not later or seconds > LONGEST_WAIT or number == tries:
            break
        del found
        wait(seconds)
    assert failed is not None
    raise failed


def explained(what: str, error: BaseException, token: str) -> HubError:
    """An error of the hub's library in our words; anything else is raised as it is."""
    status = status_of(error)
    if not status and not is_transport(error):
        raise error
    found = HubError(f"{what}: {hidden(_cause(error, status), token)}.", _advice(status))
    found.status = status
    return found


def status_of(error: BaseException) -> int:
    """What the hub answered; 0 where it did not."""
    seen = 0
    cause: BaseException | None = error
    while cause is not None and seen < 5:  # the library wraps what happens to one file of several
        status = getattr(getattr(cause, "response", None), "status_code", None)
        if isinstance(status, int):
            return status
        cause, seen = cause.__cause__, seen + 1
    return 0


def is_transport(error: BaseException) -> bool:
    """Whether the connection failed; which class that is depends on the version of the hub's library."""
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    bases = [base for base in HfHubHTTPError.__mro__ if base.__name__ == "HTTPError" and issubclass(base, Exception)]
    kinds = (*bases, OfflineModeIsEnabled, ConnectionError, TimeoutError)
    causes = (error, error.__cause__)
    return any(isinstance(cause, kinds) for cause in causes)


def hidden(text: str, token: str) -> str:
    """A text without the token, nor anything that looks like one."""
    return _TOKEN.sub("hf_...", text.replace(token, "hf_...") if token else text)


def _seconds(error: BaseException, number: int) -> float:
    """How long the hub asks to wait; without a word of it twice as long each time."""
    cause: BaseException | None = error
    while cause is not None and getattr(cause, "response", None) is None:
        cause = cause.__cause__
    headers: Any = getattr(getattr(cause, "response", None), "headers", {})
    after = str(headers.get("retry-after", ""))
    if after.isascii() and after.isdigit():
        return float(after[:9])
    if found := _RESET.search(str(headers.get("ratelimit", ""))):
        return float(found[1])
    return float(2 ** (number - 1))


def _cause(error: BaseException, status: int) -> str:
    text = (str(getattr(error, "server_message", "") or "") or str(error)).strip() or type(error).__name__
    line = text.splitlines()[0].rstrip(". ")[:300]
    return f"it answered {status} ({line})" if status else f"the connection failed ({line})"


def _advice(status: int) -> str:
    if status == 401:
        return "The token is not valid, or has expired: make a new one at huggingface.co/settings/tokens."
    if status == 402:
        return "The account's plan does not have that; look at what the hub offers for it."
    if status == 403:
        return "The token may not do that: make one with the right to write there, at huggingface.co/settings/tokens."
    if status == 429:
        return "Those were too many requests for now; run the same command later: what has arrived is not sent again."
    if status == 413:
        return "The hub takes nothing so large; look at its limits for your account."
    if status in LATER or not status:
        return "Run the same command again: what has arrived is not sent again, and nothing is half there."
    return "Look at the repository's page."
