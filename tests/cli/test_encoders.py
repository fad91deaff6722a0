"""``graft encoders`` from outside."""

from graft.encoders import ENCODERS, encoder_for


def test_json_holds_what_each_costs(run):
    found = run("encoders", "--json")
    assert found.code == 0
    assert [card["key"] for card in found.json] == list(ENCODERS)
    for card in found.json:
        encoder = encoder_for(card["key"])
        assert card["name"] == encoder.name
        assert card["dim"] == encoder.dim
        assert card["modality"] == encoder.modality
        assert card["backend"] == encoder.backend
        assert card["mb"] > 1
        assert card["licence"]
        assert card["source"]


def test_text(run):
    found = run("encoders")
    assert found.code == 0
    assert all(card.name in found.out and card.licence in found.out for card in ENCODERS.values())
