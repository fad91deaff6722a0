"""Splits: nothing leaks, classes stay balanced, near-duplicates are found and look-alikes are not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graft.data.split import choose_folds, learning_curve_subsets, merge, straddling, stratified_group_folds
from graft.duplicates.clusters import near_duplicates, settled, whitened_cosines, with_partner


@st.composite
def labelled_groups(draw, max_groups=25):
    """Items of up to four classes in groups, some of them with mixed classes."""
    groups = draw(st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=5), min_size=2, max_size=max_groups))
    y = np.array([label for group in groups for label in group], dtype=np.int64)
    group = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    shuffled = np.array(draw(st.permutations(range(len(y)))))
    return y[shuffled], group[shuffled]


def unit(x):
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


def digests(n):
    return [f"{i:04d}" for i in range(n)]


def lab_photos(n, n_copies, light=1.5, d=512, seed=0):
    """Vectors as lab photos and altered copies of the first of them have.

    Photos share a large common part; their variances fall off as those of real embeddings do. Copies differ along the
    strongest six directions (light, size), by ``light`` standard deviations each, and a little in the others.
    """
    rng = np.random.default_rng(seed)
    scale = np.arange(1, d + 1) ** -0.5
    photos = 5 + rng.normal(size=(n, d)) * scale
    copies = photos[:n_copies] + 0.3 * rng.normal(size=(n_copies, d)) * scale
    copies[:, :6] += light * rng.choice([-1, 1], size=(n_copies, 6)) * scale[:6]
    return unit(np.concatenate([photos, copies]))


# --- near-duplicates


def test_equal_content_joins_whatever_the_vectors_say():
    x = unit(np.eye(4, 8))
    assert near_duplicates(["a", "b", "a", "c"], x).clusters.tolist() == [0, 1, 0, 2]


@pytest.mark.parametrize(("n", "light"), [(40, 1.5), (900, 2.5)])  # fewer and more items than dimensions
def test_copies_join_and_look_alikes_do_not(n, light):
    x = lab_photos(n, 10, light)
    plain = x @ x.T
    if n == 900:  # look-alikes are closer than copies: no threshold on the plain cosine would do
        assert np.triu(plain[:n, :n], 1).max() > np.diag(plain[:, n:]).min()

    clusters = near_duplicates(digests(n + 10), x).clusters

    assert (clusters[n:] == clusters[:10]).all()
    assert len(np.unique(clusters[:n])) == n


def test_blocks_change_nothing(monkeypatch):
    x = lab_photos(300, 20)
    whole = near_duplicates(digests(320), x).clusters
    assert len(np.unique(whole)) == 300
    monkeypatch.setattr("graft.duplicates.clusters._BLOCK", 1000)
    assert (near_duplicates(digests(320), x).clusters == whole).all()


def test_very_few_items_are_compared_as_they_are():
    x = unit(np.array([[1, 0, 0], [0.98, 0.1, 0], [0, 1, 0.1], [0.6, 0.6, 0]]))
    assert near_duplicates(digests(4), x).clusters.tolist() == [0, 0, 1, 2]


@pytest.mark.parametrize("n", [0, 1, 2, 13, 300])
def test_items_that_are_all_alike_do_not_merge_into_one_cluster(n):
    clusters = near_duplicates(digests(n), unit(np.ones((n, 64)))).clusters
    assert len(clusters) == n
    assert np.bincount(clusters, minlength=1).max() <= max(12, n // 10)


def test_a_chain_of_look_alikes_does_not_swallow_the_data():
    angle = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    waves = [f(k * angle) for k in range(1, 30) for f in (np.cos, np.sin)]
    clusters = near_duplicates(digests(400), unit(np.stack(waves, axis=1) + 2)).clusters
    assert 1 < np.bincount(clusters).max() <= 40


def test_real_copies_are_found_among_real_photos(shared):
    """With thumbnails as vectors: crude, and good enough for photos as different as these."""
    from io import BytesIO

    from PIL import Image

    def vector(picture):
        return np.asarray(picture.convert("RGB").resize((16, 16), Image.Resampling.BOX), dtype=np.float64).reshape(-1)

    originals, copies = [], []
    for path in sorted((shared / "ants_bees/train/bees").iterdir())[:60]:
        with Image.open(path) as picture:
            originals.append(vector(picture))
            buffer = BytesIO()
            picture.convert("RGB").save(buffer, "JPEG", quality=40)
        copies.append(vector(Image.open(buffer)))
    x = unit(np.sqrt(np.array(originals + copies[:8])))
    clusters = near_duplicates(digests(len(x)), x).clusters
    assert (clusters[60:] == clusters[:8]).all()
    assert len(np.unique(clusters[:60])) >= 58


def bursts(photos, copies, d=64, seed=0):
    """Vectors of few photos saved again many times, and which photo each shows."""
    rng = np.random.default_rng(seed)
    of = np.repeat(np.arange(photos), copies)
    return unit(rng.normal(size=(photos, d))[of] + 0.05 * rng.normal(size=(len(of), d))), of


def test_a_burst_beyond_the_limit_is_known_as_a_whole():
    x, of = bursts(8, 40)
    found = near_duplicates(digests(320), x)
    assert np.bincount(found.clusters).max() <= 32
    assert found.whole.tolist() == of.tolist()


def test_a_burst_stays_whole_where_its_classes_have_other_items():
    """Eight photos, forty times each, of two classes."""
    x, of = bursts(8, 40)
    clusters, doubtful, _ = settled(near_duplicates(digests(320), x), of % 2)
    assert clusters.tolist() == of.tolist()
    assert not doubtful.any()


def test_a_burst_that_may_be_a_class_before_one_camera_is_cut_and_doubted():
    x, of = bursts(8, 40)
    y = np.maximum(of, 1)  # photos 0 and 1 are halves of a class, each other photo is one
    clusters, doubtful, _ = settled(near_duplicates(digests(320), x), y)
    assert np.bincount(clusters[of > 1]).max() <= 32
    assert (doubtful == (of > 1)).all()
    assert clusters[of < 2].tolist() == of[of < 2].tolist()


def test_what_is_within_the_limit_is_never_cut():
    x, of = bursts(2, 6)
    clusters, doubtful, _ = settled(near_duplicates(digests(12), x), of)
    assert clusters.tolist() == of.tolist()
    assert not doubtful.any()
    assert settled(near_duplicates([], x[:0]), of[:0]).clusters.tolist() == []


def test_known_pairs_join_and_among_few_what_shows_nothing_stands_apart():
    x = unit(np.array([[1.0, 0, 0], [1, 0.01, 0], [1, 0.02, 0], [0, 0, 1]]))
    assert near_duplicates(digests(4), x).clusters.tolist() == [0, 0, 0, 1]
    apart = np.array([True, True, True, False])
    assert near_duplicates(digests(4), x, apart=apart).clusters.tolist() == [0, 1, 2, 3]
    assert near_duplicates(digests(4), x, apart=apart, known=[(0, 3)]).clusters.tolist() == [0, 1, 2, 0]


def test_rows_with_a_partner_are_told():
    x = unit(np.array([[1.0, 0, 0], [1, 0.1, 0], [0, 0, 1]]))
    assert with_partner(x, 0.9).tolist() == [True, True, False]


# --- what stays together


def test_merge_connects_clusters_and_groups_in_chains():
    clusters = np.array([0, 0, 1, 1, 2, 3])
    groups = ["", "anna", "anna", "", "", "ben"]
    assert merge(clusters, groups).tolist() == [0, 0, 0, 0, 1, 2]


def test_merge_without_groups_is_the_clusters():
    assert merge(np.array([5, 2, 5]), ["", "", ""]).tolist() == [0, 1, 0]


@given(st.lists(st.tuples(st.integers(0, 6), st.sampled_from(["", "a", "b", "c"])), max_size=30))
def test_merge_keeps_everything_together_and_is_as_fine_as_can_be(rows):
    clusters = np.array([cluster for cluster, _ in rows], dtype=np.int64)
    groups = [group for _, group in rows]
    merged = merge(clusters, groups)
    n = len(rows)
    together = np.eye(n, dtype=bool)
    for i in range(n):
        for j in range(n):
            together[i, j] |= clusters[i] == clusters[j] or (groups[i] == groups[j] != "")
    for _ in range(n):
        together = (together.astype(int) @ together.astype(int)) > 0
    assert ((merged[:, None] == merged) == together).all()


def test_straddling_counts_the_items_on_the_held_out_side():
    held_out = [False, True, False, True, False, True]
    found = straddling(held_out, np.array([0, 0, 1, 2, 1, 0]), ["anna", "ben", "ben", "", "", "ben"])
    assert found == (2, 1, 2)
    assert straddling(held_out, np.arange(6), [""] * 6) == (0, 0, 0)


# --- folds


@settings(max_examples=200)
@given(labelled_groups(), st.integers(2, 6), st.integers(0, 5))
def test_folds_keep_groups_whole_and_every_scored_class_in_training(items, k_folds, seed):
    y, groups = items
    for folds in stratified_group_folds(y, groups, k_folds, seed, repeats=2):
        for group in np.unique(groups):
            assert len(np.unique(folds[groups == group])) == 1
        assert set(np.unique(folds[folds >= 0])) == set(range(folds.max() + 1))
        assert folds.max() < k_folds
        for fold in range(folds.max() + 1):
            assert set(y[folds == fold]) <= set(y[folds != fold])


@given(labelled_groups())
def test_a_class_in_one_group_is_trained_on_and_never_scored(items):
    y, groups = items
    folds = stratified_group_folds(y, groups, 3, 0)[0]
    for label in np.unique(y):
        if len(np.unique(groups[y == label])) == 1:
            assert (folds[y == label] == -1).all()


@given(st.lists(st.integers(2, 30), min_size=1, max_size=5), st.integers(2, 7), st.integers(0, 9))
def test_without_groups_classes_and_folds_are_balanced_to_one_item(sizes, k_folds, seed):
    y = np.repeat(np.arange(len(sizes)), sizes)
    folds = stratified_group_folds(y, np.arange(len(y)), k_folds, seed)[0]
    assert (folds >= 0).all()
    for label, size in enumerate(sizes):
        counts = np.bincount(folds[y == label], minlength=min(k_folds, len(y)))
        assert np.ptp(counts) <= 1
        assert (counts > 0).sum() >= min(2, size)
    assert np.ptp(np.bincount(folds)) <= 1


def test_pairs_are_balanced_too():
    y = np.repeat([0, 0, 0, 1, 1], 40)
    folds = stratified_group_folds(y, np.arange(200) // 2, 5, 0)[0]
    for label in (0, 1):
        assert np.ptp(np.bincount(folds[y == label], minlength=5)) <= 2


def test_single_items_make_up_for_large_groups():
    y = np.zeros(100, dtype=np.int64)
    groups = np.concatenate([np.zeros(18), np.arange(1, 83)]).astype(np.int64)
    assert np.bincount(stratified_group_folds(y, groups, 5, 0)[0]).tolist() == [20] * 5


def test_the_seed_decides_and_repeats_differ():
    rng = np.random.default_rng(0)
    y, groups = rng.integers(0, 3, 120), rng.integers(0, 80, 120)
    first, second = stratified_group_folds(y, groups, 5, seed=7, repeats=2)
    again = stratified_group_folds(y, groups, 5, seed=7, repeats=2)
    assert (first == again[0]).all()
    assert (second == again[1]).all()
    assert (first != second).any()
    assert (stratified_group_folds(y, groups, 5, seed=8)[0] != first).any()


def test_labels_and_groups_may_be_any_numbers():
    y, groups = np.array([7, 7, -3, -3]), np.array([100, 5, 5000, 2])
    folds = stratified_group_folds(y, groups, 2, 0)[0]
    assert sorted(folds[:2]) == sorted(folds[2:]) == [0, 1]


# --- how many folds


def test_the_fewer_items_the_more_folds():
    def chosen(n, k):
        return choose_folds(np.arange(n) % k, np.arange(n))

    assert chosen(4, 2) == (2, 5)
    assert chosen(10, 2) == (5, 5)  # five of each class: every fold takes one of each
    assert chosen(60, 20) == (3, 3)
    assert chosen(60, 2) == (10, 3)
    assert chosen(245, 2) == (5, 3)
    assert chosen(600, 2) == (5, 2)
    assert chosen(4000, 2) == (5, 1)
    assert chosen(5000, 2) == (3, 1)


def test_groups_count_and_not_their_items():
    y = np.repeat([0, 0, 1, 1], 500)
    assert choose_folds(y, np.repeat(np.arange(4), 500)) == (2, 5)


def test_nothing_to_score_means_no_folds():
    assert choose_folds(np.array([0, 1]), np.array([0, 1])) == (0, 0)
    assert choose_folds(np.zeros(0, np.int64), np.zeros(0, np.int64)) == (0, 0)
    assert (stratified_group_folds(np.array([0, 1]), np.array([0, 1]), 2, 0)[0] == -1).all()


@given(labelled_groups())
def test_chosen_folds_can_be_dealt(items):
    y, groups = items
    k_folds, repeats = choose_folds(y, groups)
    for folds in stratified_group_folds(y, groups, k_folds, 0, repeats) if k_folds else []:
        assert folds.max() >= 1 or (folds == -1).all()


# --- learning curve


@given(labelled_groups(), st.lists(st.integers(1, 60), min_size=1, max_size=4), st.integers(0, 3))
def test_subsets_are_nested_sized_and_never_held_out(items, sizes, seed):
    y, groups = items
    folds = stratified_group_folds(y, groups, 3, 0)[0]
    sizes = sorted(sizes)
    chosen = learning_curve_subsets(y, folds, sizes, seed)
    assert chosen.shape == (len(sizes), folds.max() + 1, len(y))
    for fold in range(folds.max() + 1):
        training = folds != fold
        for i, size in enumerate(sizes):
            assert not chosen[i, fold][~training].any()
            assert chosen[i, fold].sum() == min(size, training.sum())
            if size >= len(np.unique(y[training])):
                assert set(y[chosen[i, fold]]) == set(y[training])
        assert (chosen[:-1, fold] <= chosen[1:, fold]).all()
    assert (chosen == learning_curve_subsets(y, folds, sizes, seed)).all()


def test_subsets_are_stratified():
    y = np.repeat([0, 1], [300, 100])
    folds = stratified_group_folds(y, np.arange(400), 5, 0)[0]
    chosen = learning_curve_subsets(y, folds, [40, 160], seed=0)
    for fold in range(5):
        assert abs(chosen[0, fold][y == 1].sum() - 10) <= 1
        assert abs(chosen[1, fold][y == 1].sum() - 40) <= 1


@pytest.mark.parametrize(("n", "d"), [(12, 40), (200, 300), (300, 300), (301, 300), (400, 70)])
def test_whitened_cosines_are_those_of_the_shrunk_covariance(n, d):
    rng = np.random.default_rng(n)
    x = (rng.normal(size=(n, d)) * rng.gamma(1, size=d) + 3).astype(np.float32)
    x[1] = x[0] + 0.01
    centred = x - x.mean(axis=0, dtype=np.float64)
    covariance = centred.T @ centred / n
    shrunk = covariance + np.eye(d) * np.trace(covariance) / min(n - 1, d)
    products = centred @ np.linalg.inv(shrunk) @ centred.T
    cosines = products / np.sqrt(np.outer(np.diag(products), np.diag(products)))
    np.testing.assert_allclose(whitened_cosines(x)(0, n), cosines, atol=1e-3)
    np.testing.assert_allclose(whitened_cosines(x)(3, 9), cosines[3:9, 3:], atol=1e-3)


def test_where_all_rows_are_the_same_their_whitened_cosines_are_1():
    assert (whitened_cosines(np.full((20, 9), 0.3, np.float32))(2, 20) == 1).all()
