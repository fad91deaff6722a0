"""The shell of every page: one file with its own style sheet and script, and a policy that allows nothing else."""

from __future__ import annotations

import base64
import hashlib
import re
from importlib import resources

from graft import pages
from graft.decoding.formats import PAGE_MARK
from graft.report.markup import Content, Html, element


def document(title: str, body: Content, *, css: str = "", sound: bool = False) -> str:
    """A whole page.

    Its content security policy allows its own style sheet and script (by their hashes), ``data:`` pictures and, where
    it holds recordings, ``data:`` sound only.

    Args:
        title: Of the window.
        body: What it shows.
        css: Rules that follow those of every page.
        sound: Whether it holds recordings.
    """
    styles, script = Html(_tokens() + _file("page.css") + css), Html(_file("page.js"))
    playing = "media-src data:; " if sound else ""
    policy = (
        f"default-src 'none'; img-src data:; {playing}style-src '{_digest(styles)}'; script-src '{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    head = element(
        "head",
        element("meta", charset="utf-8"),
        Html(PAGE_MARK.decode()),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name_="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name_="color-scheme", content="light dark"),
        element("meta", name_="referrer", content="no-referrer"),
        element("title", title),
        element("style", styles),
    )
    whole = element("html", head, element("body", body, element("script", script)), lang="en")
    return f"<!doctype html>\n{whole}\n"


def _tokens() -> str:
    """Tokens and parts of every page, without what is said to whoever reads the file."""
    return re.sub(r"\s*/\*.*?\*/", "", pages.text("tokens.css"), flags=re.DOTALL)


def _file(entry: str) -> str:
    return resources.files("graft.report").joinpath(entry).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    """A hash as content security policies write it (Content Security Policy Level 3, section 2.3.1)."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
