"""What an export takes along is what the function's machine can load, and anybody there can read it."""

import json
import os
import stat
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

import serverless
from export.serverless.conftest import PACKAGES
from graft.errors import ExportError, UsageError
from graft.export.exporting import export_model
from graft.export.options import TargetOptions
from graft.export.serverless.libraries import Machine, check_libraries
from graft.export.verifying import verify

LAMBDA = Machine("x86_64", "3.13", (2, 34))


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("core.so", serverless.library(183), "made for arm64"),
        ("core.so", serverless.library(3), "another processor"),
        ("core.so", serverless.library(needed=("GLIBC_2.17", "GLIBC_2.38")), r"needs glibc 2\.38, and there is 2\.34"),
        ("core.cpython-312-x86_64-linux-gnu.so", serverless.library(), r"made for Python 3\.12"),
        ("core.so", b"\xcf\xfa\xed\xfe" + bytes(99), "no library of Linux"),
        ("core.pyd", b"MZ" + bytes(99), "no library of Linux"),
        ("libm.so.6", b"<html>", "no library of Linux"),
        ("core.so", serverless.library()[:70], "head cannot be read"),
        ("nameless", serverless.library(183), "made for arm64"),
    ],
)
def test_a_library_that_the_machine_cannot_load_is_named(tmp_path, name, content, why):
    (tmp_path / "numpy").mkdir()
    (tmp_path / "numpy" / name).write_bytes(content)
    with pytest.raises(ExportError, match=rf"^numpy/{name} cannot be loaded by Python 3\.13.*{why}"):
        check_libraries(tmp_path, LAMBDA)


def test_libraries_that_fit(tmp_path):
    for name, needed in (("core.cpython-313-x86_64-linux-gnu.so", "GLIBC_2.34"), ("other.abi3.so", "GLIBC_2.2.5")):
        (tmp_path / name).write_bytes(serverless.library(needed=(needed,)))
    (tmp_path / "read.py").write_text("")
    assert check_libraries(tmp_path, LAMBDA) == 2


def test_real_libraries_are_read():
    folder = Path(sysconfig.get_paths()["platlib"]) / "PIL"
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if os.uname().machine != "x86_64":
        pytest.skip("these are libraries for another processor")
    assert check_libraries(folder, Machine("x86_64", python, (2, 28))) > 3
    with pytest.raises(ExportError, match=r"needs glibc 2\.\d+, and there is 2\.3"):
        check_libraries(folder, Machine("x86_64", python, (2, 3)))
    with pytest.raises(ExportError, match="made for x86_64"):
        check_libraries(folder, Machine("arm64", python, (2, 28)))


def test_wheels_of_another_machine_are_refused_and_nothing_is_written(model, tmp_path):
    house = serverless.wheels(tmp_path / "wheels", PACKAGES[:2])
    serverless.wheel(house, "pillow", {"PIL/core.so": serverless.library(183)})
    with pytest.raises(ExportError, match=r"^PIL/core\.so cannot be loaded .* made for arm64"):
        export_model(model, "serverless", tmp_path / "out", options=TargetOptions(wheels=house))
    (house / next(path.name for path in house.glob("pillow*"))).unlink()
    with pytest.raises(ExportError, match=r"^pip has no .*pillow==.* for Python 3\.13 on Lambda's x86_64"):
        export_model(model, "serverless", tmp_path / "out", options=TargetOptions(wheels=house))
    assert not (tmp_path / "out").exists()


def test_packages_are_chosen_for_the_processor_that_is_named(model, tmp_path):
    house = serverless.wheels(tmp_path / "wheels", PACKAGES[:3])
    for package in PACKAGES[:3]:
        name = f"{package}/core.cpython-313-aarch64-linux-gnu.so"
        serverless.wheel(house, package, {name: serverless.library(183)}, platform="manylinux_2_28_aarch64")
    options = TargetOptions(wheels=house, platform="arm64")
    said = export_model(model, "serverless", tmp_path / "out", options=options)
    found = sorted(path.name for path in (tmp_path / "out" / "packages").rglob("*.so*"))
    assert found == ["core.cpython-313-aarch64-linux-gnu.so"] * 3
    assert "Python 3.13, arm64; 3 shared libraries" in said.added.lines[1][1]
    read_me = (tmp_path / "out" / "README.md").read_text()
    assert "--architectures arm64" in read_me
    assert "--provenance=false --platform linux/arm64" in read_me


def test_every_entry_can_be_read_by_anybody_and_the_bytes_are_the_same(model, wheelhouse, exported_function, tmp_path):
    first = exported_function.path
    before = os.umask(0o077)
    try:
        options = TargetOptions(wheels=wheelhouse, output_prefix="answers/")
        export_model(model, "serverless", tmp_path / "again", options=options)
    finally:
        os.umask(before)
    assert (tmp_path / "again" / "function.zip").read_bytes() == (first / "function.zip").read_bytes()
    for path in (tmp_path / "again").rglob("*"):  # the certificate is in no image
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o755 if path.is_dir() else 0o644) or path.name == "certificate.json", path
    with zipfile.ZipFile(first / "function.zip") as archive:
        entries = archive.infolist()
    modes = {entry.filename: oct(entry.external_attr >> 16) for entry in entries}
    assert set(modes.values()) == {"0o100644", "0o100755"}
    assert modes["numpy.libs/libm.so.6"] == "0o100755"
    assert modes["handler.py"] == "0o100644"
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}


def test_files_of_mode_600_from_1970_are_zipped_as_any_others(tmp_path):
    from graft.files import zipped

    path = tmp_path / "old.py"
    path.write_text("x = 1")
    path.chmod(0o600)
    os.utime(path, (0, 0))
    (tmp_path / "out.zip").write_bytes(zipped([("old.py", path.read_bytes())]))
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        (entry,) = archive.infolist()
        assert archive.testzip() is None
    assert (oct(entry.external_attr >> 16), entry.date_time[0]) == ("0o100644", 1980)


def test_what_stands_in_the_zip_and_what_is_said_of_it(exported_function):
    folder, said = exported_function.path, exported_function.to_dict()
    with zipfile.ZipFile(folder / "function.zip") as archive:
        names = set(archive.namelist())
        assert sum(entry.file_size for entry in archive.infolist()) == said["unzipped_bytes"]
    assert (folder / "function.zip").stat().st_size == said["zip_bytes"]
    assert {"handler.py", "model.onnx", "function.json", "numpy/__init__.py", "numpy.libs/libm.so.6"} <= names
    assert not [name for name in names if "goldens" in name or "tests" in name or "__pycache__" in name]
    assert (said["way"], said["libraries"]) == ("zip", 6)
    assert json.loads((folder / "function.json").read_text())["output_prefix"] == "answers/"
    assert exported_function.added.lines[0] == ("Size", "6.0 MB of 50 zipped, 6.6 MB of 250 unzipped")
    assert (
        "Objects",
        "answers go to answers/ as KEY.json; let another prefix trigger it",
    ) in exported_function.added.lines
    read_me = (folder / "README.md").read_text()
    assert "Answers to objects go to `answers/` as `KEY.json`" in read_me
    assert '"Name": "prefix", "Value": "in/"' in read_me
    assert "{" not in read_me.partition("## This function")[2].partition("## Objects")[0]
    assert verify(folder).ok


@pytest.mark.parametrize(
    ("mb", "zip_mb", "way", "words"),
    [(251, 90, "container", "build the container"), (140, 51, "s3", "through S3"), (140, 49, "zip", "")],
)
def test_what_does_not_fit_names_the_way(mb, zip_mb, way, words):
    from graft.export.serverless.folder import told

    said = told(zip_mb << 20, mb << 20, LAMBDA, 9, TargetOptions())
    assert said.facts["way"] == way
    assert words in said.lines[-1][1]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"python": "3.11"}, "Python 3.11 is not offered"),
        ({"platform": "riscv"}, "riscv is not offered"),
        ({"output_prefix": "/"}, "names no folder"),
        ({"output_prefix": "s3://bucket"}, "names no folder"),
        ({"output_prefix": "answers\nRUN/"}, "names no folder"),
        ({"output_prefix": "../answers/"}, "has a part of dots"),
        ({"output_prefix": "s3://bucket/a/../b/"}, "has a part of dots"),
    ],
)
def test_what_is_not_offered_is_refused_before_the_work(model, tmp_path, options, words):
    with pytest.raises(UsageError, match=words):
        export_model(model, "serverless", tmp_path / "out", options=TargetOptions(**options))


@pytest.mark.parametrize(
    ("target", "options", "words"),
    [
        ("onnx", {"output_prefix": "a/"}, "--output-prefix is for --to serverless, not for --to onnx"),
        ("space", {"wheels": Path()}, "--wheels is for --to serverless, not for --to space"),
        ("serverless", {"runtime": Path()}, "--runtime is for --to browser, not for --to serverless"),
    ],
)
def test_an_option_of_another_target_is_refused_by_its_name(model, tmp_path, target, options, words):
    with pytest.raises(UsageError, match=words):
        export_model(model, target, tmp_path / "out", options=TargetOptions(**options))
