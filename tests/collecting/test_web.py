"""The real library in a process without a way out: its own proxy setting leads to a port where nobody answers."""

import importlib.util
import json
import subprocess
import sys

import pytest

from graft.collecting.web import WebSearch

SCRIPT = """
import json, sys
hidden = json.loads(sys.argv[1])
sys.modules.update(dict.fromkeys(hidden))  # as if they were not installed
from graft.collecting import collect
from graft.errors import GraftError
try:
    collect(["open door"], sys.argv[2])
except GraftError as error:
    print(json.dumps({"code": error.code, "message": error.message, "hint": error.hint}))
"""


def use(folder, *hidden, **environment):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps(hidden), folder / "out"],
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.skipif(importlib.util.find_spec("ddgs") is None, reason="ddgs is not installed")
def test_without_a_network_it_names_the_others(tmp_path):
    from importlib.metadata import version

    found = use(tmp_path, DDGS_PROXY="http://127.0.0.1:9")
    assert found["code"] == "provider"
    assert f"ddgs {version('ddgs')}" in found["message"]
    assert "'open door'" in found["message"]
    assert "--provider urls" in found["hint"]
    assert "--provider pages" in found["hint"]


@pytest.mark.parametrize("hidden", ["ddgs", "httpcore2"])
def test_without_the_libraries_it_names_the_extra(tmp_path, hidden):
    found = use(tmp_path, hidden)
    assert found["code"] == "missing_extra"
    assert hidden in found["message"]
    assert "graft-learn[collect]" in found["hint"]


@pytest.mark.skipif(importlib.util.find_spec("ddgs") is None, reason="ddgs is not installed")
def test_what_the_library_makes_of_an_answer_is_understood():
    from ddgs.engines.duckduckgo_images import DuckduckgoImages

    row = {"title": "A  door", "image": "https://a.example/1.jpg", "url": "https://a.example/", "width": 9, "height": 8}
    [result] = DuckduckgoImages().extract_results(json.dumps({"results": [row]}))
    found = WebSearch(licence="share")._read(vars(result))
    assert (found.url, found.page, found.title) == ("https://a.example/1.jpg", "https://a.example/", "A door")
    assert found.licence == "share (as the search site believes)"
    assert WebSearch()._read({"image": None, "url": 7}).url == ""
