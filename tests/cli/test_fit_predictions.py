"""``graft fit --predictions`` from outside."""

import csv
import json

import pytest

import graft
import shapes


def test_a_given_test_split_is_told_apart(run, tmp_path):
    for split, first in (("train", 0), ("test", 50)):
        shapes.folders(tmp_path / "data" / split, {"circle": 6, "square": 6}, first)
    out = tmp_path / "held.csv"
    found = run("fit", tmp_path / "data", "-o", tmp_path / "m.graft", "--predictions", out)
    assert found.code == 0
    assert str(out) in found.out
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 24
    assert {row["split"]: row["fold"] == "0" for row in rows} == {"train": False, "test": True}
    assert {"given", "input", "label", "confidence", "unknown", "set", "circle", "square"} <= set(rows[0])
    answers = graft.load(tmp_path / "m.graft").predict([tmp_path / "data" / row["input"] for row in rows[12:]])
    assert [row["label"] for row in rows[12:]] == [answer.label for answer in answers]
    assert [float(row["circle"]) for row in rows[12:]] == pytest.approx(
        [answer.scores["circle"] for answer in answers], abs=1e-3
    )
    assert run("fit", tmp_path / "data", "-o", tmp_path / "m.graft", "--overwrite", "--predictions", out).code == 0
    assert run("fit", tmp_path / "data", "-o", tmp_path / "n.graft", "--predictions", out).code == 1
    assert run("fit", tmp_path / "data", "-o", tmp_path / "n.graft", "--predictions", tmp_path / "a.txt").code == 2


def test_several_labels(run, tmp_path):
    kinds = {"late": "a", "broken": "b", "both": "a|b"}
    rows = [f"{text} {n},{labels}" for n in range(10) for text, labels in kinds.items()]
    (tmp_path / "t.csv").write_text("\n".join(["text,labels", *rows]))
    out = tmp_path / "held.jsonl"
    words = ("fit", tmp_path / "t.csv", "--multi-label", "-o", tmp_path / "t.graft", "--predictions", out)
    assert run(*words).code == 0
    said = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert len(said) == 30
    assert {entry["row"]["given"] for entry in said} == {"a", "b", "a|b"}
    assert all(set(entry["labels"]) == set(entry["label"].split("|")) - {""} for entry in said)
