"""Which encoder to take."""

import json

import pytest

import graft
import graft.cli
from encoders.hub import models
from graft.encoders.cache import Cache
from graft.errors import UsageError


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A network of the hub's kind that knows nothing: its weights are random."""
    # Most random weights find all photos alike, and nothing could be held out; with these some can be.
    return str(models.make("resnet", tmp_path_factory.mktemp("models") / "tiny", seed=5))


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return Cache(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def found(photos, tiny, cache):
    return graft.compare(photos, ["image", tiny, f"image+{tiny}"], cache=cache)


def test_every_encoder_has_its_score_and_its_price(found, tiny):
    assert {row.name for row in found.encoders} == {"efficientnet-lite0", tiny, f"efficientnet-lite0+{tiny}"}
    for row in found.encoders:
        assert 0 < row.accuracy.low < row.accuracy.value <= row.accuracy.high <= 1
        assert row.ms_per_item > 0
        assert row.mb > 0
        assert row.dim > 0
        assert row.licence
        assert row.name in str(found)
    joined = next(row for row in found.encoders if "+" in row.name)
    parts = [row for row in found.encoders if "+" not in row.name]
    assert joined.dim == sum(row.dim for row in parts)
    assert joined.mb == pytest.approx(sum(row.mb for row in parts))
    assert json.dumps(found.to_dict())
    assert set(found.to_dict()) == {"encoders", "recommended", "why", "warnings"}


def test_the_cheapest_of_those_that_may_be_as_good_is_taken(found):
    best = found.encoders[0]
    assert best.behind.value == 0
    assert all(row.behind.value >= 0 for row in found.encoders)
    near = [row for row in found.encoders if row.behind.low <= 0]
    assert found.recommended == min(near, key=lambda row: row.ms_per_item).name
    assert found.recommended in found.why


def test_random_weights_are_clearly_behind(found, tiny):
    assert next(row for row in found.encoders if row.name == tiny).behind.low > 0
    assert found.recommended != tiny


def test_a_model_of_a_hub_encoder_is_saved_and_loaded(photos, tiny, cache, tmp_path):
    model = graft.fit(photos, graft.Recipe(encoder=f"image+{tiny}"), cache=cache).save(tmp_path / "both.graft")
    photo = next((photos / "circle").iterdir())
    again = graft.load(tmp_path / "both.graft")
    assert again.predict_one(photo).scores == model.predict_one(photo).scores


def test_the_command_line(photos, tiny, capsys):
    assert graft.cli.exit_code(["compare", str(photos), "--encoder", "image", "--encoder", tiny, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert [set(row) for row in said["encoders"]] == [
        {"name", "accuracy", "behind", "ms_per_item", "mb", "dim", "licence"}
    ] * 2
    assert said["recommended"] == "efficientnet-lite0"
    assert graft.cli.exit_code(["compare", str(photos), "--encoder", "image", "--encoder", tiny]) == 0
    assert "Take efficientnet-lite0" in capsys.readouterr().out


def test_one_encoder_is_no_comparison(photos, capsys):
    with pytest.raises(UsageError, match="two encoders"):
        graft.compare(photos, ["image", "image"])
    with pytest.raises(UsageError, match="are the same encoder"):
        graft.compare(photos, ["image", "efficientnet-lite0"])
    with pytest.raises(UsageError, match="no encoder 'resnet'"):
        graft.compare(photos, ["image", "resnet"])
    with pytest.raises(UsageError, match="holds pictures, and the encoder all-MiniLM-L6-v2 takes texts"):
        graft.compare(photos, ["image", "text"])
    assert graft.cli.exit_code(["compare", str(photos), "--encoder", "image"]) == 2
    assert "two encoders" in capsys.readouterr().err
