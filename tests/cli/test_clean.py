import csv
import hashlib
import json
import sys

import pytest

import shapes
from graft.encoders.embed import content_digest
from graft.journal.decision import Decision
from graft.journal.journal import Journal
from graft.journal.resolution import keys_of
from graft.reading.read import read


@pytest.fixture
def messy(tmp_path):
    """Two classes, a square among the circles, a copy, and a file that is no photo."""
    folder = shapes.folders(tmp_path / "messy", {"circle": 12, "square": 12})
    (folder / "circle" / "wrong.png").write_bytes(shapes.encoded("square", 77))
    (folder / "square" / "copy.png").write_bytes((folder / "square" / "003.png").read_bytes())
    (folder / "square" / "letter.png").write_text("Dear all,\n")
    return folder


def contents(folder):
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*")) if path.is_file()}  # fmt: skip


def decide(folder, journal, **changes):
    """A journal that relabels or drops items by their names."""
    dataset = read(folder)
    keys = {key.name: key for key in keys_of(dataset, [content_digest(item.read()) for item in dataset.items])}
    for name, to in changes.items():
        key = next(entry for entry in keys if entry.endswith(f"{name}.png"))
        action = {"action": "drop"} if to is None else {"action": "relabel", "to": to}
        Journal(journal).append(Decision(**action, items=(keys[key],), who="anna"))


def test_a_person_reads_what_is_wrong(graft, messy):
    before = contents(messy)
    found = graft("clean", messy)
    assert found.returncode == 0, found.stderr
    assert "26 photos in 2 classes" in found.stdout
    assert "circle/wrong.png" in found.stdout
    assert "copies or near-copies" in found.stdout
    assert "letter.png" in found.stdout
    assert f"graft clean {messy} --app" in found.stdout
    assert contents(messy) == before


def test_json_is_one_value(run, messy):
    found = run("clean", messy, "--json")
    assert found.code == 0
    items = found.json["items"]
    assert len(items) == 26
    worst = min(items, key=lambda row: row["overall_score"])
    assert worst["path"].endswith("wrong.png")
    assert (worst["given_label"], worst["predicted_label"], worst["is_label_issue"]) == ("circle", "square", True)
    assert found.json["summary"]["issues"]["exact_duplicate"] == 2
    assert found.json["summary"]["n_skipped"] == 1
    first = found.json["corrections"][0]
    assert (first["action"], first["to"]) == ("relabel", "square")


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_the_table_is_written(run, messy, tmp_path, kind):
    table = tmp_path / f"table.{kind}"
    assert run("clean", messy, "-o", table).code == 0
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file)) if kind == "csv" else json.load(file)["items"]
    assert len(rows) == 26


def test_what_the_journal_was_worth(run, messy, tmp_path):
    journal = tmp_path / "j.jsonl"
    decide(messy, journal, wrong="square", copy=None)
    found = run("clean", messy, "--journal", journal, "--json")
    assert found.code == 0
    worth = found.json["worth"]
    assert (worth["n_relabelled"], worth["n_dropped"]) == (1, 1)
    assert worth["low"] <= worth["difference"] <= worth["high"]
    said = run("clean", messy, "--journal", journal).out
    assert worth["sentence"] in " ".join(said.split())
    assert "1 relabelled, 1 dropped" in said
    assert "No label looks wrong." in said  # what is decided is no issue any more
    assert {row["decision"] for row in found.json["items"]} == {"", "relabelled", "dropped"}


@pytest.mark.parametrize("as_manifest", [False, True])
def test_a_cleaned_copy(run, messy, tmp_path, as_manifest):
    journal, target = tmp_path / "j.jsonl", tmp_path / "cleaned"
    decide(messy, journal, wrong="square", copy=None)
    before = contents(messy)
    found = run("clean", messy, "--journal", journal, "--export", target, *(["--manifest"] if as_manifest else []))
    assert found.code == 0, found.err
    cleaned = read(target)
    assert (len(cleaned), cleaned.labels.count("square"), cleaned.labels.count("circle")) == (25, 13, 12)
    assert contents(messy) == before
    again = run("clean", messy, "--journal", journal, "--export", target)
    assert again.code == 1
    assert "cleaned" in again.err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--manifest"], 2, "--export"),
        (["-o", "table.xls"], 2, "table.xls"),
        (["--journal", "nowhere.jsonl"], 1, "nowhere.jsonl"),
        (["--encoder", "nonsense"], 2, "nonsense"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_breath(run, messy, tmp_path, monkeypatch, arguments, code, said):
    monkeypatch.chdir(tmp_path)
    found = run("clean", messy, *arguments)
    assert (found.code, found.out) == (code, "")
    assert said in found.err
    assert "Traceback" not in found.err


def test_one_class_is_enough(run, tmp_path):
    shapes.folders(tmp_path / "one", {"circle": 6})
    found = run("clean", tmp_path / "one")
    assert found.code == 0
    assert "Not judged" in found.out


def test_what_the_journal_says_in_vain_is_named(run, messy, tmp_path):
    journal = tmp_path / "j.journal"
    decide(messy, journal, wrong="square", copy=None)
    with journal.open("a", encoding="utf-8") as file:
        file.write("rubbish\n")
    (messy / "square" / "copy.png").unlink()
    (messy / "square" / "003.png").unlink()
    found = run("clean", messy, "--journal", journal, "--export", tmp_path / "out", "--json").json
    assert found["export"]["n_items"] == 24
    assert found["journal"]["unmatched"] == 1
    said = " ".join(found["journal"]["warnings"])
    assert "copy.png" in said
    assert "j.journal" in said
    text = run("clean", messy, "--journal", journal).out
    assert "copy.png" in text
    assert "1 unmatched" in text


def test_a_file_that_is_there_and_the_data_themselves_are_not_written_over(run, messy, tmp_path):
    table = tmp_path / "table.csv"
    table.write_text("notes")
    assert run("clean", messy, "-o", table).code == 1
    assert table.read_text() == "notes"
    assert run("clean", messy, "-o", table, "--overwrite").code == 0
    assert table.read_text().startswith("row,path")
    before = contents(messy)
    assert run("clean", messy, "-o", messy / "table.csv", "--overwrite").code == 1
    assert contents(messy) == before
    data = tmp_path / "data.csv"
    data.write_text(
        "text,label\n" + "".join(f"the parcel {i} is late,late\nmany thanks {i},thanks\n" for i in range(5))
    )
    content = data.read_bytes()
    assert run("clean", data, "-o", data, "--overwrite").code == 1
    assert data.read_bytes() == content


def test_the_next_command_can_be_copied(run, messy, tmp_path):
    spaced = messy.rename(tmp_path / "my photos")
    said = run("clean", spaced, "--modality", "image", "--backend", "onnxruntime").out
    assert f"graft clean '{spaced}' --backend onnxruntime --modality image --app" in said
    assert run("clean", spaced, "--app", "--json").code == 2


def test_without_its_server_the_page_is_refused_before_the_work(run, tmp_path, monkeypatch):
    for name in ("starlette", "uvicorn"):
        monkeypatch.setitem(sys.modules, name, None)
    found = run("clean", tmp_path / "nowhere", "--app")
    assert (found.code, found.out) == (1, "")
    assert "pip install 'graft-learn[app]'" in found.err
