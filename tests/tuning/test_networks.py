"""Each network in torch gives what its encoder gives, and hands back what was learnt."""

import copy
import dataclasses
import gc
import tracemalloc

import numpy as np
import pytest

import contracts
from graft.encoders import ENCODERS, encoder_for, retuned
from graft.encoders.joined import JoinedEncoder
from graft.encoders.pooling import signed_root
from graft.errors import UsageError
from graft.learning import HEADS
from graft.model import fit_embeddings
from graft.tuning.networks import network_for
from graft.tuning.tuning import tune

torch = pytest.importorskip("torch")

ITEMS = 9
SAME = 1e-4
"""Largest difference between two embeddings that are the same."""


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # more of them only wait for each other on so few items
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module", params=list(ENCODERS))
def encoder(request):
    return encoder_for(request.param, backend="onnxruntime")


@pytest.fixture(scope="module")
def values(encoder):
    """Items of several lengths, one beyond a window."""
    return [encoder.prepare(content(encoder, seed)).value for seed in range(ITEMS)]


def content(encoder, seed):
    if encoder.modality == "text":
        return b"My parcel never came. " * (80 if seed == 4 else 1) + b"And so on, number %d. " % seed * seed
    return contracts.GOOD[encoder.modality](seed)


def embedded(network, values):
    with torch.inference_mode():
        return network(network.batch(values)).numpy()


def apart(a, b):
    """The largest difference; of numbers below 1 that of their squares, as a root magnifies rounding near zero."""
    return max(np.abs(a - b)[np.abs(a) >= 1].max(initial=0), np.abs(a * np.abs(a) - b * np.abs(b))[np.abs(a) < 1].max())


def disturbed(network, groups, share=0.02):
    """The network with the weights of some groups moved by chance."""
    chance = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for group in groups:
            for parameter in group:
                parameter += share * parameter.abs().mean() * torch.randn(parameter.shape, generator=chance)
    return network


def test_the_network_gives_what_the_encoder_gives(encoder, values):
    network = network_for(encoder)
    found, expected = embedded(network, values), encoder.embed(values)
    assert found.dtype == np.float32
    assert apart(found, expected) <= SAME
    assert network.changed() == {}


def test_what_was_learnt_goes_back_into_the_encoder(encoder, values):
    network = network_for(encoder)
    groups = list(network.groups().values())
    moved = [groups[0], groups[len(groups) // 2], groups[-1]]
    before, learnt = encoder.embed(values), embedded(disturbed(network, moved), values)
    assert apart(learnt, before) > 100 * SAME
    changed = network.changed()
    assert len(changed) == sum(len(group) for group in moved)
    tuned = retuned(encoder, changed)
    found = tuned.embed(values)
    assert apart(found, learnt) <= SAME
    assert np.array_equal(embedded(network_for(tuned), values), learnt)

    y, everything = np.arange(ITEMS) % 3, np.ones((1, ITEMS), np.float32)
    ((head,),) = HEADS["logistic"].fit(before, y, 3, everything, [1.0])
    p, q = contracts._probabilities(head.scores(found)), contracts._probabilities(head.scores(learnt))
    assert np.abs(p - q).max() <= 1e-3
    assert np.array_equal(p.argmax(axis=1), q.argmax(axis=1))


def test_the_groups_are_all_parameters_from_input_to_output(encoder, values):
    network = network_for(encoder)
    groups = list(network.groups().values())
    own = [id(parameter) for group in groups for parameter in group]
    assert sorted(own) == sorted(map(id, network.parameters()))
    for group in groups[:-1]:
        for parameter in group:
            parameter.requires_grad_(False)
    network(network.batch(values[:2])).square().sum().backward()
    assert all(parameter.grad is not None for parameter in groups[-1])
    assert all(parameter.grad is None for group in groups[:-1] for parameter in group)


def test_every_weight_has_a_slope_and_it_is_finite(encoder, values):
    network = network_for(encoder)
    silent = [np.zeros_like(values[0])] if encoder.modality != "text" else []  # a deviation of zero, dead units
    network(network.batch([*silent, *values[:1]])).square().sum().backward()
    for name, group in network.groups().items():
        for parameter in group:
            assert parameter.grad is not None
            assert torch.isfinite(parameter.grad).all(), name


def test_the_statistics_of_batch_normalisations_stay_unless_told_otherwise():
    encoder = encoder_for("image", backend="onnxruntime")
    values = [encoder.prepare(contracts.GOOD["image"](seed)).value for seed in range(2)]
    network = network_for(encoder)
    network.train_mode()
    network(network.batch(values))
    assert network.training
    assert network.changed() == {}
    network.train_mode(frozen_batch_norm=False)
    network(network.batch(values))
    changed = network.changed()
    assert changed
    assert {name.rpartition(".")[2] for name in changed} == {"running_mean", "running_var"}
    network.eval()
    tuned = retuned(encoder, changed)
    assert apart(tuned.embed(values), embedded(network, values)) <= SAME


def test_a_network_can_be_moved_without_its_numbers(encoder):
    network = network_for(encoder).to("meta")
    assert all(parameter.is_meta for group in network.groups().values() for parameter in group)


def test_a_network_holds_on_to_no_second_copy_of_its_weights(encoder):
    network_for(encoder)  # what is loaded once for all is there
    tracemalloc.start()
    try:
        network = network_for(encoder)
        gc.collect()
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < sum(each.numel() * each.element_size() for each in network.parameters()) / 4


def test_batches_go_to_the_device_of_the_network(encoder, values):
    assert all(part.is_meta for part in network_for(encoder).to("meta").batch(values))


def test_joined_encoders_have_no_network():
    image = encoder_for("image", backend="onnxruntime")
    model = fit_embeddings(np.eye(12, dtype=np.float32), ["a", "b"] * 6)
    with pytest.raises(UsageError, match=r"encoder cannot be tuned: it is .+\+"):
        tune(dataclasses.replace(model, encoder=JoinedEncoder((image, image))), "no data are looked at")


def test_adapters_melt_into_the_weights():
    peft = pytest.importorskip("peft")
    encoder = encoder_for("text", backend="onnxruntime")
    values = [encoder.prepare(text).value for text in (b"Where is my card?", b"It rains.", b"A refund, please!")]
    network = network_for(encoder)
    settings = peft.LoraConfig(r=2, target_modules=["query", "value"], init_lora_weights=False)
    adapted = peft.LoraModel(network, settings, "default")
    learnt = embedded(network, values)
    changed = copy.deepcopy(adapted).merge_and_unload().changed()
    assert {name.split(".")[-2] for name in changed} == {"query", "value"}
    assert len(changed) == 12
    assert np.abs(learnt - encoder.embed(values)).max() > 100 * SAME
    assert np.abs(retuned(encoder, changed).embed(values) - learnt).max() <= SAME


def test_the_root_is_that_of_the_encoder():
    from graft.tuning.module import signed_root as learnable

    x = np.array([[-4.0, -1e-9, 0.0, 1e-7, 2.0]], np.float32)
    assert np.array_equal(learnable(torch.from_numpy(x)).numpy(), signed_root(x))
