"""Pictures that a test may change as it likes."""

import pytest

from data.planted import PETS, plant


@pytest.fixture
def pets(tmp_path):
    """Two cats and two dogs, in a folder for each class."""
    return plant(tmp_path / "photos", *(name for name, _, _ in PETS))
