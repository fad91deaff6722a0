"""Exports that answer in a browser, each made once, and a Chromium that opens them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import graft
from chromium import chromium
from graft.export.exporting import export_model
from graft.export.options import TargetOptions
from hosting import hosted
from visits import Visit


@pytest.fixture(scope="session")
def web(model: graft.Model, ort_files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model of shapes as a static folder. Nobody writes into it."""
    folder = tmp_path_factory.mktemp("exports") / "web"
    export_model(model, "browser", folder, options=TargetOptions(runtime=ort_files))
    return folder


@pytest.fixture(scope="session")
def web_texts(text_model: graft.Model, ort_files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model of messages as a static folder. Nobody writes into it."""
    folder = tmp_path_factory.mktemp("exports") / "web texts"
    export_model(text_model, "browser", folder, options=TargetOptions(runtime=ort_files))
    return folder


@pytest.fixture(scope="session")
def web_sounds(sound_model: graft.Model, ort_files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model of sounds as a static folder. Nobody writes into it."""
    folder = tmp_path_factory.mktemp("exports") / "web sounds"
    export_model(sound_model, "browser", folder, options=TargetOptions(runtime=ort_files))
    return folder


@pytest.fixture(scope="module")
def driver() -> Iterator[Any]:
    """One browser for the tests of a file."""
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def visit(driver: Any, web: Path) -> Iterator[Visit]:
    """The page of the shapes, opened from below a path; nothing breaks its host."""
    with hosted(web, "/some where/shapes/") as host:
        page = Visit(driver, host)
        assert page.open() == "yes", page.said
        yield page


@pytest.fixture(scope="module")
def texts_page(driver: Any, web_texts: Path) -> Iterator[Visit]:
    """The page of the messages."""
    with hosted(web_texts) as host:
        page = Visit(driver, host)
        assert page.open() == "yes", page.said
        yield page


@pytest.fixture(scope="module")
def sounds_page(driver: Any, web_sounds: Path) -> Iterator[Visit]:
    """The page of the sounds."""
    with hosted(web_sounds) as host:
        page = Visit(driver, host)
        assert page.open() == "yes", page.said
        yield page


@pytest.fixture
def elsewhere(driver: Any, web: Path) -> Iterator[Visit]:
    """The same folder at an address that no browser has been to, for a host that a test breaks."""
    with hosted(web) as host:
        page = Visit(driver, host)
        yield page
        driver.get("about:blank")
