"""Many files of the web, brought into the cache: each once, whatever one of them does.

::

    web/<two digits>/<hash of the address>   what lay there when it was first fetched

What is there is not asked for again: a data set stays what it was. Remove the folder to have all fetched anew.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import time
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from graft.errors import AddressError, ItemError, needing, refused_as
from graft.executors import map_waiting
from graft.fetching.addresses import PORTS, Network
from graft.fetching.rate_limit import Limits, RateLimiter
from graft.files import cache_folder, write_atomically
from graft.run import Run

ALLOWED: Sequence[Network] = ()
"""Networks that are allowed though they are not public; for tests."""
ALLOWED_PORTS: Collection[int] = PORTS
LIMITS = Limits(max_bytes=200_000_000, total=300.0)
"""What one file may cost."""
AT_ONCE = 16
"""Connections at a time, to all hosts together; half as many to one."""
DELAY = 0.02
"""Seconds between two requests to a host."""
_SECRET = re.compile(
    r"(?i)([?&](?:[^=&]*(?:sig|signature|token|credential|secret|password|key|auth|policy)[^=&]*)=)[^&#]*"
)


_USER = re.compile(r"(?<=://)[^/?#]*@")
MARGIN = 256 * 1024 * 1024
"""Bytes that are left free on the disk, whatever a table of addresses asks for."""


def is_web_address(text: str) -> bool:
    """Whether a text is an address by http or https; asks nobody."""
    return text[:8].lower().startswith(("http://", "https://")) and text.split(None, 1) == [text]


def shown(url: str) -> str:
    """An address as it may be printed: without what signs it."""
    return _SECRET.sub(r"\1...", _USER.sub("...@", url))


def fetch_files(urls: Iterable[str], run: Run) -> dict[str, Path | ItemError]:
    """For each address its file in the cache, or why there is none.

    Raises:
        MissingExtra: The library that fetches is not installed.
        AddressError: The cache cannot be written to.
        Cancelled: The work was stopped; what was fetched is kept.
    """
    wanted = list(dict.fromkeys(urls))
    folder = cache_folder() / "web"
    found: dict[str, Path | ItemError] = {url: _place(folder, url) for url in wanted}
    new = [url for url in wanted if not _place(folder, url).is_file()]
    if not new:
        return found
    with needing("collect", "Fetching from the web"):
        from graft.fetching.fetcher import Fetcher
    fetcher = Fetcher(LIMITS, RateLimiter(DELAY, AT_ONCE // 2), ALLOWED, ALLOWED_PORTS)

    def bring(url: str) -> ItemError | None:
        """Fetch one file, with further tries where that may help. Runs in several threads."""
        for attempt in range(LIMITS.tries):
            try:
                place = fetcher.locate(url)
                remaining = fetcher.countdown("There was no time left.", "Run the same command later.")
                fetcher.rate_limiter.acquire(place.host, remaining, LIMITS.max_rest)
                _keep(_place(folder, url), fetcher.fetch(place).content)
                return None
            except ItemError as error:
                if not fetcher.may_pass(error) or attempt + 1 == LIMITS.tries or fetcher.stopped.is_set():
                    return error
                time.sleep(LIMITS.backoff * 2**attempt)
        return None

    failures = map_waiting(bring, new, AT_ONCE, lambda done: run.tell("fetch", done, len(new)), fetcher.stop)
    return found | {url: failure for url, failure in zip(new, failures, strict=True) if failure is not None}


def _place(folder: Path, url: str) -> Path:
    digest = hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()
    return folder / digest[:2] / digest


def _keep(place: Path, content: bytes) -> None:
    """Write a file into the cache.

    Raises:
        ItemError: It is empty.
        AddressError: It cannot be written.
    """
    if not content:
        raise ItemError("empty", "The answer is empty.")
    with refused_as(
        AddressError,
        f"The cache {place.parent.parent} cannot be written to",
        "Make room, or set GRAFT_CACHE to a folder on another disk.",
    ):
        place.parent.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(place.parent).free < len(content) + MARGIN:
            raise OSError("the disk is full")
        write_atomically(place, content)
