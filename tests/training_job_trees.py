"""The folders of a job as a platform lays them out, and ``train`` run on them as the image runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

MakeTree = Callable[..., Path]


def contents(root: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(path): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def started(root: Path, *words: str, **options: Any) -> subprocess.Popen[str]:
    """``train`` as a process of its own, which knows the tree by the environment."""
    environment = {name: value for name, value in os.environ.items() if name != "GRAFT_CACHE"}
    return subprocess.Popen(
        [sys.executable, "-m", "graft", "train", *words],
        env={**environment, "GRAFT_JOB_ROOT": str(root)} | options.pop("env", {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )
