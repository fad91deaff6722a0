"""What a server pays for a head: time to load it, memory to keep it, modules to import."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.goals import Goal, plain_goals, show_goals
from benchmarks.results import keep
from graft import tensors
from graft.contracts import Linear
from graft.heads.classifier import Classifier
from graft.heads.conformal import SetRule
from graft.heads.features import width
from graft.heads.unknown import UnknownRule
from graft.prediction import Predictor, load_head
from graft.prediction.predictor import MadeWith

MANY = 20_000
ROUNDS, REPEATS = 15, 100
STAGES = ((40, 112, 320, 1280),)
_HOLDING = """
import resource, sys
from pathlib import Path
from graft.prediction import load_head
files = sorted(Path(sys.argv[1]).glob("*.safetensors"))
heads = [load_head(files[i % len(files)].read_bytes()) for i in range(int(sys.argv[2]))]
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024))
"""
_IMPORTING = """
import sys
from graft.prediction import load_head
print(sum(name.partition(".")[0] == "graft" for name in sys.modules))
"""


def measure(many: int = MANY) -> list[Goal]:
    """Measure; print the table and write ``results/heads.json``."""
    from safetensors.numpy import load_file

    with TemporaryDirectory() as folder:
        file = Path(folder, "head.safetensors")
        file.write_bytes(tensors.dump(_head(0).tensors()))
        own, plain = _in_turns(lambda: load_head(file), lambda: load_file(file))
        for seed in range(20):
            Path(folder, f"{seed}.safetensors").write_bytes(tensors.dump(_head(seed).tensors()))
        held = _child(_HOLDING, folder, many)
        size = file.stat().st_size
    goals = [
        Goal("load_head, two classes of photos", 1e3 * own, "at most", 0.3, "ms"),
        Goal("the same against safetensors alone", own / plain, "at most", 4),
        Goal(f"{many:,} such heads resident", held / 1e9, "at most", 0.7 * many / MANY, "GB"),
        Goal("modules of graft that are imported", _child(_IMPORTING), "at most", 35),
    ]
    show_goals(f"Heads of {size:,} bytes", goals)
    keep("heads", {"bytes": size, "goals": plain_goals(goals)})
    return goals


def _head(seed: int) -> Predictor:
    """Of two classes of photos, of drawn numbers: what they are does not matter here."""
    chance = np.random.default_rng(seed)
    d = width(STAGES, "late")
    linear = Linear(chance.normal(size=(d, 2)).astype(np.float32), np.zeros(2, np.float32))
    unknown = UnknownRule(chance.normal(size=(2, d)).astype(np.float32), 2.5, (0.4, 0.1), (3.0, 1.0))
    head = Classifier(STAGES, "late", linear, unknown, 1.5, SetRule(0.9, (0.3, 0.4), (60, 60)))
    made_with = MadeWith("efficientnet-lite0", "efficientnet-lite0", "0123456789abcdef", "openvino bf16")
    return Predictor((f"closed {seed}", "open"), "image", made_with, head)


def _in_turns(*works: Callable[[], object]) -> list[float]:
    """Seconds of each, in turns: the median of ``ROUNDS``, of processor time."""
    seconds: list[list[float]] = [[] for _ in works]
    for _ in range(ROUNDS):
        for work, own in zip(works, seconds, strict=True):
            start = time.process_time()
            for _ in range(REPEATS):
                work()
            own.append((time.process_time() - start) / REPEATS)
    return [statistics.median(own) for own in seconds]


def _child(code: str, *arguments: object) -> int:
    asked = [sys.executable, "-c", code, *map(str, arguments)]
    return int(subprocess.run(asked, capture_output=True, text=True, check=True).stdout)
