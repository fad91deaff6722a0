"""The prediction log: what is kept of answers, how far it grows, and how it is read while it is written."""

import base64
import json
import multiprocessing
import os
import resource
import stat

import numpy as np
import pytest

from graft.encoders.embed import content_digest
from graft.errors import DataError
from graft.monitoring.log import PredictionLog, items_of, read_log
from graft.monitoring.log_format import FULL, LARGEST, SMALLEST, LoggedModel, LogHeader, one_in
from graft.results.prediction import NumberPrediction, Prediction

MODEL = LoggedModel("0123456789ab", "classification", ("closed", "open"), 8)
NUMBERS = LoggedModel("ba9876543210", "regression", (), 8)


def answers(n, start=0, dim=8):
    """Rows, answers and digests of ``n`` items, each unlike all others."""
    rows = np.random.default_rng(start).normal(size=(n, dim)).astype(np.float32)
    told = []
    for row in rows:
        p = float(1 / (1 + np.exp(-row[0])))
        label = "open" if p > 0.5 else "closed"
        told.append(Prediction("door.jpg", label, max(p, 1 - p), False, 0.25, {"closed": 1 - p, "open": p}, (label,)))
    return rows, told, [content_digest(f"item {start + k}".encode()) for k in range(n)]


def add(path, n, start=0, model=MODEL, **options):
    PredictionLog(path, model, **options).append(*answers(n, start))


def test_what_is_appended_is_read(tmp_path):
    path = tmp_path / "log.jsonl"
    rows, told, keys = answers(5)
    PredictionLog(path, MODEL).append(rows, told, keys)
    found = read_log(path)
    assert found.model == MODEL
    np.testing.assert_allclose(found.x, rows, rtol=1e-3)
    assert found.labels == tuple(one.label for one in told)
    np.testing.assert_array_equal(found.scores, np.array([list(one.scores.values()) for one in told], np.float32))
    assert found.unknown_scores.tolist() == [0.25] * 5
    assert not found.unknown.any()
    assert found.keys == tuple(found.header.key_of(key) for key in keys)
    assert (np.diff(found.times) >= 0).all()
    assert (found.n_repeats, found.n_broken, found.waiting, found.others) == (0, 0, False, {})


def test_what_is_given_in_no_order_is_read_in_none(tmp_path):
    path = tmp_path / "log.jsonl"
    add(path, 20)
    add(path, 60, start=100, batch="5f1c22aa")
    add(path, 20, start=200)
    found = read_log(path)
    rows = np.concatenate([answers(20)[0], answers(60, 100)[0], answers(20, 200)[0]])
    assert np.allclose(found.x[:20], rows[:20], rtol=1e-3)
    assert np.allclose(found.x[80:], rows[80:], rtol=1e-3)
    middle = found.keys[20:80]
    assert list(middle) == sorted(middle)
    assert set(middle) == {found.header.key_of(key) for key in answers(60, 100)[2]}
    assert not np.allclose(found.x[20:80], rows[20:80], rtol=1e-3)


def test_neither_items_nor_names_nor_digests_stand_in_it(tmp_path):
    path = tmp_path / "log.jsonl"
    add(path, 5)
    text = path.read_text()
    assert "door.jpg" not in text
    assert not any(key in text for key in answers(5)[2])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not items_of(path).exists()
    add(other := tmp_path / "other.jsonl", 5)
    assert not set(read_log(path).keys) & set(read_log(other).keys)  # two logs cannot be joined


def test_numbers_and_several_labels(tmp_path):
    path = tmp_path / "log.jsonl"
    rows, _, keys = answers(3)
    PredictionLog(path, NUMBERS).append(rows, [NumberPrediction("", k, k - 1, k + 1, k == 2) for k in range(3)], keys)
    found = read_log(path)
    assert found.values.tolist() == [[0, -1, 1], [1, 0, 2], [2, 1, 3]]
    assert found.scores.shape == (3, 0)
    assert found.unknown.tolist() == [False, False, True]
    several = LoggedModel("111111111111", "multi_label", ("a", "b"), 8)
    told = [Prediction("", "a|b", 0.5, scores={"a": 0.8, "b": 0.9}, labels=("b", "a")), Prediction("", labels=())]
    told[1] = Prediction("", "", 0.5, scores={"a": 0.1, "b": 0.2}, labels=())
    PredictionLog(path, several).append(rows[:2], told, keys[:2])
    found = read_log(path)
    assert found.tags == (("b", "a"), ())
    assert found.others == {NUMBERS.digest: 3}
    assert len(read_log(path, NUMBERS.digest)) == 3
    with pytest.raises(DataError, match=r"nothing of the model 222222222222.*holds answers of ba9876543210, 111111"):
        read_log(path, "222222222222")


def test_an_item_counts_once(tmp_path):
    path = tmp_path / "log.jsonl"
    add(path, 5)
    add(path, 5)
    add(path, 3, start=7)
    found = read_log(path)
    assert (len(found), found.n_repeats) == (8, 5)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines, *(line for line in lines if b'"x"' in line)]))  # two logs put together
    found = read_log(path)
    assert (len(found), found.n_repeats) == (8, 13)


def test_a_probe_that_sends_the_same_item_all_day_does_not_fill_the_log(tmp_path):
    path = tmp_path / "log.jsonl"
    for _ in range(3):  # and its server is started anew
        log = PredictionLog(path, MODEL)
        for _ in range(500):
            log.append(*answers(1))
    add(path, 3, start=7)
    found = read_log(path)
    assert len(found) == 4
    assert 750 < found.n_repeats < 1500  # it is told to within a factor of two
    assert path.read_bytes().count(b"\n") < 40


@pytest.mark.parametrize("batch", ["", "a folder"])
def test_what_another_writer_has_kept_is_known(tmp_path, batch):
    path = tmp_path / "log.jsonl"
    first, second = (PredictionLog(path, MODEL, batch=batch) for _ in range(2))
    first.append(*answers(2))
    second.append(*answers(2))
    first.append(*answers(2, start=5))
    second.append(*answers(2, start=5))
    assert path.read_bytes().count(b'"x"') == 4
    assert (len(read_log(path)), read_log(path).n_repeats) == (4, 4)


@pytest.mark.parametrize("line", [b'{"of":"0123456789ab","again":0}\n', b'{"of":7,"again":1}\n', b'{"again":"x"}\n'])
def test_a_repeat_that_is_none_is_a_broken_line(tmp_path, line):
    path = tmp_path / "log.jsonl"
    add(path, 2)
    with path.open("ab") as file:
        file.write(line)
    assert (read_log(path).broken, read_log(path).n_repeats) == ((5,), 0)


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"{}\n",
        b'{"of": "0123456789ab"}\n',
        b"\xff\x00\n",
        b'{"model": "x", "task": "", "classes": [1], "dim": 2}\n',
        b'{"of":"0123456789ab","key":"a","at":"now","x":"","unknown":false}\n',
        b"[" * 100_000 + b"\n",
        b"x" * (5 << 20) + b"\n",
    ],
)
def test_a_broken_line_in_the_middle_is_counted_and_named(tmp_path, line):
    path = tmp_path / "log.jsonl"
    add(path, 2)
    with path.open("ab") as file:
        file.write(line)
    add(path, 2, start=5)
    found = read_log(path)
    assert (len(found), found.n_broken, found.broken) == (4, 1, (5,))


@pytest.mark.parametrize("value", ["NaN", '"AAAA"', '"////////////////////"', '"????"', "7"])
def test_an_embedding_that_is_none_is_a_broken_line(tmp_path, value):
    path = tmp_path / "log.jsonl"
    add(path, 2)
    lines = path.read_text().splitlines()
    made = json.loads(lines[-1])
    lines[-1] = lines[-1].replace(json.dumps(made["x"]), value)
    path.write_text("\n".join(lines) + "\n")
    assert read_log(path).broken == (4,)


def test_half_a_last_line_waits_and_the_next_writer_ends_it(tmp_path):
    path = tmp_path / "log.jsonl"
    add(path, 3)
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    found = read_log(path)
    assert (len(found), found.waiting, found.n_broken) == (2, True, 0)
    path.write_bytes(whole)  # its writer goes on
    assert (len(read_log(path)), read_log(path).waiting) == (3, False)
    path.write_bytes(whole[:-20])  # its writer was killed
    add(path, 1, start=9)
    found = read_log(path)
    assert (len(found), found.waiting, found.broken) == (3, False, (5,))


def test_the_order_is_that_of_the_log_whatever_the_clocks_say(tmp_path):
    path = tmp_path / "log.jsonl"
    add(path, 3)
    lines = path.read_text().splitlines()
    for place, at in ((2, "2099-01-01T00:00:00Z"), (3, "1971-01-01T00:00:00+02:00")):
        made = json.loads(lines[place]) | {"at": at}
        lines[place] = json.dumps(made)
    path.write_text("\n".join(lines) + "\n")
    found = read_log(path)
    np.testing.assert_allclose(found.x, answers(3)[0], rtol=1e-3)
    assert found.times[0] > found.times[2] > found.times[1]


def _written(path, start):
    for k in range(20):
        add(path, 2, start=start + 2 * k)


def test_several_processes_write_into_one(tmp_path):
    path = tmp_path / "log.jsonl"
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_written, args=(path, 1000 * k)) for k in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    found = read_log(path)
    assert (len(found), found.n_broken, found.n_repeats) == (160, 0, 0)
    assert path.read_bytes().count(b'"dim"') == 1


def test_it_grows_ever_slower_and_stays_below_its_limit(tmp_path):
    path = tmp_path / "log.jsonl"
    log = PredictionLog(path, MODEL, max_bytes=SMALLEST)
    sizes, counts = [], []
    for k in range(16):
        log.append(*answers(500, start=1000 * k))
        sizes.append(path.stat().st_size)
        counts.append(len(read_log(path)))
    assert max(sizes) <= SMALLEST
    assert counts == sorted(counts)
    assert counts[4] > counts[1] > counts[0]  # it goes on for long
    assert counts[0] > 3 * (counts[1] - counts[0]) / 2
    kept = set(read_log(path).keys)
    again = PredictionLog(tmp_path / "again.jsonl", MODEL)  # which items it were does not depend on what is in them
    again.append(*answers(500))
    assert len(kept) == counts[-1]
    assert [one_in(size, 64) for size in (0, 31, 32, 33, 48, 49, 63, 64, 99)] == [
        1,
        1,
        1,
        2,
        2,
        4,
        32,
        1 << FULL,
        1 << FULL,
    ]


def test_a_limit_stands_in_the_log(tmp_path):
    path = tmp_path / "log.jsonl"
    add(path, 1, max_bytes=SMALLEST)
    add(path, 1, start=2)
    with pytest.raises(DataError, match=r"begun with a limit of 65,536 bytes, and 131,072 were asked for"):
        add(path, 1, start=3, max_bytes=2 * SMALLEST)
    with pytest.raises(DataError, match="A log of 5 bytes"):
        add(path, 1, max_bytes=5)


@pytest.mark.parametrize(
    "content", [b"mine\n", b"{}\n", b'{"graft": "journal"}\n', b"\x89PNG\r\n\x1a\n" + bytes(50), b"no end"]
)
def test_a_file_of_something_else_is_not_appended_to(tmp_path, content):
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    log = PredictionLog(path, MODEL)
    for ask in (log.check, lambda: log.append(*answers(1))):
        with pytest.raises(DataError, match="is no prediction log, and is left as it is"):
            ask()
    assert path.read_bytes() == content


def test_a_log_in_no_folder_is_refused_before_the_work(tmp_path):
    with pytest.raises(DataError, match="There is no folder"):
        PredictionLog(tmp_path / "none" / "log.jsonl", MODEL).check()


def test_nor_a_folder_nor_a_log_of_a_newer_graft(tmp_path):
    with pytest.raises(DataError, match="is no file"):
        PredictionLog(tmp_path, MODEL).check()
    path = tmp_path / "log.jsonl"
    path.write_bytes(LogHeader(bytes(16), SMALLEST).line.replace(b'"format":1', b'"format":9'))
    with pytest.raises(DataError, match="begun by a newer Graft"):
        read_log(path)
    with pytest.raises(DataError, match="There is no log at"):
        read_log(tmp_path / "none.jsonl")


def test_a_full_disk_leaves_no_line_in_part(tmp_path):
    path = tmp_path / "log.jsonl"
    add(path, 3)
    before = path.read_bytes()

    def alone():
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 50, len(before) + 50))
        try:
            add(path, 1, start=9)
        except OSError:
            os._exit(7)
        os._exit(0)

    child = multiprocessing.get_context("fork").Process(target=alone)
    child.start()
    child.join()
    assert child.exitcode == 7
    assert path.read_bytes() == before


def test_items_are_kept_only_when_told_once_and_so_many_bytes(tmp_path):
    path = tmp_path / "log.jsonl"
    contents = [b"\x89PNG\r\n\x1a\n" + bytes([k]) * 100_000 for k in range(4)]
    log = PredictionLog(path, MODEL, max_bytes=SMALLEST, items=True)
    for _ in range(2):
        log.append(*answers(4), contents)
    kept = sorted(one for one in items_of(path).iterdir() if one.name != "bytes")
    assert len(kept) == 2  # of 4 times 64 KB, and each once
    assert {one.suffix for one in kept} == {".png"}
    assert {one.read_bytes() for one in kept} == set(contents[:2])
    assert {one.stem for one in kept} <= set(read_log(path).keys)


def lines_of(path, changes):
    """The log's own first two lines, and its item with something changed."""
    header, model, item = path.read_text().splitlines()[:3]
    return [header, model, *(json.dumps({**json.loads(item), **one}) for one in changes)]


@pytest.mark.parametrize(
    "change",
    [
        {"unknown_score": 10**400},
        {"unknown_score": "nan"},
        {"unknown_score": True},
        {"unknown": "no"},
        {"label": "\x1b[31mopen"},
        {"label": "\ud800"},
        {"labels": ["open", "else"]},
        {"labels": "open"},
        {"key": "../../secret"},
        {"key": []},
        {"batch": 3},
        {"at": "0001-01-01T00:00:00"},
        {"at": 5},
        {"of": []},
        {"x": "é"},
        {"scores": base64.b64encode(np.array([-5, 1e30], "<f4").tobytes()).decode()},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_line_that_somebody_edited_is_broken_and_the_others_are_read(tmp_path, change):
    add(path := tmp_path / "log.jsonl", 1)
    path.write_text("\n".join(lines_of(path, [change, {}])) + "\n")
    found = read_log(path)
    assert (len(found), found.n_broken, found.broken) == (1, 1, (3,))


@pytest.mark.parametrize("change", [{"dim": 2}, {"classes": ["open"]}, {"classes": []}, {"model": "\x1b[31m"}])
def test_a_model_is_not_told_of_twice_in_two_ways(tmp_path, change):
    add(path := tmp_path / "log.jsonl", 2)
    model = json.loads(path.read_text().splitlines()[1])
    with path.open("a") as file:
        file.write(json.dumps({**model, **change}) + "\n")
    add(path, 2, start=2)
    found = read_log(path)
    assert (len(found), found.n_broken, found.model) == (4, 1, MODEL)


def test_numbers_that_are_none_are_broken(tmp_path):
    add_numbers = tmp_path / "log.jsonl"
    PredictionLog(add_numbers, NUMBERS).append(*answers(1)[:1], [NumberPrediction("", 1, 0, 2, False)], answers(1)[2])
    changes = [{"value": [10**400, 1, 2]}, {"value": ["inf", 1, 2]}, {"value": [1, 2]}, {"value": 3}]
    add_numbers.write_text("\n".join(lines_of(add_numbers, [{}, *changes])) + "\n")
    found = read_log(add_numbers)
    assert (len(found), found.n_broken) == (1, 4)


def test_what_is_longer_than_any_log_is_not_read(tmp_path):
    add(path := tmp_path / "log.jsonl", 1)
    os.truncate(path, LARGEST + 1)
    with pytest.raises(DataError, match="no log grows beyond"):
        read_log(path)


def test_the_count_of_kept_items_is_written_nowhere_else(tmp_path):
    path, aim = tmp_path / "log.jsonl", tmp_path / "of another program"
    aim.write_text("5")
    items_of(path).mkdir()
    (items_of(path) / "bytes").symlink_to(aim)
    PredictionLog(path, MODEL, items=True).append(*answers(1), [b"a door"])
    assert aim.read_text() == "5"
    assert [one.name for one in items_of(path).iterdir()] == ["bytes"]
    assert len(read_log(path)) == 1


def test_a_log_that_holds_anything_at_all_is_appended_to(tmp_path):
    add(path := tmp_path / "log.jsonl", 1)
    with path.open("ab") as file:
        file.write(b'{"of":"' + MODEL.digest.encode() + b'","key":"\xff\xfe"}\n\x00\xff\n' + b"x" * (5 << 20) + b"\n")
    add(path, 2, start=1)
    assert (len(read_log(path)), read_log(path).n_broken) == (3, 3)
