"""What the folder holds besides graph and labels: the page, what answers for it, and what the graph runs on."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from graft import pages
from graft.contracts import SERVED, Encoder
from graft.encoders.efficientnet import SIDE
from graft.encoders.image import ImageEncoder
from graft.errors import ExportError, GraftError
from graft.export.browser import runtime
from graft.export.draft import GRAPH, LABELS, Draft
from graft.export.read_me import README
from graft.files import cache_folder
from graft.front_matter import Value, headed

PAGE = "index.html"
ACCEPT = {
    "image": "image/jpeg,image/png,image/webp,image/gif,image/bmp",
    "text": "text/plain,.txt",
    "audio": "audio/wav,audio/mpeg,audio/ogg,audio/flac,.wav,.mp3,.ogg,.oga,.opus,.flac",
}
"""What the chooser offers, by modality; without HEIC a phone converts its photos itself."""
_WAYS = {
    "image": ("way_image.js", "pictures.js", "headers.js", "resize.js"),
    "text": ("way_text.js",),
    "audio": ("way_audio.js", "recordings.js", "headers.js"),
}
"""Scripts that only one modality needs."""
TOKENIZER = "tokenizer/tokenizer.js"
_LOCAL = ("answerer.js", "answers.js", "digest.js", "files.js", "trouble.js", "worker.js")
_ABOUT = """
## This page

`index.html` is a page that asks the model in the browser: nothing that is given to it leaves the computer. Put this
folder on any web server, under any path. On your own machine run this in the folder, and open http://localhost:8000:

```sh
python3 -m http.server --bind 127.0.0.1 8000
```
"""
_SCRIPT = '<script type="module" src="try.js"></script>'
_STRICT, _WITH_WASM = "script-src 'self'", "script-src 'self' 'wasm-unsafe-eval'"


def complete(draft: Draft) -> None:
    """Add the page and all that it needs to a folder that holds graph and labels already.

    Raises:
        ExportError: The model's tokenizer runs in Python alone.
        GraftError: The files of onnxruntime-web are nowhere.
    """
    modality = draft.labels["modality"]
    if modality == "text" and TOKENIZER not in draft.front.files:
        raise ExportError(
            f"The tokenizer of {draft.labels['encoder']['name']} runs in Python alone, and a page in a browser needs "
            "it in JavaScript.",
            "Export with --to onnx or --to space, or fit with --encoder text.",
        )
    files = {name: pages.content(name) for name in pages.TRY if not name.endswith(".html")}
    files |= {name: _asset(name) for name in ("answerer.js", "start.js")}
    files |= {f"local/{name}": _asset(f"local/{name}") for name in (*_LOCAL, *_WAYS[modality])}
    files |= {f"runtime/{name}": content for name, content in runtime_files(draft.options.runtime).items()}
    files["about.json"] = _json(_about(draft, modality))
    brought = {**files, **{name: (draft.folder / name).read_bytes() for name in _asked_for(draft)}}
    manifest = {name: _entry(name, content) for name, content in sorted(brought.items())}
    version = hashlib.sha256(_json(manifest)).hexdigest()[:16]
    files["local/export.js"] = _export(version, manifest)
    files[PAGE] = _page(pages.text("try.html"), version)
    manifest |= {name: _entry(name, files[name]) for name in ("local/export.js", PAGE)}
    files["sw.js"] = _keeper(version, manifest)
    files |= {f"runtime/{name}": content for name, content in runtime.licences().items()}
    for name, content in files.items():
        draft.write(name, content)
    words = (draft.folder / README).read_text(encoding="utf-8")
    front: dict[str, Value] = {
        "title": draft.labels["name"].strip() or "model",
        "sdk": "static",
        "app_file": PAGE,
        "pinned": False,
    }
    draft.replace(README, headed(front, words + _ABOUT))  # by these lines a hub knows a page; elsewhere they do no harm


def runtime_files(given: Path | None) -> dict[str, bytes]:
    """The three files of onnxruntime-web, by the names that an export gives them.

    Raises:
        GraftError: They are nowhere.
    """
    package = f"{runtime.PACKAGE} {runtime.VERSION}"
    try:
        return runtime.read(cache_folder() / "browser" / package.replace(" ", "-"), given)
    except runtime.RuntimeMissing as error:
        raise GraftError(
            f"The files of {package} that run a model in a browser were not found: {error}.",
            f"Run `npm pack {runtime.PACKAGE}@{runtime.VERSION}` where there is a network, unpack what it brings, and "
            f"name the folder package/dist with --runtime.",
        ) from None


def _asked_for(draft: Draft) -> list[str]:
    """The files of every export that the page asks for: what is written in Python is for others."""
    return [GRAPH, LABELS, *(name for name in draft.front.files if not name.endswith(".py"))]


def _about(draft: Draft, modality: str) -> dict[str, Any]:
    """What the page is told besides ``labels.json``."""
    host = {**draft.labels["input"], **{f"limit_{name}": most for name, most in dataclasses.asdict(SERVED).items()}}
    if modality == "image":
        host["view"] = view_of(draft.model.encoder)
    return {"why": True, "corrections": False, "accept": ACCEPT[modality], "stays": True, "input": host}


def view_of(encoder: Encoder | None) -> dict[str, float]:
    """Which centred part of a picture the (first) network sees, as ``zoom`` and ``crop`` of ``decode_picture``.

    Of the built-in encoder ``side`` says how many pixels the network takes, which the page then makes as the graph
    does. The part is told by two pictures that it is shown: of a square it sees ``zoom`` of the width; of one twice as
    wide half of that where it crops, and as much where it squashes.
    """
    assert encoder is not None
    square, wide = (_seen_of(encoder, width) for width in (400, 800))
    side = {"side": float(SIDE)} if isinstance(encoder, ImageEncoder) else {}
    return {"zoom": round(square, 6), "crop": 1.0 if wide < 0.75 * square else 0.0, **side}


def _seen_of(encoder: Encoder, width: int) -> float:
    from PIL import Image

    buffer = io.BytesIO()
    Image.new("RGB", (width, 400), "grey").save(buffer, "PNG")
    views = encoder.prepare(buffer.getvalue()).views
    left, _, right, _ = views[0] if views else (0.0, 0.0, 1.0, 1.0)
    return right - left


def _entry(name: str, content: bytes) -> dict[str, Any]:
    large = {"large": True} if name == GRAPH or name.endswith(".wasm") else {}
    return {"size": len(content), "sha256": hashlib.sha256(content).hexdigest(), **large}


def _export(version: str, manifest: Mapping[str, Any]) -> bytes:
    """The version of the export and its files, for the scripts of the page."""
    return f'export const ID = "{version}";\nexport const FILES = {_json(manifest).decode()};\n'.encode()


def _keeper(version: str, manifest: Mapping[str, Any]) -> bytes:
    quoted = json.dumps(_json(manifest).decode())[1:-1]
    script = _asset("sw.js").decode()
    return script.replace("GRAFT_EXPORT_ID", version).replace("GRAFT_EXPORT_FILES", quoted).encode()


def _page(page: str, version: str) -> bytes:
    """The page, told which export it belongs to, and with a script that speaks where the others cannot run."""
    head = f'<meta name="graft-export" content="{version}">\n<script src="start.js"></script>\n{_SCRIPT}'
    return page.replace(_SCRIPT, head).replace(_STRICT, _WITH_WASM).encode()


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False).encode()


def _asset(name: str) -> bytes:
    return resources.files("graft.export.browser").joinpath("assets", *name.split("/")).read_bytes()
