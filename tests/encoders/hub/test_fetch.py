"""What is brought and read has a limit, and a folder is known by its whole path."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from graft.encoders.hub import hub_encoder, is_hub_name
from graft.encoders.hub.fetch import MAX_JSON, MAX_SETTINGS, MAX_WEIGHTS, Address, Source, find
from graft.encoders.runtime import Backend
from graft.errors import EncoderError

SINGLE = Backend("onnxruntime", "f32")


@pytest.mark.parametrize(
    ("name", "file", "size"),
    [
        ("bert", "tokenizer.json", MAX_JSON),
        ("bert", "vocab.txt", MAX_JSON),
        ("bert", "spiece.model", MAX_JSON),
        ("bert", "config.json", MAX_JSON),
        ("sentence_max_dense", "2_Dense/model.safetensors", MAX_WEIGHTS),
    ],
)
def test_a_file_that_is_too_large_is_not_read(made, tmp_path, name, file, size):
    folder = shutil.copytree(made(name), tmp_path / name)
    with (folder / file).open("ab") as opened:
        opened.truncate(size + 1)  # takes no room on the disk
    with pytest.raises(EncoderError, match=r"too large|larger than"):
        hub_encoder(str(folder), None, SINGLE)


def test_the_limit_holds_before_anything_is_asked_of_the_hub():
    sizes = {"onnx/model.onnx": MAX_WEIGHTS + 1, **{f"{number}.txt": MAX_JSON for number in range(6)}}
    source = Source("nobody/nothing", "0" * 40, sizes)
    with pytest.raises(EncoderError, match=r"onnx/model\.onnx of nobody/nothing is larger than 1900 MB"):
        source.path("onnx/model.onnx")
    assert sum(sizes[f"{number}.txt"] for number in range(6)) > MAX_SETTINGS
    with pytest.raises(EncoderError, match=r"beside its weights it has 300 MB"):
        source.fetch([f"{number}.txt" for number in range(6)])


def test_a_file_that_is_larger_than_the_hub_says_is_not_brought_whole(machine, made, tmp_path):
    files = {"tiny/words": "vocab.txt", "tiny/settings": "config.json"}
    for name, file in files.items():
        machine.hub.models[name] = shutil.copytree(made("bert"), tmp_path / name)
        machine.hub.trouble[name] = "understated"
        with (machine.hub.models[name] / file).open("ab") as opened:
            opened.truncate(MAX_JSON + 20_000_000)
    for found, (name, file) in zip(machine.use_all([{"name": name} for name in files]), files.items(), strict=True):
        assert found["kind"] == "EncoderError"
        assert f"{file} of {name} is larger than 50 MB" in found["error"]
    assert not any("model.safetensors" in request for request in machine.hub.requests)


def test_of_a_long_page_the_beginning_is_read(made, tmp_path):
    folder = shutil.copytree(made("bert"), tmp_path / "bert")
    with (folder / "README.md").open("ab") as opened:
        opened.truncate(MAX_JSON - 1)
    assert hub_encoder(str(folder), None, SINGLE).licence == "apache-2.0"
    with (folder / "README.md").open("ab") as opened:
        opened.truncate(MAX_JSON + 1)
    assert hub_encoder(str(folder), None, SINGLE).licence == ""


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("config.json", "[" * 100_000, "nested too deeply"),
        ("config.json", '{"a":' * 100_000, "nested too deeply"),
        ("config.json", "[]", "not a JSON object"),
        ("modules.json", "{}", "not a list"),
        (
            "config_sentence_transformers.json",
            '{"prompts": ["query: "], "default_prompt_name": []}',
            "prompts in config_",
        ),
        ("1_Pooling/config.json", '{"pooling_mode": 5}', "pools by 5"),
        ("1_Pooling/config.json", '{"pooling_mode": [{}]}', "pools by {}"),
        ("sentence_bert_config.json", '{"max_seq_length": "long"}', "cannot load the processor"),
        ("2_Dense/model.safetensors", "", "cannot load the dense layer"),
    ],
)
def test_settings_of_another_type_are_named(made, tmp_path, file, content, said):
    folder = shutil.copytree(made("sentence_max_dense"), tmp_path / "bert")
    (folder / file).write_text(content)
    with pytest.raises(EncoderError, match=said):
        hub_encoder(str(folder), None, SINGLE)


@pytest.mark.parametrize(
    ("index", "said"),
    [
        ({"weight_map": ["model-1.safetensors"]}, "weight_map in model"),
        ({"weight_map": {"a": ["x"]}}, "lacks"),
        ({"weight_map": {}}, "names no weights"),
    ],
)
def test_an_index_of_weights_of_another_type_is_named(made, tmp_path, index, said):
    folder = shutil.copytree(made("bert"), tmp_path / "bert")
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(EncoderError, match=said):
        hub_encoder(str(folder), None, SINGLE)


def test_a_folder_is_known_by_its_whole_path(made, tmp_path, monkeypatch):
    folder = shutil.copytree(made("bert"), tmp_path / "models" / "bert")
    (tmp_path / "link").symlink_to(folder)
    monkeypatch.chdir(tmp_path)
    for name in ("models/bert", "./models/../models/bert/", "link", str(folder)):
        address = Address.parse(name)
        assert (address.name, address.folder) == (str(folder), folder)
        assert find(address).name == str(folder)
    assert hub_encoder("models/bert", None, SINGLE).pinned_name == str(folder)


def test_a_card_with_another_spelling_leads_to_the_folder_all_the_same(made, tmp_path, monkeypatch):
    folder = shutil.copytree(made("bert"), tmp_path / "bert")
    card = hub_encoder(str(folder), None, SINGLE).entry.folder / "card.json"
    card.write_text(json.dumps({**json.loads(card.read_text()), "name": "./bert"}))
    assert hub_encoder(str(folder), None, SINGLE).pinned_name == str(folder)


@pytest.mark.parametrize("name", ["~nobody-of-this-name/x", "x" * 300, "a/" + "x" * 5000, "a\0b", "~"])
def test_a_name_that_no_folder_can_have_is_no_name(name):
    assert not is_hub_name(name)
    with pytest.raises(EncoderError):
        Address.parse(name)


def test_a_home_is_found(made, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = Path(shutil.copytree(made("bert"), tmp_path / "bert"))
    assert Address.parse(f"~{os.sep}bert").folder == folder
