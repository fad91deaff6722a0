"""No output of any command takes the place of what the command reads: every option, aimed at every kind of input."""

import importlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest

import graft
import shapes
from graft.cli import COMMANDS
from graft.cli.paths import Command, FolderPath, InputPath, Mixed, Output, OutputFile
from graft.errors import OutputIsInput

Aims = dict[str, Callable[[Path], Path]]

AIMS: Aims = {
    "the folder itself": lambda photos: photos,
    "a file in it": lambda photos: photos / "circle" / "000.png",
    "a file beside the classes": lambda photos: photos / "notes.txt",
    "a link to a file": lambda photos: _linked(photos.parent / "link.csv", photos / "circle" / "000.png"),
    "a hard link of a file": lambda photos: _hard_linked(photos.parent / "hard.csv", photos / "circle" / "000.png"),
    "a link to the folder": lambda photos: _linked(photos.parent / "linked", photos) / "circle" / "000.png",
    "a long way round": lambda photos: photos / ".." / photos.name / "square" / ".." / "circle" / "000.png",
    "what a link in it leads to": lambda photos: photos.parent / "elsewhere.png",
    "the folder above": lambda photos: photos.parent,
}

SETTINGS: dict[str, tuple[str, ...]] = {
    "fit --output": ("fit", "{data}"),
    "fit --report": ("fit", "{data}", "-o", "{free}.graft"),
    "fit --predictions": ("fit", "{data}", "-o", "{free}.graft"),
    "extend --output": ("extend", "{model}", "{data}"),
    "extend --report": ("extend", "{model}", "{data}", "-o", "{free}.graft"),
    "tune --output": ("tune", "{model}", "{data}"),
    "tune --report": ("tune", "{model}", "{data}", "-o", "{free}.graft"),
    "evaluate --report": ("evaluate", "{model}", "{data}"),
    "predict --output": ("predict", "{model}", "{data}"),
    "predict --log": ("predict", "{model}", "{data}"),
    "serve --log": ("serve", "{model}", "--port", "0"),
    "clean --output": ("clean", "{data}"),
    "clean --export": ("clean", "{data}"),
    "clean --journal": ("clean", "{data}", "--app"),
    "index --output": ("index", "{data}"),
    "export --output": ("export", "{model}", "--to", "onnx", "--data", "{data}"),
    "train --output": ("train", "--input", "{data}"),
    "app --corrections": ("app", "{model}", "--data", "{data}"),
    "search --html": ("search", "{data}", "{data}/circle/000.png"),
    "run --output": ("run", "{data}"),
    "collect --output": ("collect", "--from", "{data}", "--provider", "urls"),
}
"""How each output is asked for; the option itself and ``--overwrite`` come after it."""
NOTHING_IS_READ = {"demo --output"}


def _linked(link: Path, to: Path) -> Path:
    link.symlink_to(to)
    return link


def _hard_linked(link: Path, to: Path) -> Path:
    os.link(to, link)
    return link


def commands() -> Iterator[tuple[str, click.Command]]:
    for name in COMMANDS:
        yield name, importlib.import_module(f"graft.cli.{name.replace('-', '_')}").command


def outputs() -> list[str]:
    found = []
    for name, command in commands():
        found += [f"{name} {param.opts[-1]}" for param in command.params if isinstance(param.type, Output)]
    return found


@pytest.fixture
def place(tmp_path: Path, photos: Path, saved: Path) -> Path:
    """Photos with notes beside the classes and a link out of them, and a model, in a folder of their own."""
    root = tmp_path / "here"
    shutil.copytree(photos, root / "photos")
    shutil.copytree(saved, root / "shapes.graft")
    (root / "photos" / "notes.txt").write_text("mine")
    (root / "elsewhere.png").write_bytes(shapes.encoded("circle", 77))
    (root / "photos" / "circle" / "linked.png").symlink_to(root / "elsewhere.png")
    return root


def contents(root: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def overwriting(name: str) -> list[str]:
    command = dict(commands())[name]
    return ["--overwrite"] if any("--overwrite" in param.opts for param in command.params) else []


def asked(setting: str, place: Path, data: Path, target: Path) -> list[str]:
    name, option = setting.split()
    values = {"data": data, "model": place / "shapes.graft", "free": place.parent / "free"}
    return [*(word.format(**values) for word in SETTINGS[setting]), option, str(target), *overwriting(name)]


def test_every_path_says_whether_it_is_read_or_written():
    for name, command in commands():
        assert isinstance(command, Command), name
        for param in command.params:
            is_path = isinstance(param.type, click.Path | click.File)
            assert not is_path or isinstance(param.type, InputPath | Output | FolderPath), f"{name} {param.name}"
        free = [
            p.name for p in command.params if isinstance(p, click.Argument) and not isinstance(p.type, click.Choice)
        ]
        said = [p.name for p in command.params if isinstance(p.type, InputPath | Mixed)]
        assert set(free) <= {*said, "queries", "repository"}, name


def test_every_output_is_tried_here():
    assert set(outputs()) == SETTINGS.keys() | NOTHING_IS_READ


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("aim", AIMS)
def test_no_output_takes_the_place_of_an_input(run, place, setting, aim):
    target = AIMS[aim](place / "photos")
    before = contents(place.parent)
    found = run(*asked(setting, place, place / "photos", target))
    assert found.code == 1, found.out
    assert found.err.count("\n") < 4
    assert "Traceback" not in found.err
    assert contents(place.parent) == before


def files() -> list[str]:
    return [
        f"{name} {param.opts[-1]}"
        for name, command in commands()
        for param in command.params
        if isinstance(param.type, OutputFile)
    ]


@pytest.mark.parametrize("setting", files())
def test_a_file_that_is_there_is_replaced_by_who_says_so_alone(run, place, setting):
    target = place.parent / "earlier.csv"
    target.write_text("earlier")
    before = contents(place.parent)
    found = run(*asked(setting, place, place / "photos", target)[:-1])
    assert found.code == 1
    assert f"{target} is already there." in found.err
    assert "--overwrite" in found.err
    assert contents(place.parent) == before
    assert overwriting(setting.split()[0])


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("aim", ["the model", "a part of it"])
def test_no_output_takes_the_place_of_the_model(run, place, setting, aim):
    if "{model}" not in SETTINGS[setting]:
        pytest.skip("it reads no model")
    target = place / "shapes.graft" / ("report.json" if aim == "a part of it" else "")
    before = contents(place.parent)
    assert run(*asked(setting, place, place / "photos", target)).code == 1
    assert contents(place.parent) == before


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("aim", ["the table", "a file that it names", "a broken file that it names", "a test table"])
def test_nor_of_what_a_table_names(run, place, setting, aim):
    if "{data}" not in SETTINGS[setting] or setting.startswith(("collect", "search", "predict")):
        pytest.skip("it reads no table of labels")
    table, other = place / "table.csv", place / "test.csv"
    (place / "broken.csv").write_bytes(b"\x89PNG")
    rows = [f"photos/{label}/{n:03}.png,{label}" for n in range(6) for label in ("circle", "square")]
    table.write_text("\n".join(["path,label", *rows, "broken.csv,circle"]))
    other.write_text("\n".join(["path,label", *rows[:4]]))
    targets = {
        "the table": table,
        "a file that it names": place / "photos" / "circle" / "001.png",
        "a broken file that it names": place / "broken.csv",
        "a test table": other,
    }
    words = asked(setting, place, table, targets[aim])
    if aim == "a test table":
        if not setting.startswith("fit"):
            pytest.skip("only fit takes other data as its test")
        words += ["--test", str(other)]
    before = contents(place.parent)
    found = run(*words)
    named_for_a_table = setting not in ("clean --output", "fit --predictions") or targets[aim].suffix == ".csv"
    assert found.code == (1 if named_for_a_table else 2), found.out
    assert contents(place.parent) == before


def test_nor_of_a_journal(run, place):
    journal = place / "j.journal"
    journal.write_text('{"graft_journal": 1, "data": "photos"}\n')
    before = contents(place.parent)
    for words in (
        ["fit", "-o", place / "m.graft", "--report", journal],
        ["clean", "-o", _linked(place / "j.csv", journal)],
    ):
        found = run(words[0], place / "photos", *words[1:], "--journal", journal, "--overwrite")
        assert found.code == 1
        assert "j." in found.err
    (place / "j.csv").unlink()
    assert contents(place.parent) == before


def test_two_outputs_are_two_places(run, place):
    target = place / "m.graft"
    for report in (target, target / "report.html"):
        found = run("fit", place / "photos", "-o", target, "--report", report)
        assert found.code == 2
        assert "both" in found.err
    assert not target.exists()


def test_what_takes_no_place_is_written(run, place):
    """A page beside the classes, twice; a table that is a link to a file of no input."""
    page = place / "photos" / "page.html"
    for _ in range(2):
        assert run("fit", place / "photos", "-o", place / "m.graft", "--report", page, "--overwrite").code == 0
    (place / "old.csv").write_text("old")
    assert (
        run("clean", place / "photos", "-o", _linked(place / "table.csv", place / "old.csv"), "--overwrite").code == 0
    )
    assert (place / "old.csv").read_text().startswith("row,")


def test_methods_of_python_refuse_too(place, model):
    photos = graft.read(place / "photos")
    inside = place / "photos" / "circle" / "000.png"
    before = contents(place.parent)
    findings = graft.find_issues(photos)
    (place / "table.csv").symlink_to(inside)
    fitted = graft.fit(photos)
    loaded = graft.load(place / "shapes.graft")
    for write in (
        lambda: findings.write(place / "table.csv"),
        lambda: findings.write(place / "photos" / "new.csv"),
        lambda: fitted.report.to_html(inside),
        lambda: fitted.save(place / "m.graft", page=inside, overwrite=True),
        lambda: fitted.save(place / "photos", overwrite=True),
        lambda: loaded.save(place / "shapes.graft", overwrite=True),
        lambda: loaded.report.to_html(place / "shapes.graft" / "report.json"),
        lambda: graft.extend(loaded, photos).report.to_html(place / "shapes.graft" / "report.json"),
        lambda: graft.extend(loaded, photos).report.to_html(inside),
        lambda: graft.collect([], place, source=place / "elsewhere.png", provider="urls"),
    ):
        with pytest.raises(OutputIsInput):
            write()
    (place / "table.csv").unlink()
    assert contents(place.parent) == before


def test_a_table_read_in_python_is_not_written_over(tmp_path):
    table = tmp_path / "d.csv"
    table.write_text("text,label\n" + "".join(f"late {i},late\nthanks {i},thanks\n" for i in range(6)))
    before = table.read_bytes()
    findings = graft.find_issues(table)
    with pytest.raises(OutputIsInput, match=r"d\.csv is what is read; nothing was written"):
        findings.write(table)
    with pytest.raises(OutputIsInput):
        graft.fit(table).report.to_html(table)
    assert table.read_bytes() == before


def test_nor_of_files_that_lie_elsewhere(run, place):
    """Where a table's files are looked for, they are inputs, the broken ones too; what else lies there is none."""
    (place / "photos" / "broken.png").write_bytes(b"no picture")
    table = place / "tables" / "table.csv"
    table.parent.mkdir()
    rows = [f"{label}/{n:03}.png,{label}" for n in range(6) for label in ("circle", "square")]
    table.write_text("\n".join(["path,label", *rows, "broken.png,circle"]))
    words = ("fit", table, "--root", place / "photos", "-o", place / "m.graft", "--overwrite")
    before = contents(place)
    for name in ("circle/001.png", "broken.png"):
        assert run(*words, "--report", place / "photos" / name).code == 1
    assert contents(place) == before
    assert run(*words, "--predictions", place / "photos" / "held.csv").code == 0
