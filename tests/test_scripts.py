"""The scripts of the pages: what one imports it uses, and what one exports somebody imports."""

import re
from pathlib import Path

import pytest

import graft

SOURCE = Path(graft.__file__).parent
SCRIPTS = {path: path.read_text() for path in sorted(SOURCE.rglob("*.js"))}
TOKENIZER = SOURCE / "export" / "tokenizing" / "tokenizer.js"
"""Stands beside every graph of texts, for whoever writes a page of their own."""
OF_TESTS = {"csv"}
CONTRACT = {"open", "answer", "corrections", "events"}
"""What every answerer exports, as docs/pages.md says."""


def mentions(name: str, text: str) -> int:
    return len(re.findall(rf"(?<![\w$]){re.escape(name)}(?![\w$])", text))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: str(path.relative_to(SOURCE)))
def test_what_a_script_imports_it_uses(path: Path) -> None:
    text = SCRIPTS[path]
    found = [name for names in re.findall(r"^import \{([^}]*)\} from", text, re.M) for name in names.split(",")]
    names = [name.split(" as ")[-1].strip() for name in found if name.strip()]
    assert [name for name in names if mentions(name, text) < 2] == []


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: str(path.relative_to(SOURCE)))
def test_what_a_script_exports_another_asks_for(path: Path) -> None:
    if path == TOKENIZER:
        return
    exported = re.findall(r"^export (?:async )?(?:const|let|function\*?|class) ([\w$]+)", SCRIPTS[path], re.M)
    others = " ".join(text for other, text in SCRIPTS.items() if other != path)
    assert [name for name in exported if name not in CONTRACT | OF_TESTS and not mentions(name, others)] == []
