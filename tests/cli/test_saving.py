"""What a fit has found is shown before it is saved, and a failure says what was saved."""

import os
import resource

import pytest

pytest.importorskip("resource")


def test_the_figures_come_before_a_disk_that_is_full(graft, photos, tmp_path):
    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))

    # What Python keeps of a module would be cut off as well, and taken for whole by the next process.
    no_bytecode = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    target = tmp_path / "m.graft"
    found = graft("fit", photos, "-o", target, preexec_fn=small_files, env=no_bytecode)
    assert found.returncode == 1
    assert "new photos" in found.stdout
    assert "cannot be saved" in found.stderr
    assert "Nothing was saved." in found.stderr
    assert not target.exists()


@pytest.mark.parametrize("flag", [None, "--json"])
def test_a_page_that_fails_leaves_the_model_and_says_so(run, photos, tmp_path, flag, monkeypatch):
    from graft.report import writing

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writing, "write_atomically", refuse)
    target = tmp_path / "m.graft"
    found = run("fit", photos, "-o", target, "--report", tmp_path / "r.html", *([flag] if flag else []))
    assert found.code == 1
    message = found.json["error"]["message"] if flag else found.err
    assert "No space left on device" in message
    assert f"Saved before: model {target}." in message.replace("\n", " ")
    assert (found.json["accuracy"]["value"] > 0.5) if flag else "new photos" in found.out
    assert run("evaluate", target, photos).code == 0
