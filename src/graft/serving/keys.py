"""Who may ask: whoever sends the key, of which only a hash is kept."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass, field

from graft.errors import UsageError

ENVIRONMENT = "GRAFT_KEY"
"""A key on a command line can be read by everybody on the machine, and one in the environment cannot."""
_SENDABLE = re.compile(r"[\x21-\x7e]{1,500}")


@dataclass(frozen=True, slots=True)
class ServerKey:
    """A key by its hash."""

    digest: bytes = field(repr=False)

    @classmethod
    def of(cls, key: str) -> ServerKey:
        """What is kept of a key.

        Raises:
            UsageError: No header can hold it.
        """
        if not _SENDABLE.fullmatch(key):
            raise UsageError(
                "The key is empty, too long, or holds blanks or other letters than those of ASCII.",
                "Make one: python -c 'import secrets; print(secrets.token_urlsafe(32))'",
            )
        return cls(_digest(key.encode()))

    def opens(self, authorization: bytes) -> bool:
        """Whether an ``Authorization`` header is ``Bearer`` and the key; how long it takes tells nothing of the key."""
        scheme, _, given = authorization.partition(b" ")
        return hmac.compare_digest(_digest(given.strip()), self.digest) and scheme.lower() == b"bearer"


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()
