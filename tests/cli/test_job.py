"""``graft fit --job`` from outside: a model is made again, byte for byte, or it is said what has changed."""

import dataclasses
import json
import shutil
from pathlib import Path

import pytest

import graft
import shapes
from graft.encoders.embed import content_digest
from graft.errors import DataError, UsageError
from graft.job import Job
from graft.journal.decision import Decision
from graft.journal.journal import Journal
from graft.journal.resolution import keys_of
from graft.recipe import Recipe
from graft.repeating import repeat


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """An empty folder to work in, so that paths are as somebody would type them."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def repeats(run, model: str) -> dict:
    """Fit again from the model and from its job alone; both are the same to the last byte."""
    for job in (Path(model), Path(model, "job.json")):
        found = run("fit", "--job", job, "-o", "again.graft", "--overwrite", "--json")
        assert found.code == 0, found.out
        assert files_of(Path("again.graft")) == files_of(Path(model))
    return json.loads(Path(model, "job.json").read_text())


def test_recordings_by_a_pattern_with_a_journal(run, here, shared):
    sounds = here / "digits"
    sounds.mkdir()
    for path in shared.joinpath("spoken_digits").glob("[0-2]_*_[0-5].wav"):
        shutil.copy(path, sounds)
    pattern = "{label}_{group}_*.wav"
    dataset = graft.read("digits", pattern=pattern)
    keys = keys_of(dataset, [content_digest(item.read()) for item in dataset.items])
    journal = Journal(here / "digits.journal", dataset.name)
    journal.append(Decision("drop", keys[:3], who="anna"))
    told = ("--pattern", pattern, "--journal", "digits.journal", "--head", "logistic", "--seed", 7)
    assert run("fit", "digits", *told, "-o", "m.graft").code == 0
    job = repeats(run, "m.graft")
    assert job["reading"] == {"source": "digits", "pattern": pattern}
    assert job["recipe"]["head"] == "logistic"
    assert job["plan"]["journal"] == "digits.journal"
    assert [one["path"] for one in job["plan"]["inputs"]] == ["digits", "digits.journal"]
    assert graft.load("again.graft").report.journal.dropped == 3
    journal.append(Decision("drop", keys[3:4], who="anna"))
    found = run("fit", "--job", "m.graft", "-o", "later.graft", "--json")
    assert found.code == 1
    assert found.json["error"]["message"].startswith("digits.journal has changed since: its sha256 is ")
    assert found.json["error"]["hint"]
    assert not Path("later.graft").exists()


def test_texts_of_a_table_and_test_data(run, here, shared):
    for name in ("train", "test"):
        lines = (shared / "trec6" / f"{name}.csv").read_text().splitlines()
        Path(f"{name}.csv").write_text("\n".join(["heard,what", *lines[1:200]]) + "\n")
    columns = Path(shared / "trec6" / "train.csv").read_text().splitlines()[0].split(",")
    item, label = ("heard", "what") if columns.index("text") == 0 else ("what", "heard")
    told = ("--item-column", item, "--label-column", label, "--test", "test.csv")
    assert run("fit", "train.csv", *told, "-o", "m.graft").code == 0
    job = repeats(run, "m.graft")
    assert job["reading"] == {
        "source": "train.csv", "test": "test.csv", "item_column": item, "label_column": label,
    }  # fmt: skip
    with Path("test.csv").open("a") as file:
        file.write("\n")
    found = run("fit", "--job", "m.graft", "-o", "later.graft")
    assert found.code == 1
    assert "test.csv has changed since" in found.err


def test_items_with_any_number_of_labels(run, here):
    shapes.folders(here / "photos", {"circle": 8, "square": 8})
    for path in list(Path("photos/circle").iterdir())[:4]:
        shutil.copy(path, Path("photos/square", f"both-{path.name}"))
    assert run("fit", "photos", "--multi-label", "-o", "m.graft").code == 0
    job = repeats(run, "m.graft")
    assert job["reading"] == {"source": "photos", "multi_label": True}
    assert [one["path"] for one in job["plan"]["inputs"]] == ["photos/circle", "photos/square"]


def test_a_table_that_names_files_elsewhere(run, here):
    shapes.folders(here / "elsewhere", {"circle": 6, "square": 6})
    rows = [f"{path.relative_to('elsewhere')},{path.parent.name}" for path in Path("elsewhere").glob("*/*.png")]
    Path("list.csv").write_text("\n".join(["path,label", *sorted(rows)]) + "\n")
    assert run("fit", "list.csv", "--root", "elsewhere", "-o", "m.graft").code == 0
    job = repeats(run, "m.graft")
    assert [one["path"] for one in job["plan"]["inputs"]] == ["elsewhere/circle", "elsewhere/square", "list.csv"]
    next(Path("elsewhere/square").iterdir()).write_bytes(shapes.encoded("square", 99))
    assert "elsewhere/square has changed since" in run("fit", "--job", "m.graft", "-o", "later.graft").err


def test_numbers(run, here):
    shapes.folders(here / "photos", {"circle": 15, "square": 15})
    rows = [f"{path},{place % 7}.5" for place, path in enumerate(sorted(Path("photos").glob("*/*.png")))]
    Path("list.csv").write_text("\n".join(["path,label", *rows]) + "\n")
    assert run("fit", "list.csv", "--task", "regression", "-o", "m.graft").code == 0
    assert repeats(run, "m.graft")["recipe"]["task"] == "regression"


def test_what_is_gone_or_new_is_told(run, here):
    shapes.folders(here / "photos", {"circle": 6, "square": 6})
    assert run("fit", "photos", "-o", "m.graft").code == 0
    shapes.folders(here / "photos", {"triangle": 6})
    found = run("fit", "--job", "m.graft", "-o", "later.graft")
    assert (found.code, "photos/triangle is new; the job cannot be repeated." in found.err) == (1, True)
    shutil.rmtree("photos/triangle")
    Path("photos/circle/000.png").rename("photos/circle/other.png")
    found = run("fit", "--job", "m.graft", "-o", "later.graft")
    assert (found.code, "photos/circle has changed since: its sha256 is" in found.err) == (1, True)
    Path("photos/circle/other.png").rename("photos/circle/000.png")
    assert run("fit", "--job", "m.graft", "-o", "same.graft").code == 0
    shapes.folders(here / "photos", {"triangle": 6})
    assert run("fit", "photos", "-o", "three.graft").code == 0
    shutil.rmtree("photos/triangle")
    found = run("fit", "--job", "three.graft", "-o", "fourth.graft")
    assert (found.code, "photos/triangle is not there any more; the job cannot" in found.err) == (1, True)
    shutil.rmtree("photos")
    assert "There is nothing at photos." in run("fit", "--job", "m.graft", "-o", "later.graft").err


def test_a_model_with_more_classes(run, here):
    shapes.folders(here / "photos", {"circle": 8, "square": 8})
    shapes.folders(here / "more", {"triangle": 8})
    assert run("fit", "photos", "-o", "m.graft").code == 0
    assert run("extend", "m.graft", "more", "-o", "wider.graft").code == 0
    job = repeats(run, "wider.graft")
    assert (job["plan"]["verb"], job["plan"]["model"]) == ("extend", "m.graft")
    assert [one["path"] for one in job["plan"]["inputs"]] == ["m.graft", "more/triangle"]
    assert run("fit", "photos", "-o", "m.graft", "--overwrite", "--seed", 5).code == 0
    assert "m.graft has changed since" in run("fit", "--job", "wider.graft", "-o", "later.graft").err


def test_a_model_with_more_classes_whose_old_items_were_given_again(run, here, monkeypatch):
    shapes.folders(here / "photos", {"circle": 8, "square": 8})
    shapes.folders(here / "more", {"triangle": 8})
    assert run("fit", "photos", "-o", "m.graft").code == 0
    monkeypatch.setenv("GRAFT_CACHE", str(here / "empty"))  # it knows nothing of the old items
    assert run("extend", "m.graft", "more", "--old", "photos", "-o", "wider.graft").code == 0
    shutil.rmtree(here / "empty")
    assert repeats(run, "wider.graft")["plan"]["old"] == "photos"


def test_a_tuned_model(run, here):
    pytest.importorskip("torch", reason="tuning needs torch")
    shapes.folders(here / "photos", {"circle": 3, "square": 3})  # so few that it is quick
    assert run("fit", "photos", "-o", "m.graft").code == 0
    told = ("--epochs", 1, "--force", "--no-flips", "--method", "partway")
    assert run("tune", "m.graft", "photos", *told, "-o", "tuned.graft").code == 0
    job = graft.load("tuned.graft").job
    assert job.plan.verb == "tune"
    found = run("fit", "--job", "tuned.graft", "-o", "again.graft")
    assert (found.code, found.err) == (0, "The job reads photos, m.graft\n")
    first, again = files_of(Path("tuned.graft")), files_of(Path("again.graft"))
    arrays = {name for name in first if name.endswith(".safetensors")}
    assert {name: first[name] for name in arrays} == {name: again[name] for name in arrays}
    assert first["job.json"] == again["job.json"]
    # What a limit is told to mean comes before the work, for which the data are gone here.
    limited = dataclasses.replace(job, plan=dataclasses.replace(job.plan, time_limit=600.0))
    Path("limited.json").write_text(json.dumps(limited.to_dict()))
    Path("photos").rename("elsewhere")
    found = run("fit", "--job", "limited.json", "-o", "again.graft", "--overwrite")
    assert found.code == 1
    assert "The tuning was given a time limit" in found.err


def test_what_a_job_says_is_not_said_twice(run, here):
    shapes.folders(here / "photos", {"circle": 6, "square": 6})
    assert run("fit", "photos", "-o", "m.graft").code == 0
    found = run("fit", "photos", "--job", "m.graft", "--head", "logistic", "--json")
    assert found.code == 2
    assert "DATA, --head was given beside it" in found.json["error"]["message"]
    assert run("fit", "--json").json["error"]["message"] == "Missing argument 'DATA'."
    found = run("fit", "--job", "m.graft", "-o", "photos/circle/000.png", "--overwrite", "--json")
    assert (found.code, found.json["error"]["code"]) == (1, "output_is_input")
    assert run("fit", "--job", "m.graft").code == 0
    assert Path("m-again.graft").is_dir()


def test_data_given_in_memory_cannot_be_read_again(run, here):
    items = [shapes.encoded(label, seed) for label in ("circle", "square") for seed in range(6)]
    labels = ["circle"] * 6 + ["square"] * 6
    graft.fit(items, labels, seed=4).save("m.graft")
    job = graft.load("m.graft").job
    assert (job.reading.source, job.recipe.seed, job.plan.inputs) == (None, 4, ())
    found = run("fit", "--job", "m.graft", "--json")
    assert found.code == 2
    assert "given in memory" in found.json["error"]["message"]


def test_a_part_of_what_was_read_is_no_longer_what_was_read(here):
    shapes.folders(here / "photos", {"circle": 6, "square": 6})
    dataset = graft.read("photos")
    assert dataset.reading.source == "photos"
    assert dataset.select(range(11)).reading is None
    assert graft.read(dataset).reading == dataset.reading


def test_the_same_from_python(here):
    shapes.folders(here / "photos", {"circle": 6, "square": 6})
    graft.fit("photos", seed=3).save("m.graft")
    repeat("m.graft").save("again.graft")
    repeat(graft.load("m.graft").job).save("third.graft")
    assert files_of(Path("again.graft")) == files_of(Path("m.graft")) == files_of(Path("third.graft"))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ("[]", "has a reading"),
        ("{", "holds no job"),
        ('{"reading": {}, "recipe": {}, "plan": {"verb": "delete"}}', "no verb 'delete'"),
        ('{"reading": {"source": 3}, "recipe": {}, "plan": {}}', "source of a job is 3"),
        ('{"reading": {"code": "x"}, "recipe": {}, "plan": {}}', "has no code"),
        ('{"reading": {}, "recipe": {}, "plan": {"inputs": [{"path": 1}]}}', "path of a job is 1"),
        ('{"reading": {}, "recipe": {}, "plan": {"inputs": [{}]}}', "holds no job"),
        ('{"reading": {}, "recipe": {"seed": -1}, "plan": {}}', "seed must not be negative"),
        ('{"reading": {}, "recipe": 5, "plan": {}}', "The recipe of a job is 5"),
        ('{"reading": {}, "recipe": null, "plan": {}}', "The recipe of a job is None"),
        ('{"reading": {}, "recipe": {}, "plan": {"time_limit": true}}', "time_limit of a job is True"),
        ('{"reading": [], "recipe": {}, "plan": {}}', "The reading of a job is []"),
        ("[" * 100_000, "holds no job"),
    ],
)
def test_files_that_hold_no_job(run, here, values, said):
    Path("job.json").write_text(values)
    found = run("fit", "--job", "job.json", "--json")
    assert found.code == 2
    assert said in found.json["error"]["message"]


def test_jobs_survive_json():
    for job in ({"reading": {"source": "a", "remembered": {"label_column": "b"}}, "plan": {"verb": "tune"}},):
        made = Job.from_dict({**job, "recipe": {}})
        assert Job.from_dict(json.loads(json.dumps(made.to_dict()))) == made
    with pytest.raises(UsageError):
        Job.from_file("/dev/zero")


@pytest.mark.parametrize("journal", ["a\0b", "\ud800"])
def test_a_journal_that_is_no_path_is_refused_in_words(here, journal):
    shapes.folders(here / "d", {"circle": 6, "square": 6})
    told = graft.fit("d").job.to_dict()
    told["plan"]["journal"] = journal
    with pytest.raises(DataError, match="is no path"):
        repeat(Job.from_dict(told))


def test_a_job_from_anybody_says_what_it_reads_and_drives_no_terminal(run, here):
    told = {"reading": {"source": "no\x1b[2Jwhere"}, "recipe": Recipe().to_dict(), "plan": {"journal": "/etc/j"}}
    (here / "job.json").write_text(json.dumps(told))
    found = run("fit", "--job", "job.json")
    assert found.code == 1
    assert "The job reads no\ufffd[2Jwhere, /etc/j" in found.err
    assert "\x1b[2J" not in found.err + found.out


def test_the_model_that_a_job_lies_in_is_not_written_over(run, here):
    shapes.folders(here / "d", {"circle": 6, "square": 6})
    assert run("fit", "d", "-o", "m.graft").code == 0
    before = files_of(Path("m.graft"))
    for option, name in (("--report", "report.json"), ("--predictions", "named.csv")):
        told = run(
            "fit", "--job", "m.graft/job.json", "-o", "n.graft", option, f"m.graft/{name}", "--overwrite", "--json"
        )
        assert (told.code, told.json["error"]["code"]) == (1, "output_is_input")
    assert files_of(Path("m.graft")) == before
