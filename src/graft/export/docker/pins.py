"""What an image installs: every package in the version that stands here, for the system of the image."""

from __future__ import annotations

import email
import zipfile
from collections.abc import Iterable, Sequence
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from graft.own_wheel import DISTRIBUTION

_SYSTEM = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "sys_platform": "linux",
}
_OWN = canonicalize_name(DISTRIBUTION)


def pinned(wheel: Path, extras: Sequence[str], python: str) -> list[str]:
    """Everything that Graft draws in there, a line each, sorted.

    Args:
        wheel: Graft's own; its metadata say what it needs.
        extras: Which of its extras are asked for.
        python: The Python of the image, such as ``"3.12"``.

    Returns:
        ``name==version`` of what is installed here. What is not (on this system it is not needed), and what is here in
        a version that will not do, stays as it is required.
    """
    system = {**_SYSTEM, "python_version": python, "python_full_version": f"{python}.0"}
    found: dict[str, str] = {}
    asked: set[tuple[str, str]] = set()
    waiting = [Requirement(f"{DISTRIBUTION}[{','.join(extras)}]")]
    while waiting:
        one = waiting.pop()
        name = canonicalize_name(one.name)
        if name != _OWN:
            line = _line(one)
            found[name] = line if "==" in line else found.get(name, line)
        for extra in ("", *sorted(one.extras)):
            if (name, extra) not in asked:
                asked.add((name, extra))
                needed = _needs_of(wheel) if name == _OWN else _installed(name)
                waiting += _there(needed, extra, system)
    return sorted(found.values())


def asked_for_itself(wheel: Path, extra: str) -> list[str]:
    """What an extra of Graft asks for beside Graft, without what that draws in, a line each, sorted."""
    found = _there(_needs_of(wheel), extra, {**_SYSTEM, "python_version": "3.12", "python_full_version": "3.12.0"})
    return sorted(_line(one) for one in found if canonicalize_name(one.name) != _OWN)


def _there(needed: Iterable[str], extra: str, system: dict[str, str]) -> list[Requirement]:
    """Of these requirements those that hold there because of an extra; without one, those that always do."""
    found = []
    for one in map(Requirement, needed):
        always = one.marker is None or one.marker.evaluate({**system, "extra": ""})
        if always != bool(extra) and (always or (one.marker and one.marker.evaluate({**system, "extra": extra}))):
            found.append(one)
    return found


def _line(one: Requirement) -> str:
    extras = f"[{','.join(sorted(one.extras))}]" if one.extras else ""
    try:
        version = Version(metadata.version(one.name)).public  # without +cpu and the like, which an index may not have
    except metadata.PackageNotFoundError:
        return f"{one.name}{extras}{one.specifier}"
    return f"{one.name}=={version}" if version in one.specifier else f"{one.name}{extras}{one.specifier}"


def _installed(name: str) -> list[str]:
    try:
        return metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return []


def _needs_of(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        (place,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return email.message_from_bytes(archive.read(place)).get_all("Requires-Dist") or []
