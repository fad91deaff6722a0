"""What it costs to come one by one: requests of many threads, against one thread that asks for as many at once."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from benchmarks.goals import Goal, plain_goals, show_goals
from benchmarks.results import keep
from graft.encoders import encoder_for
from graft.prediction import embedder

THREADS = 8
REQUESTS = 25
"""Of each thread, one after the other."""
ROUNDS = 9
WORDS = ("the", "parcel", "never", "came", "where", "is", "my", "refund", "and", "card", "why", "was", "it", "declined")


def measure(rounds: int = ROUNDS, requests: int = REQUESTS) -> list[Goal]:
    """Measure; print the table and write ``results/embedder.json``."""
    encoder = encoder_for("text")
    encoder.warm()
    texts = _texts(THREADS * requests)

    def ask(own: Sequence[bytes], at_once: int) -> None:
        for start in range(0, len(own), at_once):
            assert len(embedder.embed(encoder, own[start : start + at_once]).x) == at_once

    def one_thread() -> None:
        ask(texts, THREADS)

    def many_threads() -> None:
        with ThreadPoolExecutor(THREADS) as threads:
            list(threads.map(lambda number: ask(texts[number::THREADS], 1), range(THREADS)))

    one, many = _in_turns(rounds, one_thread, many_threads)
    goals = [
        Goal(
            f"items per second, {THREADS} threads asking for a text each against one asking for {THREADS}",
            one[0] / many[0],
            "at least",
            0.9,
        ),
    ]
    show_goals(
        f"One thread {len(texts) / one[0]:,.0f} texts/s and {1e3 * one[1] / len(texts):.2f} ms of processor time each, "
        f"{THREADS} threads {len(texts) / many[0]:,.0f} and {1e3 * many[1] / len(texts):.2f}",
        goals,
    )
    keep("embedder", {"one": one, "many": many, "texts": len(texts), "goals": plain_goals(goals)})
    return goals


def _texts(n: int) -> list[bytes]:
    chance = np.random.default_rng(0)
    return [" ".join(chance.choice(WORDS, size=int(chance.integers(4, 20)))).encode() for _ in range(n)]


def _in_turns(rounds: int, *works: Callable[[], object]) -> list[tuple[float, float]]:
    """Seconds by the clock and of processor time of each, in turns: the medians."""
    seconds: list[list[tuple[float, float]]] = [[] for _ in works]
    for _ in range(rounds + 1):
        for work, own in zip(works, seconds, strict=True):
            before = time.perf_counter(), time.process_time()
            work()
            own.append((time.perf_counter() - before[0], time.process_time() - before[1]))
    # The first round is left out: each thread opens what it needs.
    return [(statistics.median(t for t, _ in own[1:]), statistics.median(c for _, c in own[1:])) for own in seconds]
