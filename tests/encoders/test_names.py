"""From a name to an encoder."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import pytest

from encoders.hub import models
from graft.encoders import address_of, encoder_for
from graft.errors import UsageError


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny model."""
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    return models.make("bert", tmp_path_factory.mktemp("models") / "bert")


def test_a_plus_in_the_path_of_a_folder_joins_nothing(bert, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = shutil.copytree(bert, tmp_path / "c++" / "model")
    alone = encoder_for("c++/model", "text", "onnxruntime")
    assert address_of(alone) == str(folder)
    joined = encoder_for(f"c++/model+{bert}", "text", "onnxruntime")
    assert joined.members == (alone, encoder_for(str(bert), "text", "onnxruntime"))
    assert encoder_for(address_of(joined), "text", "onnxruntime") == joined
    assert encoder_for(f"{bert}+c++/model", "text", "onnxruntime").members == joined.members[::-1]


def test_a_relative_name_means_the_folder_that_is_there_now(bert, tmp_path, monkeypatch):
    found = []
    for place in ("a", "b"):
        shutil.copytree(bert, tmp_path / place / "bert")
        monkeypatch.chdir(tmp_path / place)
        found.append(address_of(encoder_for("bert", "text", "onnxruntime")))
    assert found == [str(tmp_path / "a" / "bert"), str(tmp_path / "b" / "bert")]


@pytest.mark.parametrize("name", ["~nobody-of-this-name/x", "x" * 300, "a\0b", "+".join("x" * 5000), "c++/model"])
def test_a_name_that_leads_nowhere_is_refused(name):
    with pytest.raises(UsageError, match="There is no encoder"):
        encoder_for(name, "text", "onnxruntime")


def test_threads_make_an_encoder_once(bert, tmp_path):
    folder = shutil.copytree(bert, tmp_path / "bert")
    steps: list[tuple[str, int, int]] = []
    found = []

    def make() -> None:
        found.append(encoder_for(str(folder), "text", "onnxruntime", progress=lambda *step: steps.append(step)))

    threads = [threading.Thread(target=make) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3
    assert len({id(encoder) for encoder in found}) == 1
    assert steps.count(("export", 0, 3)) == 1
