"""``graft cache`` from outside."""

import pytest

import graft
from graft.encoders.cache import Cache


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A cache of this test alone."""
    monkeypatch.setenv("GRAFT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "embeddings.sqlite"


def test_show_and_clear(run, own, photos):
    assert run("cache", "--json").json == {
        "path": str(own),
        "entries": {},
        "size": 0,
        "limit": 4_000_000_000,
        "freed": 0,
    }
    assert not own.exists()
    graft.fit(photos, cache=Cache())
    found = run("cache", "--json").json
    assert [n for name, n in found["entries"].items() if name.startswith("efficientnet-lite0:")] == [36]
    assert found["size"] > 36 * 4 * 1752
    assert "36 embeddings by efficientnet-lite0" in run("cache").out
    cleared = run("cache", "clear", "--json").json
    assert cleared["entries"] == {}
    assert cleared["freed"] > 36 * 4 * 1752
    assert "0.0 MB of at most 4,000 MB" in run("cache", "clear").out


def test_a_small_limit_is_shown(run, own, monkeypatch):
    monkeypatch.setenv("GRAFT_CACHE_LIMIT", "1e5")
    assert "of at most 0.1 MB" in run("cache").out


def test_a_cache_that_cannot_be_cleared_says_so(run, own):
    own.mkdir(parents=True)
    found = run("cache", "clear", "--json")
    assert found.code == 1
    assert "embeddings.sqlite" in found.json["error"]["message"]
    assert run("cache").code == 0


def test_a_limit_that_is_no_number(run, own, monkeypatch):
    monkeypatch.setenv("GRAFT_CACHE_LIMIT", "plenty")
    found = run("cache")
    assert found.code == 2
    assert "'plenty'" in found.err


def test_another_action_is_a_usage_error(run):
    assert run("cache", "burn").code == 2
