"""``graft monitor`` from outside."""

import random
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import ImageEnhance, ImageFilter

import graft
import shapes
from graft.cli import exit_code


def fresh(root: Path, n: int, *, forms: tuple[str, ...] = shapes.FORMS, first: int = 5000) -> Path:
    """So many new photos in one folder; their names say nothing of what they show."""
    root.mkdir()
    chance = random.Random(first)
    for seed in range(first, first + n):
        (root / f"{seed}.png").write_bytes(shapes.encoded(chance.choice(forms), seed))
    return root


@pytest.fixture(scope="module")
def usual(saved, tmp_path_factory):
    """A log of sixty photos like those of the model, and one of as many of its circles."""
    folder = tmp_path_factory.mktemp("logs")
    for name, forms in (("usual", shapes.FORMS), ("circles", ("circle",))):
        photos = fresh(folder / name, 60, forms=forms)
        assert exit_code(["predict", str(saved), str(photos), "--log", str(folder / f"{name}.jsonl")]) == 0
    return folder


def test_what_is_usual_raises_no_alarm(run, saved, usual):
    found = run("monitor", saved, usual / "usual.jsonl", "--json")
    assert found.code == 0
    values = found.json
    assert set(values) >= {"n", "since", "input", "answers", "unknown", "estimated_accuracy", "alarm", "examples"}
    assert values["n"] == 60
    assert values["alarm"] is False
    assert values["since"] is None
    assert values["examples"] == []
    for test in ("input", "answers", "unknown"):
        assert values[test]["changed"] is False
        assert 0 < values[test]["p"] <= 1
    accuracy = values["estimated_accuracy"]
    assert 0 <= accuracy["low"] <= accuracy["value"] <= accuracy["high"] <= 1
    assert values["reference"] == {"name": "the 36 items that the model was fitted to", "n": 36}
    shown = run("monitor", saved, usual / "usual.jsonl")
    assert shown.code == 0
    assert shown.out.startswith("No change  in 60 items")
    assert "probably" in shown.out


def test_a_change_ends_with_3_and_is_shown(run, saved, usual):
    found = run("monitor", saved, usual / "circles.jsonl", "--json")
    assert found.code == 3
    values = found.json
    assert values["alarm"] is True
    assert values["answers"]["changed"]
    assert values["since"]
    shares = {one["label"]: one for one in values["answers"]["classes"]}
    assert shares["circle"]["low"] > 0.3
    assert shares["circle"]["now"] > 0.8
    assert values["answers"]["gone"] == ["square", "triangle"]
    assert values["answers"]["new"] == []
    assert values["estimated_accuracy"] is None
    assert "all items get the same answer" in values["no_accuracy"]
    assert 0 < len(values["examples"]) <= 10
    assert values["examples"][0]["item"] > values["examples"][-1]["item"]
    shown = run("monitor", saved, usual / "circles.jsonl")
    assert shown.code == 3
    assert shown.out.startswith("Changed")
    assert "Strangest" in shown.out


def test_items_that_the_model_was_fitted_to_are_left_out(run, saved, photos, usual, tmp_path):
    log = tmp_path / "log.jsonl"
    shutil.copy(usual / "usual.jsonl", log)
    alone = run("monitor", saved, log, "--json").json
    assert run("predict", saved, photos, "--log", log).code == 0
    found = run("monitor", saved, log, "--json").json
    assert found["log"].pop("known") == 36
    assert alone["log"].pop("known") == 0
    assert found == alone
    assert "36 items of the log are among these" in run("monitor", saved, log).out


def test_labelled_items_of_the_log_can_be_what_is_usual(run, saved, tmp_path):
    own = shapes.folders(tmp_path / "own", {"circle": 30, "square": 2}, first=9000)
    assert run("predict", saved, own, "--log", tmp_path / "log.jsonl").code == 0
    found = run("monitor", saved, tmp_path / "log.jsonl", "--data", own, "--json")
    assert found.code == 0
    assert (found.json["n"], found.json["log"]["known"]) == (0, 32)


def test_of_few_items_it_says_that_nothing_is_said_yet(run, saved, tmp_path):
    own = fresh(tmp_path / "few", 20, forms=("circle",), first=8000)
    assert run("predict", saved, own, "--log", tmp_path / "log.jsonl").code == 0
    found = run("monitor", saved, tmp_path / "log.jsonl", "--json")
    assert found.code == 0
    assert found.json["notes"] == ["There are 20 new items, and of the first 20 nothing is said yet."]
    shown = run("monitor", saved, tmp_path / "log.jsonl").out
    assert shown.startswith("Nothing can be told yet  in 20 items")
    assert "as before" not in shown
    own = fresh(tmp_path / "more", 1, forms=("circle",), first=8100)
    assert run("predict", saved, own, "--log", tmp_path / "log.jsonl").code == 0
    assert run("monitor", saved, tmp_path / "log.jsonl", "--json").json["notes"] == []


def test_the_same_log_looked_at_again_says_the_same(run, saved, usual):
    first, again = (run("monitor", saved, usual / "circles.jsonl", "--json").out for _ in range(2))
    assert first == again


def test_a_class_that_the_reference_never_had_is_named(run, saved, usual, tmp_path):
    own = shapes.folders(tmp_path / "own", {"circle": 20, "square": 20}, first=9100)
    found = run("monitor", saved, usual / "usual.jsonl", "--data", own, "--json").json
    assert found["answers"]["new"] == ["triangle"]
    assert found["answers"]["gone"] == []
    assert "New       triangle" in run("monitor", saved, usual / "usual.jsonl", "--data", own).out


def test_a_class_that_vanished_is_named_and_one_answer_leaves_no_accuracy(run, saved, usual):
    found = run("monitor", saved, usual / "circles.jsonl", "--json").json
    assert found["answers"]["new"] == []
    assert found["answers"]["gone"] == ["square", "triangle"]
    assert found["estimated_accuracy"] is None
    assert "all items get the same answer" in found["no_accuracy"]
    assert "Gone      square, triangle" in run("monitor", saved, usual / "circles.jsonl").out


def test_eight_items_all_alike_are_no_change_and_give_no_figure(run, saved, tmp_path):
    (tmp_path / "alike").mkdir()
    for seed in range(8):
        image = shapes.picture("circle", 8500)
        image.putpixel((0, 0), (seed, 0, 0))
        image.save(tmp_path / "alike" / f"{seed}.png")
    assert run("predict", saved, tmp_path / "alike", "--log", tmp_path / "log.jsonl").code == 0
    found = run("monitor", saved, tmp_path / "log.jsonl", "--json")
    assert found.code == 0
    assert found.json["n"] == 8
    assert found.json["estimated_accuracy"] is None
    assert "there are 8 items" in found.json["no_accuracy"]
    assert (found.json["answers"]["new"], found.json["answers"]["gone"]) == ([], [])  # eight are too few to miss any
    assert found.json["log"]["near_copies"] == 7
    assert found.json["notes"] == ["There are 8 new items, and of the first 20 nothing is said yet."]


def test_one_photo_over_and_over_is_told_as_such(run, saved, usual, tmp_path):
    log = tmp_path / "log.jsonl"
    shutil.copy(usual / "usual.jsonl", log)
    (tmp_path / "probe").mkdir()
    for seed in range(12):
        image = shapes.picture("circle", 8501)
        image.putpixel((0, 0), (seed, 0, 0))
        image.save(tmp_path / "probe" / f"{seed}.png")
    assert run("predict", saved, tmp_path / "probe", "--log", log).code == 0
    found = run("monitor", saved, log, "--json").json
    assert (found["n"], found["log"]["repeats"], found["log"]["near_copies"]) == (72, 0, 11)
    assert "Of the last 72 items 11 are near copies" in found["notes"][0]


def test_a_reference_that_comes_in_groups_is_said_to(saved, usual, photos):
    own = graft.read(photos)
    alone = graft.monitor(saved, usual / "usual.jsonl", own)
    grouped = replace(own, groups=tuple(f"burst {row // 3}" for row in range(len(own))))
    found = graft.monitor(saved, usual / "usual.jsonl", grouped)
    assert alone.notes == ()
    assert "comes in 12 groups" in found.notes[0]
    singles = replace(own, groups=tuple(f"photo {row}" for row in range(len(own))))
    assert graft.monitor(saved, usual / "usual.jsonl", singles).notes == ()
    model = graft.load(saved)
    fitted = replace(model, training=replace(model.training, groups=grouped.groups))
    assert "comes in 12 groups" in graft.monitor(fitted, usual / "usual.jsonl").notes[0]


def test_given_data_take_the_place_of_what_the_model_was_fitted_to(run, saved, usual, tmp_path):
    own = shapes.folders(tmp_path / "circles", {"circle": 30, "square": 2}, first=9000)
    found = run("monitor", saved, usual / "circles.jsonl", "--data", own, "--json").json
    assert found["reference"] == {"name": "the 32 items of circles", "n": 32}
    assert not found["answers"]["changed"]
    (own / "circle" / "cut.jpg").write_bytes(shapes.encoded("circle", 4)[:200])
    found = run("monitor", saved, usual / "circles.jsonl", "--data", own, "--json").json
    assert found["reference"] == {"name": "the 32 items of circles; 1 more cannot be used", "n": 32}


@pytest.mark.parametrize("forms", [{"circle": 30}, {"circle": 20, "square": 20}])
def test_a_class_that_the_reference_never_had_is_named_as_new(run, saved, usual, tmp_path, forms):
    own = shapes.folders(tmp_path / "own", forms, first=9000)
    found = run("monitor", saved, usual / "usual.jsonl", "--data", own, "--json")
    assert found.code == (3 if found.json["alarm"] else 0)
    assert found.json["answers"]["new"] == sorted(set(shapes.FORMS) - set(forms))
    assert found.json["answers"]["gone"] == []
    assert "New       triangle" in run("monitor", saved, usual / "usual.jsonl", "--data", own).out.replace(
        "square, ", ""
    )


@pytest.mark.parametrize("n", [1, 8])
def test_a_few_items_raise_no_alarm_and_give_no_figure(run, saved, tmp_path, n):
    """So many photos of one class, all but alike."""
    (tmp_path / "few").mkdir()
    for k in range(n):
        image = shapes.picture("circle", 9500)
        image.putpixel((0, 0), (k, 0, 0))
        image.save(tmp_path / "few" / f"{k}.png")
    assert run("predict", saved, tmp_path / "few", "--log", tmp_path / "log.jsonl").code == 0
    found = run("monitor", saved, tmp_path / "log.jsonl", "--json")
    assert found.code == 0
    assert found.json["n"] == n
    assert found.json["estimated_accuracy"] is None
    assert f"there are {n} items" in found.json["no_accuracy"]
    assert found.json["answers"]["gone"] == found.json["answers"]["new"] == found.json["examples"] == []


def test_without_cache_and_data_it_says_what_to_give(run, photos, usual, tmp_path):
    moved = shapes.folders(tmp_path / "moved", dict.fromkeys(shapes.FORMS, 6), first=700)
    model = graft.fit(moved).save(tmp_path / "m.graft")
    log = tmp_path / "log.jsonl"
    assert run("predict", tmp_path / "m.graft", photos / "circle", "--log", log).code == 0
    shutil.rmtree(moved)
    assert model
    assert run("monitor", tmp_path / "m.graft", log, "--json").code in (0, 3)
    found = run("monitor", tmp_path / "m.graft", log, "--no-cache", "--json")
    assert found.code == 1
    assert "--data" in found.json["error"]["hint"]


def test_what_is_no_log_or_of_another_model_is_refused(run, saved, usual, photos, tmp_path):
    (tmp_path / "text.jsonl").write_text("{}\n")
    for log in (tmp_path / "text.jsonl", tmp_path / "none.jsonl"):
        found = run("monitor", saved, log, "--json")
        assert found.code in (1, 2)
        assert found.json["error"]["hint"]
    other = graft.fit(photos, seed=5, encoder="image")
    other.save(tmp_path / "other.graft")
    found = run("monitor", tmp_path / "other.graft", usual / "usual.jsonl")
    assert found.code == 1
    assert "Traceback" not in found.err


def test_a_folder_that_is_sorted_by_class_is_no_change(run, saved, tmp_path):
    own = shapes.folders(tmp_path / "new", dict.fromkeys(shapes.FORMS, 20), first=7000)
    assert run("predict", saved, own, "--log", tmp_path / "log.jsonl").code == 0
    found = run("monitor", saved, tmp_path / "log.jsonl", "--json")
    assert found.code == 0
    assert found.json["n"] == 60


def test_repeats_and_broken_lines_are_told_apart_and_change_nothing(run, saved, usual, tmp_path):
    log = tmp_path / "log.jsonl"
    whole = (usual / "usual.jsonl").read_bytes()
    lines = whole.splitlines(keepends=True)
    again = lines[2].replace(b'"at": "20', b'"at": "21')  # its clock is far ahead
    log.write_bytes(b"".join([*lines[:30], b'{"at": broken}\n', *lines[30:], *[again] * 50, lines[5][:40]]))
    before = run("monitor", saved, usual / "usual.jsonl", "--json").json
    after = run("monitor", saved, log, "--json").json
    assert after["log"] == {
        "known": 0,
        "repeats": 50,
        "near_copies": 0,
        "broken": 1,
        "broken_lines": [31],
        "waiting": True,
        "other_models": {},
    }
    assert before.pop("log")["repeats"] == 0
    del after["log"]
    assert before == after


def test_other_inputs_leave_no_figure_but_how_many_to_label(run, saved, tmp_path):
    """Another camera: dark, and blurred."""
    (tmp_path / "dark").mkdir()
    for seed in range(60):
        image = shapes.picture(shapes.FORMS[seed % 3], 8000 + seed)
        dark = ImageEnhance.Brightness(image.filter(ImageFilter.GaussianBlur(3))).enhance(0.3)
        dark.save(tmp_path / "dark" / f"{seed}.png")
    assert run("predict", saved, tmp_path / "dark", "--log", tmp_path / "log.jsonl").code == 0
    found = run("monitor", saved, tmp_path / "log.jsonl", "--json")
    assert found.code == 3
    values = found.json
    assert values["input"]["changed"]
    assert values["input"]["found_item"] <= 60
    assert values["estimated_accuracy"] is None
    assert "only labels can tell" in values["no_accuracy"]
    assert values["to_label"] == 246
    assert "label 246 of the next items" in run("monitor", saved, tmp_path / "log.jsonl").out
