import os
import shutil

import pytest

from data.planted import plant
from graft import read
from graft.errors import DataError, NothingToRead


@pytest.fixture
def ids(tmp_path):
    """Pictures in a folder of their own, and the ids that a table beside it names."""
    folder = plant(tmp_path / "data" / "train", *(f"{n:03}_left.jpg" for n in range(6)))
    rows = [(file.stem, "cat" if n % 2 else "dog") for n, file in enumerate(sorted(folder.iterdir()))]
    return tmp_path / "data", rows


def write(path, header, rows):
    path.write_text("\n".join(",".join(row) for row in (header, *rows)))
    return path


@pytest.mark.parametrize(("item", "label"), [("image", "label"), ("id_code", "diagnosis"), ("text", "label")])
def test_ids_find_their_files_by_the_stem(ids, item, label):
    folder, rows = ids
    table = write(folder / "labels.csv", (item, label), rows)
    dataset = read(table, item_column=item, label_column=label)
    assert dataset.modality == "image"
    assert [one.path.name for one in dataset.items] == [f"{stem}.jpg" for stem, _ in rows]
    assert "6 files of labels.csv found by name alone" in dataset.warnings[-1]


def test_names_find_their_files_in_folders_below(ids):
    folder, rows = ids
    table = write(folder / "labels.csv", ("path", "label"), [(f"{stem}.jpg", label) for stem, label in rows])
    assert len(read(table)) == 6
    table = write(folder / "labels.csv", ("path", "label"), [(f"train\\{stem}", label) for stem, label in rows])
    assert len(read(table)) == 6
    table = write(folder / "labels.csv", ("path", "label"), [(f"test/{stem}.jpg", label) for stem, label in rows])
    with pytest.raises(NothingToRead, match=r"None of the 6 files.*--root"):
        read(table)


@pytest.mark.parametrize("as_zip", [False, True])
def test_in_a_folder_or_zip_too(ids, as_zip):
    folder, rows = ids
    write(folder / "labels.csv", ("image", "label"), rows)
    source = shutil.make_archive(str(folder.parent / "all"), "zip", folder) if as_zip else folder
    dataset = read(source, item_column="image")
    assert (dataset.modality, len(dataset)) == ("image", 6)


def test_of_two_files_of_one_name_none_is_meant(ids):
    folder, rows = ids
    plant(folder / "other", f"{rows[0][0]}.jpg")
    (folder / "train" / f"{rows[1][0]}.txt").write_text("a note beside the picture")
    dataset = read(write(folder / "labels.csv", ("image", "label"), rows))
    assert len(dataset) == 5
    assert "Several files are called so" in dataset.skipped[0].reason


def test_a_root_says_where_the_files_lie(ids, tmp_path):
    folder, rows = ids
    table = write(tmp_path / "labels.csv", ("path", "label"), [(f"{stem}.jpg", label) for stem, label in rows])
    dataset = read(table, root=folder / "train")
    assert len(dataset) == 6
    assert dataset.warnings == ()
    with pytest.raises(NothingToRead, match=r"no folder .*nowhere"):
        read(table, root=tmp_path / "nowhere")


def test_a_root_is_any_path_and_nothing_else(ids, tmp_path):
    folder, rows = ids
    table = write(tmp_path / "labels.csv", ("path", "label"), [(f"{stem}.jpg", label) for stem, label in rows])
    with os.scandir(folder) as entries:
        (root,) = (entry for entry in entries if entry.name == "train")
    dataset = read(table, root=root)
    assert len(dataset) == 6
    assert dataset.reading.root == str(folder / "train")
    with pytest.raises(TypeError):
        read(table, root=3)


def test_ids_without_files_are_not_read_as_texts(ids, tmp_path):
    _, rows = ids
    (tmp_path / "else").mkdir()
    table = write(tmp_path / "else" / "a.csv", ("id_code", "label"), rows)
    with pytest.raises(DataError, match=r"'id_code' of a\.csv holds words such as '000_left'.*--root FOLDER"):
        read(table, item_column="id_code")
    assert read(table, item_column="id_code", modality="text").modality == "text"
    table = write(tmp_path / "else" / "a.csv", ("image", "label"), rows)
    with pytest.raises(NothingToRead, match=r"None of the 6 files.*--root"):
        read(table)


def test_words_stay_texts(tmp_path):
    rows = [(word, "x" if n % 2 else "y") for n, word in enumerate(["yes", "no", "maybe", "never", "always", "often"])]
    assert read(write(tmp_path / "a.csv", ("text", "label"), rows)).modality == "text"
    codes = [(f"AB{n % 3}", label) for n, (_, label) in enumerate(rows)]  # they come again, so they are no ids
    assert read(write(tmp_path / "a.csv", ("code", "label"), codes), item_column="code").modality == "text"
