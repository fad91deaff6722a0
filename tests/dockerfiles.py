"""A Dockerfile's steps run in a clean environment, where there is no daemon that could run them.

``built(context, place)`` makes a fresh virtual environment for the base image's Python and a folder for its root, and
does what COPY, ENV, WORKDIR and RUN say, in order, with nothing of this process's own packages in reach. An instruction
or a flag that is not understood fails the build, so that no step is passed over by mistake; what changes the system
itself (packages of the distribution, users) is not done and stands in ``BuiltImage.not_done``. Paths of the image that
lie in ``OWN_TOPS`` are those below the folder, in every word of a step.
"""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

OWN_TOPS = ("opt", "var/task", "srv", "app", "home", "function")
"""Folders of an image that its Dockerfile fills; all others are those of the machine."""
SYSTEM = ("apt-get", "apt", "dnf", "microdnf", "apk", "useradd", "groupadd", "adduser", "addgroup", "chown")
KNOWN = ("FROM", "ARG", "ENV", "WORKDIR", "COPY", "RUN", "USER", "EXPOSE", "ENTRYPOINT", "CMD", "LABEL", "STOPSIGNAL")
_TOP = re.compile(rf"(?<![\w./~-])/(?={'|'.join(map(re.escape, OWN_TOPS))}(?:[/\s:;,'\"]|$))")
_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::-([^}]*))?\}|(\w+))")
_PASSED = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")


def instructions(text: str) -> Iterator[tuple[str, str]]:
    """Name and rest of each, continued lines joined."""
    joined = re.sub(r"\\\n(?:\s*#[^\n]*\n)*", " ", text)
    for line in joined.splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            name, _, rest = line.strip().partition(" ")
            assert name.upper() in KNOWN, f"no rule for {line!r}"
            assert "<<" not in rest, f"no rule for {line!r}"
            yield name.upper(), rest.strip()


def words_of(rest: str) -> list[str]:
    """The exec form of an instruction; a shell form as what a shell is told."""
    return json.loads(rest) if rest.startswith("[") else ["/bin/sh", "-c", rest]


@dataclass
class BuiltImage:
    """What a Dockerfile made.

    Attributes:
        root: The image's files that its Dockerfile put there.
        tools: The folder with the base image's ``python`` and ``pip``.
        base: The image that it begins with.
        environment: What ENV set.
        workdir: Where it starts.
        entrypoint: As ENTRYPOINT has it.
        words: As CMD has it.
        user: As USER has it; ``""`` for the base image's.
        ports: As EXPOSE has them.
        not_done: Steps that change the system itself.
    """

    root: Path
    tools: Path
    base: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    workdir: str = "/"
    entrypoint: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    user: str = ""
    ports: list[str] = field(default_factory=list)
    not_done: list[str] = field(default_factory=list)

    def at(self, path: str) -> Path:
        """A path of the image on this machine."""
        whole = os.path.normpath(PurePosixPath(self.workdir) / path)
        return self.root / whole.lstrip("/")

    def mapped(self, text: str) -> str:
        """A text with paths of the image as they are here."""
        return _TOP.sub(f"{self.root}/", text)

    def variables(self, **more: str) -> dict[str, str]:
        """The environment of a process in the image."""
        own = {name: self.mapped(value) for name, value in self.environment.items()}
        path = own.pop("PATH", "")
        passed = [str(self.tools), *path.split(":")] if str(self.tools) not in path else path.split(":")
        # A venv that the Dockerfile makes stands before the base image's Python.
        made = [one for one in passed if one.startswith(str(self.root))]
        rest = [one for one in passed if one and one not in made]
        return {"LANG": "C.UTF-8", **own, "PATH": ":".join([*made, *rest, "/usr/bin", "/bin"]), **more}

    def start(self, *words: str, environment: Mapping[str, str] | None = None, **options: Any) -> subprocess.Popen[Any]:
        """The container's process: the entry point with these words, or those of CMD."""
        command = [self.mapped(word) for word in (*self.entrypoint, *(words or self.words))]
        variables = self.variables(**(environment or {}))
        found = shutil.which(command[0], path=variables["PATH"])
        assert found, f"{command[0]} is not in the image"
        cwd = self.at(".")
        return subprocess.Popen([found, *command[1:]], env=variables, cwd=cwd if cwd.is_dir() else "/", **options)


def built(
    context: Path,
    place: Path,
    *,
    dockerfile: str = "Dockerfile",
    base: Mapping[str, str] | None = None,
    pip: bool = True,
) -> BuiltImage:
    """Do the steps of a Dockerfile.

    Args:
        context: The folder that is built.
        place: An empty folder to do it in.
        dockerfile: Its name in the context.
        base: What the base image sets in the environment, such as ``LAMBDA_TASK_ROOT``.
        pip: Whether its Python has pip, which takes seconds to bring.
    """
    root = place / "root"
    root.mkdir(parents=True)
    without = [] if pip else ["--without-pip"]
    subprocess.run([sys.executable, "-m", "venv", *without, str(place / "python")], check=True)
    image = BuiltImage(root, place / "python" / "bin", environment=dict(base or {}))
    arguments: dict[str, str] = {}
    for name, rest in instructions((context / dockerfile).read_text(encoding="utf-8")):
        if name == "RUN":
            _run(image, rest, arguments)
        else:
            _STEPS.get(name, _passed_over)(image, context, _filled(rest, {**arguments, **image.environment}), arguments)
    return image


def _from(image: BuiltImage, _context: Path, rest: str, _arguments: dict[str, str]) -> None:
    assert not image.base, "one stage"
    image.base = rest.split()[0]


def _arg(_image: BuiltImage, _context: Path, rest: str, arguments: dict[str, str]) -> None:
    key, _, value = rest.partition("=")
    arguments.setdefault(key, value.strip("\"'"))


def _env(image: BuiltImage, _context: Path, rest: str, _arguments: dict[str, str]) -> None:
    image.environment.update(one.split("=", 1) for one in shlex.split(rest))


def _workdir(image: BuiltImage, _context: Path, rest: str, _arguments: dict[str, str]) -> None:
    image.workdir = os.path.normpath(PurePosixPath(image.workdir) / rest)
    image.at(".").mkdir(parents=True, exist_ok=True)


def _user(image: BuiltImage, _context: Path, rest: str, _arguments: dict[str, str]) -> None:
    image.user = rest


def _expose(image: BuiltImage, _context: Path, rest: str, _arguments: dict[str, str]) -> None:
    image.ports += rest.split()


def _entrypoint(image: BuiltImage, _context: Path, rest: str, _arguments: dict[str, str]) -> None:
    image.entrypoint, image.words = words_of(rest), []


def _cmd(image: BuiltImage, _context: Path, rest: str, _arguments: dict[str, str]) -> None:
    image.words = words_of(rest)


def _passed_over(*_: object) -> None:
    """LABEL and STOPSIGNAL change nothing here."""


def _filled(text: str, values: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda found: values.get(found[1] or found[3], found[2] or ""), text)


def _run(image: BuiltImage, rest: str, arguments: Mapping[str, str]) -> None:
    steps = [words_of(rest)] if rest.startswith("[") else [["/bin/sh", "-ec", one] for one in _parts(rest)]
    for words in steps:
        said = words[-1].strip() if words[0] == "/bin/sh" else words[0]
        about_system = said.split()[0] in SYSTEM or "/var/lib/apt" in said
        if about_system:
            image.not_done.append(said if words[0] == "/bin/sh" else shlex.join(words))
            continue
        passed = {name: os.environ[name] for name in _passed()}
        variables = image.variables(**arguments, **passed, PIP_NO_COMPILE="1")
        words = [image.mapped(word) for word in words]
        words[0] = shutil.which(words[0], path=variables["PATH"]) or words[0]
        done = subprocess.run(words, env=variables, cwd=image.at("."), capture_output=True, text=True)
        assert done.returncode == 0, f"RUN {rest} ended with {done.returncode}:\n{(done.stdout + done.stderr)[-3000:]}"


def _parts(rest: str) -> list[str]:
    """The commands of a shell form: each is done or not done by itself."""
    assert not re.search(r"(?<!&)&(?!&)|\|\||;", rest), f"no rule for {rest!r}"
    return rest.split("&&")


def _passed() -> list[str]:
    return [name for name in os.environ if name in _PASSED or name.lower().endswith("_proxy")]


def _copy(image: BuiltImage, context: Path, rest: str, _arguments: dict[str, str]) -> None:
    words = json.loads(rest) if rest.startswith("[") else rest.split()
    flags = [word for word in words if word.startswith("--")]
    assert all(flag.startswith(("--chmod=", "--chown=")) for flag in flags), f"no rule for COPY {rest!r}"
    *sources, target = (word for word in words if not word.startswith("--"))
    found = [path for source in sources for path in _found(context, source)]
    place = image.at(target)
    into = target.endswith("/") or target in (".", "./") or len(found) > 1
    for path in found:
        if path.is_dir():
            ignored = _ignored(context)
            for file in sorted(one for one in path.rglob("*") if one.is_file()):
                if not ignored(file.relative_to(context).as_posix()):
                    _put(file, place / file.relative_to(path), flags)
        else:
            _put(path, place / path.name if into else place, flags)


_STEPS = {
    "FROM": _from,
    "ARG": _arg,
    "ENV": _env,
    "WORKDIR": _workdir,
    "COPY": _copy,
    "USER": _user,
    "EXPOSE": _expose,
    "ENTRYPOINT": _entrypoint,
    "CMD": _cmd,
}


def _put(file: Path, place: Path, flags: Sequence[str]) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(file, place)
    for flag in flags:
        if flag.startswith("--chmod="):
            mode = flag.partition("=")[2]
            assert mode.isdigit(), f"no rule for {flag!r}"
            place.chmod(int(mode, 8))


def _found(context: Path, source: str) -> list[Path]:
    ignored = _ignored(context)
    found = sorted(context.glob(source)) if any(sign in source for sign in "*?[") else [context / source]
    kept = [path for path in found if path.exists() and not (path.is_file() and ignored(_named(path, context)))]
    assert kept, f"{source} is not in the context"
    return kept


def _named(path: Path, context: Path) -> str:
    return path.relative_to(context).as_posix()


def _ignored(context: Path) -> Any:
    """What ``.dockerignore`` keeps out: the last rule that fits a file, or a folder above it, counts."""
    place = context / ".dockerignore"
    lines = place.read_text().splitlines() if place.is_file() else []
    rules = [line.strip() for line in lines if line.strip() and not line.startswith("#")]

    def out(name: str) -> bool:
        parts = name.split("/")
        above = ["/".join(parts[: n + 1]) for n in range(len(parts))]
        found = False
        for rule in rules:
            pattern = rule.removeprefix("!").strip("/")
            if any(fnmatch.fnmatchcase(one, pattern) and one.count("/") == pattern.count("/") for one in above):
                found = not rule.startswith("!")
        return found

    return out


def need_index(place: Path) -> None:
    """Skip the test where the package index cannot be reached."""
    words = ["download", "--no-deps", "--quiet", "--disable-pip-version-check", "--no-cache-dir", "mdurl==0.1.2"]
    done = subprocess.run([sys.executable, "-m", "pip", *words, "-d", str(place)], capture_output=True)
    if done.returncode:
        pytest.skip("the package index cannot be reached from here")
