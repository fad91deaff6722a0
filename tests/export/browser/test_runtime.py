"""Where the files come from that run a model in a browser: each place, each fault, and what the wheel packs."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import sys
import tarfile
import types
from pathlib import Path
from typing import Any

import pytest

from graft.export.browser import runtime

PROJECT = Path(__file__).parents[3]
NPM = """#!/bin/sh
while [ "$1" != --pack-destination ]; do shift; done
{act}
"""


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, bytes]:
    """A runtime of three short files, which no place has yet."""
    contents = {file.name: file.name.encode() for file in runtime.FILES}
    files = tuple(
        runtime.RuntimeFile(file.name, file.written, len(file.name), hashlib.sha256(contents[file.name]).hexdigest())
        for file in runtime.FILES
    )
    monkeypatch.setattr(runtime, "FILES", files)
    monkeypatch.setattr(runtime, "PACKED", tmp_path / "packed")
    monkeypatch.setenv("PATH", os.fspath(tmp_path / "bin"))
    return contents


def put(folder: Path, contents: dict[str, bytes]) -> None:
    folder.mkdir(parents=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)


def put_npm(tmp_path: Path, act: str) -> None:
    tmp_path.joinpath("bin").mkdir()
    npm = tmp_path / "bin" / "npm"
    npm.write_text(NPM.format(act=act))
    npm.chmod(0o755)


def package(tmp_path: Path, contents: dict[str, bytes]) -> Path:
    put(tmp_path / "package" / "dist", contents)
    with tarfile.open(tmp_path / "brought.tgz", "w:gz") as archive:
        archive.add(tmp_path / "package", "package")
    return tmp_path / "brought.tgz"


@pytest.mark.parametrize("place", ["packed", "cache", "given"])
def test_the_files_are_found_in_each_place(small: dict[str, bytes], tmp_path: Path, place: str) -> None:
    put(tmp_path / place, small)
    found = runtime.read(tmp_path / "cache", tmp_path / "given" if place == "given" else None)
    assert found == {file.written: small[file.name] for file in runtime.FILES}


def test_another_content_is_refused_wherever_it_lies(small: dict[str, bytes], tmp_path: Path) -> None:
    last = runtime.FILES[-1]
    wrong = small | {last.name: small[last.name][::-1]}
    for place in ("packed", "cache", "given"):
        put(tmp_path / place, wrong)
    for given in (None, tmp_path / "given"):
        with pytest.raises(runtime.RuntimeMissing, match=f"{re.escape(last.name)} is another file"):
            runtime.read(tmp_path / "cache", given)


def test_a_folder_that_was_named_is_the_only_place(small: dict[str, bytes], tmp_path: Path) -> None:
    put(tmp_path / "packed", small)
    with pytest.raises(runtime.RuntimeMissing, match=r"given has no ort\.wasm\.min\.mjs"):
        runtime.read(tmp_path / "cache", tmp_path / "given")


def test_the_npm_client_brings_them_once(small: dict[str, bytes], tmp_path: Path) -> None:
    archive = package(tmp_path, small)
    put_npm(tmp_path, f'while read -r line; do :; done < "{archive}"; /bin/cp "{archive}" "$2/it.tgz"')
    assert runtime.read(tmp_path / "cache") == {file.written: small[file.name] for file in runtime.FILES}
    (tmp_path / "bin" / "npm").unlink()
    assert len(runtime.read(tmp_path / "cache")) == 3


def test_what_the_npm_client_brings_is_checked(small: dict[str, bytes], tmp_path: Path) -> None:
    archive = package(tmp_path, small | {runtime.FILES[1].name: b"another"})
    put_npm(tmp_path, f'/bin/cp "{archive}" "$2/it.tgz"')
    with pytest.raises(runtime.RuntimeMissing, match=r"brought has another ort-wasm-simd-threaded\.mjs"):
        runtime.read(tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    ("act", "said"),
    [
        ("echo no such host >&2; exit 1", "no such host"),
        ('echo junk > "$2/it.tgz"', "cannot be unpacked"),
        ("exit 0", "it said nothing"),
        (None, "the npm client, which would bring them, is not installed"),
    ],
)
def test_an_npm_client_that_fails_is_told(small: dict[str, bytes], tmp_path: Path, act: str | None, said: str) -> None:
    if act is not None:
        put_npm(tmp_path, act)
    with pytest.raises(runtime.RuntimeMissing, match=said):
        runtime.read(tmp_path / "cache")


def test_the_lock_file_names_the_package_that_is_pinned_and_no_host() -> None:
    given = json.loads((PROJECT / "package.json").read_text())
    locked = json.loads((PROJECT / "package-lock.json").read_text())
    assert given["dependencies"] == {runtime.PACKAGE: runtime.VERSION}
    entry = locked["packages"][f"node_modules/{runtime.PACKAGE}"]
    assert entry["version"] == runtime.VERSION
    assert entry["integrity"].startswith("sha512-")
    assert "://" not in re.sub(r'"url": "[^"]*"', "", (PROJECT / "package-lock.json").read_text())


def test_licences_go_with_them() -> None:
    found = runtime.licences()
    assert b"MIT License" in found["LICENSE"]
    assert b"protobuf" in found["ThirdPartyNotices.txt"]


def test_a_wheel_packs_them_and_an_editable_install_needs_none(
    small: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook, warned = the_hook(tmp_path, monkeypatch)
    put(tmp_path / "build" / f"{runtime.PACKAGE}-{runtime.VERSION}", small)
    data: dict[str, Any] = {"force_include": {}}
    hook.initialize("editable", data)
    assert data == {"force_include": {}}
    hook.initialize("standard", data)
    assert sorted(data["force_include"].values()) == sorted(
        f"graft/export/browser/packed/{file.name}" for file in runtime.FILES
    )
    assert all(Path(path).is_file() for path in data["force_include"])
    assert not warned


def test_a_wheel_without_them_is_built_with_a_warning_or_not_at_all(
    small: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook, warned = the_hook(tmp_path, monkeypatch)
    data: dict[str, Any] = {"force_include": {}}
    hook.initialize("standard", data)
    assert data == {"force_include": {}}
    assert "cannot export to browsers without a network" in warned[0]
    monkeypatch.setenv("GRAFT_WHEEL_RUNTIME", "required")
    with pytest.raises(runtime.RuntimeMissing):
        hook.initialize("standard", data)


def the_hook(root: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, list[str]]:
    """The hook of the build for a project at ``root``, and what it warns of; the build's own package may be missing."""
    warned: list[str] = []

    class Interface:
        app = types.SimpleNamespace(display_warning=warned.append)

        def __init__(self, root: str) -> None:
            self.root = root

    plugin = "hatchling.builders.hooks.plugin.interface"
    stand_in = types.ModuleType(plugin)
    vars(stand_in)["BuildHookInterface"] = Interface
    monkeypatch.setitem(sys.modules, plugin, stand_in)
    spec = importlib.util.spec_from_file_location("hatch_build", PROJECT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "load_runtime", lambda _root: runtime)
    return module.RuntimeHook(str(root)), warned
