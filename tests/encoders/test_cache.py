import hmac
import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import graft
from children import forks, in_child
from graft.encoders.cache import Cache, Entry
from graft.errors import UsageError
from graft.files import cache_folder


def entry(value: float, dim: int = 4) -> Entry:
    return Entry(np.full(dim, value, np.float32), {"brightness": value})


def key(number: int) -> bytes:
    return number.to_bytes(32, "big")


def test_what_was_put_is_got_back(tmp_path):
    cache = Cache(tmp_path)
    cache.put("e", {key(1): entry(0.1), key(2): entry(0.2)})
    found = Cache(tmp_path).get([key(1), key(3)])
    assert list(found) == [key(1)]
    assert found[key(1)].vector.tolist() == entry(0.1).vector.tolist()
    assert found[key(1)].statistics == {"brightness": 0.1}


def test_more_keys_than_sqlite_takes_at_once(tmp_path):
    cache = Cache(tmp_path)
    cache.put("e", {key(i): entry(i) for i in range(2000)})
    assert len(cache.get([key(i) for i in range(3000)])) == 2000


def test_info_counts_by_encoder_and_clear_frees(tmp_path):
    cache = Cache(tmp_path)
    cache.put("a", {key(i): entry(i, 1000) for i in range(100)})
    cache.put("b", {key(1000): entry(1)})
    assert cache.info().entries == {"a": 100, "b": 1}
    assert cache.clear() > 100_000
    assert cache.info().entries == {}
    assert cache.get([key(1)]) == {}


def test_the_least_recently_used_go_when_the_limit_is_passed(tmp_path):
    cache = Cache(tmp_path, limit=200_000)
    for i in range(100):
        cache.put("e", {key(i): entry(i, 1000)})
    assert cache.trouble is None
    kept = cache.get([key(i) for i in range(100)])
    assert key(99) in kept
    assert key(0) not in kept
    assert sum(len(e.vector) * 4 for e in kept.values()) <= 200_000


def test_a_damaged_file_is_started_anew(tmp_path):
    (tmp_path / "embeddings.sqlite").write_bytes(b"this is no database, and long enough to look at" * 100)
    cache = Cache(tmp_path)
    assert cache.get([key(1)]) == {}
    cache.put("e", {key(1): entry(1)})
    assert len(Cache(tmp_path).get([key(1)])) == 1


def test_a_database_that_was_damaged_later_can_be_cleared(tmp_path):
    cache = Cache(tmp_path)
    cache.put("e", {key(i): entry(i, 1000) for i in range(100)})
    cache.clear()
    cache.put("e", {key(i): entry(i, 1000) for i in range(100)})
    cache.close()
    with (tmp_path / "embeddings.sqlite").open("r+b") as file:
        file.seek(4096)  # the first page holds the schema and stays whole
        file.write(b"\xff" * 200_000)
    cache = Cache(tmp_path)
    assert cache.get([key(i) for i in range(100)]) == {}
    assert cache.trouble.endswith("the file is damaged. Empty it with graft cache clear.")
    cache = Cache(tmp_path)
    assert cache.clear() > 100_000
    assert cache.trouble is None
    cache.put("e", {key(1): entry(1)})
    assert len(Cache(tmp_path).get([key(1)])) == 1


def test_a_folder_that_cannot_be_made_only_costs_time(tmp_path):
    (tmp_path / "file").write_text("")
    cache = Cache(tmp_path / "file" / "cache")
    cache.put("e", {key(1): entry(1)})
    assert cache.get([key(1)]) == {}
    assert "not used" in cache.trouble


def test_a_full_disk_only_costs_time(tmp_path):
    cache = Cache(tmp_path)
    cache.put("e", {key(1): entry(1)})
    cache._connection.execute("PRAGMA max_page_count = 8")
    cache.put("e", {key(i): entry(i, 10_000) for i in range(2, 50)})
    assert cache.trouble.endswith(
        "is not written to: the disk is full. Make room, or set GRAFT_CACHE to a folder on another disk."
    )
    assert list(cache.get([key(1)])) == [key(1)]  # what is there can still be read
    assert len(Cache(tmp_path).get([key(1)])) == 1


CHANGES = {
    "a cut vector": "vector = substr(vector, 1, 7)",
    "a shorter vector": "vector = substr(vector, 1, 8)",
    "another vector": "vector = zeroblob(16)",
    "no vector": "vector = x''",
    "a text for a vector": "vector = 'abcd'",
    "NaN": "vector = x'0000c07f0000c07f0000c07f0000c07f'",
    "other statistics": """statistics = '{"brightness": 0.5}'""",
    "changed statistics": "statistics = replace(statistics, '0.25', '0.75')",
    "cut statistics": "statistics = substr(statistics, 1, length(statistics) - 3)",
    "statistics that are a list": "statistics = '[]'",
    "statistics that are no JSON": "statistics = 'abc'",
    "statistics as bytes": "statistics = x'ff00'",
    "empty statistics": "statistics = ''",
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_an_entry_that_is_not_what_was_written_is_missing(tmp_path, change):
    cache = Cache(tmp_path)
    cache.put("e", {key(1): entry(0.25), key(2): entry(0.5)})
    with sqlite3.connect(tmp_path / "embeddings.sqlite") as other:
        other.execute(f"UPDATE embeddings SET {change} WHERE key = ?", [key(1)])
    assert list(cache.get([key(1), key(2)], 4)) == [key(2)]
    cache.put("e", {key(1): entry(0.25)})
    assert len(cache.get([key(1), key(2)], 4)) == 2


def test_an_entry_of_another_length_is_missing(tmp_path):
    cache = Cache(tmp_path)
    cache.put("e", {key(1): entry(0.25, 4), key(2): entry(0.25, 5)})
    assert list(cache.get([key(1), key(2)], 5)) == [key(2)]


def test_numbers_that_are_not_finite_are_not_kept(tmp_path):
    cache = Cache(tmp_path)
    cache.put("e", {key(1): Entry(np.array([1, np.nan], np.float32), {}), key(2): entry(1)})
    assert list(cache.get([key(1), key(2)])) == [key(2)]


def test_statistics_come_back_whatever_they_are(tmp_path):
    cache = Cache(tmp_path)
    given = {key(1): {}, key(2): {"a": 1e-300, "b": 0.1 + 0.2}, key(3): {'"_sha256"': 1.0, "\u00e9": -1.0}}
    cache.put("e", {k: Entry(np.ones(2, np.float32), statistics) for k, statistics in given.items()})
    assert {k: found.statistics for k, found in cache.get(list(given)).items()} == given


def test_how_many_were_damaged_is_said(tmp_path):
    cache = Cache(tmp_path)
    cache.put("e", {key(number): entry(number) for number in range(4)})
    with sqlite3.connect(tmp_path / "embeddings.sqlite") as other:
        other.execute(
            "UPDATE embeddings SET vector = zeroblob(16), used = 'never' WHERE key IN (?, ?)", [key(1), key(2)]
        )
        other.execute("UPDATE embeddings SET used = 'never', encoder = x'ff'")
    assert len(cache.get([key(number) for number in range(4)])) == 2
    assert "2 entries of the cache" in cache.trouble
    assert sum(cache.info().entries.values()) == 4
    assert cache.clear() >= 0
    assert cache.trouble is None


def test_a_fit_goes_on_beside_damaged_entries(photos, tmp_path):
    cache = Cache(tmp_path)
    before = graft.fit(photos, cache=cache).report
    with sqlite3.connect(tmp_path / "embeddings.sqlite") as other:
        other.execute("UPDATE embeddings SET vector = substr(vector, 1, 7), statistics = 'x'")
    after = graft.fit(photos, cache=cache).report
    assert (after.cache["hits"], after.accuracy) == (0, before.accuracy)
    assert graft.fit(photos, cache=cache).report.cache["misses"] == 0


@pytest.fixture
def for_all():
    """A folder that any user can enter."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def as_nobody(work):
    """What ``work`` returns in a child that permissions hold for; they do not for root."""

    def without_rights():
        if os.geteuid() == 0:
            os.setuid(65534)
        return work()

    return in_child(without_rights)


@forks
def test_a_good_one_in_a_read_only_folder_is_read(for_all):
    cache = Cache(for_all)
    cache.put("e", {key(1): entry(1)})
    cache.close()
    for path in (*for_all.iterdir(), for_all):
        path.chmod(0o555 if path.is_dir() else 0o444)

    def work():
        own = Cache(for_all)
        own.put("e", {key(2): entry(2)})
        own.clear()
        return list(own.get([key(1), key(2)])), own.info().entries, own.trouble

    try:
        found, entries, trouble = as_nobody(work)
    finally:
        for_all.chmod(0o755)
    assert found == [key(1)]
    assert entries == {"e": 1}
    assert "is read and not written to: its folder is read-only" in trouble


@forks
def test_one_that_is_in_use_is_read_from_a_read_only_folder(for_all):
    cache = Cache(for_all)
    cache.put("e", {key(1): entry(1)})  # what was written lies beside the file yet
    for path in (*for_all.iterdir(), for_all):
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        assert as_nobody(lambda: list(Cache(for_all).get([key(1)]))) == [key(1)]
    finally:
        for_all.chmod(0o755)


@forks
@pytest.mark.parametrize(
    "content", [b"this is no database, and long enough to look at" * 100, b"", b"SQLite format 3\0"]
)
def test_a_damaged_one_in_a_read_only_folder_only_costs_time(for_all, content):
    (for_all / "embeddings.sqlite").write_bytes(content)
    (for_all / "embeddings.sqlite").chmod(0o444)
    for_all.chmod(0o555)

    def work():
        own = Cache(for_all)
        own.put("e", {key(1): entry(1)})
        return own.get([key(1)]), own.trouble

    try:
        found, trouble = as_nobody(work)
    finally:
        for_all.chmod(0o755)
    assert found == {}
    assert "is not used" in trouble


@forks
def test_a_folder_in_which_nothing_can_be_made_only_costs_time(for_all):
    for_all.chmod(0o555)

    def work():
        own = Cache(for_all / "cache")
        own.put("e", {key(1): entry(1)})
        return own.get([key(1)]), own.trouble

    try:
        found, trouble = as_nobody(work)
    finally:
        for_all.chmod(0o755)
    assert found == {}
    assert "Set GRAFT_CACHE to a folder that can be written to" in trouble


def test_threads_share_one_cache(tmp_path):
    cache = Cache(tmp_path)

    def work(start: int) -> None:
        for i in range(start, start + 50):
            cache.put("e", {key(i): entry(i)})
            assert cache.get([key(i)])[key(i)].vector[0] == i

    threads = [threading.Thread(target=work, args=(start,)) for start in range(0, 400, 50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cache.info().entries == {"e": 400}


def _fill(folder: str, start: int, together: "multiprocessing.Barrier") -> None:
    cache = Cache(Path(folder))
    together.wait()
    for i in range(start, start + 100):
        cache.put("e", {key(i): entry(i)})
    assert cache.trouble is None


def test_processes_share_one_cache(tmp_path):
    context = multiprocessing.get_context("fork")
    for attempt in range(5):  # each time the file is made by all of them at once
        folder, together = str(tmp_path / str(attempt)), context.Barrier(4)
        processes = [context.Process(target=_fill, args=(folder, 50 * i, together)) for i in range(4)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        assert [process.exitcode for process in processes] == [0, 0, 0, 0]
        assert Cache(Path(folder)).info().entries == {"e": 250}


def test_kill_9_in_the_middle_of_writing_leaves_a_good_cache(tmp_path):
    code = """
import sys, itertools, numpy as np
from pathlib import Path
from graft.encoders.cache import Cache, Entry
cache = Cache(Path(sys.argv[1]))
for i in itertools.count(int(sys.argv[2])):
    cache.put("e", {i.to_bytes(32, "big"): Entry(np.full(2000, i, np.float32), {})})
"""
    for start in (0, 10**6, 2 * 10**6):
        process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path), str(start)])
        while process.poll() is None and not Cache(tmp_path).get([key(start)]):
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        cache = Cache(tmp_path)
        assert cache.get([key(start)])[key(start)].vector.tolist() == [start] * 2000
        assert cache.trouble is None
    check = sqlite3.connect(tmp_path / "embeddings.sqlite").execute("PRAGMA integrity_check").fetchone()
    assert check == ("ok",)


def test_the_folder_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("GRAFT_CACHE", str(tmp_path / "g"))
    assert cache_folder() == tmp_path / "g"
    monkeypatch.delenv("GRAFT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "x"))
    assert cache_folder() == tmp_path / "x" / "graft"


def test_a_limit_that_is_no_number_is_named(monkeypatch):
    monkeypatch.setenv("GRAFT_CACHE_LIMIT", "much")
    with pytest.raises(UsageError, match="much"):
        Cache()


def test_a_secret_keeps_entries_apart(tmp_path):
    one, other, plain = Cache(tmp_path, secret=b"1" * 16), Cache(tmp_path, secret=b"2" * 32), Cache(tmp_path)
    for place, cache in enumerate((one, other, plain)):
        assert cache.get([key(1)]) == {}
        cache.put("e", {key(1): entry(place)})
    assert [cache.get([key(1)])[key(1)].vector[0] for cache in (one, other, plain)] == [0, 1, 2]
    assert list(Cache(tmp_path, secret=b"1" * 16).get([key(2), key(1)])) == [key(1)]
    assert plain.info().entries == {"e": 3}


def test_with_a_secret_the_file_does_not_tell_what_is_in_it(tmp_path):
    Cache(tmp_path, secret=b"1" * 16).put("e", {key(1): entry(1)})
    Cache(tmp_path).put("e", {key(2): entry(2)})
    with sqlite3.connect(tmp_path / "embeddings.sqlite") as connection:
        keys = {row[0] for row in connection.execute("SELECT key FROM embeddings")}
    assert key(2) in keys  # without one nothing has changed, so that older caches stay of use
    assert keys - {key(2)} == {hmac.new(b"1" * 16, key(1), "sha256").digest()}


def test_an_entry_with_a_secret_is_used_and_dropped_like_any_other(tmp_path):
    cache = Cache(tmp_path, limit=200_000, secret=b"1" * 16)
    for i in range(100):
        cache.put("e", {key(i): entry(i, 1000)})
    kept = cache.get([key(i) for i in range(100)])
    assert key(99) in kept
    assert 0 < len(kept) < 60


@pytest.mark.parametrize(
    ("secret", "found"), [(b"short", "has 5 bytes"), (b"", "has 0 bytes"), ("a word of 16 and more", "is of type str")]
)
def test_a_secret_that_can_be_guessed_is_refused(tmp_path, secret, found):
    with pytest.raises(UsageError, match=f"The secret of the cache {found}. Give at least 16 bytes") as caught:
        Cache(tmp_path, secret=secret)
    assert not secret or str(secret) not in str(caught.value)
