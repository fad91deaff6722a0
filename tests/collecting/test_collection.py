"""Classes, duplicates, going on where it ended, and providers that fail."""

import base64
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

import graft
from collecting.conftest import LOOPBACK, QUICK
from collecting.server import Server, photo
from graft.collecting import Found, ProviderError, collect
from graft.collecting.manifest import NAME
from graft.errors import GraftError, NothingToRead, OutputExists, UsageError

SCRIPT = """
import ipaddress, sys
from graft.collecting import Limits, collect
listed, out, port, per_class = sys.argv[1:]
collect([], out, source=listed, per_class=int(per_class), delay=0, allow=[ipaddress.ip_network("127.0.0.1/32")],
        ports={int(port)}, limits=Limits(backoff=0.01))
"""


def numbers(*seeds):
    return [f"/n/{seed}.jpg" for seed in seeds]


def files(folder):
    return sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file() and path.name != NAME
    )


def check_agreement(folder, lines):
    """Each file has its line and each line its file, and the content is what the line says."""
    kept = {line["file"]: line for line in lines if line["state"] == "kept"}
    assert sorted(kept) == files(folder)
    for name, line in kept.items():
        content = (folder / name).read_bytes()
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (line["sha256"], line["bytes"])
    assert len({line["sha256"] for line in kept.values()}) == len(kept)
    assert len({(line["label"], line["url"]) for line in kept.values()}) == len(kept)


def test_classes_get_what_was_asked_for_and_are_read_as_a_data_set(server, gather, lines, tmp_path):
    done = gather(per_class=6, open=numbers(*range(20)), closed=numbers(*range(20, 40)))
    assert {label: counts.kept for label, counts in done.classes.items()} == {"open": 6, "closed": 6}
    assert server.asked.total() == 12
    check_agreement(tmp_path / "out", lines())
    dataset = graft.read(tmp_path / "out")
    assert (len(dataset), dataset.skipped) == (12, ())
    assert [warning for warning in dataset.warnings if NAME not in warning] == []
    assert set(dataset.labels) == {"open", "closed"}


def test_the_manifest_says_where_each_came_from(server, lines, tmp_path):
    (tmp_path / "list.csv").write_text(
        f"label;url;licence;page;title\nopen;{server.url('/hop.jpg')};CC-BY 4.0;https://a.example/;Türe\n", "utf-8"
    )
    collect([], tmp_path / "out", source=tmp_path / "list.csv", allow=LOOPBACK, ports={server.port})
    [line] = lines()
    assert line["url"] == server.url("/hop.jpg")
    assert line["final_url"] == server.url("/good-at-last.jpg")
    assert (line["licence"], line["page"], line["title"]) == ("CC-BY 4.0", "https://a.example/", "Türe")
    assert (line["provider"], line["query"], line["file"]) == ("urls", "open", "open/0001.jpg")
    assert (line["width"], line["height"]) == (120, 120)
    assert line["time"].endswith("+00:00")


def test_the_name_of_a_file_comes_from_its_content(gather, tmp_path):
    gather(all=["/wrong-type.jpg"])
    assert files(tmp_path / "out") == ["all/0001.png"]


def test_every_kind_of_picture_that_can_be_read_is_kept(gather, tmp_path):
    kinds = ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "PPM")
    pictures = (base64.b64encode(photo(seed, kind)).decode() for seed, kind in enumerate(kinds))
    drawn = [f"data:image/any;base64,{picture}" for picture in pictures]
    assert gather(all=drawn).classes["all"].kept == len(drawn)
    endings = {file.rpartition(".")[2] for file in files(tmp_path / "out")}
    assert endings == {"jpg", "png", "gif", "bmp", "tif", "webp", "pnm"}
    assert gather(all=drawn).classes["all"].kept == len(drawn)  # the names are believed when they are read again


def test_copies_are_dropped_within_and_across_classes(gather, lines):
    gather(a=["/good.jpg"])
    done = gather(a=["/good.jpg", "/same.jpg", "/near.jpg"], b=["/good.jpg", "/same.jpg", "/near.jpg", "/n/1.jpg"])
    assert (done.classes["a"].kept, done.classes["a"].duplicates, done.classes["a"].elsewhere) == (1, 2, 0)
    assert (done.classes["b"].kept, done.classes["b"].duplicates, done.classes["b"].elsewhere) == (1, 0, 3)
    dropped = [line for line in lines() if line["state"] == "duplicate"]
    assert {line["of"] for line in dropped} == {"a/0001.jpg"}
    assert {line["reason"] for line in dropped} == {"same_address", "same_content", "near_copy"}


def test_a_second_run_fetches_only_what_is_missing(server, gather, lines, tmp_path):
    gather(per_class=3, all=["/404.jpg", "/same.jpg", *numbers(1, 2, 3, 4, 5)])
    asked = server.asked.copy()
    done = gather(per_class=3, all=["/404.jpg", "/same.jpg", *numbers(1, 2, 3, 4, 5)])
    assert server.asked == asked
    assert (done.classes["all"].kept, done.classes["all"].new) == (3, 0)
    done = gather(per_class=5, all=["/404.jpg", "/same.jpg", *numbers(1, 2, 3, 4, 5)])
    assert (done.classes["all"].kept, done.classes["all"].new) == (5, 2)
    assert max(server.asked.values()) == 1
    check_agreement(tmp_path / "out", lines())


def test_other_limits_are_another_chance(server, gather, lines):
    """What was too small or too large is judged anew by what was noted of it, and asked for only if it may pass."""
    small, large = "/n/1.jpg", "/huge.jpg"  # 120 pixels; 3 MB

    def refused(limits=QUICK, **options):
        return dict(gather(all=[small, large], limits=limits, **options).classes["all"].refused)

    assert refused(min_side=200) == {"too_small": 1, "too_large": 1}
    assert refused(min_side=121) == {"too_small": 1, "too_large": 1}
    assert len(lines()) == 2
    assert refused(min_side=120) == {"too_large": 1}
    assert server.asked == {small: 2, large: 1}
    assert refused(replace(QUICK, max_bytes=2_900_000)) == {"too_large": 1}
    assert refused(replace(QUICK, max_bytes=4_000_000)) == {}
    assert server.asked[small] == 2
    assert [line["state"] for line in lines()].count("kept") == 2


def test_what_failed_once_counts_no_more_when_it_is_there(gather):
    assert gather(all=["/busy-at-first.jpg"], limits=replace(QUICK, tries=1)).classes["all"].failed == {"busy": 1}
    done = gather(all=["/busy-at-first.jpg"]).classes["all"]
    assert (done.kept, done.failed) == (1, {})


def test_a_query_that_the_source_does_not_have(server, tmp_path):
    (tmp_path / "list.csv").write_text(f"label,url\nopen,{server.url('/n/1.jpg')}\n")
    with pytest.raises(UsageError, match="'opne'") as caught:
        collect(["open", "opne"], tmp_path / "out", source=tmp_path / "list.csv")
    assert "'open'" in caught.value.hint
    assert not (tmp_path / "out").exists()
    with (tmp_path / "list.csv").open("a") as file:
        file.write(f",{server.url('/n/2.jpg')}\n")  # without a label: it answers any query
    done = collect(
        ["opne"], tmp_path / "out", source=tmp_path / "list.csv", allow=LOOPBACK, ports={server.port}, delay=0
    )
    assert done.classes["opne"].kept == 1


def test_what_was_deleted_by_hand_stays_away(server, gather, tmp_path):
    gather(per_class=3, all=numbers(1, 2, 3))
    (tmp_path / "out" / "all" / "0002.jpg").unlink()
    done = gather(per_class=3, all=numbers(1, 2, 3, 4))
    assert (done.classes["all"].kept, done.classes["all"].new) == (3, 1)
    assert files(tmp_path / "out") == ["all/0001.jpg", "all/0003.jpg", "all/0004.jpg"]
    assert max(server.asked.values()) == 1


def test_files_of_the_user_are_left_alone(gather, tmp_path):
    gather(all=numbers(1))
    mine = tmp_path / "out" / "all" / "0002.jpg"
    mine.write_bytes(b"mine")
    gather(all=numbers(1, 2))
    assert mine.read_bytes() == b"mine"
    assert files(tmp_path / "out") == ["all/0001.jpg", "all/0002.jpg", "all/0003.jpg"]
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "letter.txt").write_text("Dear all")
    with pytest.raises(OutputExists):
        collect(["all"], tmp_path / "other", source=tmp_path / "list.jsonl")
    assert files(tmp_path / "other") == ["letter.txt"]


def test_killed_again_and_again_each_picture_is_there_once(lines, tmp_path):
    server = Server(pause=0.01)
    rows = [{"label": "ab"[seed % 2], "url": server.url(f"/n/{seed}.jpg")} for seed in range(80)]
    (tmp_path / "list.jsonl").write_text("\n".join(map(json.dumps, rows)))
    command = [sys.executable, "-c", SCRIPT, tmp_path / "list.jsonl", tmp_path / "out", str(server.port), "40"]
    chance = random.Random(0)
    manifest = tmp_path / "out" / NAME
    kills = 0
    for _ in range(4):
        process = subprocess.Popen(command)
        before = manifest.stat().st_size if manifest.exists() else 0
        while process.poll() is None and (not manifest.exists() or manifest.stat().st_size == before):
            time.sleep(0.002)
        time.sleep(chance.uniform(0, 0.04))
        process.send_signal(signal.SIGKILL)
        kills += process.wait() == -signal.SIGKILL
        assert {line["file"] for line in map(whole, manifest.read_text().splitlines()) if line} >= {
            name for name in files(tmp_path / "out") if not name.rpartition("/")[2].startswith(".")
        }
    assert kills >= 2
    subprocess.run(command, check=True)
    check_agreement(tmp_path / "out", list(filter(None, map(whole, manifest.read_text().splitlines()))))
    assert len(files(tmp_path / "out")) == 80
    server.close()


def whole(text):
    """A line of the manifest; a crash may have cut it short."""
    try:
        return json.loads(text)
    except ValueError:
        return None


def test_what_a_crash_left_behind_is_mended(gather, lines, tmp_path):
    gather(all=numbers(1, 2))
    folder = tmp_path / "out" / "all"
    (folder / "0001.jpg").rename(folder / ".0001.jpg.part")  # noted, and not yet named
    (folder / ".0003.jpg.part").write_bytes(b"half a picture")  # not yet noted
    with (tmp_path / "out" / NAME).open("a") as file:
        file.write('{"state": "kept", "label": "al')
    done = gather(all=numbers(1, 2, 3))
    assert (done.classes["all"].kept, done.classes["all"].new) == (3, 1)
    assert files(tmp_path / "out") == ["all/0001.jpg", "all/0002.jpg", "all/0003.jpg"]


def test_a_manifest_from_others_leads_nowhere(gather, tmp_path):
    gather(all=numbers(1))
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / ".0001.jpg.part").write_bytes(photo(1))
    digest = hashlib.sha256(photo(1)).hexdigest()
    base = {"state": "kept", "query": "a", "provider": "a", "url": "http://a.example", "time": "", "sha256": digest}
    with (tmp_path / "out" / NAME).open("a") as file:
        for label, name in (("../victim", "../victim/0001.jpg"), ("victim", "../victim/0001.jpg"), ("..", "../x.jpg")):
            file.write(json.dumps({**base, "label": label, "file": name}) + "\n")
        file.write('[1]\n{"state": 1}\n"\n\x00\xff\n{"state": "kept"}\n' + "[" * 100_000 + "\n")
    assert gather(all=numbers(1, 2)).classes["all"].kept == 2
    assert [path.name for path in victim.iterdir()] == [".0001.jpg.part"]


def test_two_runs_at_once_do_not_mix(tmp_path, server):
    (tmp_path / "list.txt").write_text(server.url("/n/1.jpg"))

    class Asks:
        def queries(self):
            return ["a"]

        def search(self, query):
            with pytest.raises(GraftError, match="Another process"):
                collect(["a"], tmp_path / "out", source=tmp_path / "list.txt")
            yield Found(server.url("/n/1.jpg"))

    done = collect([], tmp_path / "out", provider=Asks(), allow=LOOPBACK, ports={server.port})
    assert done.classes["a"].kept == 1


class Broken:
    """Gives so many pictures and fails."""

    def __init__(self, server, n):
        self.server, self.n = server, n

    def queries(self):
        return ()

    def search(self, query):
        yield from (Found(self.server.url(f"/n/{hash(query) % 1000}{seed}.jpg")) for seed in range(self.n))
        raise RuntimeError("the site has a new look")


def test_a_provider_that_fails_says_so(server, tmp_path):
    with pytest.raises(ProviderError, match="Broken failed for 'a': the site has a new look") as caught:
        collect(["a", "b"], tmp_path / "out", provider=Broken(server, 0), allow=LOOPBACK, ports={server.port})
    assert "urls" in caught.value.hint
    assert "pages" in caught.value.hint
    done = collect(
        ["a", "b"], tmp_path / "out", provider=Broken(server, 2), allow=LOOPBACK, ports={server.port}, delay=0
    )
    assert {label: counts.kept for label, counts in done.classes.items()} == {"a": 2, "b": 2}
    assert len(done.problems) == 2


def test_time_is_a_limit(tmp_path):
    server = Server(pause=0.3)

    class Endless:
        def queries(self):
            return ["a"]

        def search(self, query):
            seed = 0
            while True:
                seed += 1
                yield Found(server.url(f"/n/{seed}.jpg"))

    done = collect(
        [], tmp_path / "out", provider=Endless(), allow=LOOPBACK, ports={server.port}, time_limit=1.0, per_class=1000
    )
    assert done.stopped
    assert done.classes["a"].kept < 1000  # with 0.3 s for each there was no time for so many
    server.close()


def test_no_more_than_two_at_once_ask_a_host(gather, tmp_path):
    server = Server(pause=0.02)
    gather(all=[server.url(f"/n/{seed}.jpg") for seed in range(3)])  # another port: refused, and nobody is asked
    assert server.most_at_once == 0
    rows = "\n".join(server.url(f"/n/{seed}.jpg") for seed in range(12))
    (tmp_path / "list.txt").write_text(rows)
    done = collect(["a"], tmp_path / "two", source=tmp_path / "list.txt", delay=0, allow=LOOPBACK, ports={server.port})
    assert done.classes["a"].kept == 12
    assert server.most_at_once == 2
    server.close()


def test_labels_of_queries(server, tmp_path):
    (tmp_path / "list.csv").write_text(
        "label,url\n"
        + "".join(
            f"{label},{server.url(f'/n/{seed}.jpg')}\n" for seed, label in enumerate(["open door", "ajar", "shut"])
        )
    )

    def run(queries, out, labels):
        own = {"allow": LOOPBACK, "ports": {server.port}, "delay": 0}
        return collect(queries, tmp_path / out, source=tmp_path / "list.csv", labels=labels, **own)

    done = run(["open door", "ajar", "shut"], "one", labels={"open door": "open", "ajar": "open", "shut": "../CON"})
    assert files(tmp_path / "one") == ["CON_/0001.jpg", "open/0001.jpg", "open/0002.jpg"]
    assert done.classes["open"].kept == 2
    with pytest.raises(UsageError, match="no query"):
        run(["ajar"], "two", labels={"door": "open"})
    with pytest.raises(UsageError, match="same folder"):
        run(["ajar", "shut"], "two", labels={"ajar": "a/b", "shut": "a?b"})
    with pytest.raises(UsageError, match="no name"):
        run(["ajar"], "two", labels={"ajar": ".."})
    assert not (tmp_path / "two").exists()


def test_sources_that_are_not_there(tmp_path):
    with pytest.raises(NothingToRead):
        collect(["a"], tmp_path / "out", source=tmp_path / "nothing.csv")
    with pytest.raises(UsageError):
        collect(["a"], tmp_path / "out", provider="urls")
    with pytest.raises(UsageError):
        collect(["a"], tmp_path / "out", provider="altavista")
    with pytest.raises(UsageError):
        collect([], tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_to(tmp_path):
    (tmp_path / "list.txt").write_text("http://a.example/")
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(OSError):
        collect(["a"], tmp_path / "locked" / "out", source=tmp_path / "list.txt")
