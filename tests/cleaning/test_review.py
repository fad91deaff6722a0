"""Going through what was found."""

from __future__ import annotations

from pathlib import Path

import pytest

import graft
import shapes
from graft.cleaning import Findings, find_issues
from graft.cleaning.review import Review
from graft.cleaning.review_queue import Filter
from graft.errors import DataError, GraftError, UsageError
from graft.journal.decision import Decision, ItemKey
from graft.journal.journal import Journal


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> Findings:
    """Circles, squares and triangles; two of them are in the wrong folder, and one is there twice."""
    folder = shapes.folders(tmp_path_factory.mktemp("shapes"), dict.fromkeys(shapes.FORMS, 10))
    for seed in (90, 91):
        (folder / "circle" / f"{seed}.png").write_bytes(shapes.encoded("square", seed))
    (folder / "triangle" / "again.png").write_bytes((folder / "triangle" / "003.png").read_bytes())
    return find_issues(folder)


@pytest.fixture
def review(findings: Findings, tmp_path: Path) -> Review:
    return Review(findings, Journal(tmp_path / "shapes.journal"))


def row_of(review: Review, name: str) -> int:
    return next(row for row, item in enumerate(review.findings.dataset.items) if item.name == name)


def actions(review: Review) -> list[str]:
    return [decision.action for decision in review.journal.read()]


def test_worst_comes_first_and_the_filters_narrow(review: Review) -> None:
    everything = review.queue(Filter("all")).tolist()
    assert everything == review.findings.worst_first().tolist()
    wrong = review.queue(Filter("label")).tolist()
    assert wrong == review.findings.issues("label").tolist()
    assert {row_of(review, "circle/90.png"), row_of(review, "circle/91.png")} <= set(wrong)

    squares = review.queue(Filter("label", label="circle", predicted="square")).tolist()
    assert set(squares) <= set(wrong)
    assert all(review.findings["predicted_label"][row] == "square" for row in squares)
    assert all(review.findings.dataset.labels[row] == "circle" for row in review.queue(Filter("all", label="circle")))
    with pytest.raises(UsageError, match="no kind of issue called 'mood'"):
        review.queue(Filter("mood"))


def test_what_is_decided_leaves_the_list_and_the_counts(review: Review) -> None:
    first, second = review.queue(Filter("any"))[:2].tolist()
    before = review.counts()["any"]
    review.decide("drop", [first])

    assert first not in review.queue(Filter("any", undecided=True))
    assert review.queue(Filter("any", undecided=True), keep=first)[0] == first, "nobody loses the place"
    assert review.queue(Filter("any"))[:2].tolist() == [first, second]
    assert review.counts()["any"].n == before.n
    assert review.counts()["any"].left == before.left - 1


def test_every_decision_is_a_line_and_holds_for_its_item(review: Review) -> None:
    row = row_of(review, "circle/90.png")
    for action, to in (("drop", None), ("relabel", "square"), ("unsure", None), ("keep", None)):
        made = review.decide(action, [row], to, who="ada")
        assert review.journal.read()[-1] == made
        outcome = review.outcome(row)
        assert outcome is not None
        assert (outcome.action, outcome.to, outcome.decision.who) == (action, to, "ada")
    assert review.label(row) == "circle"


def test_the_given_label_again_is_a_keep(review: Review) -> None:
    review.decide("relabel", [row_of(review, "circle/90.png")], "  circle ")
    assert actions(review) == ["keep"]


def test_a_new_class(review: Review) -> None:
    row = row_of(review, "circle/90.png")
    review.decide("relabel", [row], "he\u0301xagon")
    assert review.label(row) == "h\u00e9xagon", "labels are of one spelling"
    assert review.new_labels() == ("h\u00e9xagon",)
    assert "h\u00e9xagon" in review.applied().dataset.classes


@pytest.mark.parametrize(
    ("action", "rows", "to"),
    [
        ("relabel", [0], None),
        ("relabel", [0], "  "),
        ("relabel", [0], "a\nb"),
        ("relabel", [0], "x" * 300),
        ("drop", [], None),
        ("drop", [-1], None),
        ("drop", [10_000], None),
        ("drop", [1, 1], None),
        ("drop", [1], "circle"),
        ("undo", [1], None),
        ("burn", [1], None),
        ("merge", [0], None),
        ("merge", [0, 31], None),
    ],
)
def test_what_cannot_be_decided(review: Review, action: str, rows: list[int], to: str | None) -> None:
    with pytest.raises(UsageError):
        review.decide(action, rows, to)
    assert not review.journal.path.exists()


def test_undo_and_redo_go_back_and_forth(review: Review) -> None:
    for row in (0, 1):
        review.decide("drop", [row])
    assert review.rows_of(review.undo()) == (1,)
    assert review.rows_of(review.undo()) == (0,)
    assert review.undo() is None
    assert not review.decided.any()
    assert review.rows_of(review.redo()) == (0,)
    assert review.rows_of(review.redo()) == (1,)
    assert review.redo() is None
    assert review.decided.nonzero()[0].tolist() == [0, 1]
    assert review.rows_of(review.undo()) == (1,)
    review.decide("keep", [2])
    assert review.redo() is None, "what was decided since is not jumped over"
    assert review.decided.nonzero()[0].tolist() == [0, 2]


def test_what_somebody_else_gave_back_can_be_taken_back_again(review: Review) -> None:
    review.decide("drop", [0], who="ada")
    review.undo(who="ada")
    undo = review.journal.read()[-1]
    review.journal.append(Decision("undo", undoes=undo.id, who="bob"))

    assert review.redo(who="ada") is None
    assert review.dropped() == {0}
    assert review.rows_of(review.undo(who="ada")) == (0,)
    assert review.dropped() == set()


def test_undo_is_known_to_whoever_comes_later(review: Review) -> None:
    review.decide("drop", [4])
    review.undo()
    later = Review(review.findings, review.journal)
    assert later.outcome(4) is None
    assert later.rows_of(later.redo()) == (4,)
    review.refresh()
    assert review.outcome(4) is not None


def test_a_merge_leaves_a_label_that_was_decided_on_before(review: Review) -> None:
    again, first = row_of(review, "triangle/again.png"), row_of(review, "triangle/003.png")
    review.decide("relabel", [first], to="square")
    review.decide("merge", [first, again])
    assert review.label(first) == "square"
    assert review.label(first) == review.applied().dataset.labels[review.applied().rows.tolist().index(first)]
    assert [review.outcome(row).action for row in (first, again)] == ["relabel", "drop"]


def test_copies_are_merged_and_unmerged_at_once(review: Review) -> None:
    one, again = row_of(review, "triangle/003.png"), row_of(review, "triangle/again.png")
    found = review.review_queue.sets[again]
    first, *others = review.review_queue.best_first(found)
    assert sorted([first, *others]) == list(found.rows)
    assert sorted(review.queue(Filter("exact_duplicate"))) == [one, again]

    review.decide("merge", [again, first, *(row for row in others if row != again)])
    assert review.outcome(again).action == "keep"
    assert set(review.applied().dropped) == set(found.rows) - {again}
    review.undo()
    assert not review.decided.any()


def test_two_people_lose_nothing(review: Review) -> None:
    other = Review(review.findings, Journal(review.journal.path))
    review.decide("drop", [0], who="ada")
    other.decide("keep", [1], who="bob")
    other.decide("keep", [0], who="bob")
    review.decide("unsure", [2], who="ada")
    for one in (review, other):
        one.refresh()
        assert [one.outcome(row).action for row in (0, 1, 2)] == ["keep", "keep", "unsure"]
    assert review.rows_of(review.undo(who="ada")) == (2,), "one's own only"
    assert review.outcome(0).decision.who == "bob"
    assert len(review.applied().conflicts) == 1


def test_a_decision_that_is_there_twice_counts_once(review: Review) -> None:
    made = review.decide("drop", [0])
    review.decide("keep", [0])
    with review.journal.path.open("ab") as file:
        file.write(made.to_line())
    review.refresh()
    assert review.outcome(0).action == Review(review.findings, review.journal).outcome(0).action


def test_items_of_other_data_are_left_alone(review: Review) -> None:
    review.journal.append(Decision("drop", (ItemKey("0" * 32, "elsewhere.png", "circle"),)))
    assert review.refresh() == 1
    assert not review.decided.any()


def test_a_journal_that_is_taken_away_decides_nothing(review: Review) -> None:
    review.decide("drop", [0])
    review.journal.path.unlink()
    assert review.refresh() == 0
    assert not review.decided.any()


def test_where_nothing_can_be_written_nothing_is_decided(review: Review) -> None:
    review.decide("drop", [0])
    kept = review.journal.path.read_bytes()
    review.journal.path.unlink()
    review.journal.path.mkdir()
    with pytest.raises(GraftError, match="no file"):
        review.decide("drop", [1])
    assert review.outcome(1) is None
    review.journal.path.rmdir()
    review.journal.path.write_bytes(kept)
    review.decide("drop", [1])
    assert review.decided.nonzero()[0].tolist() == [0, 1]


def test_no_folder_for_the_journal_is_said_at_once(findings: Findings, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not there"):
        Review(findings, Journal(tmp_path / "nowhere" / "shapes.journal"))


def test_items_of_several_labels(tmp_path: Path) -> None:
    items, _ = shapes.lists(circle=6, square=6)
    tags = [("round", "dark") if row < 6 else ("dark",) for row in range(12)]
    dataset = graft.Dataset.from_lists(items, tags)
    review = Review(find_issues(dataset), Journal(tmp_path / "tags.journal"))
    review.decide("relabel", [0], "square|dark|square")
    assert review.label(0) == "dark|square"
    review.decide("relabel", [1], "")
    assert review.applied().dataset.tags[:2] == (("dark", "square"), ())
    assert len(review.queue(Filter("all", label="round"))) == 6
