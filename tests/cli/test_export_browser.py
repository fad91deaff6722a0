"""``graft export --to browser``."""

import json
import shlex

import pytest

from graft.export.browser import runtime


def test_without_the_runtime_nothing_is_written_and_it_is_said_where_it_comes_from(run, saved, tmp_path):
    (tmp_path / "dist").mkdir()
    refused = run("export", saved, "--to", "browser", "-o", tmp_path / "site", "--runtime", tmp_path / "dist")
    assert refused.code == 1
    for said in ("has no ort.wasm.min.mjs", f"npm pack {runtime.PACKAGE}@{runtime.VERSION}", "--runtime"):
        assert said in " ".join(refused.err.split())
    assert [path.name for path in tmp_path.iterdir()] == ["dist"]


def test_a_page_is_written_in_half_precision_and_weighs_what_is_said(run, saved, tmp_path, ort_files):
    done = run("export", saved, "--to", "browser", "-o", tmp_path / "site", "--runtime", ort_files, "--json")
    assert (done.code, done.json["target"], done.json["precision"]) == (0, "browser", "fp16")
    files = {str(file.relative_to(tmp_path / "site")) for file in (tmp_path / "site").rglob("*") if file.is_file()}
    assert {"index.html", "sw.js", "answerer.js", "model.onnx", "runtime/ort-wasm.wasm", "runtime/LICENSE"} <= files
    assert done.json["mb"] <= 22
    assert "python3 -m http.server --bind 127.0.0.1 8000" in (tmp_path / "site" / "README.md").read_text()
    about = json.loads((tmp_path / "site" / "about.json").read_text())
    assert (about["stays"], about["input"]["view"]["zoom"]) == (True, pytest.approx(0.875))
    assert run("verify", tmp_path / "site").code == 0


def test_it_is_said_how_the_page_is_opened(run, saved, tmp_path, ort_files):
    place = tmp_path / "my site"
    done = run("export", saved, "--to", "browser", "-o", place, "--runtime", ort_files)
    (line,) = [line for line in done.out.splitlines() if "localhost:8000" in line]
    words = shlex.split(line.split("    shows it")[0])
    assert words[:3] == ["python3", "-m", "http.server"]
    assert words[words.index("--directory") + 1] == str(place)
    assert words[words.index("--bind") + 1] == "127.0.0.1"
