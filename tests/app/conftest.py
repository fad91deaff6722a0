"""Editors of small data, and a browser to look at them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import shapes
from chromium import chromium
from graft.app import Editor
from graft.cleaning import Findings, find_issues
from graft.cleaning.review_queue import OF_COPIES
from pages import HOSTILE, Page

WRONG = [
    ("circle", "square"),
    ("circle", "triangle"),
    ("circle", "square"),
    ("square", "triangle"),
    ("square", "circle"),
]
"""A folder, and what is drawn on a photo that is in it by mistake."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shapes, two of them in the wrong folder, one there twice; a class and a file whose names are markup."""
    folder = shapes.folders(tmp_path_factory.mktemp("shapes"), {"circle": 10, HOSTILE: 10, "triangle": 10})
    for seed in (90, 91):
        (folder / "circle" / f"<b onclick=hacked=1>&amp;{seed}.png").write_bytes(shapes.encoded(HOSTILE, seed))
    (folder / "triangle" / "again.png").write_bytes((folder / "triangle" / "003.png").read_bytes())
    return folder


@pytest.fixture(scope="module")
def findings(data: Path) -> Findings:
    return find_issues(data)


@pytest.fixture
def editor(findings: Findings, tmp_path: Path) -> Iterator[Editor]:
    with Editor(
        findings, tmp_path / "shapes.journal", port=0, score=lambda applied: f"{len(applied.rows)} remain"
    ) as it:
        yield it


@pytest.fixture(scope="module")
def idle(findings: Findings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    """An editor in which nobody decides anything."""
    with Editor(findings, tmp_path_factory.mktemp("idle") / "shapes.journal", port=0) as running:
        yield running


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    """A headless Chromium that keeps its console and says what it asked the network for."""
    with chromium() as driver:
        yield driver


@pytest.fixture
def page(browser: Any, editor: Editor) -> Page:
    return Page(browser, editor)


@pytest.fixture(scope="module")
def doubtful(tmp_path_factory: pytest.TempPathFactory) -> Findings:
    """Five photos in a wrong folder; what is alike is no copy here, for all that was drawn by one rule is alike."""
    folder = shapes.folders(tmp_path_factory.mktemp("data") / "doubtful", dict.fromkeys(shapes.FORMS, 12))
    for number, (to, form) in enumerate(WRONG):
        (folder / to / f"wrong{number}.png").write_bytes(shapes.encoded(form, 100 + number))
    findings = find_issues(folder)
    copies = {f"is_{kind}_issue": np.zeros(len(findings), np.bool_) for kind in OF_COPIES}
    return dataclasses.replace(findings, columns={**findings.columns, **copies}, duplicates=())


@pytest.fixture
def several(browser: Any, doubtful: Findings, tmp_path: Path) -> Iterator[Page]:
    """The page with the doubtful photos."""
    with Editor(doubtful, tmp_path / "doubtful.journal", port=0, score=lambda _: "") as editor:
        yield Page(browser, editor)
