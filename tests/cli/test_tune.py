"""``graft tune`` from outside."""

import itertools

import pytest

import graft
import shapes

pytest.importorskip("torch", reason="tuning needs torch")


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """A folder of photos, four of them bad, and a model of the others."""
    root = tmp_path_factory.mktemp("tune")
    data = shapes.folders(root / "photos", {"circle": 3, "square": 3})  # so few that nothing can be told of them
    shapes.bad_files(data / "circle")
    graft.fit(data).save(root / "shapes.graft")
    return root


def test_a_model_that_is_not_better_is_the_one_that_went_in(run, shown):
    before = sorted(shown.iterdir())
    found = run("tune", shown / "shapes.graft", shown / "photos", "--epochs", 1, "--require-better", "--json")
    target = shown / "shapes-tuned.graft"
    assert found.code == 3
    assert found.json["shipped"] is False
    assert found.json["model"] == str(target)
    assert found.json["error"]["message"] == found.json["reason"]
    figures = {"before", "after", "n_decided", "runs", "seconds"}
    skipped = {"n_skipped", "skipped"}
    assert set(found.json) == {"method", "shipped", "forced", "reason", "model", "report", "error", *figures, *skipped}
    run_keys = {
        "unfrozen",
        "parameters",
        "device",
        "precision",
        "epochs",
        "best",
        "alpha",
        "stopped",
        "seconds",
        "notes",
    }
    assert {frozenset(each) for each in found.json["runs"]} == {frozenset(run_keys)}
    fitted = graft.load(shown / "shapes.graft").report.to_dict()
    assert found.json["n_skipped"] == 4
    assert {key: found.json[key] for key in skipped} == {key: fitted[key] for key in skipped}
    assert sorted(shown.iterdir()) == sorted([*before, target])  # nothing of the runs is left
    own = graft.load(target)
    assert own.encoder.name == "efficientnet-lite0"
    assert own.report.tuning.reason == found.json["reason"]
    assert found.json["reason"] not in own.report.warnings


def test_force_ships_it(run, shown, tmp_path):
    target, page = tmp_path / "other.graft", tmp_path / "other.html"
    options = ("-o", target, "--report", page, "--epochs", 1, "--force", "--time-limit", 600)
    found = run("tune", shown / "shapes.graft", shown / "photos", *options)
    assert found.code == 0
    assert "because it was told to" in " ".join(found.out.split())
    assert "log loss" in found.out
    assert "4 photos could not be used" in found.out
    fitted = graft.load(shown / "shapes.graft").report
    assert _section("Skipped", found.out) == _section("Skipped", str(fitted))
    assert f"Report  {page}" in found.out
    assert "Validation log loss" in page.read_text()
    assert f"{target}    tuned" in found.out
    tuned = graft.load(target)
    assert tuned.encoder.name == "efficientnet-lite0+tuned"
    assert tuned.job.plan.time_limit == 600


def test_what_is_there_is_not_overwritten(run, shown, tmp_path):
    (tmp_path / "there.graft").mkdir()
    (tmp_path / "there.graft" / "own.txt").write_text("mine")
    found = run("tune", shown / "shapes.graft", shown / "photos", "-o", tmp_path / "there.graft")
    assert found.code == 1
    assert (tmp_path / "there.graft" / "own.txt").read_text() == "mine"
    page = tmp_path / "mine.html"
    page.write_text("mine")
    found = run("tune", shown / "shapes.graft", shown / "photos", "-o", tmp_path / "x.graft", "--report", page)
    assert found.code == 1
    assert page.read_text() == "mine"


@pytest.mark.parametrize(
    ("option", "value"), [("--method", "none"), ("--epochs", "0"), ("--time-limit", "0"), ("--method", "lora")]
)
def test_options_that_are_off(run, shown, tmp_path, option, value):
    found = run("tune", shown / "shapes.graft", shown / "photos", "-o", tmp_path / "x.graft", option, value)
    assert found.code == 2
    assert not (tmp_path / "x.graft").exists()


def _section(heading, page):
    """What stands beside a heading."""
    lines = page.splitlines()
    first = next(at for at, line in enumerate(lines) if line.startswith(f" {heading} "))
    rest = itertools.takewhile(lambda line: not line.strip() or line.startswith("  "), lines[first + 1 :])
    return [lines[first], *rest]
