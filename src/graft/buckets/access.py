"""How a store is opened: with the key that the user's surroundings hold, else without one, else with the machine's own.

Who has no key is not made to wait for a machine's metadata address that is not there: public data are read without,
and that address is tried for a second, and only once somebody said that a key is needed.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit

from graft.buckets.addresses import BucketAddress
from graft.buckets.failures import in_words, says_denied, says_elsewhere
from graft.buckets.profiles import Profile, read_profile
from graft.buckets.regions import region_of
from graft.errors import UsageError, needing
from graft.files import expanded

R = TypeVar("R")

CONNECT = 10
"""Seconds until a connection stands."""
READ = 60
"""Seconds without a byte."""
TRIES = 3
METADATA = "http://169.254.169.254"
"""Where a machine in a cloud asks for its own key."""
_GLANCE = 1.0
"""Seconds that a machine's metadata address has to take a connection."""
_S3_KEYS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)
_GS_KEYS = (
    "GOOGLE_SERVICE_ACCOUNT",
    "GOOGLE_SERVICE_ACCOUNT_PATH",
    "GOOGLE_SERVICE_ACCOUNT_KEY",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_BEARER_TOKEN",
)
_AZ_KEYS = (
    "AZURE_STORAGE_ACCOUNT_KEY",
    "AZURE_STORAGE_ACCESS_KEY",
    "AZURE_STORAGE_MASTER_KEY",
    "AZURE_STORAGE_SAS_KEY",
    "AZURE_STORAGE_SAS_TOKEN",
    "AZURE_STORAGE_TOKEN",
    "AZURE_STORAGE_CLIENT_SECRET",
    "AZURE_CLIENT_SECRET",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_MSI_ENDPOINT",
    "AZURE_IDENTITY_ENDPOINT",
    "IDENTITY_ENDPOINT",
    "AZURE_USE_AZURE_CLI",
)
_TRUE = ("1", "true", "yes", "on")


@dataclass(frozen=True, slots=True)
class Access:
    """A store that was opened.

    Attributes:
        store: obstore's.
        address: What it was opened for; its keys count from the bucket's root.
        signed: Whether it was opened with a key.
        endpoint: The address that the user gave for it, "" for the vendor's own.
        region: Of S3.
        keys: The key, where it is at hand and no library has to ask for it.
    """

    store: Any
    address: BucketAddress
    signed: bool
    endpoint: str
    region: str
    keys: dict[str, str] = field(repr=False)


def with_access(address: BucketAddress, action: Callable[[Access], R], region: str = "") -> R:
    """What ``action`` gives with the first way into the store that is not refused.

    Args:
        address: What is to be touched.
        action: What is to be done; done again from its beginning where it was refused.
        region: Of an S3 bucket, where it is known; else the settings', and if the store then says that the bucket lies
            elsewhere, the one that it names.

    Raises:
        GraftError: Nobody may do that, it is not there, or the store does not answer.
        MissingExtra: obstore is not installed.
    """
    errors = store_errors()
    denied: Exception | None = None
    signed = False
    for access in _ways(address, region):
        try:
            return action(access)
        except errors as error:
            if address.scheme == "s3" and not region and says_elsewhere(error):
                if found := region_of(address.bucket, access.endpoint):
                    return with_access(address, action, found)
                raise in_words(error, address, signed=access.signed) from None
            if says_denied(error, access.signed):
                denied, signed = error, access.signed
            elif denied is None or type(error).__name__ != "GenericError":  # else the machine has no key to give
                raise in_words(error, address, signed=access.signed) from None
    assert denied is not None
    raise in_words(denied, address, signed=signed) from None


def store_errors() -> tuple[type[Exception], ...]:
    """What obstore raises of a store; some of it is no ``BaseError``.

    Raises:
        MissingExtra: It is not installed.
    """
    with needing("cloud", message="Addresses of object stores need obstore, which is not installed."):
        from obstore import exceptions
    return (exceptions.BaseError, FileNotFoundError)


def _ways(address: BucketAddress, region: str) -> Iterator[Access]:
    """The ways into a store, the likeliest first; each further one is asked for after the last was refused."""
    ways = {"gs": _gs, "az": _az, "file": _file}
    opened = _s3(address, region) if address.scheme == "s3" else ways[address.scheme](address)
    try:
        yield from opened
    except (ValueError, TypeError):  # a setting in the environment that is none; its text could hold it
        raise UsageError(
            f"The settings for {address.root} in the environment cannot be used.",
            "Check the variables that begin with "
            + {"s3": "AWS_", "gs": "GOOGLE_"}.get(address.scheme, "AZURE_")
            + ".",
        ) from None


def _s3(address: BucketAddress, region: str) -> Iterator[Access]:
    from obstore.store import S3Store

    in_environment = any(os.environ.get(name) for name in _S3_KEYS)
    profile = (None if in_environment else read_profile()) or Profile("")
    endpoint = (
        os.environ.get("AWS_ENDPOINT_URL_S3")
        or os.environ.get("AWS_ENDPOINT_URL")
        or os.environ.get("AWS_ENDPOINT")
        or profile.endpoint
    )
    told = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or profile.region
    region = region or told or "us-east-1"
    common = {"region": region, **({"endpoint": endpoint} if endpoint else {}), **_client(endpoint)}

    def opened(signed: bool, keys: dict[str, str] | None = None, **settings: Any) -> Access:
        store = S3Store(address.bucket, **common, **(keys or {}), **settings)
        return Access(store, address, signed, endpoint, region, keys or {})

    if os.environ.get("AWS_SKIP_SIGNATURE", "").lower() in _TRUE:
        yield opened(False, skip_signature=True)
    elif os.environ.get("AWS_ACCESS_KEY_ID"):
        names = {"access_key_id": "AWS_ACCESS_KEY_ID", "secret_access_key": "AWS_SECRET_ACCESS_KEY"}
        token = {"session_token": "AWS_SESSION_TOKEN"} if os.environ.get("AWS_SESSION_TOKEN") else {}
        yield opened(True, {name: os.environ.get(place, "") for name, place in {**names, **token}.items()})
    elif in_environment:
        yield opened(True)
    elif profile.by_boto3:
        yield opened(True, credential_provider=profile.provider())
    elif profile.keys:
        yield opened(True, dict(profile.keys))
    else:
        yield opened(False, skip_signature=True)
        machine = os.environ.get("AWS_METADATA_ENDPOINT", METADATA)
        if os.environ.get("AWS_EC2_METADATA_DISABLED", "").lower() not in _TRUE and _answers(machine):
            yield opened(True)


def _gs(address: BucketAddress) -> Iterator[Access]:
    from obstore.store import GCSStore

    emulator = os.environ.get("STORAGE_EMULATOR_HOST", "")
    endpoint = emulator if "://" in emulator or not emulator else f"http://{emulator}"
    endpoint = endpoint or os.environ.get("GOOGLE_BASE_URL", "")
    common = {**({"base_url": endpoint} if endpoint else {}), **_client(endpoint)}

    def opened(signed: bool, **settings: Any) -> Access:
        return Access(GCSStore(address.bucket, **common, **settings), address, signed, endpoint, "", {})

    own = expanded(os.environ.get("CLOUDSDK_CONFIG") or "~/.config/gcloud")
    if any(os.environ.get(name) for name in _GS_KEYS) or (own / "application_default_credentials.json").is_file():
        yield opened(True)
        return
    yield opened(False, skip_signature=True)
    if not emulator and _answers(f"http://{os.environ.get('GCE_METADATA_HOST', urlsplit(METADATA).netloc)}"):
        yield opened(True)


def _az(address: BucketAddress) -> Iterator[Access]:
    from obstore.store import AzureStore

    emulated = os.environ.get("AZURE_STORAGE_USE_EMULATOR", "").lower() in _TRUE
    account = address.account or os.environ.get("AZURE_STORAGE_ACCOUNT_NAME", "")
    if not account and not emulated:
        raise UsageError(
            f"The address {address} does not say whose container it is.",
            "Set AZURE_STORAGE_ACCOUNT_NAME, or write abfss://container@account.dfs.core.windows.net/folder/.",
        )
    endpoint = os.environ.get("AZURE_STORAGE_ENDPOINT") or os.environ.get("AZURE_ENDPOINT") or ""
    plain = endpoint or ("http://127.0.0.1:10000" if emulated else "")
    common = {
        **({"account_name": account} if account else {}),
        **({"endpoint": endpoint} if endpoint else {}),
        **_client(plain),
    }

    def opened(signed: bool, **settings: Any) -> Access:
        return Access(AzureStore(address.bucket, **common, **settings), address, signed, endpoint, "", {})

    if emulated or any(os.environ.get(name) for name in _AZ_KEYS):
        yield opened(True)
        return
    yield opened(False, skip_signature=True)
    if _answers(METADATA):
        yield opened(True)


def _file(address: BucketAddress) -> Iterator[Access]:
    from obstore.store import LocalStore

    yield Access(LocalStore("/", automatic_cleanup=False), address, True, "", "", {})


def _client(endpoint: str) -> dict[str, Any]:
    """How obstore asks: with an end to its patience, and over plain http where the user's own address says so."""
    return {
        "client_options": {
            "connect_timeout": timedelta(seconds=CONNECT),
            "read_timeout": timedelta(seconds=READ),
            "timeout": timedelta(hours=1),
            **({"allow_http": True} if endpoint.lower().startswith("http://") else {}),
        },
        "retry_config": {
            "max_retries": TRIES,
            "retry_timeout": timedelta(seconds=READ),
            "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=5), "base": 2},
        },
    }


def _answers(url: str) -> bool:
    """Whether somebody takes a connection there within a glance."""
    try:
        place = urlsplit(url)
        with socket.create_connection((place.hostname or "", place.port or 80), timeout=_GLANCE):
            return True
    except (OSError, ValueError):
        return False
