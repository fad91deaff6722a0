"""A tuned encoder is held to the network that was trained."""

import numpy as np
import pytest

import contracts
from graft.encoders import encoder_for, moved_to, retuned
from graft.encoders.runtime import Backend
from graft.errors import EncoderError

pytest.importorskip("torch")

from graft.tuning.networks import network_for
from graft.tuning.parity import hold_to_network


@pytest.mark.parametrize("backend", ["auto", "onnxruntime"])
def test_encoder_and_network_are_compared_in_single_precision(backend):
    encoder = encoder_for("audio", backend=backend)
    values = [encoder.prepare(contracts.GOOD["audio"](seed)).value for seed in range(10)]
    network = network_for(encoder)
    single = moved_to(encoder, Backend("onnxruntime", "f32"))
    assert hold_to_network(encoder, network, values) < 1e-4
    assert "_opened" not in vars(single)  # what was opened to compare takes no memory afterwards
    pinned = encoder.pinned()
    name = max(pinned, key=lambda name: pinned[name].size)
    other = retuned(encoder, {name: pinned[name] * np.float32(1.5)})
    with pytest.raises(EncoderError, match="differ by"):
        hold_to_network(other, network, values)
