"""One file of tokens and parts: editor, report and try page take their colours from it and from nowhere else."""

from __future__ import annotations

import re
from importlib import resources

import pytest

from graft import pages
from graft.report.page import document

LAYOUTS = {
    "report": resources.files("graft.report").joinpath("page.css").read_text("utf-8"),
    "editor": resources.files("graft.app").joinpath("assets", "editor.css").read_text("utf-8"),
    "try page": pages.text("try.css"),
}
TOKENS = pages.text("tokens.css")
GEOMETRY = {f"--{name}" for name in ("p", "v", "w", "h", "x", "y", "x1", "y1", "rows", "columns", "share")}
"""What scripts set."""


@pytest.mark.parametrize("page", LAYOUTS)
def test_a_page_adds_a_layout_and_no_token(page: str) -> None:
    css = LAYOUTS[page]
    assert ":root" not in css
    assert not re.findall(r"^\s*--[a-z]+\s*:", css, re.MULTILINE)
    assert "prefers-color-scheme" not in css
    known = {*re.findall(r"(--[\w-]+)\s*:", TOKENS)}
    assert {*re.findall(r"var\((--[\w-]+)", css)} <= known | GEOMETRY


def test_a_report_carries_them_inside() -> None:
    html = document("t", "")
    for token in ("--paper: #14181a", "--accent: #0b6b68", ".note.warning"):
        assert token in html
    assert "Tokens and small components" not in html  # what is said to whoever reads the file stays there


def test_the_editor_is_given_them_and_has_none_of_its_own() -> None:
    assets = resources.files("graft.app").joinpath("assets")
    assert {*pages.SHARED}.isdisjoint(file.name for file in assets.iterdir())
    html = assets.joinpath("page.html").read_text("utf-8")
    assert 'href="/editor/tokens.css"' in html
