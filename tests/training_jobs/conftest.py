"""The folders of a job."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from training_job_trees import MakeTree


@pytest.fixture
def make_tree(tmp_path: Path) -> MakeTree:
    """Lays out ``opt/ml`` with these channels and settings."""

    def make(channels: dict[str, Path], **settings: Any) -> Path:
        root = tmp_path / "opt" / "ml"
        for name, source in channels.items():
            target = root / "input" / "data" / name
            if source.is_dir():
                shutil.copytree(source, target)
            else:
                target.mkdir(parents=True)
                shutil.copy(source, target)
        config = root / "input" / "config"
        config.mkdir(parents=True)
        (config / "hyperparameters.json").write_text(json.dumps(settings))
        (config / "resourceconfig.json").write_text(
            json.dumps({"current_host": "algo-1", "hosts": ["algo-1"], "current_instance_type": "ml.m5.xlarge"})
        )
        (config / "inputdataconfig.json").write_text(
            json.dumps(
                {name: {"TrainingInputMode": "File", "S3DistributionType": "FullyReplicated"} for name in channels}
            )
        )
        return root

    return make
