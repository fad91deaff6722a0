"""What lies in the folder ``tokenizer`` of an export."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from graft.errors import ExportError
from graft.export.tokenizing import tables
from graft.heads.lexical import Lexicon

FOLDER = "tokenizer"
PLAIN = ("tokenizer.py", "tokenizer.js")
"""Two standalone programs that do the same: one for Python with numpy, one for browsers and Node."""
LIBRARY = "tokenizers"
"""The package that reads a vocabulary of any other kind, in Python alone."""
_OWN = "graft.export.tokenizing.tokenizer"


def plain_files(description: bytes, lexicon: Lexicon | None) -> dict[str, bytes]:
    """The contents of the files, by their place in an export, for a tokenizer that needs no library.

    Args:
        description: The content of the model's ``tokenizer.json``.
        lexicon: The n-grams that the model looks at; ``None`` where it looks at none.

    Raises:
        ExportError: The tokenizer is of a kind that cannot be taken apart.
    """
    try:
        found = {
            "vocabulary.txt": tables.vocabulary(description),
            "characters.json": tables.characters(description),
        }
    except (KeyError, TypeError, ValueError) as error:
        raise ExportError(
            "The model's tokenizer cannot stand beside a graph: only WordPiece as BERT has it is written out in plain "
            f"Python and JavaScript, and this is {error}.",
            "Fit with --encoder text, or let graft serve answer.",
        ) from None
    return _placed(found | {name: _source(name) for name in PLAIN}, lexicon)


def library_files(description: bytes, settings: Mapping[str, Any], lexicon: Lexicon | None) -> dict[str, bytes]:
    """The same for a tokenizer that the library tokenizers reads; there is none of it for browsers.

    Args:
        description: The content of the model's ``tokenizer.json``.
        settings: ``length``, ``lower`` and ``prompt``.
        lexicon: The n-grams that the model looks at; ``None`` where it looks at none.
    """
    found = {
        "tokenizer.json": description,
        "settings.json": json.dumps(dict(settings), ensure_ascii=False, sort_keys=True).encode(),
        "tokenizer.py": _source("library.py").replace(f"from {_OWN} import".encode(), b"from tokenizer.plain import"),
        "plain.py": _source("tokenizer.py"),
    }
    return _placed(found, lexicon)


def _placed(found: Mapping[str, bytes], lexicon: Lexicon | None) -> dict[str, bytes]:
    words = {"words.json": tables.words(lexicon)} if lexicon is not None else {}
    return {f"{FOLDER}/{name}": content for name, content in {**found, **words}.items()}


def _source(name: str) -> bytes:
    return Path(__file__).with_name(name).read_bytes()
