"""One meaning of ``cache=``, whatever embeds items: one that is given is read and written, ``None`` is nowhere."""

from pathlib import Path

import pytest

import graft
import shapes
from graft.encoders.cache import Cache
from graft.encoders.embed import content_digest, content_key
from graft.labelling import label_next
from graft.reading.inputs import gather

ASKING = {
    "predict": lambda model, photos, choice: model.predict(photos, **choice),
    "predict_one": lambda model, photos, choice: [model.predict_one(photo, **choice) for photo in photos],
    "predict_proba": lambda model, photos, choice: model.predict_proba(photos, **choice).tolist(),
    "stream": lambda model, photos, choice: list(model.stream(gather([str(p) for p in photos], "image"), **choice)),
    "evaluate": lambda model, photos, choice: model.evaluate(photos[0].parents[1], **choice).accuracy,
    "label_next": lambda model, photos, choice: label_next(model, gather([str(p) for p in photos], "image"), **choice),
    "search": lambda model, photos, choice: graft.search(photos[0].parents[1], photos[0], **choice),
    "fit": lambda model, photos, choice: graft.fit(photos[0].parents[1], **choice).report.accuracy,
}


@pytest.fixture(scope="module")
def unseen(tmp_path_factory) -> list[Path]:
    """Photos that no other test has embedded."""
    folder = shapes.folders(tmp_path_factory.mktemp("unseen") / "photos", dict.fromkeys(shapes.FORMS, 6), first=900)
    return sorted(folder.rglob("*.png"))


@pytest.mark.parametrize("asking", ASKING)
def test_the_default_cache_is_read_and_written(asking, model, unseen, tmp_path, monkeypatch):
    monkeypatch.setenv("GRAFT_CACHE", str(tmp_path))
    assert_is_used(Cache(tmp_path), lambda: ASKING[asking](model, unseen, {}), model, unseen)


@pytest.mark.parametrize("asking", ASKING)
def test_a_cache_that_is_given_takes_its_place(asking, model, unseen, tmp_path, monkeypatch):
    monkeypatch.setenv("GRAFT_CACHE", str(tmp_path / "default"))
    own = Cache(tmp_path / "own", secret=b"of this tenant alone")
    assert_is_used(own, lambda: ASKING[asking](model, unseen, {"cache": own}), model, unseen)
    assert not (tmp_path / "default" / "embeddings.sqlite").exists()


@pytest.mark.parametrize("asking", ASKING)
def test_none_is_nowhere(asking, model, unseen, tmp_path, monkeypatch):
    monkeypatch.setenv("GRAFT_CACHE", str(tmp_path))
    ASKING[asking](model, unseen, {"cache": None})
    assert not (tmp_path / "embeddings.sqlite").exists()


def assert_is_used(cache: Cache, ask, model, unseen) -> None:
    """What is asked for is kept, and is believed the next time: even that all photos look like the first."""
    keys = [content_key(model.encoder, content_digest(path.read_bytes())) for path in unseen]
    first = ask()
    kept = cache.get(keys)
    assert set(kept) == set(keys)
    assert repr(ask()) == repr(first)
    cache.put(model.encoder.fingerprint, dict.fromkeys(keys, kept[keys[0]]))
    assert repr(ask()) != repr(first)
