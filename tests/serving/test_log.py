"""``graft serve --log``: answers are kept by the content of what was sent, off their way to who asked."""

from __future__ import annotations

from pathlib import Path

import shapes
from graft.encoders.embed import content_digest
from graft.monitoring.log import read_log
from serving_checks import ServerProcess, form, in_base64


def test_answers_are_kept(saved: Path, tmp_path: Path):
    log = tmp_path / "log.jsonl"
    first, second, third = (shapes.encoded("circle", k) for k in range(3))
    server = ServerProcess(saved, "--port", 0, "--log", log)
    try:
        server.until_ready()
        assert server.predict(first, "image/png").status == 200
        body, kind = form(("file", "a.png", second), ("file", "b.png", b"no picture"), ("file", "c.png", first))
        assert server.predict(body, kind).status == 200
        assert server.predict({"images": [in_base64(third)]}).json["predictions"][0]["label"] == "circle"
    finally:
        code, _ = server.stop()
    assert code == 0
    kept = read_log(log)
    assert set(kept.keys) == {kept.header.key_of(content_digest(one)) for one in (first, second, third)}
    assert kept.n_repeats == 1  # what it answered to warm up is not there
    assert set(kept.labels) == {"circle"}
    assert list(tmp_path.iterdir()) == [log]
