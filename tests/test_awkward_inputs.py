"""Tables, texts and recordings that are easily misread, across the rooms that read and show them."""

import io
import json
import math
import subprocess
import sys

import numpy as np
import pytest

from graft.data.dataset import Dataset
from graft.data.items import Text
from graft.decoding import sound
from graft.decoding.encoding import decode_beginning as decode_text_beginning
from graft.decoding.sound import decode_beginning, decode_sound, seconds_of, wav_bytes
from graft.duplicates import texts as near_texts
from graft.duplicates.texts import near_duplicate_texts
from graft.errors import DataError, ItemError, NothingToRead
from graft.reading.manifest import parse_manifest, parse_texts
from graft.reading.read import read
from graft.report.exhibits import quote
from graft.report.sounds import BEGINNING, EACH, portable

soundfile = pytest.importorskip("soundfile")
RATE = 16_000


def pairs(manifest):
    return [(row.item, row.label) for row in manifest.rows]


# --- reading/manifest


def test_rows_with_more_cells_than_the_header_are_skipped():
    manifest = parse_manifest(b"text,label\nHello, world,spam\nfine,ham\nalso,ham,, \n", "a.csv")
    assert pairs(manifest) == [("fine", "ham"), ("also", "ham")]
    (skipped,) = manifest.skipped
    assert (skipped.path, skipped.code) == ("a.csv, row 2", "columns")
    assert skipped.reason == "Row 2 has 3 cells and the header 2: put the text in quotes."


def test_where_most_rows_have_more_cells_than_the_header_the_table_is_refused():
    content = b"text,label\nHello, world,spam\nfine,ham\nBye, all,ham\n"
    with pytest.raises(DataError, match=r"2 of the 3 rows of a\.csv .*Row 2 has 3 cells and the header 2"):
        parse_manifest(content, "a.csv")


def test_a_table_of_one_column_has_nothing_to_cut():
    found = parse_texts(b'text\nHello, world\n"a, b"\n', "a.csv").rows
    assert [row.item for row in found] == ["Hello, world", "a, b"]


def test_two_columns_of_one_name():
    with pytest.raises(DataError, match=r"2 columns called 'label'"):
        parse_manifest(b"text,label,label\na,x,y\n", "a.csv")
    with pytest.raises(DataError, match=r"2 columns called 'text'"):
        parse_texts(b"text,text\na,x\n", "a.csv")
    assert pairs(parse_manifest(b"text,Label,label,id,id\na,x,y,1,2\n", "a.csv")) == [("a", "y")]


@pytest.mark.parametrize("column", ["audio", "image"])
def test_files_inside_of_parquet(tmp_path, column):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    cells = [
        {"bytes": b"one", "path": "1.wav"},
        {"bytes": b"two", "path": None},
        {"bytes": b"three", "path": "1.wav"},
        {"bytes": None, "path": "4.wav"},
        {"bytes": None, "path": None},
    ]
    parquet.write_table(pyarrow.table({column: cells, "label": [0, 1, 0, 1, 1]}), tmp_path / "a.parquet")
    manifest = parse_manifest((tmp_path / "a.parquet").read_bytes(), "a.parquet")
    assert [(row.item, row.content, row.label) for row in manifest.rows] == [
        ("1.wav", b"one", "0"), ("a.parquet, row 2", b"two", "1"), ("row 3, 1.wav", b"three", "0"),
        ("4.wav", None, "1"),
    ]  # fmt: skip
    assert [one.code for one in manifest.skipped] == ["no_item"]


def test_objects_of_another_kind_are_refused_by_the_name_of_their_column():
    content = json.dumps({"audio": {"array": [0.0] * 9999, "sampling_rate": 8000}, "label": "x"}).encode()
    with pytest.raises(DataError, match=r"column 'audio' of a\.jsonl holds objects with the keys 'array'") as caught:
        parse_manifest(content, "a.jsonl")
    assert len(caught.value.message) < 300


# --- reading/structured, reading/parquet


def test_recordings_inside_of_parquet(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    cells = [{"bytes": wav_bytes(tone(0.1, pitch=200 + n), RATE), "path": "same.wav"} for n in range(4)]
    parquet.write_table(pyarrow.table({"audio": cells, "label": list("abab")}), tmp_path / "a.parquet")
    dataset = read(tmp_path / "a.parquet")
    assert dataset.modality == "audio"
    assert dataset.labels == tuple("abab")
    assert len({item.name for item in dataset.items}) == 4
    assert [item.read() for item in dataset.items] == [cell["bytes"] for cell in cells]
    assert not dataset.warnings


def test_what_is_no_path_is_not_printed_whole(tmp_path):
    (tmp_path / "a.csv").write_text(f"path,label\n{'x' * 5000},a\n{'y' * 5000},b\n")
    with pytest.raises(NothingToRead) as caught:
        read(tmp_path / "a.csv")
    assert len(caught.value.message) < 500


# --- duplicates/texts

START = "all of these books begin with the very same words " * 500
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def test_long_texts_with_the_same_beginning_are_alike_and_not_equal(monkeypatch):
    assert len(START) > near_texts.LONGEST
    endings = [f"{START} and this one ends with the word {LETTERS[n]}{LETTERS[n + 1]}" for n in range(20)]
    monkeypatch.setattr("graft.duplicates.clusters.largest_cluster", lambda n: 5)
    assert np.bincount(near_duplicate_texts(endings).clusters).max() <= 5
    assert np.bincount(near_duplicate_texts([endings[0]] * 20).clusters).tolist() == [20]


@pytest.mark.parametrize("piece", [1 << 20, 999])
def test_long_texts_are_equal_but_for_case_space_and_marks(monkeypatch, piece):
    monkeypatch.setattr("graft.duplicates.clusters.largest_cluster", lambda n: 1)  # nothing but equal texts joins
    monkeypatch.setattr(near_texts, "_PIECE", piece)
    same = [f"{START}The end", f"  {START.upper()}, the   END!\n", f"{START}, the end" + " " * 70]
    assert near_duplicate_texts([*same, f"{START}The en d"]).clusters.tolist() == [0, 0, 0, 1]
    assert near_duplicate_texts(["short text", "short text" + " " * 30_000]).clusters.tolist() == [0, 0]


# --- decoding/encoding, tests/report/html


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_the_beginning_of_a_text_is_cut_between_characters(encoding):
    text = "äöüß€" * 20
    for size in range(60, 80, 2):
        beginning = decode_text_beginning(text.encode(encoding), size)
        assert len(beginning) > 15
        assert text.startswith(beginning)
    assert decode_text_beginning(text.encode(encoding), 1000) == text
    assert quote((text * 100).encode(encoding)).startswith("äöüß€ä")


# --- data/dataset


def test_words_with_a_slash_are_texts_unless_they_are_files(tmp_path, monkeypatch):
    dataset = Dataset.from_lists(["yes/no", "and/or", "he/she", "ok", "fine"], "abcde")
    assert dataset.modality == "text"
    assert dataset.items[0] == Text("yes/no")
    (tmp_path / "yes").mkdir()
    for name in ("no", "maybe"):
        (tmp_path / "yes" / name).write_bytes(wav_bytes(tone(0.1), RATE))
    monkeypatch.chdir(tmp_path)
    assert Dataset.from_lists(["yes/no", "yes/maybe"], "ab").modality == "audio"


# --- decoding/sound


def tone(seconds=1.0, rate=RATE, pitch=440):
    return (0.5 * np.sin(2 * np.pi * pitch * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def flac(seconds):
    buffer = io.BytesIO()
    soundfile.write(buffer, tone(seconds), RATE, format="FLAC", subtype="PCM_16")
    return buffer.getvalue()


def of_unknown_length(content):
    """As FLAC is written to a pipe: STREAMINFO says 0 samples."""
    return content[:21] + bytes([content[21] & 0xF0]) + bytes(4) + content[26:]


@pytest.mark.parametrize("seconds", [0.5, 40.0])
def test_flac_of_unknown_length(seconds):
    content = of_unknown_length(flac(seconds))
    found, expected = decode_sound(content, RATE), decode_sound(flac(seconds), RATE)
    assert np.array_equal(found.value, expected.value)
    assert found.statistics == pytest.approx(expected.statistics)
    assert seconds_of(content) == seconds


def test_a_long_flac_of_unknown_length_is_read_as_far_as_others(monkeypatch):
    monkeypatch.setattr(sound, "LONGEST", 3.0)
    content = of_unknown_length(flac(5))
    assert len(decode_sound(content, RATE).value) == 3 * RATE
    assert np.isnan(seconds_of(content))
    assert np.isnan(decode_beginning(content, 2)[2])


def test_the_beginning_of_a_recording():
    content = wav_bytes(np.stack([tone(2, 8000), -tone(2, 8000)], axis=1), 8000)
    samples, rate, seconds = decode_beginning(content, 0.5)
    assert (len(samples), rate, seconds) == (4000, 8000, 2)
    assert np.abs(samples).max() > 0.4
    assert len(decode_beginning(content, 5)[0]) == 16_000
    with pytest.raises(ItemError):
        decode_beginning(b"RIFF\0\0\0\0WAVEfmt ", 1)


# --- report/sounds


def test_channels_that_cancel_each_other_are_heard():
    content = wav_bytes(np.stack([tone(), -tone()], axis=1), RATE)
    played, _ = soundfile.read(io.BytesIO(portable(content, most=30_000).content))
    assert np.abs(played).max() > 0.1


@pytest.mark.parametrize("most", [EACH, 30_000])
def test_a_recorder_that_was_switched_off(most):
    content = wav_bytes((tone() * 32767).astype(np.int16), RATE)
    at = content.index(b"data") + 4
    found = portable(content[:at] + bytes(4) + content[at + 4 :], most)
    assert found.seconds == 1
    assert soundfile.info(io.BytesIO(found.content)).duration == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(("seconds", "most"), [(0.5, EACH), (0.5, 5_000), (10, 60_000)])
def test_flac_of_unknown_length_in_the_page(seconds, most):
    found = portable(of_unknown_length(flac(seconds)), most)
    assert math.isnan(found.seconds) if seconds > BEGINNING else found.seconds == seconds


# --- cli/predict


def test_what_a_text_model_cannot_read_is_named_with_advice(tmp_path):
    texts = "text,label\n" + "".join(f"the parcel is late {i},late\nthank you so much {i},thanks\n" for i in range(6))
    (tmp_path / "a.csv").write_text(texts, encoding="utf-8")
    (tmp_path / "hello.wav").write_bytes(wav_bytes((tone() * 32767).astype(np.int16), RATE))
    (tmp_path / "hello.m4a").write_bytes(b"\0\0\0\x18ftypM4A \0\0\0\0M4A mp42")
    run = [sys.executable, "-m", "graft"]
    subprocess.run([*run, "fit", "a.csv"], cwd=tmp_path, check=True, capture_output=True)
    inputs = ["hello.wav", "hello.m4a", "nowhere.txt"]
    found = subprocess.run([*run, "predict", "a.graft", *inputs], cwd=tmp_path, capture_output=True, text=True)
    lines = found.stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["skipped"] * 3
    for name, line in zip(inputs, lines, strict=True):
        assert name in line
        assert len(line.split(". ")) == 2  # what is wrong, and what to do
