"""Work that somebody stops ends where it is, on every thread, and leaves nothing half-written."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import graft
import shapes
from graft.encoders import encoder_for
from graft.encoders.cache import Cache
from graft.errors import Cancelled
from graft.executors import stopped_by
from graft.tuning.tuning import tune


class Setting:
    """A progress that sets the flag at the first word of a step, at least so far on."""

    def __init__(self, step: str, least: int = 0) -> None:
        self.step, self.least = step, least
        self.flag = threading.Event()
        self.after: list[tuple[str, int]] = []

    def __call__(self, step: str, done: int, total: int) -> None:
        if self.flag.is_set():
            self.after.append((step, done))
        if step == self.step and done >= self.least:
            self.flag.set()

    def stops(self, work: Callable[..., Any], *given: Any, **options: Any) -> None:
        with pytest.raises(Cancelled) as caught:
            work(*given, progress=self, cancelled=self.flag, **options)
        assert caught.value.exit_code == 130
        assert caught.value.hint
        assert self.after == []  # nothing was told once it was stopped


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> Path:
    return shapes.folders(tmp_path_factory.mktemp("stopped") / "photos", {"circle": 70, "square": 70})


def test_embedding_is_stopped_within_its_batches_and_goes_on_from_there(photos, tmp_path):
    cache = Cache(tmp_path)
    Setting("embed", 1).stops(graft.fit, photos, cache=cache)
    kept = sum(cache.info().entries.values())
    assert 0 < kept < 140
    assert graft.fit(photos, cache=cache).report.cache["hits"] == kept


@pytest.mark.parametrize("backend", ["openvino", "onnxruntime"])
def test_a_batch_of_texts_is_stopped_between_two_calls_of_the_network(backend):
    encoder = encoder_for("text", "text", backend)
    batch = [encoder.prepare(f"{number} apples {'and pears ' * 200}".encode()).value for number in range(20)]
    asked = []

    def stop_at_the_third() -> None:
        asked.append(1)
        if len(asked) == 3:
            raise Cancelled("Stopped.", "Begin again.")

    with pytest.raises(Cancelled), stopped_by(stop_at_the_third):
        encoder.embed(batch)


@pytest.mark.parametrize("step", ["embed", "fit"])
def test_a_fit_is_stopped_in_each_of_its_steps(photos, tmp_path, step):
    Setting(step).stops(graft.fit, photos, cache=Cache(tmp_path))


def test_cleaning_searching_and_choosing_are_stopped(photos, tmp_path):
    cache = Cache(tmp_path)
    Setting("embed").stops(graft.find_issues, photos, cache=cache)
    Setting("fit").stops(graft.find_issues, photos, cache=cache)
    Setting("embed").stops(graft.search, photos, photos / "circle" / "000.png", cache=cache)
    model = graft.fit(photos, cache=cache)
    Setting("embed", 1).stops(graft.label_next, model, photos, cache=cache)
    Setting("embed").stops(model.evaluate, photos, cache=cache)


def test_a_tuning_is_stopped_at_its_next_step_and_goes_on_from_its_checkpoint(photos, tmp_path):
    pytest.importorskip("torch", reason="tuning needs torch")
    cache = Cache(tmp_path / "cache")
    model = graft.fit(photos, cache=cache)
    before = model.report.to_dict()
    Setting("tune", 2).stops(tune, model, photos, cache=cache, epochs=1, checkpoint=tmp_path / ".m.tune")
    assert model.report.to_dict() == before


def test_another_thread_stops_it(shared, tmp_path):
    flag = threading.Event()
    timer = threading.Timer(0.5, flag.set)
    timer.start()
    with pytest.raises(Cancelled):
        graft.fit(shared / "banking77", cache=Cache(tmp_path), cancelled=flag)
    timer.join()


def test_a_flag_that_nobody_sets_changes_nothing(tmp_path):
    data = shapes.folders(tmp_path / "photos", {"circle": 6, "square": 6})
    cache = Cache(tmp_path / "cache")
    left = graft.fit(data, cache=cache, cancelled=threading.Event()).report.to_dict()
    right = graft.fit(data, cache=cache).report.to_dict()
    assert {**left, "seconds": 0, "cache": 0} == {**right, "seconds": 0, "cache": 0}
