import io
import shutil
from pathlib import Path

import numpy as np
import pytest

from graft.errors import DataError, MissingColumn, NothingToRead, TooFewClasses, UsageError
from graft.reading.read import read

WAV = b"RIFF\x24\0\0\0WAVEfmt " + bytes(100)
M4A = b"\0\0\0\x20ftypM4A \0\0\0\0" + bytes(40)
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(50)
SPOKEN = [f"{digit}_{who}_{take}.wav" for digit in "01" for who in ("ann", "bob") for take in range(3)]


def plant(root, *names, content=WAV):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def rows(dataset):
    columns = (dataset.items, dataset.labels, dataset.splits, dataset.groups)
    return [(item.name, label, split, group) for item, label, split, group in zip(*columns, strict=True)]


def zipped(folder, path, inside="."):
    return Path(shutil.make_archive(str(path), "zip", folder, inside))


def test_a_folder_for_each_class(tmp_path):
    soundfile = pytest.importorskip("soundfile")
    for name, form in (("yes/1.wav", "WAV"), ("yes/2.flac", "FLAC"), ("no/3.ogg", "OGG"), ("no/4.mp3", "MP3")):
        buffer = io.BytesIO()
        soundfile.write(buffer, np.zeros(4000, np.float32), 16_000, format=form)
        plant(tmp_path, name, content=buffer.getvalue())
    dataset = read(tmp_path)
    assert dataset.modality == "audio"
    assert [row[:2] for row in rows(dataset)] == [
        ("no/3.ogg", "no"), ("no/4.mp3", "no"), ("yes/1.wav", "yes"), ("yes/2.flac", "yes"),
    ]  # fmt: skip
    assert dataset.warnings == dataset.skipped == ()


def test_names_that_promise_another_kind(tmp_path):
    plant(tmp_path, "yes/1.mp3", "yes/2.WAV", "no/3", "no/4.dat")
    (warning,) = read(tmp_path).warnings
    assert warning == (
        "2 recordings carry the extension of another kind; read all the same: no/4.dat (WAV), yes/1.mp3 (WAV)."
    )


def test_of_many_such_names_the_first_are_told_and_that_there_are_more(tmp_path):
    plant(tmp_path, "yes/1.mp3", "yes/2.mp3", "no/3.mp3", "no/4.mp3")
    (warning,) = read(tmp_path).warnings
    assert warning.startswith("4 recordings carry")
    assert warning.endswith(": no/3.mp3 (WAV), no/4.mp3 (WAV), yes/1.mp3 (WAV) and 1 more.")


def test_recordings_that_cannot_be_read_are_named_with_how_to_convert_them(tmp_path):
    plant(tmp_path, "yes/1.wav", "no/2.wav")
    plant(tmp_path, "yes/3.m4a", content=M4A)
    plant(tmp_path, "yes/cover.jpg", content=JPEG)
    (dataset := read(tmp_path, modality="audio"))
    assert {one.path: one.reason for one in dataset.skipped} == {
        "yes/3.m4a": "It is not a recording that can be read: it is an M4A recording. "
        "Convert it: ffmpeg -i in.m4a out.wav",
        "yes/cover.jpg": "It is not a recording that can be read: it is a JPEG picture.",
    }
    plant(tmp_path / "phone", "yes/3.m4a", "no/4.m4a", content=M4A)
    with pytest.raises(NothingToRead, match=r"No labelled recording in .*an M4A recording.*ffmpeg -i in.m4a out.wav"):
        read(tmp_path / "phone")


def test_a_single_recording_and_a_flat_folder(tmp_path):
    plant(tmp_path, "flat/a.wav")
    with pytest.raises(NothingToRead, match=r"is a single recording\. .*sounds/yes/1\.wav"):
        read(tmp_path / "flat/a.wav")
    with pytest.raises(TooFewClasses, match=r"1 file lies in no class folder of .*put its recordings inside") as caught:
        read(tmp_path / "flat")
    assert "pattern" not in caught.value.hint


def test_names_that_look_like_a_pattern_are_a_hint(tmp_path):
    plant(tmp_path / "flat", *SPOKEN)
    words = r"12 files lie in no class folder.*--pattern '\{label\}_\{group\}_\{index\}\.wav' \(in Python pattern"
    with pytest.raises(TooFewClasses, match=words):
        read(tmp_path / "flat")
    with pytest.raises(TooFewClasses, match=r"only one class, 'flat'.*--pattern '\{label\}_\{group\}_\{index\}\.wav'"):
        read(tmp_path)


def test_a_pattern_says_label_and_group(tmp_path):
    plant(tmp_path / "flat", *SPOKEN, "README.wav")
    plant(tmp_path / "flat", "notes.txt", content=b"six speakers")
    expected = [(name, name[0], "", name.split("_")[1]) for name in SPOKEN]
    for pattern in ("{label}_{group}_{index}.wav", "{label}_{group}_*"):
        dataset = read(tmp_path / "flat", pattern=pattern)
        assert rows(dataset) == expected
        assert dataset.modality == "audio"
        assert [(one.path, one.code) for one in dataset.skipped] == [
            ("README.wav", "no_match"), ("notes.txt", "no_match"),
        ]  # fmt: skip
        assert dataset.skipped[0].reason == f"Its name does not fit the pattern {pattern!r}."
    archive = zipped(tmp_path, tmp_path.parent / f"{tmp_path.name}-zip", "flat")
    wrapped = [(f"flat/{name}", *rest) for name, *rest in expected]
    assert rows(read(archive, pattern="{label}_{group}_{index}.wav")) == wrapped
    assert rows(read(archive, pattern="{label}_{group}_*")) == wrapped


def test_a_pattern_with_a_slash_speaks_of_the_path(tmp_path):
    plant(tmp_path, *(f"{who}/{digit}-{n}.wav" for who in ("ann", "bob") for digit in "01" for n in (1, 2)))
    dataset = read(tmp_path, pattern="{group}/{label}-*.wav")
    assert dataset.classes == ("0", "1")
    assert sorted(set(dataset.groups)) == ["ann", "bob"]
    inner = tmp_path.rename(tmp_path.parent / f"{tmp_path.name}-moved")
    tmp_path.mkdir()
    inner.rename(tmp_path / "wrapped")
    assert read(tmp_path, pattern="{group}/{label}-*.wav").labels == dataset.labels


def test_a_pattern_inside_class_folders(tmp_path):
    plant(tmp_path, "yes/ann_1.wav", "yes/deep/bob_1.wav", "no/ann_2.wav", "no/3.wav")
    dataset = read(tmp_path, pattern="{group}_*.wav")
    assert rows(dataset) == [
        ("no/ann_2.wav", "no", "", "ann"),
        ("yes/ann_1.wav", "yes", "", "ann"),
        ("yes/deep/bob_1.wav", "yes", "", "bob"),
    ]
    assert [one.path for one in dataset.skipped] == ["no/3.wav"]
    plant(tmp_path / "more", "train/yes/ann/1.wav", "train/no/bob/2.wav", "test/yes/eve/3.wav", "test/no/eve/4.wav")
    dataset = read(tmp_path / "more", pattern="{group}/*")
    assert dataset.groups == ("eve", "eve", "bob", "ann")
    assert dataset.splits == ("test", "test", "train", "train")


def test_splits_of_patterns(tmp_path):
    plant(tmp_path / "a", "train/yes_1.wav", "train/no_1.wav", "test/yes_2.wav")
    assert read(tmp_path / "a", pattern="{label}_*").splits == ("test", "train", "train")
    plant(tmp_path / "b", "Train-yes-1.wav", "dev-no-1.wav", "test-yes-2.wav")
    assert read(tmp_path / "b", pattern="{split}-{label}-*").splits == ("train", "train", "test")
    plant(tmp_path / "b", "fold3-no-1.wav")
    with pytest.raises(DataError, match=r"fold3-no-1\.wav says the split 'fold3'.*train, val or test"):
        read(tmp_path / "b", pattern="{split}-{label}-*")


def test_a_pattern_that_nothing_fits(tmp_path):
    plant(tmp_path, *SPOKEN)
    words = r"No name fits the pattern '\{label\}-\*'; there are 0_ann_0.wav, 0_ann_1.wav, 0_ann_2.wav\."
    with pytest.raises(DataError, match=words):
        read(tmp_path, pattern="{label}-*")
    with pytest.raises(UsageError, match="none of the fields"):
        read(tmp_path, pattern="{speaker}_*")


def test_names_that_fit_in_two_ways_are_said(tmp_path):
    plant(tmp_path, "turn_left_ann.wav", "go_bob.wav", "stop_ann.wav")
    dataset = read(tmp_path, pattern="{label}_{group}.wav")
    assert dataset.classes == ("go", "stop", "turn_left")
    (warning,) = dataset.warnings
    assert warning.startswith("1 name fits the pattern '{label}_{group}.wav' in more than one way: turn_left_ann.wav ")
    assert warning.endswith("was read as label 'turn_left', group 'ann'.")


@pytest.mark.parametrize("column", ["path", "audio", "file_name", "text"])
def test_a_manifest_of_recordings(tmp_path, column):
    plant(tmp_path / "clips", *SPOKEN)
    lines = [f"clips/{name},{name[0]},{name.split('_')[1]}" for name in SPOKEN]
    (tmp_path / "a.csv").write_text("\n".join([f"{column},label,speaker", *lines]))
    dataset = read(tmp_path / "a.csv", group_column="speaker")
    assert (dataset.modality, dataset.classes) == ("audio", ("0", "1"))
    assert set(dataset.groups) == {"ann", "bob"}
    assert read(tmp_path / "a.csv", pattern="*_{group}_*").groups == dataset.groups
    assert read(tmp_path / "a.csv").groups == ("",) * 12
    assert set(read(tmp_path, group_column="Speaker").groups) == {"ann", "bob"}
    with pytest.raises(MissingColumn, match="'patient'"):
        read(tmp_path / "a.csv", group_column="patient")
    with pytest.raises(UsageError, match=r"a\.csv says the labels itself"):
        read(tmp_path / "a.csv", pattern="{label}_*")
    with pytest.raises(UsageError, match="groups were asked for"):
        read(tmp_path / "a.csv", pattern="*_{group}_*", group_column="speaker")
    with pytest.raises(UsageError, match="labels were asked for"):
        read(tmp_path, pattern="{label}_*", label_column="label")


@pytest.mark.shared
def test_spoken_digits(shared: Path):
    dataset = read(shared / "spoken_digits", pattern="{label}_{group}_{index}.wav")
    assert (dataset.modality, len(dataset)) == ("audio", 3000)
    assert dataset.classes == tuple("0123456789")
    assert len(set(dataset.groups)) == 6
    assert dataset.warnings == dataset.skipped == ()
    with pytest.raises(TooFewClasses, match=r"--pattern '\{label\}_\{group\}_\{index\}\.wav'"):
        read(shared / "spoken_digits")
