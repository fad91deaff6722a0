"""Graft packed as a wheel out of the package that runs."""

import os
import subprocess
import sys
import tomllib
import venv
import zipfile
from collections.abc import Iterator
from email import message_from_bytes
from importlib import metadata
from pathlib import Path

import pytest

import graft
from graft import own_wheel as packing
from graft.errors import GraftError
from graft.export.browser.runtime import FILES
from graft.own_wheel import WHEEL, own_wheel

PROJECT = Path(__file__).parents[1]
PACKAGE = Path(graft.__file__).parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return own_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def entries(wheel: Path) -> Iterator[zipfile.ZipFile]:
    with zipfile.ZipFile(wheel) as archive:
        yield archive


def test_the_same_package_gives_the_same_bytes(wheel: Path, tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        again = own_wheel(tmp_path / "new folder")
    finally:
        os.umask(before)
    assert again.name == wheel.name == WHEEL
    assert again.read_bytes() == wheel.read_bytes()


def test_it_holds_the_package_and_nothing_that_was_left_there(entries: zipfile.ZipFile) -> None:
    names = {name for name in entries.namelist() if name.startswith("graft/")}
    there = {path.relative_to(PACKAGE.parent).as_posix() for path in PACKAGE.rglob("*") if path.is_file()}
    assert names == {name for name in there if "__pycache__" not in name}
    assert {"graft/py.typed", "graft/encoders/graphs/efficientnet-lite0.onnx"} <= names
    assert all(entry.external_attr >> 16 == 0o100644 for entry in entries.infolist())
    assert all(entry.date_time == (1980, 1, 1, 0, 0, 0) for entry in entries.infolist())


def test_its_metadata_are_those_of_the_checkout_as_it_stands(entries: zipfile.ZipFile) -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    info = WHEEL.removesuffix("-py3-none-any.whl") + ".dist-info"
    said = message_from_bytes(entries.read(f"{info}/METADATA"))
    assert said["Version"] == graft.__version__
    assert set(said.get_all("Provides-Extra", [])) == set(project["optional-dependencies"])
    needed = said.get_all("Requires-Dist", [])
    assert set(project["dependencies"]) <= set(needed)
    assert "obstore>=0.11; extra == 'cloud'" in needed
    assert "uvloop>=0.19; (sys_platform != 'win32') and extra == 'serve'" in needed
    assert "graft = graft.__main__:main" in entries.read(f"{info}/entry_points.txt").decode()
    assert "Apache License" in entries.read(f"{info}/licenses/LICENSE").decode()


def test_pip_installs_it_and_the_command_runs_from_it(wheel: Path, tmp_path: Path) -> None:
    """Without a network, beside the packages that are here; ``pip check`` reads every hash and requirement."""
    home = tmp_path / "fresh"
    venv.create(home, with_pip=False, system_site_packages=False, symlinks=True)
    python = home / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "-q", "--no-index", "--no-deps", str(wheel)], check=True, capture_output=True)
    packages = next((home / "lib").glob("python*")) / "site-packages"
    (packages / "beside.pth").write_text(f"{metadata.distribution('numpy').locate_file('')}\n")
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    told = subprocess.run(
        [home / "bin" / "graft", "--version"], env=clean, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert graft.__version__ in told.stdout
    where = subprocess.run(
        [python, "-c", "import graft; print(graft.__file__)"], env=clean, capture_output=True, text=True, check=True
    )
    assert str(packages) in where.stdout
    # packed again by the package that was installed from it: the same code and requirements, from its own metadata
    again = subprocess.run(
        [python, "-c", "import sys, pathlib, graft.own_wheel as o; print(o.own_wheel(pathlib.Path(sys.argv[1])))", "."],
        env=clean,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert (tmp_path / again.stdout.strip()).read_bytes() == wheel.read_bytes()


def test_a_package_that_nobody_installed_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "_PACKAGE", tmp_path / "graft")  # copied somewhere, no project beside it
    monkeypatch.setattr(packing, "__version__", "99.0")
    with pytest.raises(GraftError, match=r"99\.0 cannot be packed as a wheel: what is installed is"):
        own_wheel(tmp_path / "out")


def test_what_a_user_left_in_a_checkout_is_not_sent_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "src" / "graft"
    package.mkdir(parents=True)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        (tmp_path / name).write_bytes((PROJECT / name).read_bytes())
    left = ("id_rsa", "key.pem", "service.json", "customers.csv", "secrets.env", ".env", "old.py~", "door.jpg", "a.zip")
    for name in ("version.py", "Dockerfile", *left):
        (package / name).write_text("")
    (package / "link.py").symlink_to(tmp_path / "pyproject.toml")
    (package / "doors.graft").mkdir()
    (package / "doors.graft" / "head.safetensors").write_text("")
    monkeypatch.setattr(packing, "_PACKAGE", package)
    with zipfile.ZipFile(own_wheel(tmp_path / "made")) as archive:
        assert [name for name in archive.namelist() if name.startswith("graft/")] == [
            "graft/Dockerfile",
            "graft/version.py",
        ]


def test_what_was_packed_into_an_installed_package_goes_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = tmp_path / "site-packages" / "graft" / "export" / "browser" / "packed"
    packed.mkdir(parents=True)
    for file in FILES:
        (packed / file.name).write_text("")
    monkeypatch.setattr(packing, "_PACKAGE", tmp_path / "site-packages" / "graft")
    with zipfile.ZipFile(own_wheel(tmp_path / "made")) as archive:
        assert {f"graft/export/browser/packed/{file.name}" for file in FILES} <= set(archive.namelist())
