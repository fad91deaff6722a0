"""Encoders with weights of their own in the place of pinned ones."""

import pickle

import numpy as np
import pytest

import contracts
from graft.data.items import Memory
from graft.encoders import ENCODERS, address_of, base_of, encoder_for, facts, retuned, tuned_weights
from graft.encoders.cache import Cache
from graft.encoders.embed import embed
from graft.encoders.joined import JoinedEncoder
from graft.encoders.tuned import NOTHING, TunedWeights
from graft.errors import UsageError
from graft.run import Run


def moved(encoder, count=2, by=1.05):
    """The first weights by name, a little larger."""
    pinned = encoder.pinned()
    return {name: pinned[name] * np.float32(by) for name in sorted(pinned)[:count]}


@pytest.fixture(scope="module", params=list(ENCODERS))
def encoder(request):
    return encoder_for(request.param, backend="onnxruntime")


def test_a_tuned_encoder_is_another_one_and_knows_what_it_was(encoder):
    arrays = moved(encoder)
    tuned, again, other = retuned(encoder, arrays), retuned(encoder, arrays), retuned(encoder, moved(encoder, by=1.1))
    assert tuned.name == f"{encoder.name}+tuned"
    assert tuned == again
    assert hash(tuned.tuned) == hash(again.tuned)
    assert len({each.version for each in (encoder, tuned, other)}) == 3
    assert len({each.fingerprint for each in (encoder, tuned, other)}) == 3
    assert base_of(tuned) == encoder
    assert retuned(tuned, {}) == encoder
    assert address_of(tuned) == encoder.name
    assert facts(tuned).licence == facts(encoder).licence
    assert set(tuned_weights(tuned)) == set(arrays)
    assert tuned_weights(encoder) == NOTHING
    assert pickle.loads(pickle.dumps(tuned)) == tuned


def test_a_replaced_weight_moves_the_embeddings(encoder):
    values = [encoder.prepare(contracts.GOOD[encoder.modality](0)).value]
    pinned = encoder.pinned()
    same = retuned(encoder, {name: pinned[name] for name in sorted(pinned)[:2]})
    assert np.array_equal(same.embed(values), encoder.embed(values))
    assert np.abs(retuned(encoder, moved(encoder)).embed(values) - encoder.embed(values)).max() > 1e-4


@pytest.mark.parametrize("check", contracts.ENCODER_CHECKS, ids=lambda check: check.__name__)
def test_a_tuned_encoder_keeps_the_contract(check):
    encoder = encoder_for("image")
    check(retuned(encoder, moved(encoder, count=6)))


def test_the_cache_keeps_what_each_has_embedded(tmp_path):
    encoder, cache = encoder_for("image", backend="onnxruntime"), Cache(tmp_path)
    tuned = retuned(encoder, moved(encoder))
    items = [Memory(contracts.GOOD["image"](seed), str(seed)) for seed in range(2)]
    first = embed(encoder, items, Run(cache))
    for _ in range(2):
        second = embed(tuned, items, Run(cache))
    assert (first.hits, second.hits) == (0, 2)
    assert not np.array_equal(first.x, second.x)


def test_what_the_network_cannot_take_is_refused(encoder):
    pinned = encoder.pinned()
    name = sorted(pinned)[0]
    whole = pinned[name]
    hole = whole.copy()
    hole.flat[0] = np.nan
    bad = {
        "no weight": {"pooler.dense.weight": whole},
        "has shape": {name: whole[:1]},
        "not finite": {name: hole},
        "float64": {name: whole.astype(np.float64)},
    }
    for what, arrays in bad.items():
        with pytest.raises(ValueError, match=what):
            retuned(encoder, arrays)


def test_arrays_are_copied_and_cannot_be_written():
    array = np.ones((2, 3), np.float32, order="F")
    tuned = TunedWeights({"a": array})
    array[0, 0] = 7
    assert tuned["a"][0, 0] == 1
    with pytest.raises(ValueError, match="read-only"):
        tuned["a"][0, 0] = 2
    assert TunedWeights({"a": np.ones((3, 2), np.float32)}) != tuned
    assert TunedWeights({"b": np.ones((2, 3), np.float32)}) != tuned


def test_joined_encoders_have_no_weights_to_replace():
    image = encoder_for("image", backend="onnxruntime")
    joined = JoinedEncoder((image, image))
    assert base_of(joined) is joined
    with pytest.raises(UsageError, match="cannot be replaced"):
        retuned(joined, {"a": np.zeros(1, np.float32)})
