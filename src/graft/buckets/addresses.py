"""Addresses of objects: ``s3://bucket/key``, ``gs://bucket/key``, ``az://container/key``."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Self

from graft.errors import UsageError

SCHEMES = {
    "s3": "s3",
    "s3a": "s3",
    "gs": "gs",
    "gcs": "gs",
    "az": "az",
    "azure": "az",
    "abfs": "az",
    "abfss": "az",
    "adl": "az",
    "file": "file",
}
"""What an address may begin with, and whose store is meant."""

_ADDRESS = re.compile(r"([a-z][a-z0-9]*)://", re.IGNORECASE)
_BUCKET = re.compile(r"[A-Za-z0-9$][A-Za-z0-9._-]{0,254}")
_ACCOUNT = re.compile(r"([a-z0-9-]{1,63})\.(?:dfs|blob)\.core\.(?:windows\.net|chinacloudapi\.cn|usgovcloudapi\.net)")
_MAX_KEY = 4096
_FORMS = "Write it as s3://bucket/folder/, gs://bucket/folder/ or az://container/folder/."


def is_bucket_address(text: str | os.PathLike[str]) -> bool:
    """Whether a text is meant as the address of an object or of a folder of them; asks nobody."""
    found = _ADDRESS.match(os.fspath(text)) if isinstance(text, str) else None
    return bool(found) and found[1].lower() in SCHEMES  # type: ignore[index]


@dataclass(frozen=True, slots=True)
class BucketAddress:
    """An address, taken apart.

    Attributes:
        scheme: ``s3``, ``gs``, ``az`` or ``file``.
        bucket: The bucket or container; "" of files.
        key: The object's key, or what those of a folder begin with; "" is the whole bucket.
        account: Azure's storage account, where the address names it.
    """

    scheme: str
    bucket: str
    key: str
    account: str = ""

    @classmethod
    def of(cls, text: str) -> Self:
        """Take an address apart.

        Raises:
            UsageError: It is none.
        """
        if not is_bucket_address(text):
            raise UsageError(f"{text[:200]!r} is no address of an object store.", _FORMS)
        given, _, rest = text.partition("://")
        scheme = SCHEMES[given.lower()]
        odd = any(ord(letter) < 32 or ord(letter) == 127 or 0xD800 <= ord(letter) < 0xE000 for letter in rest)
        if odd or len(rest) > _MAX_KEY:
            raise UsageError(f"The address {text[:200]!r} holds a control character, or is too long.", _FORMS)
        if scheme == "file":
            if not rest.startswith("/"):
                raise UsageError(f"{text} names no file by its full path.", "Write file:///folder/file.")
            return cls(scheme, "", rest[1:])
        place, _, key = rest.partition("/")
        bucket, _, host = place.partition("@")
        account = _ACCOUNT.fullmatch(host) if host and scheme == "az" else None
        if host and not account:  # said without it: what stands before an @ may be a secret
            raise UsageError(f"The address {given}://... holds an @ where its bucket stands.", _FORMS)
        if not _BUCKET.fullmatch(bucket):
            raise UsageError(f"The address {text[:200]} names no bucket.", _FORMS)
        parts = key.removesuffix("/").split("/") if key else []
        if any(part in ("", ".", "..") for part in parts):
            raise UsageError(f"The key in {text[:200]} has an empty or dot part.", "Name one folder or object.")
        return cls(scheme, bucket, key, account[1] if account else "")

    @property
    def is_folder(self) -> bool:
        """Whether it can only mean all that begins so."""
        return not self.key or self.key.endswith("/")

    @property
    def root(self) -> str:
        """The address of the bucket."""
        if self.scheme == "file":
            return "file:///"
        at = f"@{self.account}.dfs.core.windows.net" if self.account else ""
        return f"{'abfss' if at else self.scheme}://{self.bucket}{at}/"

    @property
    def name(self) -> str:
        """What a file or folder of it is called: the last part of the key, or the bucket."""
        return PurePosixPath(self.key).name or self.bucket

    def __str__(self) -> str:
        return f"{self.root}{self.key}"
