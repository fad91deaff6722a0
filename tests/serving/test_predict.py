"""What is answered over HTTP is what ``graft predict`` answers."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

import graft
from serving_checks import same

pytest.importorskip("fastapi", reason="FastAPI is not installed: pip install 'graft-learn[serve]'")


def test_a_photo_raw_and_in_json_is_answered_as_in_process(pictures, model: graft.Model, photos: Path) -> None:
    files = sorted(photos.rglob("*.*"))[::7]
    expected = model.predict(files, cache=None)
    raw = [pictures.ask("POST", "/predict", file.read_bytes(), {"Content-Type": "image/png"}) for file in files]
    assert [reply.status for reply in raw] == [200] * len(files)
    same([one for reply in raw for one in reply.json["predictions"]], expected)
    images = [base64.b64encode(file.read_bytes()).decode() for file in files]
    reply = pictures.ask("POST", "/predict", {"images": images})
    same(reply.json["predictions"], expected)
    assert reply.json["model"] == "shapes"
    assert len(reply.json["version"]) == 12
    assert reply.headers["content-type"] == "application/json"
