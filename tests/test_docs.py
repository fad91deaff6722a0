"""Every example in the documentation runs, every link leads somewhere, and nothing public is left out."""

import dataclasses
import importlib
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from buckets import S3Server
from graft import errors
from graft.cli import COMMANDS, exit_code
from graft.decoding.sound import wav_bytes
from graft.report import Report
from graft.samples import draw_doors, draw_new_doors, write_messages, write_new_messages

PROJECT = Path(__file__).parents[1]
PAGES = sorted([*PROJECT.glob("*.md"), *(PROJECT / "docs").glob("*.md")])
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\$ (graft\b.*?)(?:\s+# exit (\d+))?$")
SHELL = re.compile(r"[<>|&;$`]")
LINK = re.compile(r"\]\(([^)\s]+)\)")


class Block(NamedTuple):
    """A fenced block of a page: its language, its text, and the line on which it begins."""

    language: str
    text: str
    line: int


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for found in FENCE.finditer(text):
        yield Block(found[1], found[2], text.count("\n", 0, found.start()) + 1)


def runs(page: Path) -> bool:
    return any(block.language in ("python", "console") for block in blocks(page))


def named(page: Path) -> str:
    return str(page.relative_to(PROJECT))


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What every page finds.

    ``photos/open``, ``photos/closed`` and ``new.jpg``; ``messages.csv`` and ``new.txt``; ``sounds/rising``,
    ``sounds/falling`` and ``sounds/noise``, each by four speakers, and ``new.wav``.
    """
    folder = tmp_path_factory.mktemp("samples")
    draw_doors(folder / "photos", n=24)
    [(new, _)] = draw_new_doors(folder / "new", n=1)
    new.rename(folder / "new.jpg")
    (folder / "new").rmdir()
    write_messages(folder / "messages.csv")
    write_new_messages(folder / "new_messages")[0][0].rename(folder / "new.txt")
    shutil.rmtree(folder / "new_messages")
    rng = np.random.default_rng(0)
    for label, slope in (("rising", 1.0), ("falling", -1.0), ("noise", 0.0)):
        for speaker, pitch in (("anna", 260.0), ("ben", 150.0), ("carla", 220.0), ("dan", 110.0)):
            for take in range(3):
                path = folder / "sounds" / label / f"{speaker}_{take}.wav"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(wav_bytes(gliding_sound(slope, pitch, rng), 16_000))
    (folder / "new.wav").write_bytes(wav_bytes(gliding_sound(1.0, 190.0, rng), 16_000))
    return folder


def gliding_sound(slope: float, pitch: float, rng: np.random.Generator) -> np.ndarray:
    """Half a second of a hum that glides up or down by an octave ``(8000,) float32``; noise where it does neither."""
    time = np.arange(8_000) / 16_000
    noise = rng.normal(0, 0.01, len(time))
    if not slope:
        return np.asarray(10 * noise, np.float32)
    phase = 2 * np.pi * np.cumsum(pitch * rng.uniform(0.95, 1.05) * 2 ** (slope * (time - 0.25))) / 16_000
    hum = sum(np.sin(n * phase) / n for n in range(1, 12))
    return np.asarray(0.2 * hum * np.hanning(len(time)) + noise, np.float32)


@pytest.mark.parametrize("page", [page for page in PAGES if runs(page)], ids=named)
def test_the_examples_of_a_page_run_from_top_to_bottom(page, samples, tmp_path_factory, monkeypatch, capfd, request):
    folder = tmp_path_factory.mktemp(page.stem)
    shutil.copytree(samples, folder, dirs_exist_ok=True)
    if page.stem == "addresses":
        put_samples(request.getfixturevalue("s3"), folder)
    monkeypatch.chdir(folder)
    # Of the pages alone, for one of them clears it; and beside what is copied, for a process that reads the file of a
    # database that it has open loses its locks.
    monkeypatch.setenv("GRAFT_CACHE", str(samples.with_name(f"{samples.name}-cache")))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
    namespace: dict[str, object] = {"__name__": "example"}
    for block in blocks(page):
        if block.language == "python":
            lines = "\n" * block.line + block.text  # so that a traceback gives the page's own line
            exec(compile(lines, str(page), "exec"), namespace)
        elif block.language == "console":
            for line in block.text.splitlines():
                if found := COMMAND.match(line):
                    # What is typed first, and what a shell has to understand, is a process of its own as for readers.
                    typed = page.name == "README.md" or SHELL.search(found[1])
                    code, said = in_a_shell(found[1]) if typed else here(found[1], capfd)
                    where = f"{named(page)}, the block at line {block.line}: {found[1]!r}"
                    assert code == int(found[2] or 0), f"{where} ended with {code}:\n{said[-2000:]}"


def put_samples(server: S3Server, folder: Path) -> None:
    """The samples in a bucket, and a table of their paths and one of their addresses."""
    server.client().create_bucket(Bucket="bucket")
    address = server.put_folder(folder / "photos", "photos", "bucket")
    server.put("messages.csv", (folder / "messages.csv").read_bytes(), "bucket")
    names = sorted(path.relative_to(folder / "photos").as_posix() for path in (folder / "photos").rglob("*.jpg"))
    for table, start in (("listed.csv", "photos/"), ("addressed.csv", address)):
        rows = [f"{start}{name},{name.split('/')[0]}" for name in names]
        (folder / table).write_text("\n".join(["image,label", *rows]))


def in_a_shell(command: str) -> tuple[int, str]:
    """Its exit code and all that it said."""
    scripts = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(command, shell=True, capture_output=True, env={**os.environ, "PATH": scripts}, check=False)
    return done.returncode, (done.stdout + done.stderr).decode(errors="replace")


def here(command: str, capfd: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """The same in this process, which is quicker."""
    capfd.readouterr()
    code = exit_code(shlex.split(command)[1:])
    return code, "".join(capfd.readouterr())


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_leads_to_a_file_and_a_heading(page):
    for link in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), f"{named(page)} links to {link}, and there is no such file"
        assert not anchor or anchor in anchors(target), f"{named(page)} links to {link}, and there is no such heading"


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives to headings."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_page_stands_in_the_index():
    index = (PROJECT / "docs" / "README.md").read_text(encoding="utf-8")
    pages = {page.name for page in (PROJECT / "docs").glob("*.md")} - {"README.md"}
    assert {page for page in pages if f"]({page})" not in index} == set()


@pytest.mark.parametrize("page", ["README.md", "docs/architecture.md"])
def test_every_room_stands_in_the_maps(page):
    text = (PROJECT / page).read_text(encoding="utf-8")
    rooms = {path.stem for path in (PROJECT / "src" / "graft").iterdir() if not path.name.startswith(("_", "."))}
    assert {room for room in rooms - {"py"} if not re.search(rf"[`/ ]{room}[`/,. ]", text)} == set()


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_block_is_closed(page):
    fences = [line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("```")]
    assert len(fences) == 2 * len(list(blocks(page)))


def test_every_key_of_the_report_stands_in_the_table_once_and_no_other_does():
    table = section("judging.md", "## `graft fit --json`")
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    keys = [key for cell in cells for key in re.findall(r"`(\w+)`", cell)]
    assert sorted(keys) == sorted(
        field.name for field in dataclasses.fields(Report) if field.name not in ("items", "inputs", "whys")
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_of_a_command_is_described(name):
    text = section("commands.md", f"## graft {name}")
    command = importlib.import_module(f"graft.cli.{name.replace('-', '_')}").command
    options = [option for parameter in command.params for option in parameter.opts if option.startswith("-")]
    assert [option for option in options if option not in text] == []


def test_every_error_code_is_described():
    text = section("commands.md", "## Error codes")
    codes = {kind.code for kind in vars(errors).values() if isinstance(kind, type) and hasattr(kind, "code")}
    codes -= {errors.ItemError.code}  # its reasons stand in reading.md
    assert {code for code in codes if f"`{code}`" not in text} == set()


def section(page: str, heading: str) -> str:
    """The text of a page from this heading to the next of its rank."""
    text = (PROJECT / "docs" / page).read_text(encoding="utf-8")
    return re.split(r"^## ", text.split(f"{heading}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
