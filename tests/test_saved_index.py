"""Indexes that are kept: written, opened, asked by commands and beside a model, and doubted."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import graft
import shapes
from encoders.hub import models
from graft import bundle, tensors
from graft.data.items import Member, as_item
from graft.encoders import retuned
from graft.errors import BundleError, DamagedBundle, ItemError, NotABundle, OutputExists, OutputIsInput, UsageError
from graft.similarity import Index


@pytest.fixture(scope="module")
def kept(photos, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("kept") / "photos.index"
    Index.of(photos).save(folder)
    return folder


def test_it_answers_as_the_one_that_was_saved(photos, kept):
    query = shapes.encoded("square", 700)
    mine, theirs = Index.of(photos).search(query, 7), Index.load(kept).search(query, 7)
    assert [one.to_dict() for one in theirs] == [one.to_dict() for one in mine]
    assert theirs[0].item.read() == mine[0].item.read()
    assert len(Index.load(kept)) == 36


def test_texts_stand_in_it_and_files_need_not_be_there(tmp_path):
    pytest.importorskip("tokenizers")
    texts = ["Where is my parcel?", "I want my money back.", "The app crashes at the start."]
    Index.of(texts).save(tmp_path / "texts.index")
    (best,) = Index.load(tmp_path / "texts.index").search("Where is the parcel?", 1)
    assert (best.item.text, best.to_dict()["text"]) == (texts[0], texts[0])


def test_what_is_put_before_texts_is_kept(tmp_path):
    pytest.importorskip("transformers")
    texts = ["Where is my parcel?", "I want my money back.", "The app crashes at the start."]
    encoder = str(models.make("bert", tmp_path / "bert"))
    index, plain = Index.of(texts, encoder=encoder, prompt="query: "), Index.of(texts, encoder=encoder)
    index.save(tmp_path / "texts.index")
    again = Index.load(tmp_path / "texts.index", allow_download=True)
    again.save(tmp_path / "again.index")
    third = Index.load(tmp_path / "again.index", allow_download=True)
    found, expected, without = (
        [one.similarity for one in own.search("Where is the parcel?", 3)] for own in (third, index, plain)
    )
    assert found == expected != without


def test_it_can_be_moved_with_its_files_and_shows_none_that_changed(photos, tmp_path):
    shutil.copytree(photos, tmp_path / "here" / "photos")
    Index.of(tmp_path / "here" / "photos").save(tmp_path / "here" / "photos.index")
    (tmp_path / "here").rename(tmp_path / "there")
    (best,) = Index.load(tmp_path / "there" / "photos.index").search(photos / "circle" / "003.png", 1)
    assert (best.name, best.same) == ("circle/003.png", True)
    assert best.item.read() == (photos / "circle" / "003.png").read_bytes()
    (tmp_path / "there" / "photos" / "circle" / "003.png").write_bytes(b"a secret of somebody's")
    with pytest.raises(ItemError, match="changed since"):
        best.item.read()


def test_archives_are_named_with_their_members(photos, tmp_path):
    archive = Path(shutil.make_archive(str(tmp_path / "photos"), "zip", photos))
    Index.of(archive).save(tmp_path / "zip.index")
    (best,) = Index.load(tmp_path / "zip.index").search(photos / "circle" / "003.png", 1)
    assert best.item.read() == (photos / "circle" / "003.png").read_bytes()
    (tmp_path / "photos.zip").unlink()
    os.mkfifo(tmp_path / "photos.zip")  # whoever sends an index may name anything
    for place in (tmp_path / "photos.zip", Path("/dev/zero"), photos):
        with pytest.raises(ItemError, match="not a regular file"):
            Member(place, "circle/003.png", "one").read()


def test_the_same_data_give_the_same_bytes(photos, kept, tmp_path):
    Index.of(photos).save(tmp_path / "again.index")
    names = sorted(path.name for path in kept.iterdir())
    assert names == ["index.safetensors", "items.json", "manifest.json"]
    assert all((kept / name).read_bytes() == (tmp_path / "again.index" / name).read_bytes() for name in names)


def test_nothing_is_written_over(photos, kept, tmp_path):
    with pytest.raises(OutputExists):
        Index.of(photos).save(kept)
    with pytest.raises(OutputIsInput):
        Index.of(photos).save(photos, overwrite=True)
    with pytest.raises(BundleError, match="no encoder"):
        Index.from_embeddings(np.eye(3, dtype=np.float32)).save(tmp_path / "x.index")


def test_a_model_is_no_index_and_an_index_no_model(saved, kept):
    with pytest.raises(NotABundle, match="no index"):
        Index.load(saved)
    with pytest.raises(BundleError):
        graft.load(kept)


@pytest.mark.parametrize("name", ["index.safetensors", "items.json"])
def test_what_was_changed_is_damaged(kept, tmp_path, name):
    shutil.copytree(kept, tmp_path / "bad.index")
    path = tmp_path / "bad.index" / name
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(DamagedBundle):
        Index.load(tmp_path / "bad.index")


@pytest.mark.parametrize(
    "change",
    [
        lambda arrays, settings, items: items.pop(),
        lambda arrays, settings, items: items[0].update(name=3),
        lambda arrays, settings, items: items[0].update(file=["/etc"]),
        lambda arrays, settings, items: items[0].pop("label"),
        lambda arrays, settings, items: settings.update(modality="smell"),
        lambda arrays, settings, items: settings["encoder"].update(address=7),
        lambda arrays, settings, items: arrays.update(centre=arrays["centre"][:3]),
        lambda arrays, settings, items: arrays.update(vectors=arrays["vectors"].astype(np.float16)),
        lambda arrays, settings, items: arrays.update(vectors=arrays["vectors"][:, :7]),
        lambda arrays, settings, items: (arrays.update(vectors=arrays["vectors"][:0]), items.clear()),
        lambda arrays, settings, items: arrays.pop("vectors"),
    ],
)
def test_what_no_index_can_have_is_refused_in_words(kept, tmp_path, change):
    content = bundle.read(kept)
    arrays, settings = (dict(part) for part in content.tensors["index"])
    items = content.documents["items"]
    change(arrays, settings, items)
    bundle.write(
        tmp_path / "odd.index",
        manifest={},
        tensors={"index": tensors.Tensors(arrays, settings)},
        documents={"items": items},
    )
    with pytest.raises(BundleError):
        Index.load(tmp_path / "odd.index")


def test_a_tuned_model_lends_its_encoder(model, photos, tmp_path):
    pinned = model.encoder.pinned()
    tuned = retuned(model.encoder, {name: pinned[name] * np.float32(1.05) for name in sorted(pinned)[:2]})
    fitted = replace(model, encoder=tuned)
    fitted.save(tmp_path / "tuned.graft")
    index = Index.of(photos, encoder=str(tmp_path / "tuned.graft"))
    index.save(tmp_path / "tuned.index")
    assert (tmp_path / "tuned.index" / "encoder.safetensors").is_file()
    again = Index.load(tmp_path / "tuned.index")
    query = photos / "circle" / "000.png"
    assert [one.similarity for one in again.search(query, 5)] == [one.similarity for one in index.search(query, 5)]
    assert [one.similarity for one in Index.of(photos).search(query, 5)] != [
        one.similarity for one in index.search(query, 5)
    ]
    with pytest.raises(UsageError, match=r"indexed with the encoder efficientnet-lite0\+tuned"):
        list(again.beside(model, []))


def test_class_and_look_alikes_from_one_embedding(model, photos, kept, tmp_path):
    items = [photos / "circle" / "000.png", tmp_path / "gone.png"]
    index = Index.load(kept, cache=None)
    (said, found), (failed, unfound) = index.beside(model, map(as_item, items), 3, cache=None)
    assert said == model.predict(items, cache=None)[0]
    assert [match.name for match in found.matches] == [match.name for match in index.search(items[0], 3)]
    assert failed.error is not None
    assert unfound.error is not None
