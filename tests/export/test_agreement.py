"""Answers are alike or not: what differs, what lies on a threshold, and how many such items there may be."""

import numpy as np
import pytest

from graft.export.proof.agreement import Agreement, Boundary

CLASSES = ("a", "b", "c")
BOUNDARY = Boundary(unknown=2.0, members=(0.3, 0.3, 0.3), exclusive=True)


def answer(p, score=0.0, members=None):
    p = np.array([p], np.float32)
    sets = p >= 0.3 if members is None else np.array([members])
    return {"probabilities": p, "unknown_score": np.array([score], np.float32), "set": sets}


def number(value, score=0.0, margin=5.0, low=None):
    low = value - margin if low is None else low
    numbers = {"value": value, "low": low, "high": value + margin, "unknown_score": score}
    return {name: np.array([one], np.float64) for name, one in numbers.items()}


def compared(*pairs, boundary=BOUNDARY, tolerance=0.005):
    agreement = Agreement(boundary, tolerance, CLASSES)
    for place, (expected, found) in enumerate(pairs, 1):
        agreement.add(f"{place:03}.png", expected, found)
    return agreement


def test_equal_answers_agree():
    same = answer([0.7, 0.2, 0.1])
    found = compared((same, same), (same, answer([0.703, 0.198, 0.099])))
    assert found.ok
    assert found.share == 1
    assert found.largest_difference == pytest.approx(0.003, abs=1e-6)
    assert found.near == ()


@pytest.mark.parametrize(
    ("now", "why"),
    [
        (answer([0.2, 0.7, 0.1]), "label, set, difference"),
        (answer([0.71, 0.19, 0.1]), "difference"),
        (answer([0.7, 0.2, 0.1], members=[True, True, False]), "set"),
        (answer([0.7, 0.2, 0.1], score=2.5), "unknown, unknown_score"),
        (answer([0.7, 0.2, 0.1], score=0.5), "unknown_score"),
        (answer([np.nan, 0.2, 0.1]), "set, difference"),
        ("The graph does not answer.", "error"),
    ],
)
def test_what_differs_is_told(now, why):
    then = answer([0.7, 0.2, 0.1])
    found = compared((then, then), (then, now))
    (one,) = found.differing
    assert not found.ok
    assert set(one.why.split(", ")) == set(why.split(", "))
    assert one.item == "002.png"
    assert "a 0.7000 [a]" in one.expected


def test_the_worst_is_told_first():
    then = answer([0.7, 0.2, 0.1])
    found = compared((then, answer([0.71, 0.19, 0.1])), (then, answer([0.6, 0.2, 0.2])), (then, then))
    assert [one.item for one in found.differing] == ["002.png", "001.png"]


def test_an_answer_that_is_no_number_is_infinitely_far():
    found = compared((answer([0.7, 0.2, 0.1]), answer([np.nan, np.nan, np.nan])))
    assert found.largest_difference == np.inf
    assert found.differing[0].to_dict()["difference"] is None


def test_an_item_on_a_threshold_is_counted_apart_and_only_one_of_few():
    on_edge = (answer([0.68, 0.3001, 0.02]), answer([0.6805, 0.2996, 0.02]))
    plain = (answer([0.7, 0.2, 0.1]),) * 2
    found = compared(on_edge, *[plain] * 20)
    assert found.ok
    assert found.near == ("001.png",)
    assert found.share == 1
    crowded = compared(on_edge, on_edge, *[plain] * 20)
    assert not crowded.ok
    assert {one.why for one in crowded.differing} == {"set"}
    assert compared(on_edge, on_edge, *[plain] * 200).ok


def test_what_lies_farther_from_a_threshold_than_answers_differ_is_no_excuse():
    turned = (answer([0.69, 0.305, 0.005]), answer([0.69, 0.305, 0.005], members=[True, False, False]))
    found = compared(turned, (answer([0.7, 0.2, 0.1]), answer([0.703, 0.197, 0.1])))
    assert [one.why for one in found.differing] == ["set"]


def test_of_two_classes_in_a_set_the_one_farther_from_its_threshold_decides():
    then = answer([0.3001, 0.2, 0.4999])
    found = compared((then, answer([0.3003, 0.2, 0.4997], members=[False, True, True])))
    assert [one.why for one in found.differing] == ["set"]


def test_a_label_is_as_far_from_the_other_as_half_of_what_lies_between_them():
    found = compared((answer([0.455, 0.435, 0.11]), answer([0.435, 0.455, 0.11])))
    assert [one.why for one in found.differing] == ["label, difference"]


def test_a_tie_of_two_classes_may_fall_either_way():
    found = compared((answer([0.4501, 0.4499, 0.1]), answer([0.4499, 0.4501, 0.1])))
    assert found.ok
    assert len(found.near) == 1


def test_labels_that_come_together_are_judged_by_their_set():
    several = Boundary(2.0, (0.5, 0.5, 0.5), exclusive=False)
    then = answer([0.9, 0.8999, 0.1], members=[True, True, False])
    assert compared((then, answer([0.8999, 0.9, 0.1], members=[True, True, False])), boundary=several).near == ()


def test_numbers_are_measured_by_their_interval():
    boundary = Boundary(2.0, (), exclusive=False)
    near = compared((number(100.0), number(100.04)), boundary=boundary)
    assert near.ok
    assert near.largest_difference == pytest.approx(0.004)
    far = compared((number(100.0), number(100.06)), boundary=boundary)
    assert [one.why for one in far.differing] == ["difference"]
    assert far.differing[0].expected == "100 (95 to 105)"
    wider = compared((number(100.0), number(100.0, low=94.9)), boundary=boundary)
    assert [one.why for one in wider.differing] == ["difference"]


def test_an_unknown_score_far_out_may_differ_by_a_share_of_itself():
    then, now = answer([0.7, 0.2, 0.1], score=40.0), answer([0.7, 0.2, 0.1], score=41.0)
    assert compared((then, now)).ok
    assert not compared((then, answer([0.7, 0.2, 0.1], score=43.0))).ok


def test_what_the_model_itself_says_otherwise_of_another_form_comes_on_top():
    of_file, of_values = answer([0.70, 0.20, 0.1]), answer([0.67, 0.23, 0.1])
    found = Agreement(BOUNDARY, 0.005, CLASSES)
    found.add("large.jpg", of_file, answer([0.668, 0.232, 0.1]), of_values)
    assert found.ok
    assert found.largest_difference == pytest.approx(0.032, abs=1e-6)
    assert not compared((of_file, answer([0.668, 0.232, 0.1]))).ok
    found = Agreement(BOUNDARY, 0.005, CLASSES)
    found.add("large.jpg", of_file, answer([0.66, 0.24, 0.1]), of_values)
    assert [one.why for one in found.differing] == ["difference"]


def test_what_the_model_itself_decides_otherwise_of_another_form_may_be_decided_so():
    found = Agreement(BOUNDARY, 0.005, CLASSES)
    found.add("large.jpg", answer([0.5, 0.46, 0.04]), answer([0.472, 0.488, 0.04]), answer([0.47, 0.49, 0.04]))
    assert found.ok
    assert found.near == ("large.jpg",)
    same = [0.7, 0.2, 0.1]
    found = Agreement(BOUNDARY, 0.005, CLASSES)
    found.add("large.jpg", answer(same, score=1.5), answer(same, score=2.5), answer(same, score=2.5))
    assert found.ok
    assert found.near == ("large.jpg",)
