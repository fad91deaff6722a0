"""What a piece of work took, and what that costs at prices that somebody else knows.

Graft knows no prices: they differ by place and month. A table of them is a file of TOML or JSON::

    currency = "USD"
    per_gb_second = 0.0000166667     # of a function, by the memory that it was given
    per_request = 0.0000002
    [per_hour]                       # of a machine, by its name
    "ml.m5.xlarge" = 0.23
"""

from __future__ import annotations

import json
import math
import os
import sys
import time
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from graft.errors import UsageError
from graft.files import expanded, write_atomically

RECEIPT = "receipt.json"
"""Its name beside what was made."""
MAX_PRICES_BYTES = 1 << 20
_MB = 1 << 20


@dataclass(frozen=True, slots=True)
class Prices:
    """What time costs; all that is not known is ``None``.

    Attributes:
        currency: Stands behind the sum.
        per_gb_second: Of a function, for each gigabyte of the memory that it was given.
        per_request: Of a function, for each call.
        per_hour: Of a machine, by its name.
    """

    currency: str = "USD"
    per_gb_second: float | None = None
    per_request: float | None = None
    per_hour: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> Self:
        """The prices in a file of TOML or JSON.

        Raises:
            UsageError: There is none, or it holds something that is no price.
        """
        place = expanded(path)
        try:
            if not place.is_file() or place.stat().st_size > MAX_PRICES_BYTES:
                raise ValueError("it is not there, or no file, or far too large")
            text = place.read_text(encoding="utf-8-sig")
            return cls.from_dict(json.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text))
        except UsageError:
            raise
        except (OSError, ValueError, RecursionError) as error:
            raise UsageError(f"{os.fspath(path)} holds no prices: {error}.", _GIVE_PRICES) from None

    @classmethod
    def from_dict(cls, values: Any) -> Self:
        """The prices of such a table.

        Raises:
            UsageError: A key is unknown, or a value is no price.
        """
        if not isinstance(values, Mapping):
            raise UsageError(f"The prices are {values!r:.80}.", _GIVE_PRICES)
        if unknown := sorted(set(map(str, values)) - {"currency", "per_gb_second", "per_request", "per_hour"}):
            raise UsageError(f"Prices have no {', '.join(unknown)}.", _GIVE_PRICES)
        hours = values.get("per_hour", {})
        if not isinstance(hours, Mapping):
            raise UsageError(f"per_hour of the prices is {hours!r:.80}.", _GIVE_PRICES)
        currency = values.get("currency", "USD")
        if not isinstance(currency, str) or not currency.isprintable() or not 0 < len(currency) <= 16:
            raise UsageError(f"The currency of the prices is {currency!r:.80}.", _GIVE_PRICES)
        single = {name: _price(values[name], name) for name in ("per_gb_second", "per_request") if name in values}
        return cls(currency, per_hour={str(name): _price(one, str(name)) for name, one in hours.items()}, **single)


_GIVE_PRICES = (
    'Give a file of TOML or JSON with per_gb_second, per_request, and a table per_hour, such as "ml.m5.xlarge" = 0.23.'
)


def _price(value: Any, name: str) -> float:
    try:
        price = math.nan if isinstance(value, bool) or not isinstance(value, int | float) else float(value)
    except OverflowError:  # a whole number of any length
        price = math.inf
    if not math.isfinite(price) or price < 0:
        raise UsageError(f"The price {name} is {value!r:.80}.", _GIVE_PRICES)
    return price


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a piece of work took.

    Attributes:
        what: Such as ``"train"``.
        seconds: From its first to its last line.
        peak_mb: The most memory that the process, or the largest of its children, has held since it began; ``None``
            where the system does not tell.
        rows: How many items there were.
        encoder: Which encoder looked at them.
        memory_mb: The memory that a function was given.
        machine: The name of the machine that was hired, such as ``ml.m5.xlarge``.
        machines: How many of them.
        billed_seconds: What the platform counts, where it says so; else ``seconds`` are what is paid for.
    """

    what: str
    seconds: float
    peak_mb: float | None = None
    rows: int | None = None
    encoder: str | None = None
    memory_mb: int | None = None
    machine: str | None = None
    machines: int = 1
    billed_seconds: float | None = None

    @classmethod
    def since(cls, start: float, what: str, **known: Any) -> Self:
        """What the work took that began when ``time.perf_counter()`` was ``start``.

        Args:
            start: When it began.
            what: What was done.
            known: Other fields, such as ``rows``.
        """
        return cls(what, round(time.perf_counter() - start, 3), peak_megabytes(), **known)

    def costs(self, prices: Prices) -> float:
        """What it cost, in the prices' currency.

        Raises:
            UsageError: The table lacks the price that is needed, or the receipt says of nothing that has one.
        """
        seconds = self.seconds if self.billed_seconds is None else self.billed_seconds
        if self.machine is not None:
            if self.machine not in prices.per_hour:
                known = ", ".join(sorted(prices.per_hour)) or "none"
                raise UsageError(
                    f"The prices have no per_hour of {self.machine}; they have: {known}.", "Add a line for it."
                )
            return seconds / 3600 * prices.per_hour[self.machine] * self.machines
        if self.memory_mb is None:
            raise UsageError(
                "Neither the memory of a function nor the name of a machine is known, and one of them has the price.",
                "Say on which machine it runs (graft train --machine NAME), or how much memory the function was given.",
            )
        if prices.per_gb_second is None:
            raise UsageError("The prices have no per_gb_second, which a function's time costs.", "Add a line for it.")
        return seconds * self.memory_mb / 1024 * prices.per_gb_second + (prices.per_request or 0.0)

    def to_dict(self, prices: Prices | None = None) -> dict[str, Any]:
        """JSON-able values; with prices also ``cost`` and ``currency``.

        Raises:
            UsageError: The table lacks the price that is needed.
        """
        known = asdict(self)
        return known if prices is None else known | {"cost": self.costs(prices), "currency": prices.currency}

    def in_words(self, prices: Prices | None = None) -> str:
        """One line for a person.

        Raises:
            UsageError: The table lacks the price that is needed.
        """
        rows = "" if self.rows is None else f" for {self.rows:,} items"
        given = "" if self.memory_mb is None else f" of {self.memory_mb:,} MB"
        peak = "" if self.peak_mb is None else f", at most {self.peak_mb:,.0f} MB{given} of memory"
        many = f"{self.machines} x " if self.machines > 1 else ""
        where = "" if self.machine is None else f" on {many}{self.machine}"
        billed = "" if self.billed_seconds is None else f" ({self.billed_seconds:,.0f} s are billed)"
        cost = "" if prices is None else f": {_amount(self.costs(prices))} {prices.currency}"
        return f"{self.seconds:,.1f} s{rows}{where}{billed}{peak}{cost}"

    def write(self, path: str | Path, prices: Prices | None = None) -> None:
        """Write it as JSON.

        Raises:
            OSError: It cannot be written there.
            UsageError: The table lacks the price that is needed.
        """
        write_atomically(path, (json.dumps(self.to_dict(prices), indent=2) + "\n").encode())


def peak_megabytes() -> float | None:
    """The most memory that this process, or the largest of its children that have ended, has held so far."""
    try:
        import resource
    except ImportError:  # Windows has none
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    most = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return round(most * unit / _MB, 1)


def _amount(cost: float) -> str:
    """With two figures that say something, whatever its size."""
    digits = 2 if cost >= 0.1 or cost <= 0 else min(9, 1 - math.floor(math.log10(cost)))
    return f"{cost:,.{digits}f}"
