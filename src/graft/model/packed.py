"""A saved model in one file, as it lies at an address of an object store: ``doors.graft.zip`` holds ``doors.graft/``.

One object is replaced whole or not at all, which a folder of them is not. The same bundle gives the same bytes.
"""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from graft import bundle
from graft.buckets import fetch, is_bucket_address
from graft.decoding.archive import READ_ERRORS, list_members, read_member
from graft.errors import AddressError, DamagedBundle, GraftError, NotABundle
from graft.files import cache_folder, expanded, folder_beside, sha256_of, take_place, zipped
from graft.run import PLAIN, Run

ENDING = ".graft.zip"
"""How such a file is called."""
_MOST_FILES = 32
_COPY_AGAIN = "Copy or download it again."


def packed(folder: Path) -> bytes:
    """A bundle's folder as a zip, its manifest last; nothing is compressed, so that no library's version shows.

    Raises:
        OSError: It cannot be read.
    """
    names = sorted((path.name for path in folder.iterdir() if path.is_file()), key=lambda n: (n == bundle.MANIFEST, n))
    return zipped(((f"{folder.name}/{name}", (folder / name).read_bytes()) for name in names), compressed=False)


def model_folder(place: str | os.PathLike[str], run: Run = PLAIN) -> Path:
    """The folder of a saved model: of a packed one, here or at an address, in the cache; any other place as it is.

    Args:
        place: A folder, a file ``NAME.graft.zip``, or the address of one.
        run: Told how far it has been fetched.

    Raises:
        NotABundle: The file holds something else.
        UnsafeArchive: It is broken, a bomb, or reaches outside itself.
        AddressError: The store refuses, or cannot be reached; or the cache cannot be written to.
    """
    text = os.fspath(place)
    if is_bucket_address(text):
        if not text.endswith(ENDING):
            raise NotABundle(
                f"{text} is not the address of a packed model.", f"Give the address of a file NAME{ENDING}."
            )
        file = fetch(text, run)
    elif text.endswith(ENDING) and expanded(text).is_file():
        file = expanded(text)
    else:
        return Path(place)
    home = cache_folder() / "models" / sha256_of(file)[:32]
    folder = home / PurePosixPath(text).name.removesuffix(".zip")
    if not folder.is_dir():
        _unpack(file, folder)
    return folder


def _unpack(file: Path, folder: Path) -> None:
    try:
        members = list_members(file)
        if len(members) > _MOST_FILES or not any(entry.parts[1:] == (bundle.MANIFEST,) for entry in members):
            raise NotABundle(f"{file.name} holds no saved model.", f"Give a file NAME{ENDING}.")
        with folder_beside(folder, 0o700) as made:
            for entry in members:
                if len(entry.parts) != 2 or entry.is_link or not entry.parts[0].endswith(".graft"):
                    raise NotABundle(f"{file.name} holds more than a saved model.", f"Give a file NAME{ENDING}.")
                content, size = read_member(file, entry.member, bundle.MAX_FILE_BYTES)
                if len(content) != size:
                    raise DamagedBundle(f"{entry.member} in {file.name} is not as large as it says.", _COPY_AGAIN)
                (made / entry.parts[1]).write_bytes(content)
            take_place(made, folder)
    except GraftError:
        raise
    except READ_ERRORS as error:
        if isinstance(error, OSError):
            raise AddressError(
                f"The cache {folder.parent} cannot be written to: {error.strerror or error}.",
                "Set GRAFT_CACHE to another folder.",
            ) from None
        raise DamagedBundle(f"{file.name} cannot be read: {error}.", _COPY_AGAIN) from None
