"""What can go wrong between this machine and the hub, in words."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from graft.errors import EncoderError, first_line


class Unreachable(EncoderError):
    """The hub could not be asked."""


@contextmanager
def explained(name: str, file: str = "") -> Iterator[None]:
    """What goes wrong with the hub, said in our words.

    Args:
        name: Of the model.
        file: Of its file, where one is asked for.

    Raises:
        EncoderError: Whatever goes wrong inside.
    """
    from huggingface_hub import errors as hub

    what = f"{file} of {name}" if file else name
    try:
        yield
    except hub.GatedRepoError:
        raise EncoderError(
            f"{name} is gated: its owner gives access to those who ask.",
            f"Ask for it at https://huggingface.co/{name}, then run hf auth login, or set HF_TOKEN.",
        ) from None
    except hub.RevisionNotFoundError:
        raise EncoderError(f"{name} has no such revision.", "Look at the branches and tags on its page.") from None
    except hub.RepositoryNotFoundError:
        raise EncoderError(
            f"There is no model {name} on the hub, or it is private.",
            "Look at the spelling, owner included; for a private model run hf auth login, or set HF_TOKEN.",
        ) from None
    except hub.EntryNotFoundError as error:
        if isinstance(error, hub.LocalEntryNotFoundError):
            raise _unreachable(what, error.__cause__ or error) from None
        raise EncoderError(f"{name} has no file {file}.", "Download the model again.") from None
    except hub.HfHubHTTPError as error:
        raise _refused(what, error) from None
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise EncoderError(
                f"The disk is full: {what} could not be saved.",
                "Make room, or set HF_HOME and GRAFT_CACHE to folders on another disk.",
            ) from None
        if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
            raise EncoderError(
                f"{what} could not be saved: {error}.", "Set HF_HOME to a folder that can be written to."
            ) from None
        raise _unreachable(what, error) from None
    except Exception as error:
        # For a connection that fails the hub's HTTP library has a class; which library that is depends on its version.
        if any(base.__name__ == "HTTPError" for base in type(error).__mro__):
            raise _unreachable(what, error) from None
        raise


def _unreachable(what: str, error: BaseException) -> Unreachable:
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        why, advice = "HF_HUB_OFFLINE is set", "Unset it"
    else:
        why = f"the hub did not answer, or the connection broke off ({first_line(error, 200)})"
        advice = "Check the connection and try again: files that arrived whole are kept"
    return Unreachable(
        f"{what} could not be downloaded: {why}.",
        f"{advice}. Without a network, use a model that was used here before, a folder with the model's files, or an "
        "encoder that comes with pip.",
    )


def _refused(what: str, error: Any) -> EncoderError:
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status == 429:
        return EncoderError(
            f"The hub refused {what}: too many requests.", "Wait some minutes, or log in with hf auth login."
        )
    if status in (401, 403):
        return EncoderError(
            f"The hub does not give out {what} ({status}).",
            "Run hf auth login with an account, or set HF_TOKEN to a token, that may read it.",
        )
    if status is not None and status < 500:
        return EncoderError(f"The hub did not give out {what}: {first_line(error, 200)}.", "Look at the model's page.")
    return _unreachable(what, error)
