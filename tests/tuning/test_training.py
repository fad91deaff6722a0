"""The loop, on a small real network."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="tuning needs torch")

from safetensors import safe_open  # noqa: E402
from safetensors.torch import save_file  # noqa: E402

from graft.contracts import Linear  # noqa: E402
from graft.errors import EncoderError, UsageError  # noqa: E402
from graft.heads.features import transform  # noqa: E402
from graft.results.facts import plain, restored  # noqa: E402
from graft.results.history import History  # noqa: E402
from graft.tuning.batches import Samples  # noqa: E402
from graft.tuning.network import Groups  # noqa: E402
from graft.tuning.plan import TrainingPlan  # noqa: E402
from graft.tuning.training import train  # noqa: E402
from tuning.networks import STAGES, SmallNetwork, embed, fitted_head, rows  # noqa: E402

TRAINING, VALIDATION, TEST = rows(90, 1), rows(60, 2), rows(300, 3)
PLAN = TrainingPlan(unfreeze="all", rate=2e-2, decay=0.9, head_rate=2e-2, batch=16, at_once=16, epochs=6, patience=6)


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads of so small a network mostly wait for each other."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    torch.set_num_threads(1)


class Trained(NamedTuple):
    """What training has left: the network's parameters by name, the head, and what happened."""

    state: dict[str, Any]
    head: Linear
    history: History


def tune(
    network: SmallNetwork | None = None, plan: TrainingPlan = PLAN, **options: object
) -> tuple[SmallNetwork, Trained]:
    network = network or SmallNetwork()
    head = fitted_head(SmallNetwork(), TRAINING)
    history = train(network, head, TRAINING, VALIDATION, plan, device="cpu", **options)
    state = {name: parameter.detach().numpy() for name, parameter in network.named_parameters()}
    return network, Trained(state, Linear(head.weights.detach().numpy(), head.bias.detach().numpy()), history)


def same(one: Trained, other: Trained) -> bool:
    names = one.state.keys() == other.state.keys()
    return (
        names
        and all(np.array_equal(one.state[name], other.state[name]) for name in one.state)
        and np.array_equal(one.head.weights, other.head.weights)
    )


def accuracy(network: SmallNetwork, trained: Trained, items: Samples = TEST) -> float:
    scores = trained.head.scores(transform(embed(network, items), STAGES, "even"))
    return float((scores.argmax(axis=1) == items.y).mean())


def test_what_is_tuned_gets_better_and_the_best_weights_are_kept() -> None:
    network, trained = tune()
    epochs = trained.history.epochs
    losses = [epoch.validation_loss for epoch in epochs]
    assert trained.history.best == int(np.argmin(losses)) > 0
    assert losses[trained.history.best] < 0.9 * losses[0]
    untouched = SmallNetwork()
    _, unchanged = tune(untouched, replace(PLAN, alphas=(0.0,)))
    assert accuracy(network, trained) > accuracy(untouched, unchanged) + 0.05
    assert accuracy(network, trained, VALIDATION) == pytest.approx(epochs[trained.history.best].validation_accuracy)


def test_the_same_seed_gives_the_same_weights_and_another_seed_others() -> None:
    torch.manual_seed(1)
    first = tune()[1]
    torch.manual_seed(2)  # nothing outside matters
    assert same(first, tune()[1])
    assert not same(first, tune(plan=replace(PLAN, seed=1))[1])


def test_tuning_leaves_the_chance_of_others_alone() -> None:
    before = torch.random.get_rng_state()
    tune(plan=replace(PLAN, epochs=1))
    assert torch.equal(before, torch.random.get_rng_state())


def test_frozen_groups_and_the_statistics_of_norms_stay_as_they_were() -> None:
    network, trained = tune(plan=replace(PLAN, unfreeze=2))
    base = SmallNetwork()
    assert trained.history.unfrozen == ("second", "third")
    assert trained.history.best > 0
    moved = {name for name, tensor in network.state_dict().items() if not torch.equal(tensor, base.state_dict()[name])}
    assert moved == {"second.weight", "second.bias", "third.weight", "third.bias"}


def test_small_parts_add_up_to_the_same_step() -> None:
    plan = replace(PLAN, epochs=1, batch=30, at_once=30)
    network = SmallNetwork()
    network.dropout.p = 0.0
    other = SmallNetwork()
    other.dropout.p = 0.0
    whole, parts = tune(network, plan)[1], tune(other, replace(plan, at_once=10))[1]
    for name in whole.state:
        np.testing.assert_allclose(whole.state[name], parts.state[name], atol=2e-4)


def test_memory_that_runs_out_halves_what_goes_through_at_once() -> None:
    network = SmallNetwork(room=5)
    heard: list[str] = []
    plan = replace(PLAN, epochs=2)
    trained = tune(network, plan, note=lambda text, live=False: None if live else heard.append(text))[1]
    assert network.largest <= 5
    assert trained.history.notes
    assert set(trained.history.notes) <= set(heard)
    assert "the network takes" in trained.history.notes[-1]
    assert trained.history.epochs[-1].steps == tune(plan=plan)[1].history.epochs[-1].steps


def test_no_memory_for_one_item_is_an_error_with_advice() -> None:
    with pytest.raises(EncoderError, match="one item is too much"):
        tune(SmallNetwork(room=0))


def test_another_error_of_the_network_is_not_taken_for_want_of_memory() -> None:
    class Broken(SmallNetwork):
        def forward(self, batch: object) -> object:
            raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="mat1"):
        tune(Broken())


def test_a_loss_that_is_not_a_number_leads_back_with_half_the_rate() -> None:
    network = SmallNetwork(bad_steps=[9])
    trained = tune(network)[1]
    assert any("half" in note or "0.5 of" in note for note in trained.history.notes)
    assert trained.history.stopped == "done"
    assert all(np.isfinite(tensor).all() for tensor in trained.state.values())
    clean = tune()[1].history.epochs
    assert trained.history.epochs[1] == replace(clean[1], seconds=trained.history.epochs[1].seconds)
    np.testing.assert_allclose(trained.history.epochs[3].rates, np.array(clean[3].rates) / 2)


def test_a_loss_that_never_is_a_number_ends_with_the_weights_from_before() -> None:
    network = SmallNetwork(bad_steps=range(1, 1000))
    trained = tune(network)[1]
    assert trained.history.stopped == "diverged"
    assert trained.history.best == 0
    base = dict(SmallNetwork().named_parameters())
    assert all(np.array_equal(tensor, base[name].detach()) for name, tensor in trained.state.items())


def test_patience_ends_a_run_that_gets_worse() -> None:
    plan = replace(PLAN, rate=1e-12, head_rate=10.0, epochs=30, patience=2)
    history = tune(plan=plan)[1].history
    assert history.stopped == "no longer better"
    assert len(history.epochs) - 1 - history.best == 2


def test_of_epochs_that_validation_does_not_tell_apart_the_last_is_kept() -> None:
    plan = replace(PLAN, rate=1e-12, head_rate=1e-12, patience=2)
    history = tune(plan=plan)[1].history
    assert (history.best, history.stopped) == (plan.epochs, "done")


def test_the_schedule_ends_with_the_time() -> None:
    network = SmallNetwork()
    plan = replace(PLAN, epochs=100, patience=100)

    def clock() -> float:  # a second for every pass: the machine's own speed does not matter
        return float(network.passes + network.looks)

    history = tune(network, plan, deadline=100.0, clock=clock)[1].history
    assert history.stopped == "time"
    assert 80 <= history.seconds <= 100
    assert history.epochs[-1].rates[0] < 1e-3 * max(epoch.rates[0] for epoch in history.epochs)


def test_time_enough_changes_nothing() -> None:
    network = SmallNetwork()
    timed = tune(network, deadline=1e6)[1]
    assert same(timed, tune()[1])


def test_no_time_at_all_gives_back_what_went_in() -> None:
    history = tune(deadline=0.0)[1].history
    assert (history.stopped, history.best, len(history.epochs)) == ("time", 0, 1)


def test_going_part_of_the_way_is_chosen_on_the_validation_part() -> None:
    plan = replace(PLAN, alphas=(0.0, 0.25, 0.5, 0.75, 1.0))
    trained = tune(plan=plan)[1]
    whole = tune()[1]
    base = dict(SmallNetwork().named_parameters())
    for name, tensor in trained.state.items():
        start = base[name].detach().numpy()
        np.testing.assert_allclose(tensor, start + trained.history.alpha * (whole.state[name] - start), atol=1e-6)
    half = tune(plan=replace(PLAN, alphas=(0.5,)))[1]
    assert half.history.alpha == 0.5


@pytest.mark.parametrize("changes", [{"mixup": 0.4}, {"smoothing": 0.1}, {"contrast": 0.5}, {"contrast": 1.0}])
def test_every_kind_of_loss_learns(changes: dict[str, float]) -> None:
    epochs = tune(plan=replace(PLAN, **changes))[1].history.epochs
    assert min(epoch.validation_loss for epoch in epochs) < epochs[0].validation_loss


def test_what_is_learned_from_is_augmented_and_what_is_looked_at_is_not() -> None:
    seen: list[tuple[int, bool]] = []

    def augment(batch: tuple[object, ...], generator: object) -> tuple[object, ...]:
        seen.append((len(batch[0]), torch.is_grad_enabled()))
        return (batch[0] + torch.randn(batch[0].shape, generator=generator), *batch[1:])

    augmented = tune(plan=replace(PLAN, epochs=2), augment=augment)[1]
    assert sum(n for n, _ in seen) == 2 * len(TRAINING)
    assert all(learning for _, learning in seen)
    assert same(augmented, tune(plan=replace(PLAN, epochs=2), augment=augment)[1])
    assert not same(augmented, tune(plan=replace(PLAN, epochs=2))[1])


def test_scores_of_words_count_and_stay() -> None:
    head = fitted_head(SmallNetwork(), TRAINING)
    offsets = [np.eye(3, dtype=np.float32)[part.y] * 20 for part in (TRAINING, VALIDATION)]
    training, validation = (
        replace(part, offset=offset) for part, offset in zip((TRAINING, VALIDATION), offsets, strict=True)
    )
    history = train(SmallNetwork(), head, training, validation, replace(PLAN, epochs=1), device="cpu")
    assert history.epochs[0].validation_accuracy == 1.0
    assert history.epochs[0].validation_loss < 0.05  # 60 items support no more


def test_adapters_melt_into_the_weights() -> None:
    pytest.importorskip("peft", reason="adapters need peft")
    plan = replace(PLAN, unfreeze=2, rank=2, epochs=4)
    network, trained = tune(plan=plan)
    names = {name for name, _ in SmallNetwork().named_parameters()}
    assert {name for name, _ in network.named_parameters()} == names
    base = dict(SmallNetwork().named_parameters())
    change = trained.state["third.weight"] - base["third.weight"].detach().numpy()
    assert np.linalg.matrix_rank(change, tol=1e-5) == 2
    assert np.array_equal(trained.state["third.bias"], base["third.bias"].detach())
    losses = [epoch.loss for epoch in trained.history.epochs]
    assert losses[-1] < losses[1]
    assert trained.history.parameters == 2 * (96 + 20) + 2 * (20 + 10) + trained.head.weights.size + 3


def test_adapters_without_linear_layers_are_refused() -> None:
    pytest.importorskip("peft", reason="adapters need peft")

    class Convolutional(SmallNetwork):
        def groups(self) -> Groups:
            return {"first": super().groups()["first"]}

    with pytest.raises(UsageError, match="linear layers"):
        tune(Convolutional(), replace(PLAN, rank=2))


def test_the_history_survives_json() -> None:
    history = tune(plan=replace(PLAN, epochs=2))[1].history
    again = restored(History, json.loads(json.dumps(plain(history), allow_nan=False)))
    assert repr(again) == repr(history)
    assert history.device == "cpu"
    assert history.precision == "f32"
    assert [epoch.number for epoch in history.epochs] == [0, 1, 2]
    assert all(len(epoch.rates) == 4 for epoch in history.epochs)
    assert history.epochs[1].rates[0] < history.epochs[1].rates[1] < history.epochs[1].rates[2]


def test_progress_comes_to_its_end() -> None:
    told: list[tuple[str, int, int]] = []
    lines: list[str] = []
    tune(
        plan=replace(PLAN, epochs=2),
        progress=lambda *step: told.append(step),
        note=lambda text, live=False: lines.append(text) if live else None,
    )
    assert told[-1] == ("tune", 12, 12)
    assert all(total == 12 for _, _, total in told)
    assert len(lines) == 12
    assert all("loss" in line and "validation" in line for line in lines)


CHILD = """
import sys
from pathlib import Path
from tuning.test_training import PLAN, tune
from tuning.networks import STAGES, SmallNetwork
slow = float(sys.argv[2])
def progress(step, done, total):
    print(done, flush=True)
tune(SmallNetwork(slow=slow), checkpoint=Path(sys.argv[1]), progress=progress)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_was_killed_is_taken_up_and_ends_the_same(tmp_path: Path, how: signal.Signals) -> None:
    checkpoint = tmp_path / "tuning.safetensors"
    tests = Path(__file__).parents[1]
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(checkpoint), "0.05"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": str(tests)},
    )
    assert child.stdout is not None
    for line in child.stdout:
        if int(line) == 15:  # in the third of six epochs
            child.send_signal(how)
            break
    child.stdout.close()
    assert child.wait() not in (0, None)
    heard: list[str] = []
    resumed = tune(checkpoint=checkpoint, note=lambda text, live=False: None if live else heard.append(text))[1]
    assert any(text.startswith("Taken up again after step") for text in heard)
    assert same(resumed, tune()[1])


def test_a_run_that_is_over_is_not_run_again(tmp_path: Path) -> None:
    checkpoint = tmp_path / "tuning.safetensors"
    first = tune(checkpoint=checkpoint)[1]
    network = SmallNetwork()
    assert same(first, tune(network, checkpoint=checkpoint)[1])
    assert network.passes == 0


@pytest.mark.parametrize("steps", [0, 40, 15])
def test_a_run_that_was_hurried_begins_anew_where_there_is_time(tmp_path: Path, steps: int) -> None:
    place = tmp_path / "run"
    network = SmallNetwork()
    plan = replace(PLAN, epochs=40, patience=100)

    def clock() -> float:
        return float(network.passes + network.looks)

    def stop(step: str, done: int, total: int) -> None:
        if done == 15:
            raise KeyboardInterrupt

    hurry = {"deadline": float(steps and 60), "clock": clock, "checkpoint": place}
    if steps == 15:
        with pytest.raises(KeyboardInterrupt):
            tune(network, plan, progress=stop, **hurry)
    else:
        tune(network, plan, **hurry)
    notes: list[str] = []
    network = SmallNetwork()
    again = tune(
        network, plan, clock=clock, deadline=1e4, checkpoint=place, note=lambda text, live=False: notes.append(text)
    )
    assert any("there is time" in note for note in notes)
    assert same(again[1], tune(plan=plan)[1])


def test_the_checkpoint_of_another_run_is_not_used(tmp_path: Path) -> None:
    checkpoint = tmp_path / "tuning.safetensors"
    tune(plan=replace(PLAN, seed=1), checkpoint=checkpoint)
    anew = tune(checkpoint=checkpoint)[1]
    assert "belongs to another run" in anew.history.notes[0]
    assert same(anew, tune()[1])


@pytest.mark.parametrize("state", [{"temperature": 1.0}, {"epochs": 3}, {"step": None}, None])
def test_a_checkpoint_whose_state_has_other_fields_is_not_used(tmp_path: Path, state: dict[str, Any] | None) -> None:
    checkpoint = tmp_path / "tuning.safetensors"
    whole = tune(checkpoint=checkpoint)[1]
    with safe_open(checkpoint, "pt") as file:
        kept = json.loads(file.metadata()["graft"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    kept["state"] = state and {**kept["state"], **state}
    save_file(tensors, checkpoint, {"graft": json.dumps(kept)})
    anew = tune(checkpoint=checkpoint)[1]
    assert "started anew" in anew.history.notes[0]
    assert same(anew, whole)


def test_a_checkpoint_that_cannot_be_written_ends_nothing(tmp_path: Path) -> None:
    trained = tune(checkpoint=tmp_path / "no" / "folder" / "tuning.safetensors")[1]
    assert "No checkpoint can be written" in trained.history.notes[0]
    assert same(trained, tune()[1])
