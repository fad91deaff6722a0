"""The one way from items to answers, and what ``cache=`` means to whoever takes it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import graft
import shapes
from graft.data.dataset import File, Memory
from graft.encoders.cache import Cache, Entry
from graft.encoders.embed import chunks_of, content_digest, content_key
from graft.run import Run

ASKED: dict[str, Callable[..., object]] = {
    "predict": lambda model, files, **cache: model.predict(files, **cache),
    "predict_one": lambda model, files, **cache: [model.predict_one(file, **cache) for file in files],
    "predict_proba": lambda model, files, **cache: model.predict_proba(files, **cache),
    "stream": lambda model, files, **cache: list(model.stream([File(file, file.name) for file in files], **cache)),
    "evaluate": lambda model, files, **cache: model.evaluate(files[0].parents[1], **cache),
    "label_next": lambda model, files, **cache: graft.label_next(model, files, 2, **cache),
}


@pytest.fixture(params=ASKED)
def ask(request: pytest.FixtureRequest) -> Callable[..., object]:
    return ASKED[request.param]


@pytest.fixture
def fresh(tmp_path: Path) -> list[Path]:
    """Two pictures that nobody has embedded yet."""
    folder = shapes.folders(tmp_path / "fresh", {"circle": 1, "square": 1}, first=500)
    return sorted(folder.rglob("*.png"))


def entries(cache: Cache) -> int:
    """Of embeddings; what near-duplicates are told by is kept beside them."""
    return sum(n for name, n in cache.info().entries.items() if "efficientnet" in name)


def test_a_cache_is_written_and_then_read(ask, model, fresh, tmp_path, monkeypatch):
    monkeypatch.setenv("GRAFT_CACHE", str(tmp_path / "users"))
    cache = Cache(tmp_path / "own")
    first = ask(model, fresh, cache=cache)
    assert entries(cache) == 2
    assert not (tmp_path / "users").exists()
    swapped(cache, model, fresh)
    assert not same(ask(model, fresh, cache=cache), first)  # what it now answers from is what the cache says


def test_the_default_is_the_users_cache(ask, model, fresh, tmp_path, monkeypatch):
    monkeypatch.setenv("GRAFT_CACHE", str(tmp_path / "users"))
    ask(model, fresh)
    assert entries(Cache()) == 2


def test_none_is_nowhere(ask, model, fresh, tmp_path, monkeypatch):
    monkeypatch.setenv("GRAFT_CACHE", str(tmp_path / "users"))
    first = ask(model, fresh, cache=None)
    assert not (tmp_path / "users").exists()
    ask(model, fresh)
    swapped(Cache(), model, fresh)
    assert same(ask(model, fresh, cache=None), first)


def swapped(cache: Cache, model: graft.Model, files: list[Path]) -> None:
    """Each of two pictures has the other's embedding, the other way round."""
    keys = [content_key(model.encoder, content_digest(file.read_bytes())) for file in files]
    found = cache.get(keys)
    ours, theirs = (found[key] for key in keys)
    cache.put("swapped", {keys[0]: Entry(-theirs.vector, theirs.statistics), keys[1]: Entry(-ours.vector, {})})


def same(one: object, other: object) -> bool:
    return np.array_equal(one, other) if isinstance(one, np.ndarray) else str(one) == str(other)


def test_parts_hold_the_items_in_order_and_count_from_their_first(model, photos):
    good = [path.read_bytes() for path in sorted(photos.rglob("*.png"))[:20]]
    contents = [good[i % 20] if i % 7 else b"no picture" for i in range(3 * model.encoder.batch_size + 5)]
    items = [Memory(content, f"{i}") for i, content in enumerate(contents)]

    def given() -> Iterator[Memory]:
        yield from items

    parts = list(chunks_of(model.encoder, given(), Run()))
    assert len(parts) > 1
    assert [item for part in parts for item in part.items] == items
    for part in parts:
        bad = [place for place, item in enumerate(part.items) if item.content == b"no picture"]
        assert sorted(part.embedded.skipped) == bad
        assert part.embedded.rows.tolist() == [place for place in range(len(part.items)) if place not in bad]
        assert [content_digest(item.content) for item in part.readable] == list(part.embedded.digests)
