"""What is a copy of what, from files on disk: pictures by their prints, texts by their characters."""

import shutil
from contextlib import closing

import numpy as np
from PIL import Image

import graft
import shapes
from graft.encoders import encoder_for
from graft.encoders.cache import Cache
from graft.encoders.embed import embed
from graft.encoders.prints import PicturePrints
from graft.model.likeness import clusters_and_copies, clusters_of, copies_of


def test_copied_files_are_found_and_their_prints_kept(tmp_path):
    data = shapes.folders(tmp_path / "data", dict.fromkeys(shapes.FORMS, 4))
    first = sorted(data.rglob("*.*"))[0]
    shutil.copy(first, first.with_name("same" + first.suffix))
    with Image.open(first) as picture:
        picture.convert("RGB").resize((90, 90)).save(first.with_name("smaller.jpg"), quality=60)
    dataset = graft.read(data)
    encoder = PicturePrints()
    with closing(Cache(tmp_path / "cache")) as cache:
        embedded = embed(encoder, dataset.items)
        found = copies_of(dataset, embedded, encoder.stages, cache)
        assert cache.info().entries == {encoder.fingerprint: len(dataset) - 1}  # one for each content
        again = copies_of(dataset, embedded, encoder.stages, cache)
        clusters, copies = clusters_and_copies(dataset, embedded, encoder.stages, cache)
    names = [item.name.rsplit("/", 1)[-1] for item in dataset.items]
    same = [names.index(name) for name in (first.name, "same" + first.suffix, "smaller.jpg")]
    assert len(set(found.clusters[same].tolist())) == 1
    assert found.likeness[same[:2]].tolist() == [1, 1]
    assert found.likeness[same[2]] > 0.9
    assert (again.clusters == found.clusters).all()
    assert (copies.clusters == found.clusters).all()
    assert (clusters == clusters_of(dataset, embedded, encoder.stages)).all()


def test_texts_that_are_nearly_the_same_are_copies():
    texts = ["the parcel has not come yet, please help", "The parcel has not come yet -- please help!", "goodbye"]
    dataset = graft.Dataset.from_lists(texts, ["late", "late", "end"], modality="text")
    encoder = encoder_for("auto", "text")
    embedded = embed(encoder, dataset.items)
    found = copies_of(dataset, embedded, encoder.stages)
    clusters, copies = clusters_and_copies(dataset, embedded, encoder.stages)
    assert found.clusters.tolist() == copies.clusters.tolist() == clusters.tolist() == [0, 0, 1]
    np.testing.assert_allclose(found.likeness, [0.5, 0.5, 0])
