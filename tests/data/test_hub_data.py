"""Data sets of a hub on this machine, through the library datasets and our own readers."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from data_hub import DataHub
from graft.errors import AddressError, UsageError
from graft.hub_data import HubDataAddress, bring_dataset, is_hub_data_address
from graft.hub_data.failures import explained

SCRIPT = """
import json, sys, os
import graft
from graft.errors import GraftError
from graft.reading.inputs import gather
from graft.data.items import Broken
answers = []
for job in json.loads(sys.argv[1]):
    try:
        if job.pop("gather", None):
            found = list(gather([job["source"]], job["modality"]))
            answers.append({"names": [item.name for item in found]})
            continue
        data = graft.read(**job)
        answers.append({
            "labels": list(data.labels), "splits": list(data.splits), "modality": data.modality, "name": data.name,
            "skipped": [[one.path, one.code] for one in data.skipped], "tags": [list(tags) for tags in data.tags],
            "contents": [len(item.read()) for item in data.items],
        })
    except GraftError as error:
        answers.append({"kind": type(error).__name__, "error": error.message, "hint": error.hint})
print(json.dumps({"answers": answers, "loaded": sorted({"torch", "torchcodec", "datasets"} & set(sys.modules))}))
"""
Ask = Callable[..., dict[str, Any]]


def test_addresses() -> None:
    whole = HubDataAddress.of("hf:ann/doors@refs/convert/parquet:small/train")
    assert whole == HubDataAddress("ann/doors", "refs/convert/parquet", "small", "train")
    assert str(whole) == "hf:ann/doors@refs/convert/parquet:small/train"
    assert HubDataAddress.of("hf:ann/doors/test") == HubDataAddress("ann/doors", split="test")
    assert HubDataAddress.of("hf:ann/doors@v1") == HubDataAddress("ann/doors", "v1")
    assert not is_hub_data_address("ann/doors")


@pytest.mark.parametrize("text", ["hf:", "hf:doors", "hf:ann/../x", "hf:ann/doors:", "hf:../../etc", "hf:a/b@../x"])
def test_broken_addresses(text: str) -> None:
    with pytest.raises(UsageError):
        HubDataAddress.of(text)


def test_a_folder_of_that_name_is_not_read_instead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ann" / "doors").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="which datasets would read instead"):
        bring_dataset("hf:ann/doors")


def test_addresses_are_left_out_of_errors_and_what_follows_them_is_not() -> None:
    signed = f"https://cdn.example/part-0.parquet?Signature={'x' * 900}"
    with pytest.raises(AddressError) as caught, explained("ann/doors"):
        raise ValueError(f"\nThe file {signed} ends too early.\nThe rest is noise.")
    assert caught.value.message == "ann/doors cannot be read as a data set: The file ... ends too early."


def parquet(rows: dict[str, list[Any]], features: dict[str, Any]) -> bytes:
    """A Parquet file as the library datasets writes it: with its features beside the columns."""
    import pyarrow
    from pyarrow import parquet

    noted = {"huggingface": json.dumps({"info": {"features": features}})}
    file = io.BytesIO()
    parquet.write_table(pyarrow.table(rows).replace_schema_metadata(noted), file)
    return file.getvalue()


LABEL = {"names": ["circle", "square", "triangle"], "_type": "ClassLabel"}


@pytest.fixture(scope="module")
def hub(photos: Path) -> DataHub:
    files = sorted(photos.rglob("*.png"))
    cells = [{"bytes": path.read_bytes(), "path": path.name} for path in files]
    labels = [LABEL["names"].index(path.parent.name) for path in files]
    features = {"image": {"_type": "Image"}, "label": LABEL}
    server = DataHub()
    bad = {"bytes": b"no picture at all", "path": "bad.png"}
    outside = {"bytes": None, "path": str(files[0])}
    server.repos["ann/shapes"] = {
        "README.md": b"# Shapes\n",
        "data/train-00000-of-00001.parquet": parquet(
            {"image": [*cells[::2], bad, outside], "label": [*labels[::2], 0, 1]}, features
        ),
        "data/test-00000-of-00001.parquet": parquet({"image": cells[1::2], "label": labels[1::2]}, features),
    }
    sound = io.BytesIO()
    import wave

    with wave.open(sound, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(b"\0\1" * 16_000)
    sounds = [{"bytes": sound.getvalue(), "path": f"{n}.wav"} for n in range(4)]
    server.repos["ann/sounds"] = {
        "data/train-00000-of-00001.parquet": parquet(
            {"audio": sounds, "label": ["a", "b", "a", "b"]},
            {"audio": {"sampling_rate": 16000, "_type": "Audio"}, "label": {"dtype": "string", "_type": "Value"}},
        )
    }
    card = (
        "---\nconfigs:\n- config_name: english\n  data_files:\n  - split: train\n    path: en/train.csv\n"
        "  - split: extra\n    path: en/extra.csv\n- config_name: french\n  data_files: fr.csv\n---\n"
    )
    server.repos["ann/texts"] = {
        "README.md": card.encode(),
        "en/train.csv": b"text,label\nhello,a\nhi,a\nbye,b\n",
        "en/extra.csv": b"text,label\nciao,b\nmoin,a\n",
        "fr.csv": b"text,label\nbonjour,a\nau revoir,b\n",
    }
    server.repos["ann/folders"] = {
        f"{split}/{path.parent.name}/{path.name}": path.read_bytes()
        for split, rows in (("train", files[:6] + files[-6:]), ("validation", files[6:9]))
        for path in rows
    }
    server.repos["ann/script"] = {"script.py": b"raise SystemExit('this was run')\n"}
    server.repos["ann/gated"] = dict(server.repos["ann/sounds"])
    server.gated.add("ann/gated")
    return server


@pytest.fixture(scope="module")
def ask(hub: DataHub, tmp_path_factory: pytest.TempPathFactory) -> Ask:
    """Read data sets in a process of its own: the library reads the hub's address when it is imported."""
    home = tmp_path_factory.mktemp("home")

    def run(*jobs: dict[str, Any], **environment: str) -> dict[str, Any]:
        settings = {
            "HF_ENDPOINT": hub.url,
            "HF_HOME": str(home / "hub"),
            "GRAFT_CACHE": str(home / "cache"),
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
        }
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, json.dumps(jobs)],
            capture_output=True,
            text=True,
            check=False,
            cwd=home,
            env={**os.environ, **settings, **environment},
        )
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found

    return run


@pytest.fixture(scope="module")
def answers(ask: Ask) -> dict[str, Any]:
    """Everything that is asked with one import of the library."""
    jobs = {
        "photos": {"source": "hf:ann/shapes"},
        "one split": {"source": "hf:ann/shapes/test"},
        "items": {"source": "hf:ann/shapes/test", "modality": "image", "gather": True},
        "sounds": {"source": "hf:ann/sounds"},
        "folders": {"source": "hf:ann/folders"},
        "several configurations": {"source": "hf:ann/texts"},
        "no such configuration": {"source": "hf:ann/texts:german"},
        "several splits": {"source": "hf:ann/texts:english"},
        "texts": {"source": "hf:ann/texts:english/extra"},
        "french": {"source": "hf:ann/texts:french"},
        "lines": {"source": "hf:ann/texts:french", "modality": "text", "gather": True},
        "script": {"source": "hf:ann/script"},
        "missing": {"source": "hf:ann/nothing"},
        "revision": {"source": "hf:ann/shapes@nowhere"},
        "gated": {"source": "hf:ann/gated"},
    }
    found = ask(*jobs.values())
    return {**dict(zip(jobs, found["answers"], strict=True)), "loaded": found["loaded"]}


def test_photos_with_their_splits_and_class_names(answers: dict[str, Any]) -> None:
    found = answers["photos"]
    assert (found["modality"], found["name"]) == ("image", "shapes")
    assert found["splits"].count("test") == 18
    assert found["splits"].count("train") == 18
    assert set(found["labels"]) == set(LABEL["names"])


def test_one_bad_item_is_one_named_item(answers: dict[str, Any]) -> None:
    assert [path for path, _ in answers["photos"]["skipped"]] == [
        "files/train-00000018-image.png",
        "files/train-00000019-image.png",  # it named a file of this machine, which is not read
    ]


def test_a_split_alone(answers: dict[str, Any]) -> None:
    assert set(answers["one split"]["splits"]) == {""}
    assert len(answers["one split"]["labels"]) == 18
    assert len(answers["items"]["names"]) == 18
    assert answers["items"]["names"][0].startswith("hf:ann/shapes/test/")


def test_recordings_need_no_further_decoder(answers: dict[str, Any]) -> None:
    assert answers["sounds"]["modality"] == "audio"
    assert answers["sounds"]["labels"] == ["a", "b", "a", "b"]
    assert set(answers["sounds"]["contents"]) == {32_044}
    assert answers["loaded"] == ["datasets"]


def test_folders_of_files(answers: dict[str, Any]) -> None:
    assert sorted(answers["folders"]["labels"]) == ["circle"] * 9 + ["triangle"] * 6
    assert answers["folders"]["splits"].count("test") == 3
    assert all(answers["folders"]["contents"])


def test_several_are_listed_and_never_guessed(answers: dict[str, Any]) -> None:
    assert "2 configurations: english, french" in answers["several configurations"]["error"]
    assert "hf:ann/texts:english" in answers["several configurations"]["hint"]
    assert "no configuration german: english, french" in answers["no such configuration"]["error"]
    assert "2 splits: train, extra" in answers["several splits"]["error"]
    assert "hf:ann/texts:english/train" in answers["several splits"]["hint"]


def test_texts(answers: dict[str, Any]) -> None:
    assert answers["texts"]["labels"] == ["b", "a"]
    assert answers["french"]["labels"] == ["a", "b"]
    assert answers["lines"]["names"] == ["bonjour", "au revoir"]


def test_troubles_are_told(answers: dict[str, Any]) -> None:
    assert answers["missing"]["kind"] == answers["revision"]["kind"] == "NothingToRead"
    assert "no such revision" in answers["revision"]["error"]
    assert answers["script"]["kind"] in ("AddressError", "NothingToRead")
    assert "gated" in answers["gated"]["error"]
    assert all(answers[name]["hint"] for name in ("missing", "revision", "script", "gated"))


def test_a_commit_is_fetched_once_and_needs_no_hub_then(answers: dict[str, Any], ask: Ask, hub: DataHub) -> None:
    before = [path for path in hub.asked if path.endswith(".parquet")]
    again = ask({"source": "hf:ann/shapes"})
    assert again["answers"] == [answers["photos"]]
    assert [path for path in hub.asked if path.endswith(".parquet")] == before
    pinned, other = (f"hf:ann/shapes@{hub.commit('ann/shapes')}", "hf:ann/shapes")
    found = ask({"source": pinned}, {"source": other}, HF_ENDPOINT="http://127.0.0.1:9", HF_HUB_DISABLE_XET="1")
    assert found["answers"][0] == answers["photos"]
    assert found["answers"][1]["kind"] == "AddressError"
