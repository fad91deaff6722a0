"""The profile files of AWS's command line, as far as they hold keys; obstore itself reads the environment only."""

from __future__ import annotations

import configparser
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from graft.errors import AddressError
from graft.files import expanded

_MAX_BYTES = 1 << 20
_ELSEWHERE = ("sso_session", "sso_start_url", "role_arn", "credential_process", "web_identity_token_file")
"""What says in a profile that the key has to be asked for somewhere."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What a profile says.

    Attributes:
        name: How it is called.
        region: Of its buckets, if it names one.
        endpoint: The address of the store, if it names one.
        keys: obstore's settings; none where boto3 is to fetch the key.
        by_boto3: Whether the key has to be asked for somewhere, which boto3 does.
    """

    name: str
    region: str = ""
    endpoint: str = ""
    keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    by_boto3: bool = False

    def provider(self) -> Any:
        """What asks boto3 for the key whenever one is needed."""
        import boto3
        from obstore.auth.boto3 import Boto3CredentialProvider

        return Boto3CredentialProvider(boto3.Session(profile_name=self.name))


def read_profile() -> Profile | None:
    """The profile that ``AWS_PROFILE`` names, else the one called ``default``; ``None`` where no file has it.

    Raises:
        AddressError: The named one is in no file, a file cannot be read, or its key has to be asked for elsewhere and
            boto3 is not installed.
    """
    asked = os.environ.get("AWS_PROFILE") or os.environ.get("AWS_DEFAULT_PROFILE")
    name = asked or "default"
    found: dict[str, str] = {}
    for path, section in (
        (_place("AWS_CONFIG_FILE", "config"), name if name == "default" else f"profile {name}"),
        (_place("AWS_SHARED_CREDENTIALS_FILE", "credentials"), name),
    ):
        found.update(_section(path, section))
    if not found:
        if asked:
            raise AddressError(
                f"AWS_PROFILE names the profile {name}, and none is called so in ~/.aws/config or ~/.aws/credentials.",
                "See the names with `aws configure list-profiles`, or unset AWS_PROFILE.",
            )
        return None
    keys = {
        setting: found[f"aws_{setting}"]
        for setting in ("access_key_id", "secret_access_key", "session_token")
        if f"aws_{setting}" in found
    }
    elsewhere = next((setting for setting in _ELSEWHERE if setting in found), "")
    if not elsewhere or ("role_arn" not in found and len(keys) >= 2):
        return Profile(name, found.get("region", ""), found.get("endpoint_url", ""), keys)
    if not _has_boto3():
        raise AddressError(
            f"The profile {name} gets its key by {elsewhere}, which needs boto3, and that is not installed.",
            "pip install boto3; or put a key into the environment: "
            'eval "$(aws configure export-credentials --format env)".',
        )
    return Profile(name, found.get("region", ""), found.get("endpoint_url", ""), {}, by_boto3=True)


def _has_boto3() -> bool:
    try:
        import boto3  # noqa: F401 - whether it is there
    except ImportError:
        return False
    return True


def _place(variable: str, name: str) -> Path:
    return expanded(os.environ.get(variable) or f"~/.aws/{name}")


def _section(path: Path, section: str) -> dict[str, str]:
    """The settings of a file's section; none where there is no such file or section."""
    try:
        with path.open("rb") as file:
            text = file.read(_MAX_BYTES).decode("utf-8", "replace")
    except (FileNotFoundError, NotADirectoryError, RuntimeError):  # RuntimeError: no home folder
        return {}
    except OSError as error:
        raise AddressError(f"{path} cannot be read: {error.strerror}.", "Check its permissions.") from None
    parser = configparser.ConfigParser(interpolation=None, strict=False, allow_no_value=True)
    try:
        parser.read_string(text)
    except configparser.Error:  # its text would quote the line, which may hold a key
        raise AddressError(f"{path} is no profile file.", "Write it anew with `aws configure`.") from None
    return {key: value or "" for key, value in parser[section].items()} if parser.has_section(section) else {}
