"""Whole reports over real pictures, texts and recordings, and a real browser."""

from __future__ import annotations

import dataclasses
import io
import math
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from graft.data.dataset import Memory, Skipped
from graft.report import Report
from graft.results import figures as c
from graft.results.facts import HeadChoice
from graft.results.history import Epoch, History, Tuning

TEXTS = (
    "I still have not received my new card, I ordered it over two weeks ago and nobody can tell me where it is.",
    "لماذا لم تصل بطاقتي الجديدة بعد؟ طلبتها منذ أسبوعين (رقم 4711) ولم أستلم شيئا.",
    "<script>document.title='owned'</script> & <b>bold</b> \"quoted\"",
    "a\x1b[2Jb\u202egnirts a\x00 line\nand another\tone",
    "Free entry in 2 a weekly competition to win tickets for the final! " * 6,
    "Donaudampfschifffahrtsgesellschaftskapitän" * 8,
    "ok",
    "新しいカードがまだ届いていません。" * 20,
    "הכרטיס שלי עדיין לא הגיע, מה עליי לעשות עכשיו?",
)
"""Messages as people write them: long and short, from right to left, and hostile ones."""

EVERY_REPORT = (
    "doors",
    "hundred",
    "perfect",
    "unscored",
    "messages",
    "recordings",
    "tagged",
    "grown",
    "tuned",
    "untouched",
)
"""The fixtures that are reports."""

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


def report_of(classes: tuple[str, ...], confusion: list[list[int]], pictures: int = 1, **changes: Any) -> Report:
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
        "judged_on": f"all {n} training items, each by heads that had not seen it",
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
        "unknown": c.Unknown(3.214, 0.05, c.Interval(0.045, 0.022, 0.09)),
        "hardest": tuple(hardest),
        "mistakes": tuple(mistakes),
        "head": HeadChoice("logistic", "even", 100.0, "It had the lowest log loss of 12 candidates."),
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
    return Report(**{**values, **changes})


def beep(seconds: float = 0.5, rate: int = 8000, pitch: float = 440.0) -> bytes:
    """A tone as the bytes of a 16-bit WAV file."""
    tone = 0.4 * np.sin(2 * np.pi * pitch * np.arange(round(seconds * rate)) / rate)
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((tone * 32767).astype("<i2").tobytes())
    return buffer.getvalue()


def with_items(report: Report, modality: str, items: list[Memory], **changes: Any) -> Report:
    """The same report over other items: each path it names becomes the name of one of them, in turn."""
    paths = dict.fromkeys(judged.path for judged in (*report.mistakes, *report.hardest))
    names = {path: items[index % len(items)].name for index, path in enumerate(paths)}

    def renamed(rows: tuple[c.Judged, ...]) -> tuple[c.Judged, ...]:
        return tuple(dataclasses.replace(judged, path=names[judged.path]) for judged in rows)

    values: dict[str, Any] = {
        "modality": modality,
        "hardest": renamed(report.hardest),
        "mistakes": renamed(report.mistakes),
        "items": {item.name: item for item in items},
    }
    return dataclasses.replace(report, **{**values, **changes})


@pytest.fixture(scope="session")
def messages() -> Report:
    """Seventy-seven intents with long names, as of bank customers, over texts."""
    size = 77
    classes = [f"{about}_{index:02d}" for index, about in enumerate(["card_arrival", "transfer_fee_charged"] * 39)]
    classes[3] = "balance_not_updated_after_cheque_or_cash_deposit_at_a_branch"
    confusion = [[0] * size for _ in range(size)]
    for i in range(size):
        confusion[i][i] = 36
        confusion[i][(i * 5 + 1) % size] += i % 4
    report = report_of(tuple(classes[:size]), confusion, pictures=4)
    return with_items(
        report,
        "text",
        [Memory(text.encode(), text[:300]) for text in TEXTS],
        name="messages",
        encoder="minilm-l6",
        baselines={"majority": 0.013, "nearest": 0.874, "tf-idf": 0.851},
        head=HeadChoice("logistic", "even", 100.0, "It had the lowest log loss.", 58_200),
        skipped=(
            Skipped(TEXTS[1], "It stands under two labels.", "two_labels"),
            Skipped("   ", "The text is empty.", "empty"),
        ),
        n_skipped=2,
    )


@pytest.fixture(scope="session")
def recordings() -> Report:
    """Spoken words by several speakers: short recordings, one that is too large, and one that is gone."""
    report = report_of(("background", "stop", "go"), [[88, 7, 5], [3, 95, 2], [4, 0, 96]], pictures=6)
    items = [Memory(beep(0.3 + index / 10, pitch=300 + 40 * index), f"speech/clip_{index}.wav") for index in range(12)]
    items[3] = Memory(beep(12.0, 16000), "speech/long meeting, recorded in the kitchen on the second floor.wav")
    items[5] = Memory(b"RIFF\x00\x00\x00\x00AVI not a recording" * 9000, "speech/odd.bin")
    report = with_items(
        report,
        "audio",
        items,
        name="commands",
        encoder="speech-embedding",
        groups=c.GroupEffect(36, 0.972, 0.991, 0.019, 0.006, 0.034),
        false_alarms=c.FalseAlarms("background", 3.21, 1.1, 7.04, 2.4, 8),
        head=HeadChoice("logistic", "even", 10.0, "", 1_400),
    )
    gone = dataclasses.replace(report.hardest[1], path="speech/gone.wav")
    return dataclasses.replace(report, hardest=(*report.hardest, gone))


@pytest.fixture(scope="session")
def tagged() -> Report:
    """Items that bear several labels, and no confusion matrix."""
    report = report_of(("cat", "dog", "outdoors"), [[60, 8, 5], [6, 70, 1], [3, 2, 80]], pictures=40)

    def several(rows: tuple[c.Judged, ...]) -> tuple[c.Judged, ...]:
        given = ("cat|outdoors", "", "dog")
        return tuple(
            dataclasses.replace(row, label=given[i % 3], predicted="cat|dog|outdoors") for i, row in enumerate(rows)
        )

    return dataclasses.replace(
        report,
        confusion=(),
        sets=None,
        multi_label=True,
        multi=c.MultiLabelFigures(0.912, 0.887, 0.041, 0.832, 0.934, 1.72),
        hardest=several(report.hardest),
        mistakes=several(report.mistakes),
    )


@pytest.fixture(scope="session")
def grown() -> Report:
    """A model that was given a class later."""
    report = report_of(
        ("delivery", "invoice", "refund", "<b>other</b>"), [[37, 0, 2, 1], [0, 39, 0, 0], [1, 0, 30, 0], [0, 0, 0, 9]]
    )
    change = {
        "delivery": c.RecallChange(0.975, 0.925, 40, 2),
        "invoice": c.RecallChange(1.0, 1.0, 39, 0),
        "<b>other</b>": c.RecallChange(math.nan, math.nan, 0, 0),
    }
    return dataclasses.replace(report, added=c.ClassesAdded(("refund",), change))


def run_of(number: int, epochs: int, **changes: Any) -> History:
    """A run over thirteen parts of a network whose losses fall, and those of the validation part in the end rise."""

    def epoch(at: int) -> Epoch:
        share = 0.5 * (1 + math.cos(math.pi * at / epochs)) if at else 0.05
        loss = 0.9 * math.exp(-0.35 * at) + 0.02 * number
        held_out = 0.42 * math.exp(-0.3 * at) + 0.0025 * at * at + 0.015 * number
        return Epoch(
            number=at,
            steps=19 * at,
            loss=loss if at else math.nan,
            validation_loss=held_out,
            validation_accuracy=min(0.99, 0.9 + 0.01 * at),
            rates=(*(3e-4 * 0.8**depth * share for depth in range(12, -1, -1)), 1e-3 * share),
            seconds=7.9 + 0.2 * math.sin(at + number) if at else 0.8,
        )

    values: dict[str, Any] = {
        "unfrozen": (*(f"block {index}" for index in range(4, 16)), "last convolution"),
        "parameters": 3_345_250,
        "device": "cpu",
        "precision": "f32",
        "epochs": tuple(map(epoch, range(epochs + 1))),
        "best": min(6, epochs),
        "alpha": 1.0,
        "stopped": "no longer better",
        "seconds": 8.0 * epochs + 0.8,
    }
    return History(**{**values, **changes}).shortened()


@pytest.fixture(scope="session")
def tuned(doors: Report) -> Report:
    """A tuned model that shipped, after five trials."""
    runs = [run_of(number, 10 - number % 2) for number in range(4)] + [run_of(4, 6, stopped="done")]
    noted = "The memory ran out: from here on the network takes 12 items at a time."
    runs[1] = dataclasses.replace(runs[1], notes=(noted, "<b>At step 31</b> the loss was not a number."))
    tuning = Tuning(
        method="blocks",
        shipped=True,
        forced=False,
        reason=(
            "The tuned model ships: on 200 items held out from both its bounded log loss is lower "
            "(-0.081, -0.130 to -0.035; accuracy 94.0 % before, 97.5 % after)."
        ),
        before={"accuracy": 0.94, "log_loss": 0.1712},
        after={"accuracy": 0.975, "log_loss": 0.0903},
        n_decided=200,
        runs=tuple(runs),
        seconds=381.2,
    )
    return dataclasses.replace(doors, tuning=tuning, encoder="efficientnet-lite0+tuned", learning_curve=(), forecast=())


@pytest.fixture(scope="session")
def untouched(doors: Report) -> Report:
    """A model that stayed as it was, after one trial on a single part of the network."""
    trial = run_of(0, 1, unfrozen=("last <convolution>",), best=0, alpha=0.5, stopped="time", precision="bf16")
    tuning = Tuning(
        method="partway",
        shipped=False,
        forced=False,
        reason=(
            "The model stays as it was: of the tuned one, on 104 items held out from both, a bounded log loss so "
            "little lower may be chance (-0.004, -0.021 to +0.012; accuracy 94.2 % before, 94.2 % after)."
        ),
        before={"accuracy": 0.942, "log_loss": 0.171},
        after={"accuracy": 0.942, "log_loss": 0.167},
        n_decided=104,
        runs=(trial,),
        seconds=14.0,
    )
    return dataclasses.replace(doors, tuning=tuning)


@pytest.fixture(scope="session")
def doors() -> Report:
    """Two classes, twelve mistakes."""
    return report_of(("closed", "open"), [[96, 4], [8, 92]], pictures=6)


@pytest.fixture(scope="session")
def hundred() -> Report:
    """A hundred classes with long names; a class's neighbours are mistaken for it, and the last was never scored."""
    size = 100
    confusion = [[0] * size for _ in range(size)]
    for i in range(size - 1):
        confusion[i][i] = 20
        confusion[i][(i + 1) % size] = i % 7
        confusion[i][(i * 3 + 5) % size] += i % 3
    return report_of(tuple(f"species {i:03d} of the long-horned beetles" for i in range(size)), confusion)


@pytest.fixture(scope="session")
def perfect() -> Report:
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
def unscored() -> Report:
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
def make_report() -> Callable[..., Report]:
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
