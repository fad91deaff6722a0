"""``--no-cache`` means the same, whatever embeds items."""

import pytest

import shapes
from graft.encoders.cache import Cache


@pytest.mark.parametrize("command", ["predict", "evaluate", "label-next"])
def test_the_cache_is_used_unless_it_is_declined(command, saved, run, tmp_path, monkeypatch):
    photos = shapes.folders(tmp_path / "photos", dict.fromkeys(shapes.FORMS, 3), first=800)
    monkeypatch.setenv("GRAFT_CACHE", str(tmp_path / "cache"))
    assert run(command, saved, photos, "--no-cache").code == 0
    assert not (tmp_path / "cache" / "embeddings.sqlite").exists()
    assert run(command, saved, photos).code == 0
    assert sum(Cache(tmp_path / "cache").info().entries.values()) >= 9
