import shutil
from pathlib import Path

import numpy as np
import pytest

from data.planted import picture, plant, zipped
from graft.data.items import File, Text
from graft.errors import DataError, ItemError, UsageError
from graft.reading.inputs import gather

WAV = b"RIFF\x24\0\0\0WAVEfmt " + bytes(100)
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(50)


def write(root, **files):
    for name, content in files.items():
        path = root / name.replace("__", "/")
        path = path.with_name(".".join(path.name.rsplit("_", 1)))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def answers(items):
    """The content of each item, or why there is none."""
    found = []
    for item in items:
        try:
            found.append(item.read().decode())
        except ItemError as error:
            found.append(error.reason)
    return found


def test_strings_are_texts_unless_they_are_files(tmp_path, monkeypatch):
    write(tmp_path, note_txt="from the file", folder__a_txt="deep")
    monkeypatch.chdir(tmp_path)
    inputs = [
        "Where is my card?",
        "note.txt",
        "hello",
        "folder",
        Path("hello"),
        "a: b/c d.txt",
        "x" * 9000,
        "a\0b",
        "",
        " ",
    ]
    items = list(gather(inputs, "text"))
    assert answers(items) == [
        "Where is my card?", "from the file", "hello", "deep", "unreadable", "a: b/c d.txt", "x" * 9000, "a\0b", "", " "
    ]  # fmt: skip
    assert items[1] == File(Path("note.txt"), "note.txt")
    assert items[0] == Text("Where is my card?")


@pytest.mark.parametrize("name", ["gone.txt", "texts/gone", "gone.CSV", "https://example.com/a", "a\\b.txt"])
def test_what_looks_like_a_path_is_a_file_that_is_missing(name):
    (item,) = gather([name], "text")
    with pytest.raises(ItemError, match=r"cannot be read|web address"):
        item.read()


def test_each_row_of_a_table_is_a_text(tmp_path):
    write(tmp_path, a_csv='id,text\n1,"hello, you"\n2,\n3,bye\n', b_jsonl='{"sentence": "one"}\nbroken\n')
    write(tmp_path, c_tsv="said\tid\nwords\t1\n")
    items = list(gather([tmp_path / "a.csv", str(tmp_path / "b.jsonl")], "text"))
    assert answers(items) == ["hello, you", "empty", "bye", "one", "not_json"]
    assert items[0] == Text("hello, you")
    assert items[1].name == f"{tmp_path}/a.csv, row 3"
    assert answers(gather([tmp_path / "c.tsv"], "text", item_column="said")) == ["words"]
    (item,) = gather([tmp_path / "c.tsv"], "text")
    with pytest.raises(ItemError, match=r"c\.tsv has no column of texts.*--item-column"):
        item.read()


def test_rows_that_are_paths(tmp_path):
    write(tmp_path, texts__1_txt="one", texts__2_txt="two", a_csv="text\ntexts/1.txt\ntexts/2.txt\n")
    assert answers(gather([tmp_path / "a.csv"], "text")) == ["one", "two"]


def test_parquet(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(pyarrow.table({"text": ["one", "two"]}), tmp_path / "a.parquet")
    assert answers(gather([tmp_path / "a.parquet"], "text")) == ["one", "two"]


@pytest.mark.parametrize("as_zip", [False, True])
def test_folders_and_zips_of_texts(tmp_path, as_zip):
    write(tmp_path / "set", a__1_txt="one", b_csv="text\ntwo\nthree\n", c_jpg=JPEG, d_txt="", e_md="# four")
    source = Path(shutil.make_archive(str(tmp_path / "a"), "zip", tmp_path / "set")) if as_zip else tmp_path / "set"
    items = list(gather([str(source)], "text"))
    assert sorted(answers(items)) == sorted(["one", "two", "three", "not_a_text", "", "# four"])
    (stranger,) = (item for item in items if item.name == f"{source}/c.jpg")
    with pytest.raises(ItemError, match=r"c\.jpg is not a text that can be read: it is a JPEG picture\. Give texts\."):
        stranger.read()


def test_recordings(tmp_path):
    pytest.importorskip("soundfile")
    write(tmp_path, a_wav=WAV, folder__b_wav=WAV)
    inputs = [str(tmp_path / "a.wav"), tmp_path / "folder", (np.zeros(80), 8000), WAV, "gone.wav", "gone"]
    items = list(gather(inputs, "audio"))
    assert [item.name for item in items] == [
        f"{tmp_path}/a.wav", f"{tmp_path}/folder/b.wav", "item 2", "item 3", "gone.wav", "gone",
    ]  # fmt: skip
    assert all(item.read()[:4] == b"RIFF" for item in items[:4])
    with pytest.raises(DataError, match=r"tuple.*array of pixels"):
        list(gather(inputs))


def test_a_modality_that_is_none():
    with pytest.raises(UsageError, match="'video'"):
        list(gather(["a"], "video"))


def test_gather_files_folders_zips_and_values(pets, tmp_path):
    plant(pets, ".DS_Store", "cat/deep/0.jpg")
    archive = zipped(pets, tmp_path / "a.zip")
    inputs = [pets / "dog/4.jpg", str(pets), archive, tmp_path / "gone.jpg", picture(1)]
    items = list(gather(inputs))
    below = ["cat/1.jpg", "cat/2.jpg", "cat/deep/0.jpg", "dog/3.jpg", "dog/4.jpg"]
    assert [item.name for item in items] == [
        str(pets / "dog/4.jpg"),
        *(f"{pets}/{name}" for name in below),
        *(f"{archive}/{name}" for name in below),
        str(tmp_path / "gone.jpg"),
        "item 4",
    ]
    assert isinstance(items[0], File)
    for item in [*items[:-2], items[-1]]:
        assert item.read()[:2] == b"\xff\xd8"
    with pytest.raises(ItemError, match=r"gone.jpg cannot be read"):
        items[-2].read()


def test_gather_is_lazy(pets):
    def endless():
        while True:
            yield pets

    items = gather(endless())
    assert [next(items).name for _ in range(9)][8] == f"{pets}/cat/1.jpg"
