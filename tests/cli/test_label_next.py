"""``graft label-next`` from outside."""

import csv
import io

import pytest

import graft
import shapes


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    """Photos in one folder, without labels; one cannot be read."""
    folder = tmp_path_factory.mktemp("pool") / "new, unsorted"
    folder.mkdir()
    for seed in range(500, 506):
        for label in shapes.FORMS:
            (folder / f"{label}{seed}.png").write_bytes(shapes.encoded(label, seed))
    (folder / "empty.png").write_bytes(b"")
    return folder


def test_a_list_in_the_order_to_label(run, saved, pool):
    found = run("label-next", saved, pool, "-n", 4)
    assert found.code == 0
    lines = found.out.splitlines()
    assert [line.split()[0] for line in lines[:4]] == ["1", "2", "3", "4"]
    assert all(str(pool) in line and line.endswith(")") for line in lines[:4])
    assert f"graft extend {saved}" in lines[-1]
    assert "4 of 18 items without a label; 1 skipped." in found.err
    assert "empty.png" in found.err


def test_json_holds_the_same(run, saved, pool):
    found = run("label-next", saved, pool, "-n", 4, "--json")
    assert (found.code, found.err) == (0, "")
    assert {key: found.json[key] for key in ("n_items", "n_labelled", "n_copies")} == {
        "n_items": 18, "n_labelled": 0, "n_copies": 0,
    }  # fmt: skip
    [skipped] = found.json["skipped"]
    assert skipped["code"] == "empty"
    assert all(set(e) == {"input", "predicted", "confidence", "score", "reason"} for e in found.json["suggestions"])
    table = run("label-next", saved, pool, "-n", 4)
    for line, entry in zip(table.out.splitlines()[:4], found.json["suggestions"], strict=True):
        assert entry["input"] in line


def test_the_table_can_be_filled_in_and_learnt_from(run, saved, pool, tmp_path):
    found = run("label-next", saved, pool, "-n", 6, "--csv")
    rows = list(csv.DictReader(io.StringIO(found.out)))
    assert len(rows) == 6
    assert {row["label"] for row in rows} == {""}
    for row in rows[:5]:  # the last one is left open
        row["label"] = next(label for label in shapes.FORMS if label in row["path"].rsplit("/", 1)[1])
    with (tmp_path / "labelled.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    dataset = graft.read(tmp_path / "labelled.csv", min_classes=1)
    assert len(dataset) == 5
    assert dataset.labels == tuple(row["label"] for row in rows[:5])
    assert len(dataset.skipped) == 1
    extended = graft.extend(graft.load(saved), dataset)
    assert extended.report.n_items == 41
    extended.save(tmp_path / "extended.graft")
    again = run("label-next", tmp_path / "extended.graft", pool, "-n", 18, "--json").json
    assert (again["n_items"], again["n_labelled"]) == (13, 5)


def test_what_is_all_labelled(run, saved, photos):
    found = run("label-next", saved, photos)
    assert (found.code, found.out) == (0, "")
    assert "Nothing is left to label; 36 labelled already." in found.err


def test_nothing_there(run, saved, tmp_path):
    found = run("label-next", saved, tmp_path / "nowhere")
    assert found.code == 1
    assert "None of the 1 items can be read" in found.err
    assert run("label-next", saved, tmp_path, "--json").json["error"]["code"] == "nothing_to_read"
    assert run("label-next", saved, tmp_path, "--json", "--csv").code == 2


def test_texts_of_a_table(run, tmp_path):
    from graft.samples import write_messages

    model = graft.fit(write_messages(tmp_path / "messages.csv").path).save(tmp_path / "m.graft")
    (tmp_path / "new.csv").write_text('text\n"Where is, please, my parcel?"\nThe lamp is broken\nThank you so much\n')
    found = run("label-next", tmp_path / "m.graft", tmp_path / "new.csv", "--csv")
    rows = list(csv.DictReader(io.StringIO(found.out)))
    assert {row["text"] for row in rows} == {"Where is, please, my parcel?", "The lamp is broken", "Thank you so much"}
    filled = "".join(f'"{row["text"]}",{model.classes[0]}\n' for row in rows)
    (tmp_path / "filled.csv").write_text(f"text,label\n{filled}")
    assert len(graft.read(tmp_path / "filled.csv", min_classes=1)) == 3
