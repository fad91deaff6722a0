"""Look-alikes."""

import threading
from pathlib import Path

import numpy as np
import pytest

import shapes
from graft.data.dataset import Dataset
from graft.errors import DataError, ItemError, MissingExtra, NothingToRead, UsageError
from graft.similarity import EXACT_UP_TO, Index, search
from graft.similarity.graph import Graph

MESSAGES = ["Where is my parcel?", "I want my money back.", "The app crashes at the start.", "My parcel has not come."]


@pytest.fixture(scope="module")
def index(photos):
    return Index.of(photos)


@pytest.fixture(scope="module")
def mixture():
    """Vectors in clusters of very different sizes, as embeddings are."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(40, 64)) * np.geomspace(1, 0.05, 64)
    return (
        centres[rng.integers(40, size=6000)] + 0.3 * rng.normal(size=(6000, 64)) * np.geomspace(1, 0.05, 64)
    ).astype(np.float32)


def test_the_same_file_comes_first_and_says_so(index, photos):
    found = index.search(photos / "square" / "003.png", 5)
    assert [match.rank for match in found] == [1, 2, 3, 4, 5]
    assert (found[0].name, found[0].similarity, found[0].same) == ("square/003.png", 1.0, True)
    assert found[0].label == "square"
    assert not any(match.same for match in found[1:])
    assert index.dataset.items[found[3].row].name == found[3].name
    similar = [match.similarity for match in found]
    assert similar == sorted(similar, reverse=True)


def test_a_new_picture_in_every_shape_that_it_may_be_given_in(index, tmp_path):
    path = tmp_path / "new.png"
    path.write_bytes(shapes.encoded("circle", 500))
    found = index.search(path)
    assert len(found) == 10
    assert index.search(str(path)) == found
    assert index.search(path.read_bytes()) == found
    assert [match.row for match in index.search(shapes.picture("circle", 500))] == [match.row for match in found]
    assert index.search(path, min_similarity=0.999) == []


def test_what_is_alike_is_mostly_of_one_form(index):
    right = [
        index.dataset.labels[row] == match.label for row in range(len(index)) for match in index.neighbours(row, 3)
    ]
    assert np.mean(right) > 0.6


def test_an_item_is_not_its_own_neighbour(index):
    assert len(index.neighbours(4, 100)) == len(index) - 1
    assert 4 not in {match.row for match in index.neighbours(4, 100)}
    with pytest.raises(UsageError, match="row 36"):
        index.neighbours(36)


def test_more_than_there_are(index, photos):
    assert len(index.search(photos / "circle" / "000.png", 1000)) == len(index)
    with pytest.raises(UsageError):
        index.search(photos / "circle" / "000.png", 0)


def test_copies_come_together_in_order(tmp_path):
    shapes.folders(tmp_path / "data", {"circle": 4})
    copy = shapes.encoded("circle", 2)
    for name in ("z.png", "a.png"):
        (tmp_path / "data" / "circle" / name).write_bytes(copy)
    found = search(tmp_path / "data", copy, 4)
    assert [Path(match.name).name for match in found[:3]] == ["002.png", "a.png", "z.png"]
    assert [match.same for match in found] == [True, True, True, False]


def test_one_item_alone_is_found(tmp_path):
    (tmp_path / "only.png").write_bytes(shapes.encoded("circle", 0))
    (match,) = search(tmp_path, shapes.encoded("circle", 0))
    assert match.similarity == 1.0
    (match,) = search(tmp_path, shapes.encoded("square", 5))
    assert 0.2 < match.similarity < 1


def test_bad_items_are_skipped_and_listed(tmp_path):
    shapes.folders(tmp_path / "data", {"circle": 3})
    bad = shapes.bad_files(tmp_path / "data")
    index = Index.of(tmp_path / "data")
    assert len(index) == 3
    assert {one.path for one in index.skipped} == set(bad)
    hopeless = tmp_path / "hopeless"
    hopeless.mkdir()
    (hopeless / "cut.png").write_bytes(shapes.encoded("circle", 0)[:500])
    with pytest.raises(NothingToRead):
        Index.of(hopeless)


def test_a_query_that_cannot_be_read_is_named(index, tmp_path):
    (tmp_path / "letter.txt").write_text("Dear all,\n")
    (tmp_path / "cut.jpg").write_bytes(shapes.encoded("circle", 1, "JPEG", 300)[:2000])
    with pytest.raises(
        ItemError, match=r"letter\.txt is a text, and photos holds pictures\. Search it with a picture\."
    ):
        index.search(tmp_path / "letter.txt")
    with pytest.raises(ItemError, match=r"cut\.jpg"):
        index.search(tmp_path / "cut.jpg")
    with pytest.raises(ItemError, match="photos holds pictures"):
        index.search("a red door")
    with pytest.raises(ItemError, match="photos holds pictures"):
        index.search("a red door " * 1000)
    with pytest.raises(ItemError, match="is a folder"):
        index.search(tmp_path)
    good, bad = index.search_many([shapes.encoded("circle", 3), tmp_path / "cut.jpg"], 2)
    assert len(good.matches) == 2
    assert bad.error.reason == "truncated"
    assert bad.matches == ()


def test_texts():
    index = Index.of(MESSAGES)
    first, second, *_ = index.search("Has the parcel arrived?", 4)
    assert {first.name, second.name} == {MESSAGES[0], MESSAGES[3]}
    assert index.search(MESSAGES[1])[0].same
    with pytest.raises(ItemError, match="The query has no text"):
        index.search("   ")


def test_a_picture_is_no_query_for_texts(photos):
    with pytest.raises(ItemError, match="is a picture, and model holds texts"):
        Index.of(MESSAGES).search(photos / "circle" / "000.png")


def test_an_encoder_of_another_modality(photos):
    with pytest.raises(UsageError, match="holds pictures"):
        Index.of(photos, encoder="text")


def test_embeddings_from_elsewhere(mixture):
    labels = [str(row % 7) for row in range(len(mixture))]
    index = Index.from_embeddings(mixture, labels)
    found = index.search(3 * mixture[17], 4)
    assert (found[0].row, found[0].name, found[0].label) == (17, "row 17", "3")
    assert found[0].similarity == pytest.approx(1, abs=1e-6)
    assert [match.row for match in index.neighbours(17, 3)] == [match.row for match in found[1:]]
    assert [one.matches[0].row for one in index.search_many(mixture[:5], 1)] == list(range(5))
    with pytest.raises(UsageError, match="64"):
        index.search(np.ones(3, np.float32))


def test_a_matrix_that_cannot_be_searched_is_refused(mixture):
    x = mixture[:20].copy()
    x[3, 5] = np.nan
    with pytest.raises(DataError, match=r"1 of 20 embeddings .* the first is row 3\."):
        Index.from_embeddings(x)
    with pytest.raises(DataError, match="not finite in float32"):
        Index.from_embeddings(np.full((2, 3), 1e39))
    for strange in (mixture[0], "hello", [["a", "b"]], [[1, 2], [3]], np.empty((4, 0))):
        with pytest.raises(DataError, match=r"Give an array \(n, d\)"):
            Index.from_embeddings(strange)
    with pytest.raises(NothingToRead, match="no rows"):
        Index.from_embeddings(np.empty((0, 8)))
    for column in ("labels", "names"):
        for given in (["a"], "a" * 20, []):
            with pytest.raises(DataError, match=f"one of {column} for each row: 20 rows"):
                Index.from_embeddings(mixture[:20], **{column: given})


def test_labels_of_a_matrix_may_be_an_array_and_need_not_be_all_there(mixture):
    index = Index.from_embeddings(mixture[:3], np.array(["a", "b", "c"]), names=[7, 8, 9])
    assert [(match.label, match.name) for match in (index.search(row, 1)[0] for row in mixture[:3])] == [
        ("a", "7"), ("b", "8"), ("c", "9")
    ]  # fmt: skip
    assert Index.from_embeddings(mixture[:2], [None, 4]).dataset.labels == ("", "4")
    assert repr(index) == "Index('embeddings', 3 vectors of 64 numbers)"


def test_vectors_of_any_length(mixture):
    plain = Index.from_embeddings(mixture[:50])
    for scale in (1e-25, 1e25):
        scaled = Index.from_embeddings(mixture[:50] * np.float32(scale))
        assert np.allclose(scaled.x, plain.x, atol=1e-6)
        found = plain.search(mixture[3] * np.float32(scale), 2)
        assert (found[0].row, found[0].similarity) == (3, pytest.approx(1, abs=1e-6))


def test_a_query_of_a_matrix_is_a_vector_of_numbers(mixture):
    index = Index.from_embeddings(mixture[:20])
    for strange in ("hello", 3, mixture[:2], mixture[:1], None, b"12"):
        with pytest.raises(UsageError, match="a vector of 64 numbers"):
            index.search(strange)
    with pytest.raises(ItemError, match="not finite"):
        index.search(np.full(64, np.nan))
    good, bad, other = index.search_many([mixture[0], np.full(64, np.inf), mixture[7]], 1)
    assert (good.matches[0].row, bad.error.reason, other.matches[0].row) == (0, "corrupt", 7)
    assert index.search_many([]) == []
    assert index.search_many(np.full((1, 64), np.nan))[0].matches == ()


def test_how_many_and_how_like_are_numbers(mixture):
    index = Index.from_embeddings(mixture[:20])
    for n in (0, -1, 2.5, "3"):
        with pytest.raises(UsageError, match="items were asked for"):
            index.search(mixture[0], n)
        with pytest.raises(UsageError, match="items were asked for"):
            index.neighbours(0, n)
    assert len(index.search(mixture[0], np.int64(2))) == 2
    with pytest.raises(UsageError, match="nan"):
        index.search(mixture[0], min_similarity=float("nan"))


def test_one_text_is_not_several_queries(tmp_path):
    index = Index.of(MESSAGES)
    for one in ("hello", b"hello", tmp_path):
        with pytest.raises(UsageError, match="Several queries are a list"):
            index.search_many(one)
    assert index.search_many([]) == []


def test_a_table_is_no_query(tmp_path):
    (tmp_path / "messages.csv").write_text("text\nWhere is it?\n")
    with pytest.raises(ItemError, match=r"messages\.csv is a table"):
        Index.of(MESSAGES).search(tmp_path / "messages.csv")


def test_very_many_are_searched_through_a_graph(mixture):
    pytest.importorskip("usearch")
    assert EXACT_UP_TO == 100_000
    heard = []
    exact = Index.from_embeddings(mixture)
    quick = Index.from_embeddings(mixture, exact=False, progress=lambda *told: heard.append(told))
    assert (exact.exact, quick.exact) == (True, False)
    queries = mixture[::20] + 0.05
    hits = [
        len({match.row for match in a.matches} & {match.row for match in b.matches})
        for a, b in zip(exact.search_many(queries), quick.search_many(queries), strict=True)
    ]
    assert np.mean(hits) >= 9.5
    assert heard[-1] == ("index", 6000, 6000)
    assert 17 not in {match.row for match in quick.neighbours(17, 50)}
    assert len(quick.neighbours(17, 50)) == 50


def test_a_graph_is_built_once_for_all_threads(mixture, monkeypatch):
    pytest.importorskip("usearch")
    heard = []
    index = Index.from_embeddings(mixture[:500], exact=False, progress=lambda *told: heard.append(told))
    threads = [threading.Thread(target=index.search, args=(mixture[row],)) for row in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert heard.count(("index", 500, 500)) == 1


def test_copies_in_a_graph(mixture):
    pytest.importorskip("usearch")
    x = np.repeat(mixture[:30], 40, axis=0)
    found = Index.from_embeddings(x, exact=False).search(mixture[3], 20)
    assert {match.row // 40 for match in found} == {3}


def test_the_library_of_the_graph_may_be_missing(mixture, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "usearch.index", None)
    with pytest.raises(MissingExtra, match=r"graft-learn\[search\]"):
        Graph(mixture)


def test_labels_of_a_data_set_are_kept():
    dataset = Dataset.from_lists(MESSAGES, ["parcel", "refund", "app", "parcel"], modality="text", name="messages")
    (match,) = search(dataset, "Where is the parcel?", 1)
    assert match.to_dict() == {
        "rank": 1, "text": MESSAGES[0], "label": "parcel", "similarity": match.similarity, "row": 0, "same": False
    }  # fmt: skip
    assert repr(Index.of(dataset)) == "Index('messages', 4 text items)"
