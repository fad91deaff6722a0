"""What a fit of a large matrix holds, in a process of its own."""

import sys

from benchmarks.memory import FIT
from benchmarks.processes import finish

CHUNKS = 2 * (64 << 20)
"""What two threads hold of parts of the rows, however many there are."""


def test_a_fit_holds_the_matrix_less_than_three_times():
    """Beyond what a small fit holds, which is the libraries of the networks."""
    small, large = (finish([sys.executable, "-c", FIT, str(rows), "1000", "3"]) for rows in (2_000, 20_000))
    more = large.answer["bytes"] - small.answer["bytes"]
    assert large.peak - small.peak <= 2.5 * more + CHUNKS
