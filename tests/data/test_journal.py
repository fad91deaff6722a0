"""The journal: nothing that was acknowledged is lost, whatever happens to the process, the disk or the file."""

import fcntl
import json
import os
import resource
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, wait

import pytest

from graft.errors import DataError, GraftError
from graft.journal.decision import MAX_NAME, Decision, ItemKey
from graft.journal.journal import MAX_LINE, Journal

ITEM = ItemKey("0" * 32, "cat/1.jpg", "cat")
OTHER = ItemKey("1" * 32, "dog/1.jpg", "dog")

APPEND = """
import sys
from graft.journal.decision import Decision, ItemKey
from graft.journal.journal import Journal
journal, who, n = Journal(sys.argv[1], "photos"), sys.argv[2], int(sys.argv[3])
for number in range(n):
    decision = Decision("relabel", (ItemKey("%032x" % number, who * 40, "cat"),), to="dog", who=who)
    journal.append(decision)
    print(decision.id, flush=True)
"""

KILL = f"""
import os, random, signal, sys, time
import graft.journal.journal
chance = random.Random(0)
for _ in range(100):
    ours, theirs = os.pipe()
    child = os.fork()
    if not child:
        os.dup2(theirs, 1)
        exec({APPEND!r})
    os.close(theirs)
    with os.fdopen(ours, "rb") as pipe:
        said = pipe.readline()  # it is at work now
        time.sleep(chance.uniform(0, 0.01))
        os.kill(child, signal.SIGKILL)
        said += pipe.read()
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    print(said[: said.rfind(b"\\n") + 1].decode(), end="", flush=True)
"""


def drop(**changes):
    return Decision(**{"action": "drop", "items": (ITEM,), "who": "anna", **changes})


def writer(path, who, n):
    return subprocess.Popen([sys.executable, "-c", APPEND, path, who, str(n)], stdout=subprocess.PIPE)


def test_what_is_appended_is_read_again(tmp_path):
    journal = Journal(tmp_path / "photos.journal", "photos")
    made = [
        drop(),
        Decision("relabel", (ITEM,), to="käfer | Ω\u2028", who="ben"),
        Decision("merge", (ITEM, OTHER, ItemKey("2" * 32, "n\ud800", "", 3))),
        Decision("keep", (OTHER,)),
        Decision("unsure", (OTHER,), batch="f" * 32),
    ]
    made.append(Decision("undo", undoes=made[0].id))
    for decision in made:
        journal.append(decision)
    assert journal.read() == tuple(made)
    lines = journal.path.read_bytes().split(b"\n")
    assert json.loads(lines[0]) == {"graft_journal": 1, "data": "photos"}
    assert len(lines) == len(made) + 2
    assert made[0].at.endswith("+00:00")
    assert made[2].who  # whoever is logged in


def test_a_decision_that_cannot_be_is_refused():
    for wrong in (
        {"action": "delete"}, {"items": ()}, {"to": "dog"}, {"undoes": "0" * 32}, {"id": "../x"},
        {"batch": "../x"}, {"batch": 7},
        {"action": "relabel"}, {"action": "merge"}, {"action": "undo"}, {"action": "undo", "items": ()},
        {"action": None}, {"who": None}, {"at": "yesterday"}, {"at": 7}, {"id": 7}, {"action": "relabel", "to": 5},
        {"action": "undo", "items": (), "undoes": 5}, {"items": ("cat/1.jpg",)}, {"items": [ITEM]},
    ):  # fmt: skip
        with pytest.raises(DataError, match="cannot be"):
            drop(**wrong)
    for parts in (
        ("cat/1.jpg", "cat/1.jpg", "cat"), (7, "n", "l"), ("0" * 32, None, "l"), ("0" * 32, "n", None),
        ("0" * 32, "n", "l", "1"), ("0" * 32, "n", "l", -1), ("0" * 32, "n", "l", 0, 0), ("0" * 32, "n", "l", 0, None),
    ):  # fmt: skip
        with pytest.raises(DataError, match="no item"):
            ItemKey(*parts)
    assert len(ItemKey("0" * 32, "x" * 500, "cat").name) == MAX_NAME


def test_a_journal_of_before_copies_were_counted_is_read(tmp_path):
    path = tmp_path / "photos.journal"
    path.write_text(
        '{"graft_journal": 1, "data": "photos"}\n'
        '{"id":"' + "a" * 32 + '","at":"2026-01-31T09:30:00.000+00:00","who":"anna","action":"drop",'
        '"items":[{"digest":"' + "0" * 32 + '","name":"cat/1.jpg","label":"cat","copy":1}]}\n'
    )
    [decision] = Journal(path).read()
    [key] = decision.items
    assert (key.copy, key.copies) == (1, 1)
    assert decision.to_line() == path.read_bytes().splitlines(keepends=True)[1]


def test_no_acknowledged_decision_is_lost_in_a_hundred_kills(tmp_path):
    """Each child is killed while it appends, and the next goes on with the file as it is."""
    path = tmp_path / "photos.journal"
    said = subprocess.run([sys.executable, "-c", KILL, path, "anna", "1000000"], capture_output=True, check=True).stdout
    acknowledged = said.decode().split()
    reading = Journal(path).follow()
    assert set(acknowledged) <= {decision.id for decision in reading.decisions}
    assert 100 <= len(acknowledged) <= len(reading.decisions) <= len(acknowledged) + 100  # one was not said any more
    assert len({decision.who for decision in reading.decisions}) == 1
    Journal(path).append(drop())
    assert len(Journal(path).read()) == len(reading.decisions) + 1


def test_four_writers_at_once_lose_nothing_and_tear_nothing(tmp_path):
    path = tmp_path / "photos.journal"
    children = [writer(path, who, 200) for who in ("anna", "ben", "carla", "dan")]
    acknowledged = [set(child.communicate()[0].decode().split()) for child in children]
    assert [len(ids) for ids in acknowledged] == [200] * 4
    reading = Journal(path).follow()
    assert reading.n_bad == 0
    assert {decision.id for decision in reading.decisions} == set().union(*acknowledged)
    assert len(reading.decisions) == 800
    assert path.read_bytes().count(b"graft_journal") == 1


def test_threads_of_one_process_exclude_each_other_too(tmp_path):
    journal = Journal(tmp_path / "photos.journal")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: journal.append(drop()), range(80)))
    assert len(set(journal.read())) == 80
    assert journal.follow().n_bad == 0


def test_all_wait_for_the_one_who_holds_the_lock_and_one_of_them_writes_the_header(tmp_path):
    journal = Journal(tmp_path / "photos.journal")
    with ThreadPoolExecutor(8) as pool:
        with journal.path.open("wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            waiting = [pool.submit(journal.append, drop()) for _ in range(8)]
            assert wait(waiting, timeout=0.3).done == set()
            assert journal.path.stat().st_size == 0
        assert not wait(waiting, timeout=240).not_done
    assert journal.path.read_bytes().count(b"graft_journal") == 1
    assert len(journal.read()) == 8


def test_a_file_that_is_replaced_while_somebody_waits_gets_the_decision(tmp_path):
    journal = Journal(tmp_path / "photos.journal")
    journal.append(first := drop())
    with ThreadPoolExecutor(1) as pool, journal.path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        waiting = pool.submit(journal.append, second := drop())
        assert wait([waiting], timeout=0.3).done == set()
        new = tmp_path / "new"  # as some editors save
        new.write_bytes(journal.path.read_bytes())
        new.replace(journal.path)
        fcntl.flock(file, fcntl.LOCK_UN)
        waiting.result()
    assert journal.read() == (first, second)


def test_a_last_line_that_was_cut_anywhere_costs_itself_only(tmp_path):
    journal = Journal(tmp_path / "photos.journal")
    first, last, later = drop(), drop(who="käthe"), drop()
    journal.append(first)
    size = journal.path.stat().st_size
    journal.append(last)
    whole = journal.path.read_bytes()
    for end in range(size, len(whole)):
        journal.path.write_bytes(whole[:end])
        survived = (first, last) if end == len(whole) - 1 else (first,)
        assert journal.follow().decisions == survived
        assert journal.follow().n_bad == 0
        journal.append(later)
        assert journal.read() == (*survived, later)
        assert journal.follow().n_bad == (size < end < len(whole) - 1)


def test_a_header_that_was_cut_is_closed_off_too(tmp_path):
    journal = Journal(tmp_path / "photos.journal", "photos")
    journal.append(drop())
    header = journal.path.read_bytes().partition(b"\n")[0]
    for end in [0, *range(3, len(header) + 1)]:
        journal.path.write_bytes(header[:end])
        assert journal.read() == ()
        journal.append(later := drop())
        assert journal.read() == (later,)


def test_rubbish_is_named_and_the_rest_is_read(tmp_path):
    journal = Journal(tmp_path / "photos.journal")
    good = drop()
    values = json.loads(good.to_line())
    rubbish = [
        b"\xff\xfe\x00", b"{", b"[]", b"null", b"7", b'"drop"', b"[" * 5000, b"x" * (MAX_LINE + 10),
        *(json.dumps({**values, **wrong}).encode() for wrong in (
            {"action": "explode"}, {"id": 7}, {"at": "yesterday"}, {"items": 3}, {"items": [7]}, {"who": None},
            {"items": [{"digest": "../..", "name": "", "label": ""}]}, {"to": "dog"},
            {"items": [{"digest": "0" * 32, "name": "n", "label": "l", "copy": "1"}]},
        )),
    ]  # fmt: skip
    lines = [b'\xef\xbb\xbf{"graft_journal": 1}', *rubbish, b"", json.dumps({**values, "later": [1]}).encode(), b"  "]
    journal.path.write_bytes(b"\r\n".join(lines) + b"\r\n")
    reading = journal.follow()
    assert reading.decisions == (good,)
    assert (reading.n_bad, reading.bad) == (len(rubbish), (2, 3, 4, 5, 6))
    journal.append(later := drop())
    assert journal.read() == (good, later)


def test_a_journal_needs_no_header_and_may_be_two_joined(tmp_path):
    one, other = Journal(tmp_path / "one.journal"), Journal(tmp_path / "other.journal")
    one.append(first := drop())
    other.append(second := drop())
    both = Journal(tmp_path / "both.journal")
    both.path.write_bytes(first.to_line() + other.path.read_bytes() + one.path.read_bytes())
    assert both.read() == (first, second, first)
    both.append(drop())


def test_growth_is_followed_from_where_reading_ended(tmp_path):
    journal = Journal(tmp_path / "photos.journal")
    journal.append(first := drop())
    reading = journal.follow()
    journal.append(second := drop())
    with journal.path.open("r+b") as file:  # what was read is not read again: damage there does not matter
        file.write(b"#" * 10)
    assert journal.follow(reading).decisions == (first, second)
    line = (third := drop()).to_line()
    with journal.path.open("ab") as file:
        file.write(line[:30])
        file.flush()
        grown = journal.follow(reading)
        assert grown.decisions == (first, second)
        file.write(line[30:])
    assert journal.follow(grown).decisions == (first, second, third)
    other = Journal(tmp_path / "other.journal")
    other.append(fourth := drop())
    other.path.replace(journal.path)
    assert journal.follow(grown).decisions == (fourth,)


def test_a_newer_journal_is_neither_read_nor_written(tmp_path):
    journal = Journal(tmp_path / "photos.journal")
    content = b'{"graft_journal": 2}\n' + drop().to_line()
    journal.path.write_bytes(content)
    for use in (journal.read, lambda: journal.append(drop())):
        with pytest.raises(DataError, match="newer Graft") as caught:
            use()
        assert "upgrade" in caught.value.hint
    assert journal.path.read_bytes() == content


@pytest.mark.parametrize("content", [b"path,label\n1.jpg,cat\n", b'{\n  "a": 1\n}\n', b"hello", b"\x89PNG\r\n\x1a\n"])
def test_another_file_is_no_journal_and_stays_as_it_is(tmp_path, content):
    journal = Journal(tmp_path / "data.csv")
    journal.path.write_bytes(content)
    for use in (journal.read, lambda: journal.append(drop())):
        with pytest.raises(DataError, match="is no journal"):
            use()
    assert journal.path.read_bytes() == content


def test_a_place_where_no_journal_can_be_is_named(tmp_path):
    (tmp_path / "photos.zip").write_bytes(b"PK")
    (tmp_path / "folder").mkdir()
    for place, found in (
        ("nowhere/photos.journal", "is not there"),
        ("photos.zip/photos.journal", "is a file"),
        ("folder", "is no file"),
    ):
        for use in (Journal(tmp_path / place).read, lambda place=place: Journal(tmp_path / place).append(drop())):
            with pytest.raises(DataError, match=found) as caught:
                use()
            assert caught.value.hint
    with pytest.raises(DataError, match="no journal at"):
        Journal(tmp_path / "missing.journal").read()
    with pytest.raises(DataError, match="is no file"):
        Journal("/dev/full").append(drop())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "photos.zip"]


def test_a_decision_about_too_many_items_is_refused(tmp_path):
    journal = Journal(tmp_path / "photos.journal")
    items = tuple(ItemKey(f"{n:032x}", "x" * MAX_NAME, "cat") for n in range(3000))
    with pytest.raises(DataError, match="3,000 items"):
        journal.append(drop(items=items))
    assert not journal.path.exists()


def test_a_full_disk_is_an_error_and_leaves_the_journal_whole(tmp_path):
    path = tmp_path / "photos.journal"
    Journal(path).append(drop())
    before = path.read_bytes()
    script = (
        "import resource, sys\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({len(before) + 50}, {len(before) + 50}))\n" + APPEND
    )
    found = subprocess.run([sys.executable, "-c", script, path, "ben", "1"], capture_output=True, text=True)
    assert "was not saved" in found.stderr
    assert found.stdout == ""
    assert path.read_bytes() == before
    Journal(path).append(later := drop())
    assert Journal(path).read()[-1] == later


def test_decisions_of_one_click_are_written_all_or_none(tmp_path):
    path = tmp_path / "photos.journal"
    Journal(path).append(drop(), drop(batch="a" * 32))
    assert [made.batch for made in Journal(path).read()] == [None, "a" * 32]
    before = path.read_bytes()
    room = len(before) + len(drop().to_line()) + 50
    script = (
        "import resource, sys\n"
        "from graft.journal.decision import Decision, ItemKey\nfrom graft.journal.journal import Journal\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, {room}))\n"
        "made = [Decision('drop', (ItemKey('0' * 32, 'cat/1.jpg', 'cat'),), who='ben') for _ in range(3)]\n"
        "Journal(sys.argv[1]).append(*made)"
    )
    found = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True)
    assert "was not saved" in found.stderr
    assert path.read_bytes() == before


def test_a_file_that_cannot_be_opened_is_an_error(tmp_path):
    journal = Journal(tmp_path / "photos.journal")
    journal.append(drop())
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    held = [os.open(os.devnull, os.O_RDONLY)]
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (held[0] + 1, limits[1]))  # no other file can be opened
        with pytest.raises(GraftError, match="was not saved"):
            journal.append(drop())
        with pytest.raises(DataError, match="cannot be read"):
            journal.read()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        os.close(held[0])
    assert len(journal.read()) == 1
