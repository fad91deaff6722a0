import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from graft.encoders.cache import Cache, Entry, cache_folder
from graft.errors import UsageError


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
    assert cache.trouble.endswith("malformed. Empty it with graft cache clear.")
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
    assert "full" in cache.trouble
    assert cache.get([key(1)]) == {}
    assert len(Cache(tmp_path).get([key(1)])) == 1


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
