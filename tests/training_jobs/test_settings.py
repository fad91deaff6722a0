"""Settings of a job: the same by a platform's own interface, by its SDK and by a command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from graft.errors import DataError, UsageError
from graft.recipe import Recipe
from graft.training_jobs import JobSettings
from graft.training_jobs.tree import JobTree

MEANT: dict[str, Any] = {
    "encoder": "image",
    "prompt": "query: ",
    "seed": 7,
    "set_level": 0.8,
    "label_column": "007",
    "multi_label": False,
    "why": True,
    "tune": True,
    "epochs": 3,
    "flips": False,
    "time_limit": 60.0,
}


def plain(value: Any) -> str:
    """As somebody types it."""
    return str(value)


def by_sdk(value: Any) -> str:
    """As SageMaker's SDK writes it."""
    return json.dumps(value)


@pytest.mark.parametrize("write", [plain, by_sdk, lambda value: json.dumps(by_sdk(value)), lambda value: value])
@pytest.mark.parametrize("named", [str, lambda name: name.replace("_", "-")])
def test_the_same_settings_however_they_came(write, named):
    found = JobSettings.from_texts({named(name): write(value) for name, value in MEANT.items()})
    assert found.recipe == Recipe(encoder="image", prompt="query: ", seed=7, set_level=0.8)
    assert found.reading == {"label_column": "007", "multi_label": False}
    assert (found.why, found.tune) == (True, True)
    assert found.tuning == {"epochs": 3, "flips": False, "time_limit": 60.0}


@pytest.mark.parametrize("written", ["False", "false", '"False"', '"\\"false\\""', "0", '"0"', "no", False, 0])
def test_false_is_false(written):
    assert JobSettings.from_texts({"why": written}).why is False
    assert JobSettings.from_texts({"multi_label": written}).reading == {"multi_label": False}


@pytest.mark.parametrize("written", ["True", "true", '"True"', "1", '"1"', "yes", True, 1])
def test_and_true_is_true(written):
    assert JobSettings.from_texts({"why": written}).why is True


def test_lists_and_what_was_left_out():
    assert JobSettings.from_texts({"encoder": '["image", "b"]'}).recipe.encoder == "image+b"
    assert JobSettings.from_texts({"encoder": '"[\\"image\\", \\"b\\"]"'}).recipe.encoder == "image+b"
    assert JobSettings.from_texts({"label_column": '["mood"]'}).reading == {"label_column": "mood"}
    for nothing in ("null", "None", "", '""', None):
        assert JobSettings.from_texts({"encoder": nothing, "seed": nothing}) == JobSettings()
    assert JobSettings.from_texts({"seed": "1.0"}).recipe.seed == 1


def test_names_of_the_sdk_are_skipped_and_told():
    given = {
        "sagemaker_program": '"train.py"',
        "sagemaker_submit_directory": '"s3://b/x.tar.gz"',
        "sagemaker_region": '"eu-west-1"',
        "_tuning_objective_metric": "accuracy",
        "model_dir": '"s3://b/m"',
        "seed": "3",
    }
    found = JobSettings.from_texts(given)
    assert found.recipe == Recipe(seed=3)
    assert set(found.skipped) == set(given) - {"seed"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"sead": "1"}, "Did you mean seed"),
        ({"sagemakerprogram": "x"}, "no setting"),
        ({"seed": "many"}, "seed must be"),
        ({"seed": "1.5"}, "a whole number"),
        ({"seed": True}, "a number"),
        ({"set_level": "nan"}, "a number"),
        ({"set_level": "2"}, "between 0 and 1"),
        ({"why": "maybe"}, "true or false"),
        ({"why": "[1]"}, "true or false"),
        ({"head": '["a", "b"]'}, "one text"),
        ({"label-column": "a", "label_column": "b"}, "one setting"),
        ({"epochs": "3"}, "tune is not set"),
        ({"epochs": "3", "tune": "False"}, "tune is not set"),
    ],
)
def test_what_is_no_setting_is_refused(given, said):
    with pytest.raises(UsageError, match=said):
        JobSettings.from_texts(given)


@pytest.mark.parametrize("table", ["../a.csv", "/etc/passwd", "a\0b", "\ud800", "x" * 5000, "loop", "link.csv"])
def test_a_table_is_a_file_of_its_channel_and_nothing_else(tmp_path: Path, table: str) -> None:
    folder = tmp_path / "input" / "data" / "training"
    folder.mkdir(parents=True)
    (tmp_path / "input" / "data" / "a.csv").write_text("a")
    (folder / "loop").symlink_to("loop")
    (folder / "link.csv").symlink_to("../a.csv")
    with pytest.raises(DataError, match="There is no file"):
        JobTree(tmp_path).data(table)
