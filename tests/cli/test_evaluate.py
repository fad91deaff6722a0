"""``graft evaluate`` from outside."""

import pytest

import shapes


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    """Photos that the model has not seen."""
    return shapes.folders(tmp_path_factory.mktemp("fresh") / "data", {"circle": 5, "square": 5}, first=200)


def test_json_holds_what_is_promised(run, saved, fresh):
    found = run("evaluate", saved, fresh, "--json")
    assert found.code == 0
    assert found.err == ""
    assert set(found.json) >= {"accuracy", "macro_f1", "per_class", "n_items", "skipped"}
    assert set(found.json["accuracy"]) >= {"value", "low", "high"}
    assert found.json["n_items"] == 10
    assert found.json["skipped"] == []
    assert set(found.json["per_class"]) == set(shapes.FORMS)
    assert found.json["per_class"]["triangle"]["recall"] is None


def test_text(run, saved, fresh):
    found = run("evaluate", saved, fresh)
    assert found.code == 0
    assert "Accuracy" in found.out
    assert "10 items" in found.out


def test_the_gate_looks_at_the_value(run, saved, tmp_path):
    half = shapes.folders(tmp_path / "half", {"circle": 5}, first=200)
    shapes.folders(tmp_path / "half", {"hexagon": 5}, first=200)
    value = run("evaluate", saved, half, "--json").json["accuracy"]["value"]
    assert 0 < value <= 0.5
    assert run("evaluate", saved, half, "--min-accuracy", value).code == 0
    found = run("evaluate", saved, half, "--min-accuracy", "0.75")
    assert found.code == 3
    assert "below the 0.75" in found.err
    assert "Accuracy" in found.out
    found = run("evaluate", saved, half, "--min-accuracy", "0.75", "--json")
    assert found.code == 3
    assert found.json["error"]["code"] == "gate"
    assert found.json["accuracy"]["value"] == value
    found = run("evaluate", saved, half, "--min-accuracy", "95")
    assert found.code == 2
    assert "0.95 is 95 %." in found.err


def test_a_gate_on_no_score_says_no(run, saved, tmp_path):
    few = shapes.folders(tmp_path / "few", {"circle": 9, "square": 4}, first=200)
    found = run("evaluate", saved, few, "--min-accuracy", "0", "--json")
    assert found.code == 3
    assert (found.json["accuracy"]["value"], found.json["accuracy"]["low"], found.json["macro_f1"]) == (None,) * 3
    assert "fewer than 2 classes have 5 judged items each (13 of 13 were right)" in found.json["error"]["message"]
    assert "No score: fewer than 2 classes" in run("evaluate", saved, few).out


def test_a_confident_gate_looks_at_the_lower_bound(run, saved, fresh):
    score = run("evaluate", saved, fresh, "--json").json["accuracy"]
    assert score["low"] < 0.8 < score["value"]
    assert run("evaluate", saved, fresh, "--min-accuracy", "0.8").code == 0
    found = run("evaluate", saved, fresh, "--min-accuracy", "0.8", "--confident")
    assert found.code == 3
    assert f"at least {score['low']:.4f}" in found.err
    assert run("evaluate", saved, fresh, "--min-accuracy", score["low"], "--confident").code == 0
    assert run("evaluate", saved, fresh, "--confident").code != 0


def test_photos_without_labels_are_for_predict(run, saved, photos):
    found = run("evaluate", saved, photos / "circle")
    assert found.code == 1
    assert f"to name unlabelled photos: graft predict {saved} {photos / 'circle'}" in found.err


def test_labels_of_which_the_model_knows_none(run, saved, tmp_path):
    other = shapes.folders(tmp_path / "other", {"hexagon": 2, "star": 2})
    found = run("evaluate", saved, other, "--modality", "image")
    assert found.code == 1
    assert "The data share no label with the model (hexagon, star / circle, square, triangle)." in found.err


def test_one_class_is_enough(run, saved, tmp_path):
    one = shapes.folders(tmp_path / "one", {"square": 3}, first=200)
    assert run("evaluate", saved, one, "--json").json["n_items"] == 3


def test_the_split_can_be_chosen(run, saved, tmp_path):
    for split, first in (("train", 300), ("test", 400)):
        shapes.folders(tmp_path / "data" / split, {"circle": 3, "square": 2}, first)
    assert run("evaluate", saved, tmp_path / "data", "--json").json["split"] == "test split"
    everything = run("evaluate", saved, tmp_path / "data", "--split", "all", "--json").json
    assert (everything["split"], everything["n_items"]) == ("all items", 10)
    assert run("evaluate", saved, tmp_path / "data", "--split", "train").out.count("flatters") == 1
    missing = run("evaluate", saved, tmp_path / "data", "--split", "val", "--json")
    assert missing.code == 1
    assert "test, train" in missing.json["error"]["message"]


def test_columns_of_a_manifest(run, saved, fresh, tmp_path):
    rows = [f"{path},{path.parent.name}\n" for path in fresh.rglob("*.png")]
    (tmp_path / "list.csv").write_text("photo,what\n" + "".join(rows))
    found = run("evaluate", saved, tmp_path / "list.csv", "--item-column", "photo", "--label-column", "what", "--json")
    assert found.json["n_items"] == 10
    assert run("evaluate", saved, tmp_path / "list.csv", "--json").json["error"]["code"] == "missing_column"


def test_what_was_learnt_from_is_no_test(run, saved, photos):
    assert any("flatters" in warning for warning in run("evaluate", saved, photos, "--json").json["warnings"])


def test_a_page_shows_the_mistakes(run, saved, photos, tmp_path):
    """Of a class that the model does not know, too."""
    root = shapes.folders(tmp_path / "new", {"circle": 3, "star": 2}, first=50)
    (root / "circle" / "wrong.png").write_bytes(shapes.encoded("square", 7))
    page = tmp_path / "e.html"
    found = run("evaluate", saved, root, "--report", page)
    assert found.code == 0
    assert f"Report  {page}" in found.out
    text = page.read_text("utf-8")
    assert f"Evaluation of {saved}" in text
    assert "circle/wrong.png" in text
    assert "star/050.png" in text
    assert "data:image/jpeg;base64," in text
    for of_a_fit in ('id="learning"', 'id="use"', 'id="timings"', "nearest neighbour"):
        assert of_a_fit not in text
    assert run("evaluate", saved, root, "--report", page).code == 1
    assert "report" not in run("evaluate", saved, root, "--report", page, "--overwrite", "--json").json


def test_a_page_of_items_with_several_labels(run, tmp_path):
    rows = [
        f"{text} {n},{labels}" for n in range(10) for text, labels in (("late", "a"), ("broken", "b"), ("both", "a|b"))
    ]
    (tmp_path / "t.csv").write_text("\n".join(["text,labels", *rows]))
    assert run("fit", tmp_path / "t.csv", "--multi-label", "-o", tmp_path / "t.graft").code == 0
    assert run("evaluate", tmp_path / "t.graft", tmp_path / "t.csv", "--report", tmp_path / "e.html").code == 0
    assert "Over all labels" in (tmp_path / "e.html").read_text("utf-8")
