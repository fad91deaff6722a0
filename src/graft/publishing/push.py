"""Send an export or a saved model to a hub: all that can be found wrong is found before anything is sent."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from graft.contracts import Progress, silent
from graft.errors import HubError
from graft.publishing.account import account_of, check_name, check_owner, find_token
from graft.publishing.card import MARK
from graft.publishing.hub import MOVED, Destination, Repository
from graft.publishing.payload import (
    CARD,
    CERTIFICATE,
    MAX_CARD_BYTES,
    MAX_CERTIFICATE_BYTES,
    Payload,
    front_of,
    names_in,
    payload_of,
)

RACES = 3
"""So often the branch may have moved between the look at it and the commit."""
MESSAGE = "Sent by graft push"


@dataclass(frozen=True, slots=True)
class Pushed:
    """What was sent.

    Attributes:
        repo: ``owner/name``.
        type: ``"space"`` or ``"model"``.
        url: Its page.
        commit: The branch's last commit now.
        private: Whether only its owner sees it.
        created: Whether it was made now.
        changed: Whether there was anything to send.
        files: How many files it holds of what was sent.
        removed: Names of files of an earlier export that this one no longer has.
        kept: Files of ours that were left as they are there, for a person wrote them.
        mb: Megabytes of all files.
    """

    repo: str
    type: str
    url: str
    commit: str
    private: bool
    created: bool
    changed: bool
    files: int
    removed: tuple[str, ...]
    kept: tuple[str, ...]
    mb: float

    def to_dict(self) -> dict[str, Any]:
        """JSON-able values."""
        return asdict(self) | {"removed": list(self.removed), "kept": list(self.kept)}


def push(
    folder: str | Path,
    name: str,
    *,
    private: bool | None = None,
    token_file: str | Path | None = None,
    progress: Progress = silent,
    wait: Callable[[float], None] = time.sleep,
) -> Pushed:
    """Send a folder to a repository of the hub, in one commit or none.

    Args:
        folder: A saved model, or what ``graft export`` wrote.
        name: ``owner/name`` of the repository; made where it is not there.
        private: Who sees a repository that is made: without a word only its owner. One that is there stays as it is.
        token_file: Holds the token; else ``HF_TOKEN``, else what ``hf auth login`` keeps.
        progress: Told of the step ``"upload"``, in bytes.
        wait: Waits so many seconds where the hub asks for it.

    Raises:
        UsageError: ``name`` can be no repository's.
        GraftError: The folder is neither, or damaged; or the hub refuses: nothing was changed there.
    """
    owner, _ = check_name(name)
    with payload_of(Path(folder), name) as payload:
        front_of(payload.card)
        token = find_token(Path(token_file) if token_file is not None else None)
        place = Destination(name, payload.kind, token, wait)
        check_owner(account_of(place.who(), token), owner)
        place.check_card(payload.card)
        before = place.look()
        if before is not None and private is not None and private != before.private:
            now, asked = ("private", "public") if before.private else ("public", "private")
            raise HubError(
                f"{name} is {now}, and {asked} was asked for; nothing was sent.",
                f"Change that in its settings, or leave out --{asked}.",
            )
        if before is None:
            place.make(private=private is not False, sdk=payload.sdk)
        return _sent(place, payload, created=before is None, progress=progress)


def _sent(place: Destination, payload: Payload, *, created: bool, progress: Progress) -> Pushed:
    for race in range(RACES):
        now = place.look()
        if now is None:
            raise HubError(f"{place.name} is not there any more.", "Run the same command again.")
        kept = _kept(place, payload, now)
        files = {file: path for file, path in payload.files.items() if file not in kept}
        removed = _removed(place, payload, now)
        try:
            commit = place.commit(files, removed, now.commit, MESSAGE, progress)
        except HubError as error:
            if error.status in MOVED and race + 1 < RACES:
                continue
            if created:
                error.hint += f" {place.name} was made, and is empty as yet."
            raise
        changed = commit != now.commit
        size = round(payload.size / 1e6, 2)
        return Pushed(
            place.name, payload.kind, place.url, commit, now.private, created, changed, len(files), removed, kept, size
        )
    raise AssertionError


def _kept(place: Destination, payload: Payload, now: Repository) -> tuple[str, ...]:
    """A card that a person wrote stays; the one that the hub makes with a repository, and ours, are written over."""
    if payload.own_card or CARD not in now.files:
        return ()
    there = place.content(CARD, now.commit, MAX_CARD_BYTES).decode("utf-8", "replace")
    return () if MARK in there or not there.strip() else (CARD,)


def _removed(place: Destination, payload: Payload, now: Repository) -> tuple[str, ...]:
    """What an earlier export brought and this one does not; what it did not bring stays."""
    if CERTIFICATE not in now.files:
        return ()
    earlier = names_in(place.content(CERTIFICATE, now.commit, MAX_CERTIFICATE_BYTES))
    return tuple(sorted(file for file in earlier if file in now.files and file not in payload.files))
