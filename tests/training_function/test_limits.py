"""Whether time and memory will do: said once it can be known, with what will do instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from graft.errors import Cancelled, FunctionLimit
from graft.run import Run
from graft.training_function import limits
from graft.training_function.limits import Allowance, Watch, resident_mb


class Context:
    memory_limit_in_mb = "1024"

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


def test_what_is_allowed_is_what_the_platform_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(limits.MEMORY, raising=False)
    assert Allowance.of(Context()) == Allowance(60.0, 1024)
    monkeypatch.setenv(limits.MEMORY, "2048")
    assert Allowance.of(Context()) == Allowance(60.0, 2048)
    monkeypatch.setenv(limits.SECONDS, "900")
    assert Allowance.of(None) == Allowance(900.0, 2048)
    monkeypatch.setenv(limits.SECONDS, "a while")
    assert Allowance.of(None).seconds is None


@pytest.mark.parametrize(
    ("files", "granted"),
    [
        ({"memory.max": f"{512 << 20}\n"}, 512),
        ({"memory.max": "max\n"}, None),
        ({"memory/memory.limit_in_bytes": f"{256 << 20}"}, 256),
        ({"memory/memory.limit_in_bytes": "9223372036854771712"}, None),
        ({}, None),
    ],
)
def test_a_container_s_memory_is_its_group_s(files: dict[str, str], granted: int | None, tmp_path: Path) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert limits.group_mb(tmp_path) == granted


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def test_what_takes_too_long_is_said_from_the_first_items() -> None:
    clock = Clock()
    watch = Watch(Allowance(900.0, None), now=clock)
    watch.encoder = "efficientnet-lite0"
    watch("embed", 0, 100_000)
    clock.seconds += 2
    watch("embed", 8, 100_000)
    clock.seconds += 2
    watch("embed", 40, 100_000)  # too early to say
    clock.seconds += 2
    with pytest.raises(FunctionLimit) as told:
        watch("embed", 108, 100_000)
    assert told.value.message == (
        "Training on 100,000 items takes about 70 minutes here (efficientnet-lite0, 40 ms for each item, measured on "
        "100 of them), and the function was given 15 minutes."
    )
    assert "graft export --to docker" in told.value.hint
    assert "SageMaker job" in told.value.hint


def test_what_the_first_items_waited_for_is_not_taken_for_what_an_item_takes() -> None:
    clock = Clock()
    watch = Watch(Allowance(900.0, None), now=clock)
    watch("embed", 0, 10_000)
    clock.seconds += 10  # at 8 items: hours for all
    watch("embed", 8, 10_000)
    clock.seconds += 4
    watch("embed", 108, 10_000)
    assert watch.ms_per_item == pytest.approx(40)


def test_what_fits_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LOOKED_AT", 0.0)
    watch = Watch(Allowance(3600.0, 100_000), dim=1280)
    watch("embed", 0, 100)
    watch("embed", 50, 100)
    watch("fit", 0, 1)
    assert not watch.is_set()


def test_without_limits_nothing_is_refused() -> None:
    watch = Watch(Allowance(None, None), dim=1280)
    watch("embed", 0, 10**9)
    watch("embed", 1, 10**9)
    assert not watch.is_set()


def test_what_does_not_fit_the_memory_is_said_before_anything_is_embedded() -> None:
    watch = Watch(Allowance(None, int(resident_mb() or 0) + 1024), dim=1280)
    watch("embed", 0, 10_000)
    with pytest.raises(FunctionLimit, match=r"1,000,000 items takes about [\d,]+ MB of memory"):
        watch("embed", 0, 1_000_000)


def test_it_ends_by_itself_while_there_is_time_to_say_why() -> None:
    watch = Watch(Allowance(2.0, None))
    watch("embed", 30, 100)
    assert watch.is_set()
    assert watch.why is not None
    assert "2 s before the function's limit of 2 s, at this step: embed, 30 of 100" in watch.why.message
    assert "Nothing was written" in watch.why.message


def test_work_that_it_stopped_says_what_it_was_stopped_for() -> None:
    watch = Watch(Allowance(2.0, None))
    run = Run(progress=watch, cancelled=watch)
    with pytest.raises(FunctionLimit, match="before the function's limit"), watch.saying_why():
        run.check()
    with pytest.raises(FunctionLimit, match="before the function's limit"):
        watch.check()
    unlimited = Watch(Allowance(None, None))
    unlimited.check()
    with pytest.raises(Cancelled), unlimited.saying_why():
        raise Cancelled("Somebody else stopped it.")


def test_it_ends_by_itself_before_the_memory_is_full() -> None:
    watch = Watch(Allowance(None, int(resident_mb() or 0)))
    assert watch.is_set()
    assert watch.why is not None
    assert "of memory in use" in watch.why.message


def test_data_that_do_not_fit_the_disk_are_not_fetched() -> None:
    watch = Watch(Allowance(None, None))
    watch.check_room(10, 10)
    with pytest.raises(FunctionLimit, match="600 MB, and the function's disk has 500 MB left"):
        watch.check_room(600 << 20, 500 << 20)
