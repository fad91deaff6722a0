import pytest

import contracts
from graft.encoders import ENCODERS, encoder_for
from graft.learning import HEADS


@pytest.mark.parametrize("check", contracts.ENCODER_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("backend", ["openvino", "onnxruntime"])
def test_every_encoder_keeps_its_contract(name, backend, check):
    check(encoder_for(name, backend=backend))


@pytest.mark.parametrize("check", contracts.HEAD_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", HEADS)
def test_every_head_keeps_its_contract(name, check):
    check(HEADS[name])


def test_the_checks_find_an_encoder_that_looks_at_its_neighbours():
    class Gossip:
        def __getattr__(self, name):
            return getattr(encoder_for("image"), name)

        def embed(self, batch):
            x = encoder_for("image").embed(batch)
            return x - x.mean(axis=0)

    with pytest.raises(AssertionError):
        contracts.check_batch_invariance(Gossip())


def test_the_checks_find_a_head_that_sees_what_is_held_out():
    class Peeking:
        strengths = (1.0,)

        def fit(self, x, y, k, weights, strengths):
            return HEADS["logistic"].fit(x, y, k, weights * 0 + 1, (1000.0,))

    with pytest.raises(AssertionError):
        contracts.check_a_mask_is_a_subset(Peeking())
