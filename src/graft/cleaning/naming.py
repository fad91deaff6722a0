"""Names for files and folders that every file system takes, and that mean the same when they are read again."""

from __future__ import annotations

from collections import Counter
from pathlib import PurePosixPath

from graft.data.arrangement import SPLITS
from graft.data.contents import clean_label
from graft.data.dataset import Dataset
from graft.data.names import FORBIDDEN, LONGEST, is_safe
from graft.decoding.encoding import mend
from graft.decoding.formats import HEAD, USUAL_EXTENSION, sniff

_LONGEST_SUFFIX = 12


def can_be_folders(dataset: Dataset) -> bool:
    """Whether a folder for each class says all that the data set knows of its items but their contents."""
    labels = set(dataset.labels)
    return (
        not dataset.tags
        and not any(dataset.groups)
        and len(labels) > 1
        and len({label.casefold() for label in labels}) == len(labels)  # some file systems know no difference of case
        and all(label == clean_label(label) and is_safe(label) and label.lower() not in SPLITS for label in labels)
    )


class Names:
    """Names of files that are taken, by folder."""

    def __init__(self) -> None:
        self._taken: set[tuple[str, str]] = set()
        self._last: Counter[tuple[str, str]] = Counter()

    def name(self, folder: str, called: str, content: bytes, modality: str) -> str:
        """A safe name for an item in a folder, near its own, that no other item there has in whatever case.

        Args:
            folder: Where the file is to lie.
            called: The item's name; of a path, its last part counts.
            content: Its bytes, which give an extension to an item that has none.
            modality: ``"image"``, ``"text"`` or ``"audio"``.
        """
        stem, suffix = _parts(called, content, modality)
        name = wanted = f"{stem}{suffix}"
        key = (folder, wanted.casefold())
        while (folder, name.casefold()) in self._taken:
            self._last[key] += 1
            name = f"{stem}-{self._last[key] + 1}{suffix}"
        self._taken.add((folder, name.casefold()))
        return name


def _parts(called: str, content: bytes, modality: str) -> tuple[str, str]:
    """A stem and an extension that are safe together."""
    path = PurePosixPath(mend(called).replace("\\", "/"))
    own = FORBIDDEN.sub("_", path.name).strip().lstrip(".")
    suffix = PurePosixPath(own).suffix
    suffix = suffix if 1 < len(suffix) <= _LONGEST_SUFFIX and suffix.lower() != ".graft" and suffix.isascii() else ""
    stem = own[: len(own) - len(suffix)].strip(" .").encode()[: LONGEST - 40].decode(errors="ignore").strip(" .")
    if not suffix:
        suffix = ".txt" if modality == "text" else USUAL_EXTENSION.get(sniff(content[:HEAD]) or "", "")
    return (stem if is_safe(f"{stem}{suffix}") and stem else f"item_{stem}".rstrip("_")), suffix
