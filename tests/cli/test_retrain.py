"""``graft retrain``: exit codes, JSON, and that a second run ends at once."""

import json
import shutil
import subprocess
import sys

import pytest

import shapes
from graft.retraining.placing import alone
from months import contents, copied, month, written


@pytest.fixture(scope="module")
def same(tmp_path_factory, photos):
    """The photos that the model was fitted to, as they are."""
    return photos


def test_nothing_better_is_no_failure_unless_that_was_asked_for(run, saved, same, tmp_path):
    model = copied(saved, tmp_path)
    before = contents(model)
    found = run("retrain", model, same)
    assert (found.code, contents(model)) == (0, before)
    assert found.out.startswith("The model stays as it was: on 36 items")
    assert found.out.count("\n") == 1
    found = run("retrain", model, same, "--require-better", "--json")
    assert found.code == 3
    assert {"shipped", "reason", "before", "after", "model", "error"} <= found.json.keys()
    assert found.json["error"]["code"] == "gate"
    assert found.json["before"].keys() == {"value", "low", "high", "method"}
    assert found.json["shipped"] is False


def test_back_without_an_earlier_model_says_so(run, saved, tmp_path):
    model = copied(saved, tmp_path)
    before = contents(model)
    found = run("retrain", model, "--back")
    assert (found.code, contents(model)) == (1, before)
    assert f"There is no earlier model of {model}" in found.err


def test_forced_and_back(run, saved, same, tmp_path):
    model = copied(saved, tmp_path)
    before = contents(model)
    found = run("retrain", model, same, "--force", "--require-better", "--json")
    assert (found.code, found.json["shipped"]) == (0, True)
    assert found.json["reason"].startswith("The new model ships, for it was told to")
    assert found.json["previous"] == f"{model}.previous"
    found = run("retrain", model, "--back")
    assert (found.code, contents(model)) == (0, before)
    assert "The model that was in use before is in use again." in found.out


def test_a_second_run_ends_at_once_with_a_code_of_its_own(run, saved, same, tmp_path):
    model = copied(saved, tmp_path)
    with alone(model):
        for words in ([same], ["--back"], [tmp_path / "nothing"]):
            found = run("retrain", model, *words)
            assert found.code == 75
            assert found.err.count("\n") <= 2
            assert "is being retrained already" in found.err
        found = run("retrain", model, same, "--json")
        assert found.json["error"]["code"] == "busy"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["{model}"], 2, "There are no DATA"),
        (["{model}", "{data}", "--back"], 2, "--back takes nothing but MODEL"),
        (["{model}", "--back"], 1, "There is no earlier model"),
        (["{data}", "{data}"], 1, "is not a saved model"),
        (["{model}", "{none}"], 1, "nothing"),
        (["{model}", "{data}", "--corrections", "{data}"], 1, "corrections"),
        (["{model}", "{data}", "--journal", "{none}"], 1, "no"),
    ],
)
def test_bad_calls_are_told_in_words(run, saved, same, tmp_path, words, code, said):
    model = copied(saved, tmp_path)
    before = contents(model)
    values = {"model": model, "data": same, "none": tmp_path / "none"}
    found = run("retrain", *(word.format(**values) for word in words))
    assert found.code == code, found
    assert said in found.err
    assert "Traceback" not in found.err
    assert contents(model) == before
    assert [path.name for path in tmp_path.iterdir()] == ["shapes.graft"]


def test_by_cron_it_runs_without_path_home_locale_or_folder(saved, tmp_path):
    """As the documented line does: only absolute paths are known."""
    model = copied(saved, tmp_path)
    photos = written(tmp_path / "photos", month(0, 12))
    words = [sys.executable, "-m", "graft", "retrain", str(model), str(photos), "--json"]
    path = [f"PYTHONPATH={folder}" for folder in sys.path if folder.endswith("src")][:1]
    found = subprocess.run(["env", "-i", *path, *words], cwd="/", capture_output=True, check=False)
    assert found.returncode == 0, found.stderr
    assert json.loads(found.stdout)["shipped"] is False
    assert found.stderr == b""


def test_what_cannot_be_used_is_named(run, saved, same, tmp_path):
    model, data = copied(saved, tmp_path), tmp_path / "photos"
    shutil.copytree(same, data)
    cut = data / "circle" / "cut.jpg"
    cut.write_bytes(shapes.encoded("circle", 4)[:200])
    found = run("retrain", model, data)
    assert found.code == 0
    assert found.out.startswith("Skipped circle/cut.jpg: ")
    assert [one["path"] for one in run("retrain", model, data, "--json").json["skipped"]] == ["circle/cut.jpg"]
