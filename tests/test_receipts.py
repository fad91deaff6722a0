"""What work took, and what it costs at prices that are given."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from graft.errors import UsageError
from graft.receipts import Prices, Receipt, peak_megabytes

TOML = 'currency = "EUR"\nper_gb_second = 0.00002\nper_request = 0.000001\n[per_hour]\n"ml.m5.xlarge" = 0.36\n'


def table(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "prices.toml"
    path.write_text(text)
    return path


def test_a_function_costs_its_memory_by_the_second_and_each_call(tmp_path: Path) -> None:
    prices = Prices.from_file(table(tmp_path, TOML))
    receipt = Receipt("train", 100.0, 812.5, 100, "efficientnet-lite0", memory_mb=2048)
    assert receipt.costs(prices) == pytest.approx(100 * 2 * 0.00002 + 0.000001)
    assert receipt.in_words(prices) == "100.0 s for 100 items, at most 812 MB of 2,048 MB of memory: 0.0040 EUR"


def test_a_machine_costs_its_hours_as_the_platform_counts_them(tmp_path: Path) -> None:
    prices = Prices.from_file(table(tmp_path, TOML))
    receipt = Receipt("train", 90.0, machine="ml.m5.xlarge", machines=2, billed_seconds=180.0, memory_mb=2048)
    assert receipt.costs(prices) == pytest.approx(2 * 180 / 3600 * 0.36)
    assert receipt.in_words(prices) == "90.0 s on 2 x ml.m5.xlarge (180 s are billed): 0.036 EUR"


def test_json_says_the_same_as_toml(tmp_path: Path) -> None:
    given = {"currency": "EUR", "per_gb_second": 2e-5, "per_request": 1e-6, "per_hour": {"ml.m5.xlarge": 0.36}}
    assert Prices.from_file(table(tmp_path, json.dumps(given))) == Prices.from_file(table(tmp_path, TOML))


def test_what_is_written_is_what_was_measured(tmp_path: Path) -> None:
    start = time.perf_counter()
    block = bytearray(64 << 20)
    receipt = Receipt.since(start, "train", rows=len(block) >> 20, memory_mb=1024)
    receipt.write(tmp_path / "receipt.json", Prices(per_gb_second=1.0))
    found = json.loads((tmp_path / "receipt.json").read_text())
    assert found == receipt.to_dict(Prices(per_gb_second=1.0))
    assert found["seconds"] == found["cost"] >= 0
    assert found["peak_mb"] == receipt.peak_mb >= 64
    assert (peak_megabytes() or 0) >= receipt.peak_mb


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("per_gb_second = -1", "per_gb_second is -1"),
        ("per_gb_second = nan", "per_gb_second is nan"),
        ("per_gb_second = true", "per_gb_second is True"),
        ('per_request = "1"', "per_request is '1'"),
        ("per_hour = 3", "per_hour of the prices is 3"),
        ('[per_hour]\nm5 = "dear"', "m5 is 'dear'"),
        (f"per_request = {10**400}", "per_request is 1000"),
        ("per_minute = 3", "have no per_minute"),
        ('currency = ""', "currency"),
        ("[1, 2]", "holds no prices"),
        ("{", "holds no prices"),
    ],
)
def test_what_is_no_price_is_refused_by_name(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        Prices.from_file(table(tmp_path, text))


def test_a_table_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not there"):
        Prices.from_file(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("receipt", "prices", "told"),
    [
        (Receipt("train", 1.0), Prices(per_gb_second=1.0), "Neither the memory"),
        (Receipt("train", 1.0, memory_mb=512), Prices(per_request=1.0), "no per_gb_second"),
        (Receipt("train", 1.0, machine="m9"), Prices(per_hour={"m5": 1.0}), "no per_hour of m9; they have: m5"),
    ],
)
def test_a_price_that_lacks_is_told_and_not_taken_for_nothing(receipt: Receipt, prices: Prices, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        receipt.costs(prices)


@pytest.mark.parametrize(
    ("cost", "shown"),
    [(0.0, "0.00"), (12.347, "12.35"), (0.0123, "0.012"), (0.00000456, "0.0000046"), (1234.5, "1,234.50")],
)
def test_a_sum_shows_two_figures_whatever_its_size(cost: float, shown: str) -> None:
    receipt = Receipt("train", cost, memory_mb=1024)
    assert f": {shown} USD" in receipt.in_words(Prices(per_gb_second=1.0))
