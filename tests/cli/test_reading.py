import json
import shlex

import pytest

from data.planted import plant
from data.sheets import xlsx

LATE = [f"the parcel number {n} has not come yet" for n in range(12)]
MONEY = [f"please send my money back for order {n}" for n in range(12)]


@pytest.fixture
def messages(tmp_path):
    """A table whose columns are called as nobody else calls them."""
    rows = [*((text, "late") for text in LATE), *((text, "refund") for text in MONEY)]
    lines = "".join(f"{n},{text},{label}\n" for n, (text, label) in enumerate(rows))
    (tmp_path / "my messages.csv").write_text("nr,said,what for\n" + lines)
    return tmp_path / "my messages.csv"


def test_the_corrected_command_works_as_printed_and_the_model_remembers_its_columns(run, messages, tmp_path):
    target = tmp_path / "m.graft"
    done = run("fit", messages, "-o", target, "--label-column", "wrong")
    assert done.code == 1
    *_, line = [line for line in done.err.splitlines() if " That is: " in line]
    words = shlex.split(line.split(" That is: ")[1])
    words = words[words.index("fit") :]
    assert words == ["fit", str(messages), "-o", str(target), "--item-column", "said", "--label-column", "what for"]
    assert run(*words).code == 0

    scored = run("evaluate", target, messages, "--json")
    assert scored.json["n_items"] == 24
    (tmp_path / "new.csv").write_text("nr,said\n1,where is my parcel\n2,money back please\n")
    answers = run("predict", target, tmp_path / "new.csv", "--json").json
    assert [one["input"] for one in answers] == ["where is my parcel", "money back please"]
    (tmp_path / "new.jsonl").write_text(json.dumps({"text": "where is it"}))  # of usual names it is read all the same
    assert run("predict", target, tmp_path / "new.jsonl", "--json").json[0]["input"] == "where is it"


def test_a_sheet_from_fit_to_predict(run, tmp_path):
    rows = [["text", "label"], *([text, "late"] for text in LATE), *([text, "refund"] for text in MONEY)]
    (tmp_path / "a.xlsx").write_bytes(xlsx({"Data": rows}))
    done = run("fit", tmp_path / "a.xlsx", "-o", tmp_path / "m.graft")
    assert done.code == 0
    assert "The sheet 'Data' of a.xlsx was read (24 rows)." in " ".join(done.out.split())
    assert len(run("predict", tmp_path / "m.graft", tmp_path / "a.xlsx", "--json").json) == 24


def test_a_root_for_the_files_of_a_table(run, tmp_path):
    folder = plant(tmp_path / "pictures", "1.jpg", "2.jpg")
    (tmp_path / "tables").mkdir()
    table = tmp_path / "tables" / "a.csv"
    table.write_text("path,label\n1.jpg,cat\n2.jpg,dog\n")
    assert "--root FOLDER" in run("clean", table).err
    assert "--root FOLDER" not in run("clean", table, "--root", folder).err
    assert "no folder" in run("clean", table, "--root", tmp_path / "nowhere").err
