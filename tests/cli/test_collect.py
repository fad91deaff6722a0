"""``graft collect`` from outside."""

import base64
import json
import os

import pytest

import graft
from collecting.server import photo
from graft.cli.collect import command


@pytest.fixture
def saved(tmp_path):
    """Saved pages of two classes: five pictures, one of them twice, and one that is too small."""
    for label, seeds in (("open door", (1, 2, 3)), ("closed door", (4, 5, 1))):
        inside = "".join(
            f'<img src="data:image/jpeg;base64,{base64.b64encode(photo(seed)).decode()}">' for seed in seeds
        )
        (tmp_path / "saved" / label).mkdir(parents=True)
        (tmp_path / "saved" / label / "page.html").write_text(inside)
    small = base64.b64encode(photo(9, size=20)).decode()
    with (tmp_path / "saved" / "open door" / "page.html").open("a") as file:
        file.write(f'<img src="data:image/jpeg;base64,{small}">')
    return tmp_path / "saved"


def test_pages_to_folders(run, saved, tmp_path):
    found = run("collect", "--from", saved, "-o", tmp_path / "doors", "--json")
    assert found.code == 0
    assert sum(counts["kept"] for counts in found.json["classes"].values()) == 5
    assert sum(counts["duplicates_of_other_classes"] for counts in found.json["classes"].values()) == 1
    assert found.json["classes"]["open door"]["refused"] == {"too_small": 1}
    assert found.json["stopped"] is False
    assert len(graft.read(tmp_path / "doors")) == 5
    again = run("collect", "--from", saved, "-o", tmp_path / "doors", "--per-class", 2)
    assert " of 2 " in again.out
    assert "1 too small" in again.out
    assert "graft clean" in again.out
    assert "graft fit" in again.out
    assert "licences" in again.out


def test_where_nothing_is_kept_there_is_nothing_to_go_on_with(run, saved, tmp_path):
    found = run("collect", "--from", saved, "-o", tmp_path / "doors", "--min-side", 2000)
    assert found.code == 0
    assert "too small" in found.out
    assert "Next:" not in found.out
    assert "licences" not in found.out


def test_a_manifest_of_others_writes_no_escapes(run, saved, tmp_path):
    (tmp_path / "doors").mkdir()
    record = {"state": "refused", "label": "open door", "query": "", "provider": "", "url": "http://a/", "time": ""}
    record["reason"] = "\x1b]0;gone\x07\nNext: rm"
    (tmp_path / "doors" / ".graft-collect.jsonl").write_text(json.dumps(record) + "\n")
    found = run("collect", "--from", saved, "-o", tmp_path / "doors")
    assert found.code == 0
    assert "\x1b" not in found.out
    assert "Next: rm" not in found.out


def test_queries_and_labels(run, saved, tmp_path):
    found = run(
        "collect", "open door", "--from", saved, "-o", tmp_path / "doors", "--label", "open door=open",
        "--per-class", 2, "--json",
    )  # fmt: skip
    assert list(found.json["classes"]) == ["open"]
    assert len(list((tmp_path / "doors" / "open").iterdir())) == 2


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "nothing to search for"),
        (["door", "--provider", "urls"], 2, "--from PATH"),
        (["door", "--label", "door"], 2, "QUERY=NAME"),
        (["door", "--label", "window=w"], 2, "no query"),
        (["door", "--per-class", "0"], 2, "per-class"),
        (["door", "--from", "nothing.csv"], 1, "no file nothing.csv"),
        (["door", "--provider", "ddgs", "--from", "."], 2, "reads no file"),
    ],
)
def test_what_is_off_is_said(run, tmp_path, arguments, code, words):
    found = run("collect", *arguments, "-o", tmp_path / "out", "--json")
    assert found.code == code
    assert words in found.json["error"]["message"] + found.json["error"]["hint"]
    assert not (tmp_path / "out").exists()


def test_a_query_that_is_not_there_is_said(run, saved, tmp_path):
    found = run("collect", "opne door", "--from", saved, "-o", tmp_path / "out", "--json")
    assert found.code == 2
    assert "'opne door'" in found.json["error"]["message"]
    assert "'open door'" in found.json["error"]["hint"]
    assert not (tmp_path / "out").exists()


def test_private_addresses_are_refused_and_no_option_allows_them(run, tmp_path):
    (tmp_path / "list.txt").write_text(
        "http://127.0.0.1/a.jpg\nhttp://localhost/a.jpg\nhttp://[::1]/\nhttp://169.254.169.254/\n"
    )
    found = run("collect", "door", "--from", tmp_path / "list.txt", "-o", tmp_path / "out", "--json")
    assert found.code == 0
    assert found.json["classes"]["door"]["refused"] == {"private_address": 4}
    assert not [
        option for parameter in command.params for option in parameter.opts if "allow" in option or "port" in option
    ]


def test_without_the_image_search_it_says_what_else_there_is(graft, tmp_path):
    environment = {**os.environ, "DDGS_PROXY": "http://127.0.0.1:9"}
    done = graft("collect", "open door", "-o", tmp_path / "out", "--json", env=environment)
    assert done.returncode == 1
    error = json.loads(done.stdout)["error"]
    assert error["code"] in ("provider", "missing_extra")
    assert "pages" in error["hint"]
