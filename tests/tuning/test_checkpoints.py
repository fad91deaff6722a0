from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="tuning needs torch")

from safetensors import safe_open  # noqa: E402

from graft.tuning.checkpoints import key_of, load, put_back, save, take  # noqa: E402


def trained(steps: int) -> tuple[dict[str, torch.nn.Parameter], torch.optim.Optimizer]:
    parameters = {"a": torch.nn.Parameter(torch.arange(6.0).reshape(2, 3)), "b": torch.nn.Parameter(torch.ones(3))}
    optimizer = torch.optim.AdamW(parameters.values(), lr=0.1)
    go_on(parameters, optimizer, steps)
    return parameters, optimizer


def go_on(parameters: dict[str, torch.nn.Parameter], optimizer: torch.optim.Optimizer, steps: int) -> None:
    for _ in range(steps):
        optimizer.zero_grad()
        (parameters["a"] * parameters["b"]).square().sum().backward()
        optimizer.step()


def test_what_is_put_back_goes_on_as_if_nothing_had_been(tmp_path: Path) -> None:
    parameters, optimizer = trained(5)
    save(tmp_path / "c", take({"step": 5}, parameters, {k: p.detach() for k, p in parameters.items()}, optimizer), "k")
    go_on(parameters, optimizer, 3)
    others, other_optimizer = trained(1)
    snapshot = load(tmp_path / "c", others, "k")
    assert snapshot is not None
    assert snapshot.state == {"step": 5}
    put_back(snapshot, others, other_optimizer)
    go_on(others, other_optimizer, 3)
    assert all(torch.equal(parameters[name], others[name]) for name in parameters)


def test_of_a_run_that_has_stopped_only_the_best_weights_are_kept(tmp_path: Path) -> None:
    parameters, optimizer = trained(5)
    best = {name: torch.full_like(parameter, 7.0) for name, parameter in parameters.items()}
    for name, stopped in (("going", ""), ("over", "done")):
        save(tmp_path / name, take({"stopped": stopped}, parameters, best, optimizer), "k")
    with safe_open(tmp_path / "going", "pt") as going, safe_open(tmp_path / "over", "pt") as over:
        assert len(going.keys()) == 4 * len(over.keys())
    snapshot = load(tmp_path / "over", parameters, "k")
    assert snapshot is not None
    put_back(snapshot, parameters, optimizer)
    assert all(torch.equal(parameters[name], best[name]) for name in parameters)


def test_what_is_missing_broken_too_large_or_of_another_run_is_no_checkpoint(tmp_path: Path) -> None:
    parameters, optimizer = trained(1)
    path = tmp_path / "c"
    assert load(path, parameters, "k") is None
    save(path, take({}, parameters, parameters, optimizer), "k")
    assert load(path, parameters, "k") is not None
    assert load(path, parameters, "other") is None
    assert load(path, {"a": parameters["a"]}, "k") is None
    assert load(path, {**parameters, "b": torch.nn.Parameter(torch.ones(4))}, "k") is None
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    assert load(path, parameters, "k") is None
    path.write_bytes(b"")
    assert load(path, parameters, "k") is None
    with path.open("wb") as file:
        file.truncate(1 << 30)
    assert load(path, parameters, "k") is None


def test_the_key_changes_with_settings_data_and_start() -> None:
    values = [np.arange(3), (np.ones(2, np.float32), "text")]
    key = key_of({"seed": 0}, values)
    assert key == key_of({"seed": 0}, [np.arange(3), (np.ones(2, np.float32), "text")])
    others = [[np.arange(4), values[1]], [np.arange(3), (np.ones(2), "text")], [np.arange(3), (values[1][0], "texts")]]
    assert len({key, key_of({"seed": 1}, values), *(key_of({"seed": 0}, other) for other in others)}) == 5
