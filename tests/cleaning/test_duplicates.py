"""Duplicates: what is found of each row, and which clusters are worst."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from graft.cleaning.duplicates import duplicates_of


@st.composite
def rows(draw):
    """Contents in clusters: rows of one content always share a cluster."""
    contents = draw(st.lists(st.integers(0, 5), max_size=20))
    cluster_of = draw(st.lists(st.integers(0, 3), min_size=6, max_size=6))
    labels = draw(st.lists(st.sampled_from("ab"), min_size=len(contents), max_size=len(contents)))
    order = draw(st.permutations(range(len(contents))))
    return np.array([cluster_of[c] for c in contents], np.int64), [str(c) for c in contents], labels, order


def test_columns_of_a_small_set():
    found = duplicates_of(
        np.array([0, 1, 0, 2, 2]), ["a", "b", "a", "c", "d"], list("xyxzw"), likeness=np.float32([1, 0, 1, 0.75, 0.75])
    )
    assert found.columns["is_exact_duplicate_issue"].tolist() == [True, False, True, False, False]
    assert found.columns["is_near_duplicate_issue"].tolist() == [True, False, True, True, True]
    assert found.columns["near_duplicate_score"].tolist() == [0, 1, 0, 0.25, 0.25]
    assert [others.tolist() for others in found.columns["near_duplicate_sets"]] == [[2], [], [0], [4], [3]]
    assert [(s.rows, s.exact, s.across_labels) for s in found.sets] == [((3, 4), False, True), ((0, 2), True, False)]
    assert list(found.columns) == [
        "is_exact_duplicate_issue",
        "is_near_duplicate_issue",
        "near_duplicate_score",
        "near_duplicate_sets",
    ]


def test_worst_is_what_contradicts_then_what_leaks_then_what_groups_share():
    clusters = np.repeat(np.arange(5), 2)
    found = duplicates_of(
        clusters,
        ["a", "a", "b", "B", "c", "C", "d", "D", "e", "E"],
        list("xxxxxxxyxx"),
        ["", "", "", "", "train", "test", "", "", "train", "train"],
        ["", "", "anna", "ben", "", "", "", "", "", "anna"],
    )
    assert [s.rows[0] for s in found.sets] == [6, 4, 2, 0, 8]
    assert found.sets[1].splits == ("test", "train")
    assert [s.across_groups for s in found.sets] == [False, False, True, False, False]


def test_an_exact_copy_in_a_near_cluster_is_both():
    found = duplicates_of(np.zeros(3, np.int64), ["a", "a", "b"], ["x"] * 3)
    assert found.columns["is_exact_duplicate_issue"].tolist() == [True, True, False]
    assert found.columns["is_near_duplicate_issue"].all()
    assert found.columns["near_duplicate_score"].tolist() == [0, 0, 0.5]
    assert not found.sets[0].exact


@given(rows())
def test_the_order_of_rows_changes_nothing_but_their_numbers(data):
    clusters, digests, labels, order = data
    found = duplicates_of(clusters, digests, labels)
    again = duplicates_of(clusters[list(order)], [digests[i] for i in order], [labels[i] for i in order])
    assert (again.columns["near_duplicate_score"] == found.columns["near_duplicate_score"][list(order)]).all()
    assert (again.columns["is_near_duplicate_issue"] == found.columns["is_near_duplicate_issue"][list(order)]).all()
    moved = {tuple(sorted(order[row] for row in s.rows)) for s in again.sets}
    assert moved == {s.rows for s in found.sets}
    in_sets = sorted(row for s in found.sets for row in s.rows)
    assert (
        in_sets
        == np.flatnonzero(found.columns["is_exact_duplicate_issue"] | found.columns["is_near_duplicate_issue"]).tolist()
    )
