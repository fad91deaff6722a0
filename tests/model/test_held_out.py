"""What heads that had not seen the items said of them."""

from dataclasses import replace

import numpy as np
import pytest

import graft
import shapes


def test_every_item_is_there_once_and_the_figures_follow(photos):
    model = graft.fit(photos)
    held = model.held_out

    assert len(held) == 36
    assert sorted(held.names) == sorted(item.name for item in graft.read(photos).items)
    assert np.allclose(held.answer.p.sum(axis=1), 1, atol=1e-5)
    assert set(held.fold) == set(range(1, int(held.fold.max()) + 1))
    assert held.fold.max() > 1
    table = np.zeros((3, 3), int)
    for given, said in zip(held.given, held.predictions(), strict=True):
        table[model.classes.index(given), model.classes.index(said.label)] += 1
        assert said.confidence == pytest.approx(max(said.scores.values()))
    assert table.tolist() == [list(row) for row in model.report.confusion]
    own = np.array([model.classes.index(label) for label in held.given])
    assert held.answer.sets[np.arange(36), own].mean() == pytest.approx(model.report.sets.coverage)
    assert held.answer.sets.sum(axis=1).mean() == pytest.approx(model.report.sets.mean_size)


def test_no_row_was_judged_by_a_head_that_saw_it(tmp_path):
    """Labels by chance: a head that knew the items would name them rightly."""
    root = shapes.folders(tmp_path / "photos", {"a": 30, "b": 30})
    for n, path in enumerate(sorted(root.rglob("*.png"))):
        path.write_bytes(shapes.encoded("circle", n))
    held = graft.fit(root).held_out
    right = [said.label == given for said, given in zip(held.predictions(), held.given, strict=True)]
    assert 0.2 < np.mean(right) < 0.8
    assert np.mean(held.unknown) < 0.25


def test_a_test_split_comes_last_and_is_answered_by_the_head_itself(photos):
    data = graft.read(photos)
    splits = tuple("test" if row % 3 == 0 else "train" for row in range(len(data)))
    model = graft.fit(replace(data, splits=splits))
    held, tested = model.held_out, [item for item, split in zip(data.items, splits, strict=True) if split == "test"]
    assert held.names[-12:] == tuple(item.name for item in tested)
    assert held.fold[-12:].tolist() == [0] * 12
    assert (held.fold[:-12] > 0).all()
    for said, own in zip(list(held.predictions())[-12:], model.predict(tested), strict=True):
        assert (said.label, said.set, said.unknown) == (own.label, own.set, own.unknown)
        assert said.confidence == pytest.approx(own.confidence, abs=1e-5)
    assert all(np.isnan(said.unknown_score) for said in held.predictions())
    odd = np.arange(len(held)) % 2 == 1
    assert [said.unknown for said in replace(held, unknown=odd).predictions()] == odd.tolist()


def test_numbers_have_their_interval_around_them():
    numbers = [shapes.bar(20 + row, row) for row in range(30)]
    held = graft.fit(numbers, [str(20 + row) for row in range(30)], task="regression").held_out
    assert len({round(said.high - said.low, 6) for said in held.predictions()}) == 1
    assert [said.input for said in held.predictions()] == list(held.names)
