"""What a store says when it refuses, in our words: its own text may hold keys and signed addresses."""

from __future__ import annotations

import re

from graft.buckets.addresses import BucketAddress
from graft.errors import AddressError, GraftError, NothingToRead, OutputExists

_CODE = re.compile(r"<Code>([A-Za-z]{1,60})</Code>")
_STATUS = re.compile(r"non-2xx status code: (\d{3})")
_ELSEWHERE = ("PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException")
_KEYS = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile in ~/.aws/credentials (AWS_PROFILE)",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS, or `gcloud auth application-default login`",
    "az": "AZURE_STORAGE_ACCOUNT_KEY or AZURE_STORAGE_SAS_TOKEN",
    "file": "the file's permissions",
}
_ENDPOINTS = {"s3": "AWS_ENDPOINT_URL", "gs": "STORAGE_EMULATOR_HOST", "az": "AZURE_STORAGE_ENDPOINT"}


def says_denied(error: Exception, signed: bool) -> bool:
    """Whether another key could do it.

    Azure calls a container that needs one not found, or a conflict, to those who show none.
    """
    kind, status = type(error).__name__, _STATUS.search(str(error))
    if kind in ("PermissionDeniedError", "UnauthenticatedError") or (status and status[1] in ("401", "403")):
        return True  # a list that is refused is a GenericError
    return not signed and _code(error) in (
        "ResourceNotFound",
        "PublicAccessNotPermitted",
        "NoAuthenticationInformation",
    )


def says_elsewhere(error: Exception) -> bool:
    """Whether S3 says that a bucket lies in another region; to a HEAD, whose answer has no text, 301 or 400 is all."""
    status = _STATUS.search(str(error))
    unsaid = status is not None and status[1] in ("301", "400") and not _code(error)
    return unsaid or _code(error) in _ELSEWHERE or "redirect without LOCATION" in str(error)


def in_words(error: Exception, address: BucketAddress, *, signed: bool) -> GraftError:
    """The error for what obstore raised at an address; it holds nothing of its text but a known code."""
    kind, code = type(error).__name__, _code(error)
    said = f" (it said {code})" if code else ""
    where = f"{address}"
    store = "The file system" if address.scheme == "file" else "The store"
    if kind == "AlreadyExistsError":
        return OutputExists(f"There is something at {where} already.", "Nothing was written; give another address.")
    if address.scheme == "s3" and says_elsewhere(error):
        return AddressError(
            f"The bucket of {where} lies in another region than was asked{said}.", "Set AWS_REGION to the bucket's."
        )
    if says_denied(error, signed):
        how = "with the key that was found" if signed else "without a key, and none was found"
        denied = AddressError(
            f"{store} does not let {where} be touched {how}{said}.", f"Set {_KEYS[address.scheme]}; keys are not kept."
        )
        denied.denied = True
        return denied
    if kind in ("NotFoundError", "FileNotFoundError") or code in _NO_BUCKET:
        what = f"There is no bucket {address.root}" if code in _NO_BUCKET else f"There is nothing at {where}"
        return NothingToRead(f"{what}.", "Check the spelling; a folder's address ends in /.")
    if kind == "PreconditionError":
        return AddressError(f"What lies at {where} changed while it was read.", "Run the same command again.")
    if kind == "InvalidPathError":
        return AddressError(f"A key at {where} cannot be read.", "Name a folder whose keys have no empty or dot parts.")
    status = _STATUS.search(str(error))
    if status or code:
        found = f"answered {status[1]}" if status else "refused"
        return AddressError(f"{store} {found} for {where}{said}.", "Run the same command later.")
    ours = f"; check {_ENDPOINTS[address.scheme]} if you set it" if address.scheme in _ENDPOINTS else ""
    return AddressError(f"{store} of {where} cannot be reached.", f"Check the network{ours}.")


_NO_BUCKET = ("NoSuchBucket", "ContainerNotFound")


def _code(error: Exception) -> str:
    found = _CODE.search(str(error))
    return found[1] if found else ""
