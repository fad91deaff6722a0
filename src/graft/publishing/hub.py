"""One repository of a hub: looked at, made where it is not there, and given one commit."""

from __future__ import annotations

import io
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from graft.contracts import Progress
from graft.errors import HubError, needing
from graft.publishing.failures import TRIES, attempt

MOVED = frozenset({409, 412})
"""What the hub answers where the branch is no longer where it was looked at."""
LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Repository:
    """What the hub says of a repository.

    Attributes:
        commit: The branch's last.
        private: Whether only its owner sees it.
        files: Names of its files.
    """

    commit: str
    private: bool
    files: frozenset[str]


class Destination:
    """A repository of the hub, whether it is there or not.

    Args:
        name: ``owner/name``.
        kind: ``"space"`` or ``"model"``.
        token: Of who sends.
        wait: Waits so many seconds where the hub asks for it.

    Raises:
        MissingExtra: huggingface_hub is not installed.
        HubError: ``HF_ENDPOINT`` would have the token go over the net unencrypted.
    """

    def __init__(self, name: str, kind: str, token: str, wait: Callable[[float], None] = time.sleep) -> None:
        with needing("push", message="The library huggingface_hub is not installed."):
            from huggingface_hub import HfApi
        self.name, self.kind = name, kind
        self._endpoint = _endpoint()
        self._token, self._wait = token, wait
        self._api = HfApi(endpoint=self._endpoint, token=token, library_name="graft")

    @property
    def url(self) -> str:
        """Its page."""
        return f"{self._endpoint}/{'spaces/' if self.kind == 'space' else ''}{self.name}"

    def who(self) -> Mapping[str, Any]:
        """What the hub says of the token."""
        found: Mapping[str, Any] = self._ask("The hub was asked whose the token is", self._api.whoami)
        return found

    def look(self) -> Repository | None:
        """What the repository is now; ``None`` where it is not there, or not for this token to see."""
        call = partial(self._api.repo_info, self.name, repo_type=self.kind)
        try:
            info = self._ask(f"The hub was asked for {self.name}", call)
        except HubError as error:
            if error.status == 404:
                return None
            raise
        names = frozenset(entry.rfilename for entry in info.siblings or ())
        return Repository(str(info.sha), bool(info.private), names)

    def check_card(self, card: str) -> None:
        """Have the hub itself read the front matter.

        Raises:
            HubError: It refuses it.
        """
        from huggingface_hub.utils import get_session, hf_raise_for_status

        body, headers = {"content": card, "repoType": self.kind}, {"authorization": f"Bearer {self._token}"}

        def ask() -> Any:
            response = get_session().post(f"{self._endpoint}/api/validate-yaml", json=body, headers=headers)
            if response.status_code == 400:
                return response.json()
            hf_raise_for_status(response)
            return {}

        errors = self._ask("The hub was asked whether it takes the README", ask).get("errors") or ()
        if errors:
            said = "; ".join(str(error.get("message", error))[:200] for error in errors[:3])
            raise HubError(
                f"The hub refuses the README: {said}.", "Mend the lines between --- and --- at its beginning."
            )

    def make(self, *, private: bool, sdk: str | None) -> None:
        """Make the repository; one that another made meanwhile is left as it is."""
        call = partial(
            self._api.create_repo, self.name, repo_type=self.kind, private=private, exist_ok=True, space_sdk=sdk
        )
        self._ask(f"The hub did not make {self.name}", call)

    def content(self, file: str, commit: str, most: int) -> bytes:
        """A small file of the repository; ``b""`` where it cannot be had, or is larger."""
        from huggingface_hub import hf_hub_url
        from huggingface_hub.utils import get_session

        url = hf_hub_url(self.name, file, repo_type=self.kind, revision=commit, endpoint=self._endpoint)
        headers = {"authorization": f"Bearer {self._token}", "range": f"bytes=0-{most}"}

        def ask() -> bytes:
            response = get_session().get(url, headers=headers)
            return bytes(response.content) if response.status_code in (200, 206) else b""

        found: bytes = self._ask(f"The hub was asked for {file}", ask)
        return found if len(found) <= most else b""

    def commit(
        self, files: Mapping[str, Path], removed: Sequence[str], parent: str, message: str, progress: Progress
    ) -> str:
        """One commit with all of it, or none; the commit, which is ``parent`` where nothing has changed.

        Raises:
            HubError: The hub refuses; ``status`` is in ``MOVED`` where somebody else was quicker.
        """
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete

        sizes = {name: path.stat().st_size for name, path in files.items()}

        def send() -> str:
            sent = _Sent(progress, sizes)
            with _opened(files, sent) as opened, _quiet():
                added = [CommitOperationAdd(name, file) for name, file in opened.items()]
                operations = [*added, *(CommitOperationDelete(name) for name in removed)]
                info = self._api.create_commit(
                    self.name, operations, commit_message=message, repo_type=self.kind, parent_commit=parent
                )
            return str(info.oid)

        found: str = self._ask(f"Nothing of {self.name} was changed", send, tries=3)
        return found

    def _ask(self, what: str, call: Callable[[], Any], tries: int = TRIES) -> Any:
        return attempt(what, call, token=self._token, wait=self._wait, tries=tries)


class _Sent:
    """Told how much was read of each file; every file is read twice, to hash it and to send it."""

    def __init__(self, progress: Progress, sizes: Mapping[str, int]) -> None:
        self.progress, self.sizes = progress, sizes
        self.read = dict.fromkeys(sizes, 0)

    def __call__(self, name: str, n: int) -> None:
        self.read[name] = min(self.read[name] + n, 2 * self.sizes[name])  # what is sent again counts once
        self.progress("upload", sum(self.read.values()) // 2, sum(self.sizes.values()))


class _Watched(io.BufferedReader):
    """A file that tells how much was read of it."""

    def __init__(self, path: Path, name: str, sent: _Sent) -> None:
        super().__init__(io.FileIO(path))
        self._label, self._sent = name, sent

    def read(self, size: int | None = -1, /) -> bytes:
        found = super().read(size)
        self._sent(self._label, len(found))
        return found


@contextmanager
def _opened(files: Mapping[str, Path], sent: _Sent) -> Iterator[Mapping[str, io.BufferedReader]]:
    """Opened files go the plain way, one request each with its sha256, which is the way that is tested."""
    opened: dict[str, io.BufferedReader] = {}
    try:
        for name, path in files.items():
            opened[name] = _Watched(path, name, sent)
        yield opened
    finally:
        for file in opened.values():
            file.close()


@contextmanager
def _quiet() -> Iterator[None]:
    """The hub's library draws its own bars and warns of each pause; errors are said by ours."""
    from huggingface_hub.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    logger, before = logging.getLogger("huggingface_hub"), are_progress_bars_disabled()
    level = logger.level
    logger.setLevel(logging.ERROR)
    if not before:
        disable_progress_bars()
    try:
        yield
    finally:
        logger.setLevel(level)
        if not before:
            enable_progress_bars()


def _endpoint() -> str:
    from huggingface_hub import constants

    given = (os.environ.get("HF_ENDPOINT") or constants.ENDPOINT).rstrip("/")
    parts = urlsplit(given)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK):
        return given
    raise HubError(
        "HF_ENDPOINT is no https address: the token would go over the net for all to read.",
        "Set it to an address that begins with https://, or unset it.",
    )
