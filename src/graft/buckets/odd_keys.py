"""Listing by our own request where a key has an empty or dot part: obstore then lists nothing at all.

Only the listing; such keys are named and never read.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from urllib.parse import quote, unquote_plus, urlsplit
from urllib.request import build_opener
from xml.etree import ElementTree

from graft.buckets.access import CONNECT, Access
from graft.buckets.regions import NoRedirect
from graft.errors import AddressError
from graft.run import Run

_MAX_PAGE = 16 * 1024 * 1024
_SIZE = re.compile(r"[0-9]{1,18}")
_NOTHING = hashlib.sha256(b"").hexdigest()


def list_by_hand(access: Access, run: Run) -> Iterator[tuple[str, int, str]]:
    """Key, size and ETag of all objects in a folder, whatever their keys are.

    Raises:
        AddressError: The store has no such listing, its key is not at hand, or it refuses.
    """
    address = access.address
    if address.scheme not in ("s3", "gs") or (access.signed and not access.keys):
        raise AddressError(
            f"A key at {address} has an empty or dot part, so the folder cannot be listed.",
            "Rename that object, or name a folder that it does not lie in.",
        )
    vendor = f"https://s3.{access.region}.amazonaws.com" if address.scheme == "s3" else "https://storage.googleapis.com"
    base = (access.endpoint or vendor).rstrip("/")
    prefix = address.key.removesuffix("/")
    token, n = "", 0
    while True:
        query = {"encoding-type": "url", "list-type": "2", "prefix": f"{prefix}/" if prefix else ""}
        page = _ask(access, base, {**query, **({"continuation-token": token} if token else {})})
        for entry in page.iter():
            if _name(entry.tag) == "Contents":
                values = {_name(one.tag): one.text or "" for one in entry}
                n += 1
                size = values.get("Size", "")
                yield (
                    unquote_plus(values.get("Key", "")),
                    int(size) if _SIZE.fullmatch(size) else 0,
                    values.get("ETag", ""),
                )
        run.tell("list", n, 0)
        token = next((one.text or "" for one in page if _name(one.tag) == "NextContinuationToken"), "")
        if not token:
            return


def _ask(access: Access, base: str, query: dict[str, str]) -> ElementTree.Element:
    parts = urlsplit(base)
    path = f"{parts.path.rstrip('/')}/{access.address.bucket}"
    asked = "&".join(f"{name}={quote(value, safe='-_.~')}" for name, value in sorted(query.items()))
    headers = _signed(access, parts.netloc, path, asked) if access.signed else {}
    request = urllib.request.Request(f"{parts.scheme}://{parts.netloc}{path}?{asked}", headers=headers)  # noqa: S310
    refused = f"The store refused to list {access.address}"
    try:
        with build_opener(NoRedirect).open(request, timeout=CONNECT) as answer:  # the signature is for this store alone
            body = answer.read(_MAX_PAGE + 1)
    except urllib.error.HTTPError as error:
        raise AddressError(f"{refused}: it answered {error.code}.", "Check the key's rights.") from None
    except OSError:
        raise AddressError(f"The store of {access.address} cannot be reached.", "Check the network.") from None
    if len(body) > _MAX_PAGE or b"<!DOCTYPE" in body:
        raise AddressError(f"{refused} in the form that S3 has.", "Check the address of the store.")
    try:
        return ElementTree.fromstring(body)  # noqa: S314 - bounded, and without a document type
    except ElementTree.ParseError:
        raise AddressError(f"{refused} in the form that S3 has.", "Check the address of the store.") from None


def _signed(access: Access, host: str, path: str, query: str) -> dict[str, str]:
    """The headers of a GET that is signed as AWS's version 4 has it."""
    keys, now = access.keys, time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    token = {"x-amz-security-token": keys["session_token"]} if "session_token" in keys else {}
    headers = {"host": host, "x-amz-content-sha256": _NOTHING, "x-amz-date": now, **token}
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    request = f"GET\n{quote(path)}\n{query}\n{lines}\n{names}\n{_NOTHING}"
    scope = f"{now[:8]}/{access.region}/s3/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = f"AWS4{keys['secret_access_key']}".encode()
    for part in (*scope.split("/"), text):
        key = hmac.digest(key, part.encode(), "sha256")
    authorization = f"AWS4-HMAC-SHA256 Credential={keys['access_key_id']}/{scope}, SignedHeaders={names}, Signature="
    return {**headers, "Authorization": authorization + key.hex()}


def _name(tag: str) -> str:
    return tag.rpartition("}")[2]
