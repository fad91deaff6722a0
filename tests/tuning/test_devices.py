import pytest

torch = pytest.importorskip("torch", reason="tuning needs torch")

from graft.executors import workers  # noqa: E402
from graft.tuning.devices import (  # noqa: E402
    autocast,
    free_memory,
    is_out_of_memory,
    pick_device,
    pick_precision,
    prepared,
)


def test_the_device_that_is_there_is_picked() -> None:
    expected = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    device = pick_device()
    assert device.type == expected
    torch.zeros(2, device=device).sum().item()
    free_memory(device)


def test_a_processor_is_run_in_float32_and_apples_device_in_half() -> None:
    assert pick_precision(torch.device("cpu")) == "f32"
    assert pick_precision(torch.device("mps")) == "f16"


def test_autocast_runs_products_in_the_precision() -> None:
    a = torch.ones(4, 4)
    with autocast(torch.device("cpu"), "bf16"):
        assert (a @ a).dtype == torch.bfloat16
    with autocast(torch.device("cpu"), "f32"):
        assert (a @ a).dtype == torch.float32


def test_a_run_has_all_cores_and_leaves_torch_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    torch.set_num_threads(1)
    state = torch.random.get_rng_state()
    with prepared(torch.device("cpu"), 0):
        assert torch.get_num_threads() == workers()
        torch.rand(3)
    assert torch.get_num_threads() == 1
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    with prepared(torch.device("cpu"), 0):
        assert torch.get_num_threads() == 1
    assert torch.equal(state, torch.random.get_rng_state())


def test_want_of_memory_is_told_from_other_errors() -> None:
    assert is_out_of_memory(torch.cuda.OutOfMemoryError("CUDA out of memory."))
    assert is_out_of_memory(RuntimeError("MPS backend out of memory (MPS allocated: 9.00 GB)"))
    assert is_out_of_memory(RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"))
    assert is_out_of_memory(MemoryError())
    assert not is_out_of_memory(RuntimeError("shape mismatch"))
    assert not is_out_of_memory(ValueError("out of memory"))
