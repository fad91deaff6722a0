"""In which of S3's regions a bucket lies: every region tells anybody who asks, and answers nothing else of it."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import quote

_REGION = re.compile(r"[a-z0-9-]{1,40}")
_TIMEOUT = 10
_HEADER = "x-amz-bucket-region"


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """The answer that redirects is the one that is wanted; nothing, and no key, is sent to where it leads."""

    def redirect_request(self, *_: Any) -> None:
        """Nothing is asked there."""
        return


def region_of(bucket: str, endpoint: str) -> str:
    """The region of a bucket, "" where nobody says.

    Args:
        bucket: Its name.
        endpoint: The address that the user gave for the store, "" for Amazon's own.
    """
    base = endpoint.rstrip("/") or "https://s3.amazonaws.com"
    request = urllib.request.Request(f"{base}/{quote(bucket)}", method="HEAD")  # noqa: S310 - the user's own store
    try:
        with urllib.request.build_opener(NoRedirect).open(request, timeout=_TIMEOUT) as answer:
            found = answer.headers.get(_HEADER, "")
    except urllib.error.HTTPError as error:
        found = error.headers.get(_HEADER, "")
    except OSError:
        return ""
    return found if _REGION.fullmatch(found) else ""
