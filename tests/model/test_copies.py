"""Copies of pictures: found among look-alikes, in any order, and never chained over the whole set."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter, ImageOps

from graft.duplicates.copies import AGREED, copies_among, similar_pictures
from graft.duplicates.pictures import WIDTH, aligned_likeness, picture_print


def prints(n, seed=0):
    """Prints as of photos: smooth, with much in common."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(n + 1, 32, 32)).astype(np.float32)
    for _ in range(3):
        noise = (np.roll(noise, 1, 1) + 2 * noise + np.roll(noise, -1, 1)) / 4
        noise = (np.roll(noise, 1, 2) + 2 * noise + np.roll(noise, -1, 2)) / 4
    return ((noise[1:] + noise[0]) * 200 + 128).reshape(n, WIDTH)


def with_copies(n=40, copied=10):
    found = prints(n)
    rng = np.random.default_rng(1)
    return np.concatenate([found, found[:copied] + rng.normal(size=(copied, WIDTH)).astype(np.float32)])


def test_copies_join_and_look_alikes_do_not():
    x = with_copies()
    found = copies_among([str(row) for row in range(50)], x)
    assert found.alike.clusters.tolist() == [*range(40), *range(10)]
    assert (found.likeness[[*range(10), *range(40, 50)]] > 0.9).all()
    assert not found.likeness[10:40].any()


def test_equal_content_joins_whatever_the_prints_say():
    x = prints(4)
    x[:2] = 0  # not at hand
    found = copies_among(["a", "a", "b", "b"], x)
    assert found.alike.clusters.tolist() == [0, 0, 1, 1]
    assert found.likeness.tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize("n", [0, 1, 2, 13, 60])
def test_blank_pictures_stand_alone(n):
    found = copies_among([str(row) for row in range(n)], np.full((n, WIDTH), 7, np.float32))
    assert found.alike.clusters.tolist() == list(range(n))


def agreed(pairs):
    """Embeddings that find every pair alike."""
    return np.ones(len(pairs), np.float32)


def test_tiles_change_nothing(monkeypatch):
    x = with_copies()
    whole = similar_pictures(x, agreed)[0]
    monkeypatch.setattr("graft.duplicates.copies._BLOCK", 7)
    monkeypatch.setattr("graft.duplicates.copies._PAIRS", 3)
    assert {tuple(pair) for pair in similar_pictures(x, agreed)[0].tolist()} == {tuple(pair) for pair in whole.tolist()}
    assert len(whole) == 10


def test_crowded_rows_keep_their_likeliest_partners():
    x = with_copies(40, 1)
    noise = np.random.default_rng(2).normal(size=(6, WIDTH)).astype(np.float32)
    found = copies_among([str(row) for row in range(47)], np.concatenate([x, x[:1] + 3 * noise]))
    assert (found.alike.clusters[[0, *range(40, 47)]] == 0).all()
    assert len(np.unique(found.alike.clusters)) == 40


def test_many_copies_of_few_pictures_are_whole():
    few = prints(5)
    of = np.repeat(np.arange(5), 30)
    x = few[of] + np.random.default_rng(1).normal(size=(150, WIDTH)).astype(np.float32)
    found = copies_among([str(row) for row in range(150)], x).alike
    assert found.whole.tolist() == of.tolist()
    assert np.bincount(found.clusters).max() <= 15


def test_embeddings_have_to_agree_where_they_are_given():
    x, apart = with_copies(), np.eye(50, dtype=np.float32)
    digests = [str(row) for row in range(50)]
    assert copies_among(digests, x, apart).alike.clusters.tolist() == list(range(50))
    apart[40:] = apart[:10]
    assert copies_among(digests, x, apart).alike.clusters.tolist() == [*range(40), *range(10)]


@settings(max_examples=15)
@given(st.permutations(range(50)))
def test_the_order_of_rows_does_not_matter(order):
    x, digests = with_copies(), [str(row) for row in range(50)]
    clusters = copies_among(digests, x).alike.clusters
    again = copies_among([digests[row] for row in order], x[list(order)]).alike.clusters
    straight = clusters[list(order)]
    assert ((again[:, None] == again) == (straight[:, None] == straight)).all()


def altered(content):
    picture = ImageOps.exif_transpose(Image.open(io.BytesIO(content))).convert("RGB")
    x, y = round(picture.width * 0.05), round(picture.height * 0.05)
    cropped = picture.crop((x, y, picture.width - x, picture.height - y))
    buffer = io.BytesIO()
    cropped.resize((cropped.width // 2, cropped.height // 2)).filter(ImageFilter.SHARPEN).save(
        buffer, "JPEG", quality=40
    )
    return buffer.getvalue()


@pytest.mark.parametrize("folder", ["potato_leaves/Train/Healthy", "ants_bees/train/ants"])
def test_cropped_halved_and_saved_again_real_photos_are_found(shared, folder):
    if not (shared / folder).is_dir():
        pytest.skip(f"no {folder}")
    contents = [path.read_bytes() for path in sorted((shared / folder).iterdir())[:100]]
    rows = np.arange(0, 100, 5)
    x = np.stack([picture_print(content) for content in [*contents, *(altered(contents[row]) for row in rows)]])
    alone = copies_among([str(row) for row in range(100)], x[:100]).alike.clusters
    mixed = copies_among([str(row) for row in range(120)], x).alike.clusters
    assert (mixed[100:] == mixed[rows]).mean() >= 0.95
    assert len(np.unique(mixed[:100])) >= len(np.unique(alone)) - 1
    assert len(np.unique(alone)) >= 95


def test_pairs_on_which_embeddings_cannot_agree_are_not_laid_upon_one_another(monkeypatch):
    laid = []

    def counted(a, b, mirrored, zoom):
        laid.extend(mirrored)
        return aligned_likeness(a, b, mirrored, zoom)

    monkeypatch.setattr("graft.duplicates.copies.aligned_likeness", counted)
    x = with_copies()
    assert len(similar_pictures(x, agreed)[0]) == 10
    assert len(laid) >= 10
    laid.clear()
    pairs, alike = similar_pictures(x, lambda pairs: np.full(len(pairs), 2 * AGREED - 1.001, np.float32))
    assert (len(laid), len(pairs), len(alike)) == (0, 0, 0)
    assert len(similar_pictures(x, lambda pairs: np.full(len(pairs), 2 * AGREED - 0.999, np.float32))[0]) == 10
