"""Models of any number of labels from outside."""

import csv
import io
import random

import pytest
from PIL import Image

import graft
import shapes
from graft.reading.read import read

SETS = [(), ("circle",), ("square",), ("circle", "square")]


def draw(folder, n, first=0):
    """Pictures of a circle, a square, both or neither, and a table of what is in them."""
    folder.mkdir()
    rows = ["path,label"]
    for seed in range(first, first + n):
        labels = SETS[seed % len(SETS)]
        chance = random.Random(seed)
        image = Image.new("RGB", (192, 96), tuple(chance.randint(170, 255) for _ in range(3)))
        for place, label in enumerate(chance.sample(labels, len(labels))):
            image.paste(shapes.picture(label, seed), (96 * place, 0))
        image.save(folder / f"{seed:03}.png")
        rows.append(f"{seed:03}.png,{'|'.join(labels)}")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return draw(tmp_path_factory.mktemp("data") / "tagged", 48)


@pytest.fixture(scope="module")
def new(tmp_path_factory):
    return draw(tmp_path_factory.mktemp("data") / "new", 16, first=500)


@pytest.fixture(scope="module")
def tagged(pictures, tmp_path_factory):
    """A saved model of the pictures."""
    folder = tmp_path_factory.mktemp("models") / "tagged.graft"
    graft.fit(read(pictures / "labels.csv", multi_label=True)).save(folder)
    return folder


def test_fitting_says_what_it_found(run, pictures, tmp_path):
    found = run("fit", pictures / "labels.csv", "--multi-label", "-o", tmp_path / "m.graft", "--json")
    assert found.code == 0
    assert found.json["multi_label"] is True
    assert found.json["classes"] == ["circle", "square"]
    assert found.json["confusion"] == []
    assert "sets" not in found.json
    assert set(found.json["multi"]) >= {"micro_f1", "macro_f1", "hamming_loss", "mean_average_precision"}


def test_text_names_every_label_or_none(run, tagged, new):
    found = run("predict", tagged, new / "500.png", new / "501.png", new / "503.png")
    assert found.code == 0
    none, one, two = found.out.splitlines()
    assert none.startswith("no label ")
    assert one.startswith("circle ")
    assert two.startswith(("circle, square ", "square, circle "))


def test_json_has_the_labels(run, tagged, new):
    found = run("predict", tagged, new / "503.png", "--json")
    [answer] = found.json
    assert sorted(answer["labels"]) == answer["set"] == answer["label"].split("|") == ["circle", "square"]
    assert all(answer["scores"][label] >= 0.5 for label in answer["labels"])
    assert 0 < answer["confidence"] <= min(answer["scores"].values())


def test_csv_joins_the_labels(run, tagged, new):
    found = run("predict", tagged, *sorted(new.glob("*.png")), "--csv")
    rows = list(csv.DictReader(io.StringIO(found.out)))
    assert len(rows) == 16
    assert {row["label"] for row in rows} == {"", "circle", "square", "circle|square"}
    for row in rows:
        assert row["label"] == row["set"] == "|".join(name for name in ("circle", "square") if float(row[name]) >= 0.5)


def test_scoring_reads_the_data_as_the_model_was_taught(run, tagged, new):
    found = run("evaluate", tagged, new / "labels.csv", "--json")
    assert found.code == 0
    assert found.json["multi"]["exact_match"] == found.json["accuracy"]["value"] > 0.5
    assert set(found.json["per_class"]) == {"circle", "square"}
    assert found.json["coverage"] is None


def test_the_score_as_text(run, tagged, new):
    found = run("evaluate", tagged, new / "labels.csv", "--min-accuracy", 0.1)
    assert found.code == 0
    assert found.out.startswith("Exact match ")
    assert "Hamming loss" in found.out


def test_heads_of_one_class_are_refused_before_the_work(run, pictures, tmp_path):
    found = run("fit", pictures / "labels.csv", "--multi-label", "--head", "prototype", "-o", tmp_path / "m.graft")
    assert found.code == 2
    assert "any number of labels" in found.err
