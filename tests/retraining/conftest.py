"""Models that get better or worse with a month's new photos."""

from pathlib import Path

import pytest

import graft
from months import copied, data, month


@pytest.fixture(scope="session")
def poor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that has learned from few photos, many labels of which are wrong. Nobody writes into it."""
    place = tmp_path_factory.mktemp("months") / "poor.graft"
    graft.fit(data(month(0, 8, wrong=0.7)), head="logistic").save(place)
    return place


@pytest.fixture(scope="session")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that has learned from right labels. Nobody writes into it."""
    place = tmp_path_factory.mktemp("months") / "good.graft"
    graft.fit(data(month(0, 12)), head="logistic").save(place)
    return place


@pytest.fixture
def in_use(poor: Path, tmp_path: Path) -> Path:
    """The poor model, to be replaced."""
    return copied(poor, tmp_path)


@pytest.fixture
def fine(good: Path, tmp_path: Path) -> Path:
    """The good one, to be kept."""
    return copied(good, tmp_path)
