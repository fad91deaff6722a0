"""Who sends, and whether they may: all of it is found out before anything is sent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from graft.errors import HubError, UsageError

MAX_TOKEN_BYTES = 4096
MOST = 96
"""Characters of a repository's name, its owner's included."""

_PART = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_SETTINGS = "huggingface.co/settings/tokens"


@dataclass(frozen=True, slots=True)
class Account:
    """Whose token it is, and for whom it writes.

    Attributes:
        name: The user's.
        owners: The user and the organisations they write for.
        token: Never shown.
    """

    name: str
    owners: tuple[str, ...]
    token: str = field(repr=False)


def check_name(name: str) -> tuple[str, str]:
    """Owner and name of a repository.

    Raises:
        UsageError: No repository can be called so.
    """
    owner, slash, own = name.partition("/")
    parts = bool(slash) and all(_PART.fullmatch(part) for part in (owner, own))
    if parts and len(name) <= MOST and "--" not in name and ".." not in name and not own.endswith((".git", ".ipynb")):
        return owner, own
    raise UsageError(
        f"{name!r} is no name of a repository.",
        "It is called owner/name: letters, digits and single - _ . within, 96 characters at most, as in ann/doors.",
    )


def find_token(file: Path | None) -> str:
    """The token: from a file, else ``HF_TOKEN``, else what ``hf auth login`` keeps.

    Raises:
        HubError: There is none, or the file holds none.
    """
    from huggingface_hub import get_token

    if file is None:
        token, where = get_token() or "", ""
    else:
        try:
            with file.open("rb") as opened:
                token = opened.read(MAX_TOKEN_BYTES).decode("ascii", "replace").strip()
        except OSError as error:
            raise HubError(
                f"The token's file cannot be read: {error.strerror or error} ({file}).", "Look at the path."
            ) from None
        where = f" in {file}"
    if not token:
        raise HubError(
            f"There is no token{where}: the hub takes files only from whom it knows.",
            f"Make one with the right to write at {_SETTINGS}; then run hf auth login, set HF_TOKEN, or give "
            "--token-file FILE.",
        )
    if not re.fullmatch(r"[\x21-\x7e]{8,}", token):
        raise HubError(
            f"What stands{where or ' in HF_TOKEN'} is no token: a token is one word of printed characters.",
            f"Copy it again from {_SETTINGS}.",
        )
    return token


def account_of(answer: Mapping[str, Any], token: str) -> Account:
    """The account, of what the hub says of a token (its ``whoami``).

    Raises:
        HubError: The token may only read.
    """
    access = _mapping(_mapping(answer.get("auth")).get("accessToken"))
    role = access.get("role")
    if role == "read" or (role == "fineGrained" and not _writes(access)):
        raise HubError("The token may only read.", f"Make one with the right to write to repositories at {_SETTINGS}.")
    name = str(answer.get("name", ""))
    groups = [_mapping(entry) for entry in answer.get("orgs") or ()]
    writing = [str(entry.get("name", "")) for entry in groups if entry.get("roleInOrg") != "read"]
    return Account(name, (name, *writing), token)


def check_owner(account: Account, owner: str) -> None:
    """Whether the account writes for this owner.

    Raises:
        HubError: It does not.
    """
    known = {own.casefold() for own in account.owners}
    if owner.casefold() in known:
        return
    meant = get_close_matches(owner, account.owners, 1)
    raise HubError(
        f"The token is of {account.name}, who does not write for {owner}.",
        (f"Did you mean {meant[0]}? " if meant else "") + f"It writes for: {', '.join(account.owners[:20])}.",
    )


def _writes(access: Mapping[str, Any]) -> bool:
    """Whether a token of chosen rights may write to any repository at all."""
    scopes = [_mapping(entry) for entry in _mapping(access.get("fineGrained")).get("scoped") or ()]
    return any("repo.write" in (entry.get("permissions") or ()) for entry in scopes)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
