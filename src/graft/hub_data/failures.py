"""What can go wrong between this machine and a data set of the hub, in words without addresses that may be signed."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager

from graft.errors import AddressError, GraftError, NothingToRead, first_line

_URL = re.compile(r"\w+://\S+")


@contextmanager
def explained(name: str) -> Iterator[None]:
    """What goes wrong with the hub and the library datasets, said in our words.

    Raises:
        NothingToRead: There is no such data set or revision, or no data in it.
        AddressError: Whatever else goes wrong inside.
    """
    try:
        yield
    except GraftError:
        raise
    except Exception as error:
        raise _in_words(name, error) from None


def _in_words(name: str, error: Exception) -> GraftError:
    chain: list[BaseException] = []
    found: BaseException | None = error
    while found is not None and found not in chain:
        chain.append(found)
        found = found.__cause__ or found.__context__
    kinds = {base.__name__ for one in chain for base in type(one).__mro__}
    text = str(error)
    page = f"Look at its page, https://huggingface.co/datasets/{name}."
    if "script" in text.lower() and "no longer supported" in text:
        return AddressError(
            f"{name} is made by a script of its owner, and such code is not run.",
            f"Take the tables that the hub made of it: hf:{name}@refs/convert/parquet.",
        )
    if "GatedRepoError" in kinds or "is a gated dataset" in text:
        return AddressError(
            f"{name} is gated: its owner gives access to those who ask.",
            f"Ask for it at https://huggingface.co/datasets/{name}, then run hf auth login, or set HF_TOKEN.",
        )
    if "RevisionNotFoundError" in kinds:
        return NothingToRead(f"The data set {name} has no such revision.", page)
    if kinds & {"RepositoryNotFoundError", "DatasetNotFoundError"}:
        return NothingToRead(
            f"There is no data set {name} on the hub, or it is private.",
            "Look at the spelling, owner included; for a private one run hf auth login, or set HF_TOKEN.",
        )
    if "OfflineModeIsEnabled" in kinds:
        return AddressError(f"{name} cannot be fetched: HF_HUB_OFFLINE is set.", "Unset it.")
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return AddressError(
            f"The disk is full: {name} could not be saved.",
            "Make room, or set HF_HOME and GRAFT_CACHE to folders on another disk.",
        )
    if kinds & {"DataFilesNotFoundError", "EmptyDatasetError"}:
        return NothingToRead(f"The data set {name} holds no files that the library datasets can read.", page)
    if kinds & {"HfHubHTTPError", "ConnectionError", "ConnectError", "TimeoutException", "LocalEntryNotFoundError"}:
        return AddressError(
            f"{name} could not be fetched: the hub refused, or did not answer.",
            "Check the connection and the rights of HF_TOKEN, and try again: files that arrived whole are kept.",
        )
    # Addresses are taken out before the line is cut: signed ones are longer than what is shown.
    first = _URL.sub("...", first_line(error.__cause__ or error, longest=10_000))[:200].rstrip(".")
    return AddressError(f"{name} cannot be read as a data set: {first}.", page)
