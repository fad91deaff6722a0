"""A model in one file, here or at an address, in the place of a model's folder."""

import pytest

import graft
import shapes
from graft.model.packed import packed


def test_commands_that_only_read_a_model_take_it_packed(run, saved, photos, s3, tmp_path):
    address = s3.put("packed/doors.graft.zip", packed(saved))
    file = tmp_path / "doors.graft.zip"
    file.write_bytes(packed(saved))
    photo = next((photos / "circle").iterdir())
    told = [run("predict", model, photo, "--json") for model in (saved, file, address)]
    assert [one.code for one in told] == [0, 0, 0]
    assert told[0].json == told[1].json == told[2].json
    assert run("evaluate", address, photos, "--json").json["n_items"] == 36
    for place in (address, str(file), file):
        assert graft.load(place).predict_one(shapes.encoded("square", 90)).label == "square"


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("s3://private/packed/none.graft.zip", "There is nothing at s3://private/packed/none.graft.zip"),
        ("s3://private/packed/doors", "s3://private/packed/doors is not the address of a packed model"),
        ("none.graft.zip", "There is nothing at none.graft.zip"),
    ],
)
def test_what_is_no_packed_model_is_told(run, s3, photos, address, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told = run("predict", address, photos, "--json")
    assert told.code == 1
    assert words in told.json["error"]["message"]
    assert told.json["error"]["hint"]
    assert words in run("predict", address, photos).err
