import csv
import io
import json
import re
from dataclasses import replace

import numpy as np
import pytest

import graft
import shapes
from graft.cleaning.issue_table import DOUBTFUL, LESSER, overall
from graft.data.dataset import Dataset
from graft.errors import NothingToRead, UsageError
from graft.samples import write_messages


@pytest.fixture(scope="module")
def messy():
    """Forty photos in two splits; three have the label of the other class."""
    items, labels = shapes.lists(circle=20, square=20)
    for row in (3, 25, 31):
        labels[row] = "square" if labels[row] == "circle" else "circle"
    splits = ["test" if row % 4 == 0 else "train" for row in range(40)]
    return Dataset.from_lists(items, labels, splits=splits, name="messy")


@pytest.fixture(scope="module")
def findings(messy):
    return graft.find_issues(messy)


def test_swapped_labels_come_first(findings):
    assert set(findings.issues("label").tolist()) == {3, 25, 31}
    assert set(findings.worst_first()[:3].tolist()) == {3, 25, 31}
    assert findings["predicted_label"][3] == "circle"
    assert findings["given_label"][3] == "square"
    assert findings["label_score"][[3, 25, 31]].max() < findings["label_score"][[0, 20]].min()


@pytest.fixture(scope="module")
def copied():
    """Eight different texts, then a copy under the same label, one under another, and two in other words or cases."""
    texts = ["The parcel came late", "Where is my order now?", "It broke on the first day", "Send the bill again"]
    thanks = ["Thank you so much for this", "What a lovely lamp", "My kids adore it already", "Best shop by far"]
    items = [*texts, *thanks, texts[0], thanks[0], "WHERE is my order  now", "What a lovely lamp!"]
    labels = ["moan"] * 4 + ["praise"] * 4 + ["moan", "moan", "moan", "praise"]
    splits = ["train"] * 8 + ["train", "train", "test", "train"]
    pytest.importorskip("tokenizers")
    return graft.find_issues(Dataset.from_lists(items, labels, splits=splits, modality="text"))


def test_copies(copied):
    assert np.flatnonzero(copied["is_exact_duplicate_issue"]).tolist() == [0, 4, 8, 9]
    assert np.flatnonzero(copied["is_near_duplicate_issue"]).tolist() == [0, 1, 4, 5, 8, 9, 10, 11]
    assert copied["near_duplicate_sets"][1].tolist() == [10]
    assert copied["near_duplicate_score"][[0, 4, 8, 9]].max() == 0
    assert sorted(found.rows for found in copied.duplicates) == [(0, 8), (1, 10), (4, 9), (5, 11)]


def test_a_copy_under_another_label_comes_early(copied):
    assert np.flatnonzero(copied["is_label_conflict_issue"]).tolist() == [4, 9]
    assert set(copied.worst_first()[:2].tolist()) == {4, 9}
    assert "1 set of 2 items with equal content under different labels" in str(copied)


def test_a_copy_in_another_split_is_a_leak(copied):
    assert np.flatnonzero(copied["is_leak_issue"]).tolist() == [1, 10]
    assert "both sides of a split" in str(copied)


def test_every_score_is_between_0_and_1_and_every_flag_a_bool(findings):
    for name, values in findings.columns.items():
        if name.endswith("_score"):
            assert values.min() >= 0, name
            assert values.max() <= 1, name
        if name.startswith("is_"):
            assert values.dtype == bool, name
        assert len(values) == len(findings) == 40, name


def test_the_table_in_three_formats(findings, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    for kind in ("csv", "json", "parquet"):
        findings.write(tmp_path / f"table.{kind}")
    with (tmp_path / "table.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    whole = json.loads((tmp_path / "table.json").read_text(encoding="utf-8"))
    table = parquet.read_table(tmp_path / "table.parquet").to_pylist()
    assert len(rows) == len(whole["items"]) == len(table) == 40
    assert list(rows[0]) == list(whole["items"][0]) == list(table[0]) == list(findings.columns)
    assert whole["items"] == table
    assert [row["given_label"] for row in rows] == [row["given_label"] for row in table]
    assert json.loads(rows[1]["near_duplicate_sets"]) == findings["near_duplicate_sets"][1].tolist()
    assert whole["summary"]["issues"]["label"] == 3
    with pytest.raises(UsageError, match=r"table\.xls"):
        findings.write(tmp_path / "table.xls")


def test_the_confusion_of_labels(findings):
    assert findings.confusion().tolist() == [[0, 2], [1, 0]]
    assert findings.confusion().sum() == len(findings.issues("label"))


def test_an_unknown_kind_names_the_known_ones(findings):
    with pytest.raises(UsageError, match=r"no kind of issue called 'ugly'"):
        findings.issues("ugly")


def test_a_class_too_small_to_judge_is_said_to_be_so():
    found = graft.find_issues(shapes.dataset(circle=8, square=8, triangle=1))
    assert found.too_few() == ("triangle",)
    assert not found["is_label_judged"][16]
    assert found["label_score"][16] == 1
    assert found.summary()["n_unjudged"] == 1
    assert "Too few items to judge: triangle." in str(found)


@pytest.mark.parametrize("counts", [{"circle": 6}, {"circle": 1, "square": 1}, {"circle": 1}])
def test_where_no_label_can_be_judged_the_rest_is_found_all_the_same(counts):
    found = graft.find_issues(shapes.dataset(**counts))
    assert found.labels is None
    assert (found["label_score"] == 1).all()
    assert not found["is_label_judged"].any()
    assert "Not judged" in str(found)
    json.dumps(found.to_dict(), allow_nan=False)


def test_several_labels_of_an_item():
    items, labels = shapes.lists(circle=6, square=6)
    found = graft.find_issues(Dataset.from_lists([*items, items[0]], [*([label] for label in labels), ["circle"]]))
    assert found.labels is None
    assert found["is_exact_duplicate_issue"].sum() == 2
    assert "several labels" in str(found)


def test_unreadable_files_are_named(photos, tmp_path):
    folder = shapes.folders(tmp_path / "set", {"circle": 5, "square": 5})
    shapes.bad_files(folder / "circle")
    found = graft.find_issues(folder)
    assert len(found) == 10
    assert {entry.code for entry in found.skipped} >= {"empty", "truncated", "too_large"}
    assert found.summary()["n_skipped"] == len(found.skipped)


def test_nothing_readable(tmp_path):
    for label in ("a", "b"):
        (tmp_path / label).mkdir()
        (tmp_path / label / "1.png").write_bytes(b"")
    with pytest.raises(NothingToRead):
        graft.find_issues(tmp_path)


def test_the_same_data_give_the_same_findings(messy, findings):
    again = graft.find_issues(messy, cache=None)
    assert again.to_dict() == findings.to_dict()


def test_copies_are_held_out_together_so_that_none_vouches_for_the_other():
    """A wrong label that stands there three times is wrong all the same."""
    items, labels = shapes.lists(circle=20, square=20)
    labels[0] = "square"
    found = graft.find_issues(Dataset.from_lists([*items, items[0], items[0]], [*labels, "square", "square"]))
    assert found["is_label_issue"][[0, 40, 41]].all()


def test_labels_of_texts(tmp_path):
    pytest.importorskip("tokenizers")
    write_messages(tmp_path / "messages.csv")
    dataset = graft.read(tmp_path / "messages.csv")
    labels = list(dataset.labels)
    wrong = labels.index(dataset.classes[0])
    labels[wrong] = dataset.classes[1]
    found = graft.find_issues(replace(dataset, labels=tuple(labels)))
    assert found["is_label_issue"][wrong]
    assert found["text"][wrong] == dataset.items[wrong].name


def test_the_order_of_look_first():
    flags = np.array([True, False, False, False, False])
    columns = {
        "label_score": np.array([0.1, 0.2, 1, 1, 1]),
        "is_label_issue": flags,
        "outlier_score": np.array([1, 1, 0.4, 1, 1]),
        "is_outlier_issue": flags[[1, 1, 0, 1, 1]],
        "is_dark_issue": flags[[1, 1, 1, 0, 1]],
        "dark_score": np.array([1, 1, 1, 0.5, 1]),
        "is_label_conflict_issue": flags[[1, 1, 1, 1, 0]],
    }
    assert overall(columns).tolist() == pytest.approx([0.1, DOUBTFUL + 0.1, 0.4, LESSER + 0.2, LESSER])
    assert overall(columns, ["label_conflict"])[4] == 0


@pytest.mark.shared
def test_flipped_labels_of_real_photos_are_found(shared):
    """Chance would put 10 % of the flipped ones into the first tenth."""
    dataset = graft.read(shared / "ants_bees")
    chance = np.random.default_rng(0)
    flipped = chance.permutation(len(dataset))[: len(dataset) // 10]
    labels = list(dataset.labels)
    for row in flipped:
        labels[row] = "bees" if labels[row] == "ants" else "ants"
    found = graft.find_issues(Dataset(dataset.items, tuple(labels)))
    first = found["label_score"].argsort()[: len(flipped)]
    assert np.isin(first, flipped).mean() > 0.8


def test_no_cell_of_the_table_is_a_formula_or_drives_a_terminal(tmp_path):
    hostile = ["=HYPERLINK(1)", "+1 parcel", "-- late", "@me", "a\x1b[31mb\x9b2J"]
    labels = ["=a", "-b"]
    texts = [f"{text} {n}" for n in range(4) for text in hostile]
    data = graft.Dataset.from_lists(texts, [labels[n % 2] for n in range(len(texts))], modality="text")
    graft.find_issues(data).write(tmp_path / "table.csv")
    content = (tmp_path / "table.csv").read_text("utf-8")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", content)
    cells = [cell for row in csv.reader(io.StringIO(content)) for cell in row]
    assert not [cell for cell in cells if cell[:1] in ("=", "+", "@") or (cell[:1] == "-" and not _is_number(cell))]


def _is_number(cell):
    try:
        float(cell)
    except ValueError:
        return False
    return True
