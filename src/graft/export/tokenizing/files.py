"""What lies in the folder ``tokenizer`` of an export."""

from __future__ import annotations

from pathlib import Path

from graft.errors import ExportError
from graft.export.tokenizing import tables
from graft.heads.lexical import Lexicon

CODE = ("tokenizer.py", "tokenizer.js")
"""Two standalone programs that do the same: one for Python with numpy, one for browsers and Node."""


def files(description: bytes, lexicon: Lexicon | None) -> dict[str, bytes]:
    """The contents of the files by their names.

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
    if lexicon is not None:
        found["words.json"] = tables.words(lexicon)
    return found | {name: Path(__file__).with_name(name).read_bytes() for name in CODE}
