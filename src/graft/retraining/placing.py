"""One model takes another's place, and nobody who reads meanwhile finds neither."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from graft.bundle import is_bundle
from graft.errors import Busy, NotABundle, OutputExists
from graft.files import beside, clear_unfinished, exchange, folder_beside, sync_folder
from graft.journal.appending import lock_now


def previous_of(model: Path) -> Path:
    """Where the model lies that was in use before: ``MODEL.previous``."""
    return model.with_name(f"{model.name}.previous")


def check_previous(model: Path) -> None:
    """Whether the model that is in use now can be kept as ``MODEL.previous``: asked before any work.

    Raises:
        OutputExists: Something else lies there, which would be lost, or which a folder cannot take the place of.
    """
    place = previous_of(model)
    if (place.is_symlink() or place.exists()) and (place.is_symlink() or not is_bundle(place)):
        raise OutputExists(
            f"{place} is no model, and the one in use would be kept there; nothing was done.",
            "Move what lies there to another place.",
        )


@contextlib.contextmanager
def alone(model: Path) -> Iterator[None]:
    """While nobody else retrains the model; whoever holds this and is killed holds it no more.

    Raises:
        Busy: Somebody does.
        OSError: Nothing can be written beside the model.
    """
    with lock_now(model.with_name(f".{model.name}.retrain")) as mine:
        if not mine:
            raise Busy(f"{model} is being retrained already.", "Wait until that is over; nothing was done.")
        yield


@contextlib.contextmanager
def beside_the_model(model: Path) -> Iterator[Path]:
    """A place for a new model on the same disk; what is left there goes, and what killed runs left an hour ago.

    Raises:
        OSError: Nothing can be written beside the model.
    """
    clear_unfinished(model)
    with folder_beside(model) as folder:
        yield folder / model.name


def replace_model(new: Path, model: Path) -> None:
    """Put ``new`` in the place of ``model``, which becomes ``MODEL.previous``; an earlier one of these goes.

    Where the system can exchange two names in one step, there is a model under this name at every instant. Where it
    cannot, there is none between two renames, and readers find the old one under the name that it was moved to.

    Raises:
        OSError: The disk refuses.
    """
    old = _exchanged(new, model)
    previous = previous_of(model)
    if previous.is_dir():
        shutil.rmtree(_exchanged(old, previous), ignore_errors=True)
    else:
        old.rename(previous)
    sync_folder(model.parent)


def swap_back(model: Path) -> None:
    """``MODEL`` and ``MODEL.previous`` change places.

    Raises:
        NotABundle: There is no earlier model.
        OSError: The disk refuses.
    """
    previous = previous_of(model)
    if not previous.is_dir():
        raise NotABundle(f"There is no earlier model: nothing is at {previous}.", "Nothing was changed.")
    if (old := _exchanged(previous, model)) != previous:
        old.rename(previous)
    sync_folder(model.parent)


def _exchanged(new: Path, place: Path) -> Path:
    """Put a folder in the place of another; where that lies now."""
    if exchange(new, place):
        return new
    aside = beside(place, "old")  # where ``bundle.read`` looks for a bundle that is missing
    place.rename(aside)
    new.rename(place)
    return aside
