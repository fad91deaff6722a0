"""What is sent: the files of an export as its certificate names them, or a saved model with a card."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graft import bundle
from graft.errors import HubError, NotABundle
from graft.files import sha256_of
from graft.front_matter import split

CERTIFICATE = bundle.CERTIFICATE
CARD = "README.md"
MAX_CERTIFICATE_BYTES = 4 * 1024 * 1024
MAX_FILES = 500
MAX_CARD_BYTES = 1024 * 1024
LISTS_OF_ITEMS = ("hardest", "mistakes", "typical", "skipped")
"""What of a report names single items; of texts a name is the text itself."""


@dataclass(frozen=True, slots=True)
class Payload:
    """What is sent.

    Attributes:
        files: Where each lies, by its name in the repository.
        kind: ``"space"`` or ``"model"``.
        sdk: Of a Space.
        card: The text of its README.
        made: Its name, in a sentence.
        own_card: Whether the README belongs to what is sent, or is a card that a person may have written over.
    """

    files: Mapping[str, Path]
    kind: str
    sdk: str | None
    card: str
    made: str
    own_card: bool

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(path.stat().st_size for path in self.files.values())


@contextmanager
def payload_of(folder: Path, name: str) -> Iterator[Payload]:
    """What is sent of a folder, which is an export or a saved model; what had to be made for it is removed after.

    Args:
        folder: The folder.
        name: Of the repository, for the card.

    Raises:
        GraftError: It is neither, or is damaged.
    """
    if (folder / CERTIFICATE).is_file():
        yield _export(folder)
    elif bundle.is_bundle(folder):
        work = Path(tempfile.mkdtemp(prefix="graft-push-"))
        try:
            yield _model(folder, name, work)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    elif bundle.is_index(folder):
        raise NotABundle(f"{folder} is an index, not a model.", "Give a model, or a folder that graft export wrote.")
    else:
        raise NotABundle(
            f"{folder} is neither a saved model nor an export.",
            "Give NAME.graft, which graft fit writes, or a folder that graft export wrote.",
        )


def names_in(certificate: bytes) -> list[str]:
    """The files that a certificate vouches for, itself included; ``[]`` where it is no certificate."""
    try:
        hashes = json.loads(certificate)["hashes"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return []
    names = [*hashes, CERTIFICATE] if isinstance(hashes, dict) else []
    return names if len(names) <= MAX_FILES and all(map(_is_plain, names)) else []


def _export(folder: Path) -> Payload:
    certificate = _bounded(folder / CERTIFICATE, MAX_CERTIFICATE_BYTES)
    names = names_in(certificate)
    if not names:
        raise HubError(
            f"{folder / CERTIFICATE} is no certificate of an export.", "Export the model again: graft export --help."
        )
    hashes = json.loads(certificate)["hashes"]
    files = {name: folder.joinpath(*name.split("/")) for name in names}
    for name, path in files.items():
        if any(part.is_symlink() for part in (path, *path.parents) if folder in part.parents) or not path.is_file():
            raise HubError(f"{name} of the export is missing.", "Export the model again.")
        if name != CERTIFICATE and sha256_of(path) != hashes[name]:
            raise HubError(
                f"{name} is not what the certificate of the export says: it was changed.",
                "Export the model again; graft verify says what else was changed.",
            )
    card = _bounded(files[CARD], MAX_CARD_BYTES).decode("utf-8", "replace") if CARD in files else ""
    sdk = front_of(card).get("sdk")
    if sdk is None:
        return Payload(files, "model", None, card, f"the export {folder}", own_card=True)
    return Payload(files, "space", str(sdk), card, f"the Space {folder}", own_card=True)


def _model(folder: Path, name: str, work: Path) -> Payload:
    from graft.publishing.card import card_of

    content = bundle.read(folder)
    documents = {key: value for key, value in content.documents.items() if key != "job"}
    documents["report"] = without_items(documents.get("report", {}))
    place = work / "model"
    bundle.write(place, manifest=_own(content.manifest), tensors=content.tensors, documents=documents)
    card = card_of(place, name)
    (work / CARD).write_text(card, encoding="utf-8")
    files = {path.name: path for path in sorted(place.iterdir())} | {CARD: work / CARD}
    return Payload(files, "model", None, card, f"the model {folder}", own_card=False)


def without_items(report: Any) -> Any:
    """A report that names no single item: its lists of them are empty, its figures stay."""
    if isinstance(report, Mapping):
        return {key: [] if key in LISTS_OF_ITEMS else without_items(value) for key, value in report.items()}
    return report


def front_of(card: str) -> Mapping[str, Any]:
    """The front matter of a README as values.

    Raises:
        HubError: It is no YAML, or no mapping of texts.
    """
    import yaml

    text, _ = split(card)
    try:
        values = yaml.safe_load(text) if text else {}
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 2}" if mark is not None else ""
        raise _refused(f"its front matter is no YAML{where}") from None
    if values is None:
        values = {}
    if not isinstance(values, dict) or not all(isinstance(key, str) and key for key in values):
        raise _refused("its front matter is no list of names with values")
    if empty := [key for key, value in values.items() if value in (None, "", [], {})]:
        raise _refused(f"{empty[0]} has no value")
    for key in ("title", "sdk", "sdk_version", "python_version", "app_file", "license", "library_name", "pipeline_tag"):
        if key in values and not isinstance(values[key], str):
            raise _refused(f"{key} is read as {values[key]!r}, which is no text: it needs quotes")
    return values


def _refused(why: str) -> HubError:
    return HubError(f"The README would be refused: {why}.", "Mend the lines between --- and --- at its beginning.")


def _own(manifest: Mapping[str, Any]) -> dict[str, Any]:
    own = ("format", "schema", "files", "checksum")
    return {key: value for key, value in manifest.items() if key not in own}


def _is_plain(name: str) -> bool:
    """Whether it names a file inside a folder, whatever system reads it."""
    parts = name.split("/")
    return all(
        part not in ("", ".", "..", ".git")
        and len(part) < 200
        and not set(part) & set('\\:*?"<>|')
        and part.isprintable()
        for part in parts
    )


def _bounded(path: Path, most: int) -> bytes:
    with path.open("rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise HubError(f"{path} is larger than {most // 2**20} MB.", "Export the model again.")
    return content
