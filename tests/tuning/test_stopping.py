"""A tuning that is stopped hears it between two layers, two items, two parts of the work: counted, not timed."""

import dataclasses
import threading

import numpy as np
import pytest

import contracts
import graft
import shapes
from graft.contracts import Linear
from graft.encoders import ENCODERS, encoder_for
from graft.errors import Cancelled
from graft.executors import CORES, stopped_by
from graft.heads.features import GIVEN
from graft.tuning.networks import network_for
from graft.tuning.plan import TrainingPlan

torch = pytest.importorskip("torch", reason="tuning needs torch")

from graft.tuning.head import TrainableHead  # noqa: E402
from graft.tuning.trainable import Trainable  # noqa: E402

QUICK = TrainingPlan(unfreeze=1, rate=1e-4, epochs=1, batch=20, at_once=20)


class Counting:
    """A check that counts, and stops the work at the last one."""

    def __init__(self, last: int = 10**9) -> None:
        self.asked, self.last = 0, last

    def __call__(self) -> None:
        self.asked += 1
        if self.asked >= self.last:
            raise Cancelled("Stopped.", "Begin again.")


class Flagging:
    """An item that counts how often all of them are read, and sets a flag at one of these times."""

    reads = 0

    def __init__(self, item, flag, last):
        self.item, self.name, self.flag, self.last = item, item.name, flag, last

    def read(self):
        Flagging.reads += 1  # by several threads: one more or less does not matter
        if Flagging.reads >= self.last:
            self.flag.set()
        return self.item.read()


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return graft.read(shapes.folders(tmp_path_factory.mktemp("stopping") / "data", {"circle": 12, "square": 12}))


@pytest.fixture(scope="module")
def fitted(data):
    return graft.fit(data)


@pytest.mark.parametrize("modality", list(ENCODERS))
def test_a_batch_is_stopped_between_two_layers_on_the_way_forth_and_on_the_way_back(modality):
    encoder = encoder_for(modality, backend="onnxruntime")
    network = network_for(encoder)
    batch = network.batch([encoder.prepare(contracts.GOOD[modality](seed)).value for seed in range(2)])
    head = TrainableHead(Linear(np.zeros((encoder.dim, 2), np.float32), np.zeros(2, np.float32)), GIVEN, "given")
    trainable = Trainable(network, head, TrainingPlan(unfreeze="all"))
    layers = len(network.groups())
    asked = Counting()
    with stopped_by(asked):
        loss = head.logits(network(batch)).sum()
        assert asked.asked >= layers
        asked.asked, asked.last = 0, layers
        with pytest.raises(Cancelled):
            loss.backward()
    lowest = next(iter(trainable.parameters.values()))
    assert lowest.grad is None  # where the way back would have ended
    with pytest.raises(Cancelled), torch.no_grad(), stopped_by(Counting(layers)):
        network(batch)


def test_no_item_is_decoded_once_it_is_stopped(fitted, data):
    flag = threading.Event()
    wrapped = tuple(Flagging(item, flag, len(data) + 3) for item in data.items)  # all of them were embedded before
    Flagging.reads = 0
    with pytest.raises(Cancelled):
        graft.tune(fitted, dataclasses.replace(data, items=wrapped), method=QUICK, cancelled=flag)
    assert len(data) + 3 <= Flagging.reads < len(data) + 3 + CORES.workers


@pytest.mark.parametrize("after", ["Trial 2", "the last step of a trial"])
def test_what_comes_between_two_trainings_is_stopped_too(fitted, data, after):
    flag = threading.Event()
    steps, said = [], []

    def note(text, *, live=False):
        said.append(text)
        if text.startswith(after):
            flag.set()

    def progress(step, done, total):
        steps.append(step)
        if step == "tune" and done == total and after.startswith("the last"):
            flag.set()

    with pytest.raises(Cancelled):
        graft.tune(fitted, data, method=QUICK, cancelled=flag, note=note, progress=progress)
    assert flag.is_set()
    told = [text for text in said if text.startswith("Trial")]
    assert len(told) == (2 if after == "Trial 2" else 1)
    assert steps.count("tune") == 1
