import csv
import dataclasses
import io
import json
import subprocess
import sys
import wave
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

import graft

PROJECT = Path(__file__).parents[1]
sys.path.insert(0, str(PROJECT))  # benchmarks stands beside src and is not installed

from benchmarks import (  # noqa: E402
    drawings,
    draws,
    environments,
    fit,
    goals,
    honesty,
    mutations,
    populations,
    processes,
    race,
    results,
    samples,
    sets,
    speech,
    speed,
    text,
)
from benchmarks.broken_rules import RULES, Rule  # noqa: E402

PEERS = (*fit.PEERS, text.setfit_for(text.STEPS), *text.LOGISTIC, *speech.PEERS)


def photo(path: Path, colour: tuple[int, int, int] = (200, 30, 30), size: tuple[int, int] = (64, 48)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path)


@pytest.fixture
def flat(tmp_path: Path) -> Path:
    for label, count in (("cat", 7), ("dog", 5)):
        for number in range(count):
            photo(tmp_path / "pets" / label / f"{number}.jpg")
    return tmp_path / "pets"


@pytest.fixture
def split(tmp_path: Path) -> Path:
    for part, count in (("Train", 4), ("Valid", 2)):
        for label in ("cat", "dog"):
            for number in range(count):
                photo(tmp_path / "split" / part / label / f"{number}.jpg")
    return tmp_path / "split"


def test_folders_are_read_in_a_fixed_order(flat: Path) -> None:
    photos = sets.read_folders(flat)
    assert [(entry.item.name, entry.label) for entry in photos[:2]] == [("0.jpg", "cat"), ("1.jpg", "cat")]
    assert Counter(entry.label for entry in photos) == {"cat": 7, "dog": 5}
    assert {entry.split for entry in photos} == {""}
    assert draws.given_split("pets", photos) is None


def test_val_is_the_test_where_there_is_no_other(split: Path) -> None:
    division = draws.given_split("split", sets.read_folders(split))
    assert division is not None
    assert (len(division.train), len(division.test)) == (8, 4)
    assert draws.shots_of(division) == {"cat": 4, "dog": 4}


def test_val_is_learnt_from_where_there_is_a_test(split: Path) -> None:
    photo(split / "Test" / "cat" / "0.jpg")
    division = draws.given_split("split", sets.read_folders(split))
    assert division is not None
    assert (len(division.train), len(division.test)) == (12, 1)


def test_a_draw_parts_all_photos_and_follows_its_seed(flat: Path) -> None:
    photos = sets.read_folders(flat)
    first, again, other = (draws.draw("pets", photos, 3, seed) for seed in (0, 0, 1))
    assert first == again
    assert first.train != other.train
    assert draws.shots_of(first) == {"cat": 3, "dog": 3}
    assert sorted(p.item for p in first.train + first.test) == sorted(p.item for p in photos)


def test_a_draw_takes_a_number_for_each_label(flat: Path) -> None:
    division = draws.draw("pets", sets.read_folders(flat), {"cat": 6, "dog": 1}, 0)
    assert draws.shots_of(division) == {"cat": 6, "dog": 1}


def test_a_draw_must_leave_something_to_judge(flat: Path) -> None:
    with pytest.raises(ValueError, match="5 items of 'dog'"):
        draws.draw("pets", sets.read_folders(flat), 5, 0)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        sets.read_folders(tmp_path / "nowhere")


def test_the_manifest_is_what_the_peers_read(flat: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    division = draws.draw("pets", sets.read_folders(flat), 2, 0)
    path = draws.write_manifest(division, tmp_path / "manifest.csv")
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["path"] for row in rows] == [str(p.item.resolve()) for p in division.train + division.test]

    monkeypatch.syspath_prepend(str(environments.PEERS))
    import protocol

    task = protocol.read_manifest(path, seed=3)
    assert (task.classes, task.seed) == (["cat", "dog"], 3)
    assert [task.classes[target] for target in task.train.targets] == [p.label for p in division.train]
    assert len(task.test) == len(division.test)


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    folder = tmp_path / "mail"
    folder.mkdir()
    for split, count in (("train", 6), ("test", 3)):
        rows = [f'"{label}, line {n}\nand a ""second"" one",{label}' for label in ("ham", "spam") for n in range(count)]
        (folder / f"{split}.csv").write_text("\n".join(["text,label", *rows]) + "\n")
    return folder


def second(path: Path, seconds: float, level: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(level.to_bytes(2, "little") * round(8000 * seconds))


@pytest.fixture
def takes(tmp_path: Path) -> Path:
    for digit in range(2):
        for number, speaker in enumerate(("ada", "bob", "eve")):
            for index in range(7):
                second(tmp_path / "digits" / f"{digit}_{speaker}_{index}.wav", 0.4, 100 * number + 10 * digit + index)
    (tmp_path / "digits" / "readme.txt").write_text("not a recording")
    return tmp_path / "digits"


def test_a_few_texts_are_drawn_and_the_test_stays(tables: Path) -> None:
    division = draws.given_split("mail", sets.read_tables(tables), "text")
    assert division is not None
    first, again, other = (draws.few_of(division, 2, seed) for seed in (0, 0, 1))
    assert first == again
    assert first.train != other.train
    assert first.test == other.test == division.test
    assert draws.shots_of(first) == {"ham": 2, "spam": 2}
    assert set(first.train) < set(division.train)
    with pytest.raises(ValueError, match="6 items of 'ham'"):
        draws.few_of(division, 7, 0)


def test_takes_have_their_own_split_and_a_speaker_is_left_out_at_a_time(takes: Path) -> None:
    examples = sets.read_takes(takes)
    own = draws.given_split("digits", examples, "audio")
    assert own is not None
    assert (len(own.train), len(own.test)) == (12, 30)
    assert {example.item.stem.split("_")[2] for example in own.train} == {"5", "6"}
    divisions = list(draws.each_group_left_out("digits", examples, "audio"))
    assert [{example.group for example in division.test} for division in divisions] == [{"ada"}, {"bob"}, {"eve"}]
    assert all(set(division.train).isdisjoint(division.test) for division in divisions)
    with pytest.raises(FileNotFoundError, match="no recordings"):
        sets.read_takes(takes.parent)


def test_manifests_of_texts_and_recordings_are_what_graft_and_the_peers_read(
    tables: Path, takes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(environments.PEERS))
    import protocol

    for modality, examples in (("text", sets.read_tables(tables)), ("audio", sets.read_takes(takes))):
        division = draws.given_split("set", examples, modality)
        assert division is not None
        path = draws.write_manifest(division, tmp_path / f"{modality}.csv")
        dataset = graft.read(path)
        assert dataset.modality == modality
        assert Counter(dataset.splits) == {"train": len(division.train), "test": len(division.test)}
        assert dataset.groups == tuple(example.group for example in division.train + division.test)
        task = protocol.read_manifest(path, seed=0)
        assert task.column == modality
        assert task.test.items == [str(example.item) for example in division.test]


def test_a_text_race_is_divided_as_its_row_says(tables: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "DATA", tables.parent)
    [whole] = text.divide(text.Row("all", "mail"), 5)
    assert (len(whole.train), len(whole.test)) == (12, 6)
    few = list(text.divide(text.Row("few", "mail", shots=2), 3))
    assert [(division.seed, len(division.train), len(division.test)) for division in few] == [
        (0, 4, 6), (1, 4, 6), (2, 4, 6)
    ]  # fmt: skip


def test_goals_of_texts() -> None:
    def contestant(name: str, accuracy: float, wall: float) -> race.Contestant:
        return race.Contestant(name, (race.Run(accuracy, wall, wall, 0, {}),))

    found = [
        contestant(race.COLD, 0.94, 20.0),
        contestant(race.WARM, 0.94, 7.0),
        contestant(text.SAME.name, 0.94, 9.0),
        race.Contestant(text.SENTENCES.name, (), "no wheel"),
    ]
    fixed = list(text.goals_of(text.Row("a", "a", accuracy=0.932, cold=30, warm=6), found))
    assert [(goal.way, goal.reached) for goal in fixed] == [("at least", True), ("at most", True), ("at most", False)]
    [above] = text.goals_of(text.Row("a", "a"), found)  # as good is not above, and who is missing is no bound
    assert (above.way, above.reached) == ("above", False)
    assert goals.plain_goals([above])[0]["reached"] is False
    assert list(text.goals_of(text.Row("a", "a", accuracy=0.5), [race.Contestant(race.COLD, (), "broken")])) == []


def test_clips_last_a_second_and_are_of_one_speaker(takes: Path, tmp_path: Path) -> None:
    clips = samples.join_clips(takes, tmp_path / "clips", 7)
    assert Counter(clip.stem.split("_")[0] for clip in clips) == {"ada": 5, "bob": 2}
    for clip in clips:
        with wave.open(str(clip)) as file:
            assert (file.getframerate(), file.getnframes()) == (8000, 8000)
    with pytest.raises(FileNotFoundError, match="15 clips"):
        samples.join_clips(takes, tmp_path / "more", 16)


def test_a_set_without_a_split_needs_shots(flat: Path, split: Path) -> None:
    with pytest.raises(ValueError, match="--shots"):
        list(fit.divide(flat, 5, None))
    assert [division.seed for division in fit.divide(flat, 5, 2)] == [0, 1, 2, 3, 4]
    assert len(list(fit.divide(split, 5, None))) == 1


def test_a_process_is_timed_weighed_and_heard() -> None:
    inner = "import json; held = bytearray(200_000_000); print('words before'); print(json.dumps({'n': len(held)}))"
    outer = (
        "import dataclasses, json, sys; from benchmarks import processes; "
        f"print(json.dumps(dataclasses.asdict(processes.finish([sys.executable, '-c', {inner!r}]))))"
    )
    # From a small process, as the benchmarks are: a child starts with its parent's peak, and pytest's is large.
    found = subprocess.run([sys.executable, "-c", outer], cwd=PROJECT, capture_output=True, text=True, check=True)
    done = json.loads(found.stdout)
    assert done["answer"] == {"n": 200_000_000}
    assert done["wall"] > 0
    assert 200_000_000 < done["peak"] < 600_000_000


def test_a_process_gets_the_environment_that_it_is_given() -> None:
    script = "import json, os; print(json.dumps({'cache': os.environ['GRAFT_CACHE']}))"
    assert processes.finish([sys.executable, "-c", script], {"GRAFT_CACHE": "here"}).answer == {"cache": "here"}


@pytest.mark.parametrize(
    ("script", "said"), [("raise SystemExit('out of paint')", "out of paint"), ("print('no JSON')", "no JSON")]
)
def test_a_process_that_went_wrong_says_why(script: str, said: str) -> None:
    with pytest.raises(environments.UnavailableError, match=said):
        processes.finish([sys.executable, "-c", script])


def test_a_process_that_does_not_end_says_where_it_stood() -> None:
    script = "import time\ndef asleep(): time.sleep(60)\nasleep()"
    with pytest.raises(environments.UnavailableError, match=r"did not end in 2 s.* in asleep"):
        processes.finish([sys.executable, "-c", script], limit=2.0)


@pytest.mark.parametrize(
    ("text", "found"),
    [('{"a": 1}', {"a": 1}), ('{\n "a": 1\n}\n', {"a": 1}), ('noise\n{"a": 1}\n', {"a": 1}), ("[1]", None), ("", None)],
)
def test_json_stands_at_the_end(text: str, found: dict[str, int] | None) -> None:
    assert processes.json_at_end(text) == found


def test_an_environment_that_cannot_be_made_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environments, "ENVIRONMENTS", tmp_path / "environments")
    monkeypatch.setattr(environments, "PEERS", tmp_path)
    (tmp_path / "requirements-broken.txt").write_text("./not-there-at-all\n")
    with pytest.raises(environments.UnavailableError, match="not-there-at-all"):
        environments.python_of("broken")
    assert not (tmp_path / "environments" / "broken" / "installed.txt").exists()


@pytest.mark.parametrize("name", sorted({peer.environment for peer in PEERS} - {""}))
def test_every_environment_has_a_pinned_list(name: str) -> None:
    lines = environments.requirements_of(name).read_text().split()
    assert lines
    assert all("==" in line for line in lines)


def test_every_peer_has_its_script() -> None:
    assert all((environments.PEERS / peer.script).is_file() for peer in PEERS)


def test_a_table_shows_all_that_it_is_given() -> None:
    console = Console(file=io.StringIO(), width=100, record=True)
    console.print(results.table("Title", ("", "figure"), [("first", "0.9500"), ("second", "0.8000")], "a note"))
    drawn = console.export_text()
    assert all(word in drawn for word in ("Title", "figure", "first", "0.9500", "second", "0.8000", "a note"))


def test_ratios() -> None:
    assert results.ratio(30.0, 2.0) == "15.0 x"
    assert results.ratio(30.0, 0.0) == "-"


def test_results_are_kept_with_their_machine(tmp_path: Path) -> None:
    kept = json.loads(results.keep("fit", {"sets": [1, 2]}, tmp_path / "results").read_text())
    assert (kept["benchmark"], kept["sets"]) == ("fit", [1, 2])
    assert kept["machine"]["cores"] >= 1
    assert kept["versions"]["graft-learn"]


def test_contestants_are_set_beside_the_first_one() -> None:
    runs = [race.Run(accuracy, wall, wall - 0.5, 10**8, {}) for accuracy, wall in ((0.9, 3.0), (1.0, 5.0))]
    slow = [race.Run(0.8, 40.0, 30.0, 10**9, {})]
    assert race.row(race.Contestant("graft", tuple(runs)), runs) == (
        "graft", "0.9500", "0.9000", "4.00", "3.50", "100", "1.0 x"
    )  # fmt: skip
    assert race.row(race.Contestant("slow", tuple(slow)), runs)[-1] == "10.0 x"
    assert race.row(race.Contestant("absent", (), "no wheel"), runs) == ("absent", *"------")


def test_import_time_is_read_from_what_python_tells() -> None:
    told = (
        "import time: self [us] | cumulative | imported package\n"
        "import time:       100 |       1500 |   graft.errors\nimport time:       200 |      90000 | graft\n"
    )
    assert speed.imported_in(told, "graft") == pytest.approx(0.09)
    with pytest.raises(ValueError, match="numpy"):
        speed.imported_in(told, "numpy")


def test_drawn_photos_are_different_and_as_large_as_said(tmp_path: Path) -> None:
    for label, hue in (("ants", 40), ("bees", 200)):
        gradient = Image.linear_gradient("L").resize((640, 480))
        target = tmp_path / "source" / "ants_bees" / label / "0.png"
        target.parent.mkdir(parents=True)
        Image.merge("RGB", (gradient, gradient.rotate(90), Image.new("L", gradient.size, hue))).save(target)
    samples.draw_photos(tmp_path / "source", tmp_path / "many", 12)
    drawn = sorted((tmp_path / "many").rglob("*.jpg"))
    assert len({path.read_bytes() for path in drawn}) == 12
    assert Counter(path.parent.name for path in drawn) == {"ants": 6, "bees": 6}
    with Image.open(drawn[0]) as picture:
        assert max(picture.size) == samples.SIDE
    with pytest.raises(FileNotFoundError):
        samples.draw_photos(tmp_path / "nowhere", tmp_path / "none", 1)


def test_the_rest_of_a_draw_has_no_near_duplicate_of_it() -> None:
    y = np.repeat([0, 1], 50)
    clusters = np.arange(100) // 2  # every item has one copy
    drawn, rest = populations.draw_rows(y, clusters, 10, seed=3)
    assert np.bincount(y[drawn]).tolist() == [10, 10]
    assert not set(clusters[drawn]) & set(clusters[rest])
    assert set(clusters[drawn]) | set(clusters[rest]) == set(range(50))
    assert (populations.draw_rows(y, clusters, 10, seed=3)[0] == drawn).all()
    assert (populations.draw_rows(y, clusters, 10, seed=4)[0] != drawn).any()
    with pytest.raises(ValueError, match="50 items"):
        populations.draw_rows(y, clusters, 51, seed=3)


def test_groups_are_drawn_whole_and_the_others_are_the_rest() -> None:
    groups = tuple(name for name in "abcd" for _ in range(20))
    y = np.tile(np.repeat([0, 1], 10), 4)
    dataset = graft.Dataset.from_lists(
        [f"text {row}" for row in range(80)], list(map(str, y)), groups=groups, modality="text"
    )
    own = populations.Population(dataset, np.zeros((80, 2), np.float32), np.arange(80), drawn_groups=2)
    drawn, rest = own.draw(5, seed=0)
    assert np.bincount(y[drawn]).tolist() == [5, 5]
    inside, outside = ({groups[row] for row in rows} for rows in (drawn, rest))
    assert inside.isdisjoint(outside)
    assert (len(inside), len(outside), len(rest)) == (2, 2, 40)
    assert (own.draw(5, seed=0)[0] == drawn).all()


def test_some_classes_are_spread_over_the_names() -> None:
    labels = [letter for letter in "abcdefghi" for _ in range(2)]
    dataset = graft.Dataset.from_lists([f"text {row}" for row in range(18)], labels, modality="text")
    assert populations.some_classes(dataset, 3).classes == ("a", "e", "i")


def test_other_sets_of_the_same_modality_are_the_unknown() -> None:
    by_name = {source.name: source for source in populations.SOURCES}
    assert set(honesty.others_of(by_name["trec6"], populations.SOURCES)) == {"banking77", "sms_spam"}
    assert honesty.others_of(by_name["spoken_digits"], populations.SOURCES) == ()


def run(truth: float, complete: bool = False, left_out: float = float("nan")) -> honesty.Run:
    return honesty.Run(
        seed=0, head="logistic", value=0.9, low=0.8, high=0.95, wilson=0.1, truth=truth, n_rest=100, ece=0.04,
        reported_ece=0.05, coverage=1.0 if complete else 0.9, size=1.5, reported_coverage=0.9, complete=complete,
        unknown={"other": 0.99}, unknown_rate=0.05, left_out=left_out,
    )  # fmt: skip


def test_what_draws_come_to() -> None:
    runs = [run(0.9), run(0.97, left_out=0.8), run(0.7), run(0.85, complete=True)]
    cell = honesty.summary(runs)
    assert (cell["draws"], cell["holds"], cell["too_low"], cell["too_high"]) == (4, 0.5, 0.25, 0.25)
    assert cell["width_ratio"] == pytest.approx(1.5)
    assert cell["coverage"] == pytest.approx(0.9)  # without the draw whose sets hold every class by rule
    assert (cell["complete"], cell["left_out"]) == (0.25, 0.8)
    overall = honesty.summary_of_all([cell, honesty.summary([run(0.9, complete=True)])], [*runs, run(0.9)])
    assert overall["holds"] == pytest.approx(0.75)  # the plain mean of the two cells
    assert overall["holds_pooled"] == pytest.approx(0.6)
    assert overall["coverage"] == pytest.approx(0.9)
    assert overall["holds_low"] < 0.6 < overall["holds_high"]


def test_draws_that_could_not_be_judged_and_groups_do_not_count_for_intervals() -> None:
    nan = float("nan")
    runs = [run(0.9), dataclasses.replace(run(0.9), value=nan, low=nan, high=nan)]
    cell = honesty.summary(runs)
    assert (cell["draws"], cell["judged"], cell["holds"]) == (2, 1, 1.0)
    overall = honesty.summary_of_all([{**cell, "groups": 3}], runs)
    assert np.isnan(overall["width_ratio"])
    assert (overall["draws"], overall["holds_pooled"]) == (1, 1.0)


def test_a_draw_is_fitted_and_judged_on_the_rest(photos: Path, tmp_path: Path) -> None:
    chance = np.random.default_rng(0)
    for number in range(4):
        target = tmp_path / "noise" / f"noise {number % 2}" / f"{number}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(chance.integers(0, 256, (96, 96, 3)).astype(np.uint8)).save(target)
    forms, noise = (populations.population(folder) for folder in (photos, tmp_path / "noise"))
    assert forms.x.shape[0] == len(forms.dataset) == 36
    found = honesty.run_once(forms, {"noise": noise}, shots=7, seed=1)
    assert 0 < found.n_rest <= 36 - 3 * 7  # without what is nearly a copy of what was drawn
    assert 0 < found.low <= found.value <= found.high <= 1
    assert found.truth > 0.5  # by chance a third
    assert found.complete  # sets of 90 % need nine of each class
    assert found.coverage == 1.0
    assert found.unknown["noise"] > 0.8
    assert 0 <= found.unknown_rate < 1
    assert 0 <= found.left_out <= 1


def test_every_rule_that_can_be_broken_stands_in_the_code_and_has_its_test() -> None:
    mutations.check_texts(RULES)
    assert len({rule.name for rule in RULES}) == len(RULES)
    for rule in RULES:
        path, _, name = rule.test.partition("::")
        assert f"def {name}(" in (PROJECT / path).read_text(), rule
        assert rule.text != rule.instead


def test_a_rule_whose_text_is_gone_is_named(tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text("a = 1\nb = 1\n")
    for sought, count in (("c = 1", 0), (" = 1", 2)):
        with pytest.raises(ValueError, match=rf"two: its text stands {count} times in code\.py"):
            mutations.check_texts([Rule("two", "code.py", sought, "", "")], tmp_path)


def test_a_broken_rule_is_noticed_by_its_own_test_and_then_put_back(tmp_path: Path) -> None:
    tree = mutations.copy_tree(tmp_path)
    [rule] = [rule for rule in RULES if rule.name == "a file is replaced as a whole"]
    before = (tree / rule.file).read_text()
    assert mutations.break_rule(rule, tree).noticed
    other = dataclasses.replace(rule, test="tests/test_files.py::test_a_place_is_tried_and_left_as_it_was")
    assert not mutations.break_rule(other, tree).noticed
    with pytest.raises(ValueError, match="could not be run"):
        mutations.break_rule(dataclasses.replace(rule, test="tests/test_files.py::test_nothing"), tree)
    assert (tree / rule.file).read_text() == before == (PROJECT / rule.file).read_text()


@pytest.mark.parametrize("name", list(drawings.DRAWN))
def test_drawn_numbers_can_be_seen_and_come_again(name):
    contents, numbers = drawings.drawn(name, 4, 7)
    assert drawings.drawn(name, 4, 7) == (contents, numbers)
    assert len(set(contents)) == 4
    assert drawings.drawn(name, 4, 8)[1] != numbers
    if name == "bar":  # of the frame's columns, the share that is filled
        for content, number in zip(contents, numbers, strict=True):
            pixels = np.asarray(Image.open(io.BytesIO(content)).convert("L"), float)
            ground, ink = np.median(pixels[:, :20]), np.median(pixels[195:200, 60:110])
            column = np.abs(pixels[25:200, 60:110].mean(axis=1) - ink) < np.abs(ground - ink) / 2
            assert 100 * column.mean() == pytest.approx(number, abs=12)
