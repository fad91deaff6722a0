"""Files of the pages: tokens and parts, which report, editor and all pages share, and the page that tries a model.

The try page stands in ``try.html`` and asks ``answerer.js``, which whoever shows the page puts beside it: a file that
answers over HTTP (``answerer_http.js``), or one that answers in the browser itself. What it has to export stands in
``docs/pages.md``.
"""

from __future__ import annotations

from importlib import resources

SHARED = {"tokens.css": "text/css", "mark.svg": "image/svg+xml"}
"""Files of every page, and what they are."""
TRY = {
    **SHARED,
    "try.html": "text/html",
    "try.css": "text/css",
    **dict.fromkeys(
        (
            "answers.js",
            "camera.js",
            "correcting.js",
            "devices.js",
            "dom.js",
            "empty.js",
            "giving.js",
            "item.js",
            "keys.js",
            "many.js",
            "masthead.js",
            "microphone.js",
            "photo.js",
            "pictures.js",
            "queue.js",
            "recorder.js",
            "sounds.js",
            "texts.js",
            "toolbar.js",
            "try.js",
            "wav.js",
        ),
        "text/javascript",
    ),
}
"""Files of the page that tries a model but ``answerer.js``; all lie in one folder."""
ANSWERER = "answerer_http.js"
"""What is ``answerer.js`` where a server answers."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "media-src 'self' blob: data:; connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'"
)
"""The content security policy under which the try page works; ``frame-ancestors`` can stand in a header only."""


def content(name: str) -> bytes:
    """A file of this room, as it is.

    Raises:
        FileNotFoundError: There is none of this name.
    """
    return resources.files("graft.pages").joinpath(name).read_bytes()


def text(name: str) -> str:
    """A file of this room as text.

    Raises:
        FileNotFoundError: There is none of this name.
    """
    return content(name).decode("utf-8")
