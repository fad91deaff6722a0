"""``graft predict`` from outside."""

import csv
import io
import json
import os
import re
import zipfile

import pytest

import graft
import shapes

KEYS = {"input", "label", "confidence", "unknown", "unknown_score", "scores", "set"}


def two(photos):
    return photos / "circle" / "000.png", photos / "square" / "001.png"


def test_json_is_a_list_of_answers(run, saved, photos):
    found = run("predict", saved, *two(photos), "--json")
    assert found.code == 0
    assert found.err == ""
    assert [answer["input"] for answer in found.json] == [str(path) for path in two(photos)]
    assert [answer["label"] for answer in found.json] == ["circle", "square"]
    for answer in found.json:
        assert set(answer) == KEYS
        assert set(answer["scores"]) == set(shapes.FORMS)
        assert sum(answer["scores"].values()) == pytest.approx(1, abs=1e-5)
        assert answer["confidence"] == max(answer["scores"].values()) == answer["scores"][answer["label"]]
        assert set(answer["set"]) <= set(shapes.FORMS)


def test_bad_inputs_are_answered_with_an_error_and_the_others_still(run, saved, photos, tmp_path):
    expected = shapes.bad_files(tmp_path)
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 and no more")
    good = photos / "circle" / "000.png"
    bad = [*(tmp_path / name for name in expected), tmp_path / "broken.zip", tmp_path / "gone.png"]
    found = run("predict", saved, *bad, good, "--json")
    assert found.code == 0
    *errors, answer = found.json
    assert [entry["error"]["code"] for entry in errors] == [*expected.values(), "unreadable", "unreadable"]
    assert all(set(entry) == {"input", "error"} and set(entry["error"]) == {"code", "message"} for entry in errors)
    assert [entry["input"] for entry in errors] == [str(path) for path in bad]
    assert answer["label"] == "circle"
    assert run("predict", saved, *bad, good, "--json", "--strict").code == 1
    assert run("predict", saved, good, "--strict").code == 0


def test_text_has_a_line_for_each_input(run, saved, photos, tmp_path):
    found = run("predict", saved, photos / "square", tmp_path / "gone.png")
    lines = found.out.splitlines()
    assert found.code == 0
    assert len(lines) == 13
    assert lines[-1].startswith("skipped")
    assert "gone.png" in lines[-1]
    assert sum(line.startswith("square") for line in lines) >= 10
    assert all("%" in line for line in lines[:-1])


def test_top(run, saved, photos):
    (answer,) = run("predict", saved, photos / "circle" / "000.png", "--top", "2", "--json").json
    assert next(iter(answer["scores"])) == answer["label"]
    assert len(answer["scores"]) == 2
    text = run("predict", saved, photos / "circle" / "000.png", "--top", "99").out
    assert all(form in text for form in shapes.FORMS)
    assert run("predict", saved, "x.png", "--top", "0").code == 2


def test_csv(run, saved, photos, tmp_path):
    found = run("predict", saved, *two(photos), tmp_path / "gone, really.png", "--csv")
    rows = list(csv.DictReader(io.StringIO(found.out)))
    assert list(rows[0]) == ["input", "label", "confidence", "unknown", "set", "error", *shapes.FORMS]
    assert [row["label"] for row in rows] == ["circle", "square", ""]
    assert sum(float(rows[0][form]) for form in shapes.FORMS) == pytest.approx(1, abs=1e-4)
    assert "gone, really.png" in rows[2]["error"]
    assert rows[2]["circle"] == ""


def test_csv_with_top(run, saved, photos, tmp_path):
    found = run("predict", saved, *two(photos), tmp_path / "gone.png", "--csv", "--top", "2")
    rows = list(csv.DictReader(io.StringIO(found.out)))
    assert list(rows[0])[6:] == ["label_1", "score_1", "label_2", "score_2"]
    assert all(row["label_1"] == row["label"] for row in rows)
    assert float(rows[0]["score_1"]) > float(rows[0]["score_2"])


def test_jsonl_is_one_value_a_line(run, saved, photos):
    lines = run("predict", saved, photos, "--jsonl").out.splitlines()
    assert len(lines) == 36
    assert all(set(json.loads(line)) == KEYS for line in lines)


def test_two_formats_are_one_too_many(run, saved):
    found = run("predict", saved, "x.png", "--csv", "--json")
    assert found.code == 2
    assert found.json["error"]["code"] == "usage"


def test_stdin_lists_paths(run, saved, photos):
    paths = [str(path) for path in two(photos)]
    found = run("predict", saved, "-", "--json", stdin="\r\n".join([*paths, "", "gone.png"]).encode())
    assert [answer["input"] for answer in found.json] == [*paths, "gone.png"]
    assert [answer.get("label") for answer in found.json] == ["circle", "square", None]


def test_stdin_is_a_picture(run, saved):
    for kind in ("PNG", "JPEG", "WEBP"):
        (answer,) = run("predict", saved, "-", "--json", stdin=shapes.encoded("circle", 0, kind)).json
        assert (answer["input"], answer["label"]) == ("stdin", "circle")


def test_empty_stdin_and_an_empty_folder_hold_nothing(run, saved, tmp_path):
    for arguments in (("-",), (tmp_path,)):
        found = run("predict", saved, *arguments)
        assert (found.code, found.out) == (1, "")
        assert "no files" in found.err
        assert run("predict", saved, *arguments, "--json").json == []
        assert run("predict", saved, *arguments, "--jsonl").out == ""


def test_nothing_that_could_be_answered_is_said(run, saved, tmp_path):
    found = run("predict", saved, tmp_path / "a.png", tmp_path / "b.png", "--json")
    assert (found.code, len(found.json)) == (1, 2)
    assert found.err == "None of the 2 inputs could be answered.\n"
    assert run("predict", saved, tmp_path / "a.png").err == "The one input could not be answered.\n"


def test_a_zip_is_looked_into(run, saved, photos, tmp_path):
    with zipfile.ZipFile(tmp_path / "new.zip", "w") as archive:
        archive.write(two(photos)[0], "inside/a.png")
    (answer,) = run("predict", saved, tmp_path / "new.zip", "--json").json
    assert answer["input"] == f"{tmp_path}/new.zip/inside/a.png"
    assert answer["label"] == "circle"


def test_a_model_that_is_none(run, tmp_path):
    found = run("predict", tmp_path / "none.graft", "x.png", "--json")
    assert found.code == 1
    assert found.json["error"]["code"] == "not_a_bundle"
    found = run("predict", tmp_path / "none.graft", "x.png")
    assert found.out == ""
    assert "nothing at" in found.err


def test_as_a_process_with_pipes(graft, saved, photos):
    path = photos / "circle" / "000.png"
    (by_path,) = json.loads(graft("predict", saved, "-", "--json", stdin=f"{path}\n".encode()).stdout)
    (by_bytes,) = json.loads(graft("predict", saved, "-", "--json", stdin=path.read_bytes()).stdout)
    assert by_path["scores"] == by_bytes["scores"]


HOSTILE = (
    "=HYPERLINK(1)",
    "+1 parcel",
    "-- late --",
    "@me late",
    "it is \x1b[31mlate\x1b]0;owned\x07 \x9b2J",
    "'=late",
)


@pytest.fixture(scope="module")
def messages(tmp_path_factory):
    """A model of texts whose classes are called as columns are, and one as a formula."""
    folder = tmp_path_factory.mktemp("messages")
    rows = [(f"the parcel number {i} has not come yet", "error") for i in range(12)]
    rows += [(f"please send my money back for order {i}", "unknown") for i in range(12)]
    rows += [(f"lovely shop, thank you {i}", "Input") for i in range(12)]
    rows += [(f"where is my invoice {i}", "=cmd|calc") for i in range(12)]
    with (folder / "t.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["text", "label"], *rows])
    graft.fit(folder / "t.csv").save(folder / "t.graft")
    return folder / "t.graft"


def test_no_two_columns_have_one_name(run, messages):
    found = run("predict", messages, "the parcel has not come", "--csv").out
    head = next(csv.reader(io.StringIO(found)))
    assert len({name.casefold() for name in head}) == len(head)
    row = next(csv.DictReader(io.StringIO(found)))
    assert (row["input"], row["label"], row["error"]) == ("the parcel has not come", "error", "")
    assert row["unknown"] in ("true", "false")
    assert float(row["score_error"]) == pytest.approx(float(row["confidence"]))
    assert float(row["score_unknown"]) < float(row["score_error"])


@pytest.mark.parametrize("flag", ["--csv", "--json", "--jsonl", None])
def test_nothing_drives_a_terminal_or_a_spreadsheet(run, messages, flag):
    found = run("predict", *([flag] if flag else ()), "--", messages, *HOSTILE)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", found.out + found.err)
    if flag == "--csv":
        rows = list(csv.reader(io.StringIO(found.out)))
        assert len(rows) == 1 + len(HOSTILE)
        assert not [cell for row in rows for cell in row if cell[:1] in ("=", "+", "-", "@")]
        assert rows[1][0] == "'=HYPERLINK(1)"
    if flag in ("--json", "--jsonl"):
        answers = found.json if flag == "--json" else [json.loads(line) for line in found.out.splitlines()]
        assert [answer["input"] for answer in answers] == [" ".join(text.split()) for text in HOSTILE]


def test_a_file_keeps_the_columns_of_the_table(run, messages, tmp_path):
    table = tmp_path / "new.csv"
    with table.open("w", newline="") as file:
        rows = [["id", "text", "label", "note"], [1, "my parcel has not come", "?", "=1+1"], [2, "", "", "Büro"]]
        csv.writer(file).writerows([*rows, [3, "money back please", "x", "y"]])
    for name, delimiter in (("out.csv", ","), ("out.tsv", "\t")):
        found = run("predict", messages, table, "-o", tmp_path / name)
        assert found.code == 0
        assert f"{tmp_path / name}" in found.out
        with (tmp_path / name).open(encoding="utf-8", newline="") as file:
            read = list(csv.DictReader(file, delimiter=delimiter))
        assert list(read[0])[:6] == ["id", "text", "label", "note", "input", "predicted_label"]
        assert [row["id"] for row in read] == ["1", "2", "3"]
        assert [row["label"] for row in read] == ["?", "", "x"]
        assert [row["note"] for row in read] == ["'=1+1", "Büro", "y"]
        assert [row["predicted_label"] for row in read] == ["error", "", "unknown"]
        assert read[1]["error"]
    assert run("predict", messages, table, "-o", tmp_path / "out.jsonl").code == 0
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    assert lines[0]["row"] == {"id": "1", "text": "my parcel has not come", "label": "?", "note": "=1+1"}
    before = (tmp_path / "out.csv").read_bytes()
    assert run("predict", messages, table, "-o", tmp_path / "out.csv").code == 1
    assert run("predict", messages, table, "-o", tmp_path / "out.txt").code == 2
    assert run("predict", messages, table, "-o", tmp_path / "out.csv", "--overwrite", "--json").code == 2
    assert (tmp_path / "out.csv").read_bytes() == before


def test_a_file_that_stdin_names_is_not_written_over(run, saved, photos, tmp_path):
    own = tmp_path / "mine.csv"
    own.write_text("mine")
    found = run("predict", saved, "-", "-o", own, "--overwrite", stdin=f"{photos}\n{own}\n".encode())
    assert found.code == 1
    assert own.read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["mine.csv"]


def test_answers_are_utf_8_whatever_the_locale(graft, saved, tmp_path):
    path = tmp_path / "ü門.png"
    path.write_bytes(shapes.encoded("circle", 0))
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    environment.pop("PYTHONIOENCODING", None)
    assert str(path) in graft("predict", saved, path, "--csv", env=environment).stdout
    assert graft("predict", saved, path, "-o", tmp_path / "a.csv", env=environment).returncode == 0
    assert str(path) in (tmp_path / "a.csv").read_text("utf-8")


def test_the_cache_can_be_left_alone(run, saved, photos, tmp_path, monkeypatch):
    monkeypatch.setenv("GRAFT_CACHE", str(tmp_path / "cache"))
    assert run("predict", saved, *two(photos), "--no-cache").code == 0
    assert not (tmp_path / "cache").exists()
    assert run("predict", saved, *two(photos)).code == 0
    assert sum(run("cache", "--json").json["entries"].values()) == 2


def test_why_is_said_and_drawn(run, saved, photos):
    photo = photos / "circle" / "001.png"
    found = run("predict", saved, photo, "--why")
    lines = found.out.splitlines()
    assert found.code == 0
    assert re.match(r"    (mostly because of what is|no single part)", lines[1])
    assert [len(line) for line in lines[2:]] == [4 + 16] * 7
    (answer,) = json.loads(run("predict", saved, photo, "--why", "--json").out)
    assert set(answer["why"]) == {"kind", "label", "confidence", "rows", "columns", "effects", "box"}
    assert answer["why"]["label"] == answer["label"]
    assert "why" not in json.loads(run("predict", saved, photo, "--json").out)[0]


def test_why_of_what_cannot_be_read_or_written_in_a_table(run, saved, photos, tmp_path):
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"Dear all")
    found = run("predict", saved, bad, photos / "circle" / "001.png", "--why", "--jsonl")
    first, second = map(json.loads, found.out.splitlines())
    assert "error" in first
    assert "why" not in first
    assert "why" in second
    refused = run("predict", saved, bad, "--why", "--csv")
    assert refused.code == 2
    assert "A table has no room for --why." in refused.err
