"""Whole reports over real pictures, and a real browser."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from graft.data.dataset import Memory, Skipped
from graft.report import content as c

CHROMIUM, DRIVER = "/usr/bin/chromium", "/usr/bin/chromedriver"


def draw(index: int) -> bytes:
    """A door, more or less open, as the bytes of a PNG; every second one is taller than wide."""
    size = (240, 180) if index % 2 else (180, 260)
    picture = Image.new("RGB", size, (200 - index * 7 % 90, 190, 170 + index * 13 % 80))
    pen = ImageDraw.Draw(picture)
    width, height = size
    pen.rectangle((width * 0.3, height * 0.15, width * 0.7, height * 0.95), fill=(60, 50, 45))
    ajar = width * (0.3 + 0.4 * (index % 5 + 1) / 6)
    pen.polygon(
        [(width * 0.3, height * 0.15), (ajar, height * 0.2), (ajar, height * 0.9), (width * 0.3, height * 0.95)],
        fill=(150 + index * 17 % 100, 90 + index * 31 % 80, 50),
    )
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG")
    return buffer.getvalue()


def figures(label_row: int, confusion: list[list[int]]) -> c.ClassFigures:
    """Precision, recall and Wilson's 95 % interval of one class, from the confusion matrix."""
    n, right = sum(confusion[label_row]), confusion[label_row][label_row]
    called = sum(row[label_row] for row in confusion)
    if not n:
        return c.ClassFigures(math.nan, math.nan, 0, math.nan, math.nan)
    z, p = 1.96, right / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return c.ClassFigures(
        right / called if called else math.nan, p, n, max(0.0, centre - half), min(1.0, centre + half)
    )


def report_of(classes: tuple[str, ...], confusion: list[list[int]], pictures: int = 1, **changes: Any) -> c.Report:
    """A whole report that follows from a confusion matrix, with up to ``pictures`` items of each mistake."""
    n = sum(map(sum, confusion))
    right = sum(confusion[i][i] for i in range(len(classes)))
    value = right / n if n else math.nan
    half = 1.96 * math.sqrt(value * (1 - value) / n + 1 / n**2) if n else math.nan
    mistakes = [
        c.Judged(
            f"photos/{i}-{j}/IMG_{1000 + 10 * i + shown}_{j}.jpg", classes[i], classes[j], 0.93 - 0.04 * shown, 0.05
        )
        for i in range(len(classes))
        for j in range(len(classes))
        if i != j
        for shown in range(min(confusion[i][j], pictures))
    ]
    hardest = mistakes[:6]
    if right:
        hardest = [*hardest, c.Judged("photos/unsure.jpg", classes[0], classes[0], 0.51, 0.51)]
    values: dict[str, Any] = {
        "encoder": "efficientnet-lite0",
        "modality": "image",
        "backend": "openvino",
        "classes": classes,
        "n_items": n + 40,
        "n_train": n,
        "n_test": 40,
        "n_skipped": 4,
        "skipped": (
            Skipped("photos/closed/IMG_0031.jpg", "the file ends before the picture does", "truncated"),
            Skipped("photos/closed/IMG_0077.jpg", "the file ends before the picture does", "truncated"),
            Skipped("photos/open/empty.png", "the file is empty", "empty"),
            Skipped("photos/open/readme.txt", "it is not a picture: it begins with 'Doors of'", "not_a_picture"),
        ),
        "accuracy": c.Interval(
            value,
            value - min(half, value),
            value + min(half, 1 - value),
            "Bootstrap over 10 repeats of 5-fold cross-validation",
        ),
        "macro_f1": value,
        "baselines": {"majority": 1 / len(classes), "nearest": max(0.0, value - 0.06) if n else math.nan},
        "per_class": {label: figures(i, confusion) for i, label in enumerate(classes)},
        "confusion": tuple(map(tuple, confusion)),
        "judged_on": f"{n} photos, each held out of the fit that judged it",
        "calibration": c.Calibration(
            0.021,
            (
                c.ReliabilityBin(0.55, 0.48, 8),
                c.ReliabilityBin(0.66, 0.61, 11),
                c.ReliabilityBin(0.75, 0.79, 14),
                c.ReliabilityBin(0.86, 0.85, 27),
                c.ReliabilityBin(0.97, 0.99, 140),
            ),
        ),
        "overfit_gap": 0.031,
        "learning_curve": tuple(
            c.CurvePoint(size * len(classes), accuracy, accuracy - band, min(1.0, accuracy + band))
            for size, accuracy, band in ((10, 0.71, 0.11), (20, 0.82, 0.07), (40, 0.89, 0.05), (80, 0.942, 0.034))
        ),
        "forecast": (
            c.Forecast("all", 20, 0.013, 0.002, 0.026),
            c.Forecast(classes[0], 20, 0.004, -0.003, 0.011),
            c.Forecast(classes[1], 20, 0.012, 0.002, 0.024),
        ),
        "sets": c.PredictionSets(
            0.9, 0.914, 1.08, False, "Cross-conformal: at least 80 % for certain, 90 % in practice."
        ),
        "unknown": c.Unknown(3.214, 0.05),
        "hardest": tuple(hardest),
        "mistakes": tuple(mistakes),
        "head": c.HeadChoice("logistic", "even", 100.0, "It had the lowest log loss of 12 candidates."),
        "seconds": {"read": 0.04, "embed": 1.31, "fit": 0.22, "evaluate": 0.61, "total": 2.18},
        "cache": {"hits": 180, "misses": 60},
        "warnings": ("2 photos stand under two labels: photos/open/a.jpg and photos/closed/a.jpg.",),
        "recipe": {"encoder": "auto", "head": "auto", "backend": "auto", "seed": 0, "set_level": 0.9},
        "fingerprint": "9f2c1e77" * 8,
        "name": "doors",
        "version": "0.1.0",
        "test": c.Interval(0.95, 0.835, 0.986, "Wilson"),
        "items": {judged.path: Memory(draw(index), judged.path) for index, judged in enumerate([*mistakes, *hardest])},
    }
    return c.Report(**{**values, **changes})


@pytest.fixture(scope="session")
def doors() -> c.Report:
    """Two classes, twelve mistakes."""
    return report_of(("closed", "open"), [[96, 4], [8, 92]], pictures=6)


@pytest.fixture(scope="session")
def hundred() -> c.Report:
    """A hundred classes with long names; a class's neighbours are mistaken for it, and the last was never scored."""
    size = 100
    confusion = [[0] * size for _ in range(size)]
    for i in range(size - 1):
        confusion[i][i] = 20
        confusion[i][(i + 1) % size] = i % 7
        confusion[i][(i * 3 + 5) % size] += i % 3
    return report_of(tuple(f"species {i:03d} of the long-horned beetles" for i in range(size)), confusion)


@pytest.fixture(scope="session")
def perfect() -> c.Report:
    """Nothing went wrong, and nothing is known of much else."""
    return report_of(
        ("ants", "bees"),
        [[30, 0], [0, 30]],
        hardest=(),
        skipped=(),
        n_skipped=0,
        n_test=0,
        test=None,
        warnings=(),
        learning_curve=(),
        forecast=(),
        calibration=c.Calibration(math.nan),
        cache={},
    )


@pytest.fixture(scope="session")
def unscored() -> c.Report:
    """One item of each class: a model, and not a figure."""
    return report_of(
        ("ants", "bees"),
        [[0, 0], [0, 0]],
        n_items=2,
        n_test=0,
        test=None,
        baselines={"majority": math.nan, "nearest": math.nan},
        learning_curve=(),
        forecast=(),
        calibration=c.Calibration(math.nan),
        overfit_gap=math.nan,
        sets=c.PredictionSets(0.9, math.nan, 2.0, True, "Every class is returned."),
        unknown=c.Unknown(math.nan, math.nan),
        seconds={"total": 0.2},
    )


@pytest.fixture(scope="session")
def make_report() -> Callable[..., c.Report]:
    """``report_of`` itself, for the reports that only one test needs."""
    return report_of


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A headless Chromium that keeps its console."""
    if not (Path(CHROMIUM).exists() and Path(DRIVER).exists()):
        pytest.skip(f"no Chromium on this machine ({CHROMIUM} and {DRIVER}: Debian's chromium and chromium-driver)")
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service

    options = Options()
    options.binary_location = CHROMIUM
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--force-color-profile=srgb",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield driver
    driver.quit()
