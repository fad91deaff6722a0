"""Whatever looks at pictures is of another version when they are decoded otherwise, so that nothing old is used."""

import pytest

from graft.duplicates import prints
from graft.encoders import image


@pytest.mark.parametrize(("module", "make"), [(image, image.ImageEncoder), (prints, prints.PicturePrints)])
def test_what_looks_at_pictures_follows_how_they_are_decoded(monkeypatch, module, make):
    version, fingerprint = make().version, make().fingerprint
    monkeypatch.setattr(module, "DECODING", "another")
    assert make().version != version
    assert make().fingerprint != fingerprint


def test_sounds_do_not(monkeypatch):
    before = prints.SoundPrints().fingerprint
    monkeypatch.setattr(prints, "DECODING", "another")
    assert prints.SoundPrints().fingerprint == before
