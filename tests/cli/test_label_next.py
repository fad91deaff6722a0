"""``graft label-next`` from outside."""

import csv
import io
import shlex
import shutil
import zipfile

import pytest
from rich.cells import cell_len

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
    assert [line.split()[0] for line in lines] == ["1", "2", "3", "4"]
    assert all(str(pool) in line and line.endswith(")") for line in lines)
    assert found.err.endswith(f"\n  graft extend {saved} labelled.csv\n")
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
    assert "The one item cannot be read" in found.err
    assert "Check the paths" in found.err
    assert "viewer" not in found.err
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


def test_the_command_that_comes_next_can_be_copied(run, saved, pool, tmp_path):
    model = tmp_path / "my model; $HOME.graft"
    shutil.copytree(saved, model)
    command = run("label-next", model, pool, "-n", 1).err.splitlines()[-1]
    assert shlex.split(command) == ["graft", "extend", str(model), "labelled.csv"]
    model.rename(tmp_path / "red\x1b[31m.graft")
    found = run("label-next", tmp_path / "red\x1b[31m.graft", pool, "-n", 1)
    assert "graft extend" in found.err
    assert "\x1b" not in found.out + found.err


def test_files_in_a_zip_have_no_path_for_a_table(run, saved, pool, tmp_path):
    with zipfile.ZipFile(tmp_path / "new.zip", "w") as archive:
        for path in sorted(pool.glob("circle*.png")):
            archive.write(path, path.name)
    found = run("label-next", saved, tmp_path / "new.zip", "--csv")
    assert (found.code, found.out) == (2, "")
    assert "new.zip" in found.err
    assert "Unpack it" in found.err
    assert len(run("label-next", saved, tmp_path / "new.zip", "-n", 3).out.splitlines()) == 3


def test_rows_fit_a_terminal(on_a_terminal, run, pool, tmp_path):
    names = ["a" * 120 + " open", "写真の名前"]
    shapes.folders(tmp_path / "data", {"circle": 4, "square": 4})
    for name, form in zip(names, ("circle", "square"), strict=True):
        (tmp_path / "data" / form).rename(tmp_path / "data" / name)
    graft.fit(tmp_path / "data").save(tmp_path / "m.graft")
    rows = on_a_terminal("label-next", tmp_path / "m.graft", pool)
    assert len(rows) == 18
    assert max(map(cell_len, rows)) <= 80
    assert {cell_len(row[: row.index("%")]) for row in rows} == {31}  # 2, 2, the label of 20, 2, a figure of 5
    piped = run("label-next", tmp_path / "m.graft", pool).out
    assert "…" not in piped
    assert str(pool / "circle500.png") in piped


def test_where_nothing_could_be_looked_at_the_exit_code_says_so(run, saved, photos, tmp_path):
    (tmp_path / "a.png").write_bytes(b"no picture")
    assert run("label-next", saved, tmp_path / "a.png").code == 1
    assert run("label-next", saved, tmp_path / "a.png", photos / "circle" / "000.png").code == 0
