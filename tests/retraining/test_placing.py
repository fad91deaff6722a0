"""One model takes another's place: at every instant there is a whole one, and nobody does it twice at once."""

import multiprocessing
import os
import shutil
import signal
import sys
import threading

import pytest

from graft import bundle
from graft.errors import Busy
from graft.files import exchange
from graft.retraining.placing import alone, beside_the_model, previous_of, replace_model, swap_back
from months import contents, copied


def replacing(model, other):
    """Replace the model over and over."""
    for turn in range(10_000):
        new = model.with_name(f".shapes.graft.{turn:016x}.new")
        shutil.copytree(other if turn % 2 else previous_of(model), new)
        replace_model(new, model)


@pytest.mark.parametrize("system", [sys.platform, "another"])
def test_who_reads_meanwhile_always_finds_one(in_use, good, monkeypatch, system):
    """Also on a system that cannot exchange two names in one step."""
    monkeypatch.setattr(sys, "platform", system)
    failed = []
    done, read_once = threading.Event(), threading.Event()

    def read():
        while not done.is_set():
            try:
                bundle.read(in_use)
            except Exception as error:  # whatever it is, it is shown
                failed.append(error)
            read_once.set()

    def let_read():  # who reads tries a few times: a writer without a pause could be faster every time
        read_once.clear()
        read_once.wait()

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for turn in range(40):
            new = in_use.with_name(f".shapes.graft.{turn:016x}.new")
            shutil.copytree(good, new)
            replace_model(new, in_use)
            let_read()
            swap_back(in_use)
            let_read()
    finally:
        done.set()
        reader.join()
    assert failed == []
    assert sorted(path.name for path in in_use.parent.iterdir()) == ["shapes.graft", "shapes.graft.previous"]


def test_killed_in_the_middle_it_leaves_a_whole_model(poor, good, tmp_path):
    wanted = [contents(poor), contents(good)]
    for turn in range(6):
        folder = tmp_path / str(turn)
        folder.mkdir()
        model = copied(poor, folder)
        shutil.copytree(good, previous_of(model))
        child = multiprocessing.get_context("fork").Process(target=replacing, args=(model, good))
        child.start()
        for _ in range(20 * turn):
            bundle.read(model)
        os.kill(child.pid, signal.SIGKILL)
        child.join()
        bundle.read(model)
        assert contents(model) in wanted


def test_what_a_killed_run_left_goes_with_the_next_but_not_what_is_at_work(in_use):
    old, young = (in_use.with_name(f".shapes.graft.{n:016x}.new") for n in range(2))
    for folder in (old, young):
        (folder / "shapes.graft").mkdir(parents=True)
    os.utime(old, (0, 0))
    with beside_the_model(in_use) as place:
        place.mkdir()
        assert (old.exists(), young.exists(), place.parent.parent) == (False, True, in_use.parent)
    assert sorted(in_use.parent.iterdir()) == sorted([in_use, young])


def test_names_change_places_only_together(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(FileNotFoundError):
        exchange(tmp_path / "a", tmp_path / "b")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "file").touch()
    assert exchange(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "a" / "file").exists()


def test_one_at_a_time_and_free_again_at_the_end(in_use):
    before = sorted(in_use.parent.iterdir())
    with alone(in_use), pytest.raises(Busy, match="is being retrained already"), alone(in_use):
        pytest.fail("two at once")
    with alone(in_use):
        pass
    assert sorted(in_use.parent.iterdir()) == before


def _held(model, holding):
    with alone(model):
        holding.set()
        signal.pause()


def test_who_is_killed_holds_it_no_more(in_use):
    context = multiprocessing.get_context("fork")
    holding = context.Event()
    child = context.Process(target=_held, args=(in_use, holding))
    child.start()
    holding.wait()
    with pytest.raises(Busy), alone(in_use):
        pass
    os.kill(child.pid, signal.SIGKILL)
    child.join()
    with alone(in_use):
        pass
