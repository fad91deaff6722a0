"""What decisions come to, and which items they find."""

import itertools
import json

import numpy as np
import pytest

import graft
from graft.data.items import Memory, Text
from graft.encoders.embed import content_digest
from graft.journal.decision import Decision
from graft.journal.resolution import apply, keys_of, resolve


def photos(*rows, **columns):
    """A data set of ``(name, content, label)``, and the hashes of the contents."""
    items = [Memory(content.encode(), name) for name, content, _ in rows]
    dataset = graft.Dataset(tuple(items), tuple(label for *_, label in rows), **columns)
    return dataset, [content_digest(item.content) for item in items]


DATA = (("a.jpg", "A", "cat"), ("b.jpg", "B", "cat"), ("c.jpg", "C", "dog"), ("d.jpg", "D", "dog"))


def keys():
    return keys_of(*photos(*DATA))


def decide(action, *positions, who="anna", **more):
    return Decision(action, tuple(keys()[position] for position in positions), who=who, **more)


def undo(decision, who="anna"):
    return Decision("undo", undoes=decision.id, who=who)


def labels_of(*decisions, rows=DATA):
    """Names and labels as they are with the decisions."""
    dataset = apply(*photos(*rows), decisions).dataset
    return {item.name: label for item, label in zip(dataset.items, dataset.labels, strict=True)}


def test_every_action_has_its_effect_and_the_given_data_stay_as_they_are():
    given, digests = photos(*DATA, splits=("train", "train", "test", "test"), groups=("1", "2", "3", "4"))
    decisions = [
        decide("relabel", 0, to=" dog "), decide("drop", 1), decide("keep", 2), decide("unsure", 3),
    ]  # fmt: skip
    found = apply(given, digests, decisions)
    assert (found.relabelled, found.dropped, found.kept, found.unsure) == ((0,), (1,), (2,), (3,))
    assert found.rows.tolist() == [0, 2, 3]
    assert found.dataset.labels == ("dog", "dog", "dog")
    assert found.dataset.splits == ("train", "test", "test")
    assert found.dataset.groups == ("1", "3", "4")
    assert (found.unmatched, found.conflicts, found.dataset.warnings) == ((), (), ())
    assert given.labels == ("cat", "cat", "dog", "dog")


def test_a_merge_keeps_the_first_and_drops_the_others():
    found = apply(*photos(*DATA), [decide("merge", 2, 0, 3)])
    assert (found.kept, found.dropped, found.rows.tolist()) == ((2,), (0, 3), [1, 2])


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_merge_leaves_the_item_that_it_keeps_the_label_that_was_decided_on(order):
    decisions = [decide("relabel", 0, to="cow", who="ben"), decide("merge", 0, 1)]
    found = apply(*photos(*DATA), [decisions[position] for position in order])
    assert (found.relabelled, found.dropped, found.conflicts) == ((0,), (1,), ())
    assert found.dataset.labels[0] == "cow"


@pytest.mark.parametrize(
    ("merges", "kept"),
    [
        (((0, 1), (1, 2)), {0, 3}),
        (((0, 1), (2, 0)), {2, 3}),
        (((0, 1), (1, 0)), {1, 2, 3}),
        (((0, 1), (2, 3), (1, 3)), {0}),
        (((0, 1), (2, 3), (3, 0)), {2}),
        (((0, 1, 2), (2, 1)), {0, 3}),
        (((0, 0),), {0, 1, 2, 3}),
    ],
)
def test_merges_add_up_and_leave_one_item_of_all_that_are_copies(merges, kept):
    assert set(apply(*photos(*DATA), [decide("merge", *merge) for merge in merges]).rows) == kept


def test_a_merge_takes_back_no_drop_and_keeps_the_next_instead():
    drop = decide("drop", 0, who="ben")
    assert set(labels_of(drop, decide("merge", 0, 1, 2))) == {"b.jpg", "d.jpg"}
    assert set(labels_of(drop, decide("merge", 1, 0))) == {"b.jpg", "c.jpg", "d.jpg"}
    assert set(labels_of(decide("drop", 0, 1), decide("merge", 0, 1))) == {"c.jpg", "d.jpg"}


def test_what_is_decided_after_a_merge_holds():
    merge = decide("merge", 0, 1)
    assert set(labels_of(merge, decide("drop", 0))) == {"c.jpg", "d.jpg"}
    assert set(labels_of(merge, decide("keep", 1))) == {"a.jpg", "b.jpg", "c.jpg", "d.jpg"}
    assert set(labels_of(merge, decide("keep", 1), decide("merge", 2, 0))) == {"b.jpg", "c.jpg", "d.jpg"}
    [conflict] = resolve([merge, decide("drop", 0, who="ben")]).conflicts
    assert (conflict.later.action, conflict.other.decision) == ("drop", merge)


def test_an_undone_merge_lets_its_copies_go():
    first, second = decide("merge", 0, 1), decide("merge", 1, 2)
    assert set(labels_of(first, second, undo(first))) == {"a.jpg", "b.jpg", "d.jpg"}
    assert set(labels_of(decide("relabel", 1, to="cow"), first, undo(first))) == {"a.jpg", "b.jpg", "c.jpg", "d.jpg"}


def test_a_copy_stands_for_the_item_that_was_kept_when_that_is_gone():
    merge = decide("merge", 0, 1, 2)
    found = apply(*photos(*DATA[1:]), [decide("relabel", 0, to="cow"), merge])
    assert [item.name for item in found.dataset.items] == ["b.jpg", "d.jpg"]
    assert found.dataset.labels == ("cow", "dog")  # what was decided on the one holds for the other
    assert "1 copy stands for an item that was to be kept and is gone: b.jpg" in " ".join(found.dataset.warnings)
    assert set(labels_of(merge, rows=DATA[2:])) == {"c.jpg", "d.jpg"}
    assert set(labels_of(merge, decide("drop", 0), rows=DATA[1:])) == {"d.jpg"}
    corrected = (("a.jpg", "A", "dog"), *DATA[1:])
    assert set(labels_of(merge, rows=corrected)) == {"a.jpg", "d.jpg"}  # not matched, but there


def test_a_label_that_the_item_has_already_counts_as_kept():
    found = apply(*photos(*DATA), [decide("relabel", 0, to="cat")])
    assert (found.relabelled, found.kept) == ((), (0,))


def test_the_later_decision_holds():
    drop, keep = decide("drop", 0), decide("keep", 0)
    assert "a.jpg" in labels_of(drop, keep)
    assert "a.jpg" not in labels_of(keep, drop)


def test_undo_redo_and_undo_again():
    relabel, drop = decide("relabel", 0, to="dog"), decide("drop", 0)
    history = [relabel, drop]
    expected = [None, "dog", None, "dog"]  # dropped; undone; redone; undone again
    for number, label in enumerate(expected):
        assert labels_of(*history).get("a.jpg") == label, number
        history.append(undo(history[-1]))
    both = [relabel, drop, undo(drop), undo(relabel)]
    assert labels_of(*both)["a.jpg"] == "cat"
    assert resolve(both).undone == {drop.id, relabel.id}


def test_what_is_redone_stands_in_its_old_place():
    first, later = decide("relabel", 0, to="dog"), decide("relabel", 0, to="cow")
    gone = undo(first)
    assert labels_of(first, gone, later, undo(gone))["a.jpg"] == "cow"


def test_an_undo_of_nothing_has_no_effect_and_is_said():
    drop = decide("drop", 0)
    for decisions in ([drop, Decision("undo", undoes="f" * 32)], [undo(drop), drop]):
        found = apply(*photos(*DATA), decisions)
        assert found.dropped == (0,)
        assert "1 undo of the journal has no effect" in found.dataset.warnings[0]


def test_undos_that_name_each_other_end():
    one = Decision("undo", undoes="b" * 32, id="a" * 32)
    other = Decision("undo", undoes="a" * 32, id="b" * 32)
    itself = Decision("undo", undoes="c" * 32, id="c" * 32)
    found = resolve([one, other, itself])
    assert (found.undone, found.lost) == ({one.id}, (itself,))


def test_a_line_that_is_there_twice_counts_once():
    drop = decide("drop", 0)
    back = undo(drop)
    assert "a.jpg" in labels_of(drop, back, drop)


def test_people_who_disagree_are_listed_and_the_later_holds():
    decisions = [decide("drop", 0, who="anna"), decide("relabel", 0, to="dog", who="ben"), decide("drop", 1, who="ben")]
    found = apply(*photos(*DATA), decisions)
    [conflict] = found.conflicts
    assert (conflict.later.decision.who, conflict.other.decision.who) == ("ben", "anna")
    assert found.dataset.labels[0] == "dog"
    assert "anna: drop, then ben: relabel to dog" in found.dataset.warnings[0]
    assert resolve([*decisions, decide("relabel", 0, to="dog", who="anna")]).conflicts == ()
    assert resolve([decide("drop", 0), decide("keep", 0)]).conflicts == ()


def test_a_file_that_was_moved_is_found_by_its_content_and_named():
    moved = (("new/a.jpg", "A", "cat"), *DATA[1:])
    found = apply(*photos(*moved), [decide("drop", 0)])
    assert found.dropped == (0,)
    assert found.unmatched == ()
    assert "found by content: a.jpg" in found.dataset.warnings[0]


def test_another_label_or_another_content_is_another_item():
    for row in (("a.jpg", "A", "dog"), ("a.jpg", "other", "cat")):
        found = apply(*photos(row, *DATA[1:]), [decide("drop", 0)])
        assert (found.dropped, found.unmatched) == ((), (keys()[0],))
        assert "1 item of the journal is not in these data" in found.dataset.warnings[0]


def test_copies_are_told_apart_by_name_and_never_all_dropped_for_one():
    twins = (("a.jpg", "A", "cat"), ("b.jpg", "A", "cat"), ("c.jpg", "C", "dog"))
    a, b, _ = keys_of(*photos(*twins))
    merge = Decision("merge", (a, b))
    assert set(labels_of(merge, rows=twins)) == {"a.jpg", "c.jpg"}
    without_b = (twins[0], twins[2])
    assert set(labels_of(merge, rows=without_b)) == {"a.jpg", "c.jpg"}  # the copy is gone already
    renamed = (("z.jpg", "A", "cat"), twins[2])
    assert set(labels_of(merge, rows=renamed)) == {"z.jpg", "c.jpg"}  # it may be either of them
    both = (("y.jpg", "A", "cat"), ("z.jpg", "A", "cat"), twins[2])
    assert set(labels_of(merge, rows=both)) == {"y.jpg", "z.jpg", "c.jpg"}
    assert len(apply(*photos(*both), [merge]).unmatched) == 2
    one_moved = (twins[0], ("z.jpg", "A", "cat"), twins[2])
    assert set(labels_of(merge, rows=one_moved)) == {"a.jpg", "c.jpg"}
    assert set(labels_of(Decision("drop", (a, b)), rows=both)) == {"c.jpg"}


def test_a_copy_that_was_dropped_and_then_deleted_takes_no_other_with_it():
    twins = (("0.jpg", "A", "cat"), ("0copy.jpg", "A", "cat"), ("c.jpg", "C", "dog"))
    original, copy, _ = keys_of(*photos(*twins))
    for action in (Decision("drop", (copy,)), Decision("relabel", (copy,), to="dog")):
        assert labels_of(action, rows=(twins[0], twins[2])) == {"0.jpg": "cat", "c.jpg": "dog"}
    assert apply(*photos(twins[0], twins[2]), [Decision("drop", (copy,))]).unmatched == (copy,)
    merge = Decision("merge", (original, copy))
    assert set(labels_of(merge, rows=twins[1:])) == {"0copy.jpg", "c.jpg"}
    triplets = (*twins, ("0again.jpg", "A", "cat"))
    *_, again = keys_of(*photos(*triplets))
    found = apply(*photos(*twins[:2]), [Decision("drop", (again,))])
    assert found.dropped == ()


def test_how_many_copies_there_were_tells_no_two_items_apart():
    [alone] = keys_of(*photos(DATA[0]))
    first, second = keys_of(*photos(DATA[0], ("z.jpg", "A", "cat")))
    assert (alone.copies, first.copies, second.copies) == (1, 2, 2)
    assert alone == first
    assert Decision.from_dict(json.loads(Decision("drop", (first,)).to_line())).items[0].copies == 2
    assert b"copies" not in Decision("drop", (alone,)).to_line()


def test_the_same_content_under_two_labels_is_two_items():
    torn = (("cat/a.jpg", "A", "cat"), ("dog/a.jpg", "A", "dog"))
    cat, dog = keys_of(*photos(*torn))
    assert labels_of(Decision("drop", (dog,)), rows=torn) == {"cat/a.jpg": "cat"}
    assert labels_of(Decision("relabel", (cat,), to="cow"), rows=torn) == {"cat/a.jpg": "cow", "dog/a.jpg": "dog"}


def test_rows_that_agree_in_everything_are_counted():
    texts = ("Where is it?", "Where is it?", "Thanks.")
    dataset = graft.Dataset(tuple(map(Text, texts)), ("ask", "ask", "thank"), modality="text")
    digests = [content_digest(item.read()) for item in dataset.items]
    given = keys_of(dataset, digests)
    assert [key.copy for key in given] == [0, 1, 0]
    merge = Decision("merge", given[:2])
    assert apply(dataset, digests, [merge]).rows.tolist() == [0, 2]
    fewer = apply(dataset.select([0, 2]), [digests[0], digests[2]], [merge])
    assert fewer.rows.tolist() == [0, 1]
    assert fewer.unmatched == (given[1],)


def test_a_row_that_was_dropped_and_then_deleted_takes_no_row_like_it_along():
    dataset = graft.Dataset(tuple(map(Text, ["Where?"] * 3 + ["Thanks."])), ("ask",) * 3 + ("thank",), modality="text")
    digests = [content_digest(item.read()) for item in dataset.items]
    given = keys_of(dataset, digests)
    for dropped, rows_left, remaining in (
        ((0,), [0, 1, 3], 2),
        ((0, 1), [0, 3], 1),
        ((0, 2), [0, 1, 3], 1),
        ((0, 1, 2), [0, 3], 0),
    ):
        left = dataset.select(rows_left)
        found = apply(left, [digests[row] for row in rows_left], [Decision("drop", tuple(given[n] for n in dropped))])
        assert found.dataset.labels.count("ask") == remaining, dropped
    merge = Decision("merge", (given[2], given[0], given[1]))
    assert len(apply(dataset.select([0, 3]), [digests[0], digests[3]], [merge]).dataset) == 2


def test_several_labels_are_set_at_once():
    items = (Memory(b"A", "a"), Memory(b"B", "b"), Memory(b"C", "c"))
    dataset = graft.Dataset(items, (), tags=(("x",), ("x", "y"), ("y",)))
    digests = [content_digest(item.content) for item in items]
    given = keys_of(dataset, digests)
    assert [key.label for key in given] == ["x", "x|y", "y"]
    decisions = [
        Decision("relabel", given[:1], to="z| x"), Decision("relabel", given[1:2], to=""),
        Decision("relabel", given[2:], to="y"),
    ]  # fmt: skip
    found = apply(dataset, digests, decisions)
    assert found.dataset.tags == (("x", "z"), (), ("y",))
    assert found.dataset.labels == ("x|z", "", "y")
    assert (found.relabelled, found.kept) == ((0, 1), (2,))


def test_an_item_of_one_label_is_left_with_it():
    found = apply(*photos(*DATA), [decide("relabel", 0, to="  ")])
    assert found.dataset.labels[0] == "cat"
    assert "it was left as it is" in found.dataset.warnings[0]


@pytest.mark.parametrize("order", [*itertools.permutations(range(3))])
def test_the_order_of_decisions_on_different_items_does_not_matter(order):
    decisions = [decide("drop", 0), decide("relabel", 1, to="dog"), decide("merge", 2, 3)]
    found = apply(*photos(*DATA), [decisions[position] for position in order])
    assert found.rows.tolist() == [1, 2]
    assert np.array_equal(found.dataset.labels, ["dog", "dog"])
