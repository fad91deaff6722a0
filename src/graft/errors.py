"""Every exception that Graft raises on purpose.

Each message has three parts: what was wrong, what was found, and (in ``hint``) what to do.

::

    GraftError                      exit 1: the user can mend it
    |-- DataError                   the data set as a whole cannot be used
    |   |-- NothingToRead           no items, or nothing there
    |   |-- TooFewClasses           fewer than two classes
    |   |-- MissingColumn           a manifest without the column that was asked for
    |   |-- UnsafeArchive           a zip that is broken, a bomb, or reaches outside itself
    |   `-- MixedModalities         pictures, texts and recordings together
    |-- ItemError                   one item is bad; it is named and skipped, the others are served
    |-- EncoderError                the encoder is unknown, missing or not the pinned one
    |-- BundleError                 a saved model cannot be used
    |   |-- NotABundle              there is no bundle
    |   |-- DamagedBundle           cut short or tampered with
    |   |-- NewerBundle             written by a newer Graft
    |   `-- EncoderMismatch         made with another version of the encoder
    |-- ExportError                 a model cannot leave in that form, or what left cannot be used
    |-- NotebookError               a notebook cannot be run here
    |-- OutputExists                something is already there; nothing was overwritten
    |   `-- OutputIsInput           what is to be written over was read, or belongs to what was read
    |-- FunctionLimit               the time or the memory of a function will not do, or has run out
    |-- MissingExtra                an optional library is not installed
    |-- AddressError                what lies at an address cannot be had, or nothing be written there
    |-- ProviderError               a provider of pictures is broken, or cannot be reached
    |-- HubError                    a hub takes nothing of what is to be published, or cannot be reached
    |-- UsageError                  exit 2: the call itself is off
    |-- GateError                   exit 3: a gate said no
    |-- Busy                        exit 75: somebody does the same already; try later
    `-- Cancelled                   exit 130, as after Ctrl-C: somebody stopped the work
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar


def first_line(error: BaseException, longest: int = 300) -> str:
    """The first line of what an error of a library says, without its full stop; the error's kind where it is silent."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:longest].rstrip(".")


class GraftError(Exception):
    """Base of everything that Graft raises on purpose.

    Attributes:
        code: Stable name of the kind of error, for programs.
        message: What was wrong and what was found.
        hint: What to do about it.
    """

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()

    def to_dict(self) -> dict[str, str]:
        """``{code, message, hint}``, the shape of every error in JSON output."""
        return {"code": self.code, "message": self.message, "hint": self.hint}


class DataError(GraftError, ValueError):
    """The data set as a whole cannot be used; a ``ValueError`` as well, as scikit-learn expects of an estimator."""

    code = "data"


class NothingToRead(DataError):
    """There are no items, or there is nothing at the path."""

    code = "nothing_to_read"


class TooFewClasses(DataError):
    """A classifier needs at least two classes."""

    code = "too_few_classes"


class MissingColumn(DataError):
    """A manifest lacks the column that was asked for.

    Attributes:
        proposal: Arguments of ``read`` that by the table's content would do, such as ``item_column``.
    """

    code = "missing_column"

    def __init__(self, message: str, hint: str = "", proposal: dict[str, str] | None = None) -> None:
        super().__init__(message, hint)
        self.proposal = proposal or {}


class UnsafeArchive(DataError):
    """A zip file is broken, far larger than it looks, or reaches outside itself."""

    code = "unsafe_archive"


class MixedModalities(DataError):
    """Pictures, texts and recordings stand in one data set."""

    code = "mixed_modalities"


class ItemError(GraftError):
    """One item cannot be used.

    It is named, skipped and listed; the other items are still served. ``reason`` is a stable word such as
    ``empty``, ``truncated``, ``not_a_picture``, ``not_supported``, ``too_large``, ``unreadable`` or ``corrupt``.
    """

    code = "bad_item"

    def __init__(self, reason: str, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.reason = reason

    def to_dict(self) -> dict[str, str]:
        """``{code, message, hint}`` with the reason as the code."""
        return {"code": self.reason, "message": self.message, "hint": self.hint}


class EncoderError(GraftError):
    """The encoder is unknown, not installed, or not the pinned one."""

    code = "encoder"


class BundleError(GraftError):
    """A saved model cannot be used."""

    code = "bundle"


class NotABundle(BundleError):
    """There is no bundle at the path."""

    code = "not_a_bundle"


class DamagedBundle(BundleError):
    """The bundle was cut short or tampered with."""

    code = "damaged_bundle"


class NewerBundle(BundleError):
    """The bundle was written by a newer Graft."""

    code = "newer_bundle"


class EncoderMismatch(BundleError):
    """The bundle was made with another version of its encoder."""

    code = "encoder_mismatch"


class ExportError(GraftError):
    """A model cannot leave in the form that was asked for, or what was exported cannot be used."""

    code = "export"


class NotebookError(GraftError):
    """What was given is no notebook, or one that cannot be run here."""

    code = "notebook"


class OutputExists(GraftError):
    """Something is already there, and nothing was overwritten."""

    code = "output_exists"


class OutputIsInput(OutputExists):
    """What is to be written over was read, or belongs to what was read; nothing was changed."""

    code = "output_is_input"


class FunctionLimit(GraftError):
    """The time or the memory of a function will not do, or has run out; says what will do."""

    code = "function_limit"


class MissingExtra(GraftError):
    """An optional library is not installed."""

    code = "missing_extra"


@contextmanager
def needing(extra: str, what: str = "", otherwise: str = "", *, message: str = "") -> Iterator[None]:
    """Within stand imports of what an extra brings.

    Args:
        extra: Its name.
        what: What needs it; the beginning of the sentence.
        otherwise: What else may be done than to install it.
        message: The whole sentence, where it is another.

    Raises:
        MissingExtra: One of them is not installed.
    """
    try:
        yield
    except ImportError as error:
        message = message or f"{what} needs {error.name}, which is not installed."
        raise MissingExtra(message, f"pip install 'graft-learn[{extra}]'{otherwise}") from None


@contextmanager
def refused_as(kind: type[GraftError], what: str, hint: str) -> Iterator[None]:
    """Within stands what the system may refuse, such as to read or to write a file.

    Args:
        kind: The error that says so.
        what: What cannot be done; the beginning of the sentence.
        hint: What to do.

    Raises:
        GraftError: It is refused.
    """
    try:
        yield
    except OSError as error:
        raise kind(f"{what}: {error.strerror or error}.", hint) from None


class AddressError(GraftError):
    """What lies at an address of an object store or hub cannot be had, or nothing can be written there.

    Attributes:
        denied: Whether it is there, or may be, and this user may not touch it.
    """

    code = "address"
    denied: bool = False


class ProviderError(GraftError):
    """A provider of pictures is broken, or cannot be reached."""

    code = "provider"


class HubError(GraftError):
    """A hub takes nothing of what is to be published, or cannot be reached.

    Attributes:
        status: What it answered; 0 where nothing was asked, or nothing came.
    """

    code = "hub"
    status: int = 0


class UsageError(GraftError):
    """The call itself is off."""

    code = "usage"
    exit_code = 2


class GateError(GraftError):
    """A gate said no: the result is there, but it is not good enough."""

    code = "gate"
    exit_code = 3


class Busy(GraftError):
    """Somebody does the same already, and nothing was changed; the code is that of ``sysexits.h`` for "try later"."""

    code = "busy"
    exit_code = 75


class Cancelled(GraftError):
    """Somebody stopped the work; nothing is left half-written."""

    code = "cancelled"
    exit_code = 130
