"""Whether the tests notice: rules are broken on purpose in a copy of the tree, one by one, and a test has to fail.

A rule whose text is no longer there ends the run with its name: the list is mended together with the code.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.broken_rules import RULES, Rule
from benchmarks.results import keep, progress, show

PROJECT = Path(__file__).parents[1]
COPIED = (
    "src",
    "tests",
    "benchmarks",
    "docs",
    "graphs",
    "notebooks",
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "Makefile",
    "constraints.txt",
    "requirements-predict.txt",
)
LIMIT = 600.0
"""Seconds after which a test that does not end counts as failed: a broken rule may make it wait for ever."""


@dataclass(frozen=True, slots=True)
class Found:
    """What came of one broken rule.

    Attributes:
        rule: Its name.
        test: What had to fail.
        noticed: Whether it did.
        told: The last line that pytest printed.
    """

    rule: str
    test: str
    noticed: bool
    told: str


def measure(names: Sequence[str] = ()) -> bool:
    """Break the rules; print the table and write ``results/mutations.json``.

    Args:
        names: Parts of the rules' names, by default all.

    Returns:
        Whether every broken rule was noticed.

    Raises:
        ValueError: The text of a rule does not stand exactly once in its file, or its test does not pass unbroken.
    """
    rules = [rule for rule in RULES if not names or any(name in rule.name for name in names)]
    check_texts(rules)
    found = []
    with TemporaryDirectory() as folder:
        tree = copy_tree(Path(folder))
        check_tests(rules, tree)
        for rule in rules:
            found.append(break_rule(rule, tree))
            progress.print(f"{'noticed' if found[-1].noticed else '[red]NOT NOTICED[/red]'}: {rule.name}")
    show(
        "Rules broken on purpose",
        ("rule", "file", "test", "noticed"),
        [
            (rule.name, rule.file, rule.test, "yes" if one.noticed else "NO")
            for rule, one in zip(rules, found, strict=True)
        ],
        f"{sum(one.noticed for one in found)} of {len(found)} were noticed.",
    )
    keep("mutations", {"rules": [asdict(one) for one in found]})
    return all(one.noticed for one in found)


def check_texts(rules: Sequence[Rule], root: Path = PROJECT) -> None:
    """Whether each rule's text stands exactly once in its file.

    Raises:
        ValueError: One does not; names it.
    """
    for rule in rules:
        count = (root / rule.file).read_text(encoding="utf-8").count(rule.text)
        if count != 1:
            raise ValueError(f"{rule.name}: its text stands {count} times in {rule.file}, not once:\n{rule.text}")


def copy_tree(folder: Path) -> Path:
    """The project's files in a folder of their own, beside the data that the tests look for."""
    tree = folder / "graft"
    tree.mkdir()
    for name in COPIED:
        source = PROJECT / name
        if source.is_dir():
            shutil.copytree(source, tree / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        else:
            shutil.copy2(source, tree / name)
    if (shared := PROJECT.parent / "shared").is_dir():
        (folder / "shared").symlink_to(shared, target_is_directory=True)
    return tree


def check_tests(rules: Sequence[Rule], tree: Path) -> None:
    """Whether the tests pass while nothing is broken.

    Raises:
        ValueError: One does not.
    """
    tests = list(dict.fromkeys(rule.test for rule in rules))
    if (done := run_tests(tests, tree)).returncode:
        raise ValueError(f"The tests do not pass before anything is broken:\n{done.stdout[-3000:]}")


def break_rule(rule: Rule, tree: Path) -> Found:
    """Break a rule in the tree, run its test, and put back what stood there.

    Raises:
        ValueError: The test could not be run at all, which tells nothing.
    """
    file = tree / rule.file
    whole = file.read_text(encoding="utf-8")
    file.write_text(whole.replace(rule.text, rule.instead), encoding="utf-8")
    try:
        done = run_tests([rule.test], tree)
    finally:
        file.write_text(whole, encoding="utf-8")
    if done.returncode not in (0, 1):  # 1: a test failed
        raise ValueError(f"{rule.name}: {rule.test} could not be run:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return Found(rule.name, rule.test, done.returncode == 1, (done.stdout.strip().splitlines() or [""])[-1])


def run_tests(tests: Sequence[str], tree: Path) -> subprocess.CompletedProcess[str]:
    """Run some tests of a tree in a process of their own."""
    environment = {**os.environ, "PYTHONPATH": str(tree / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--no-header", "--tb=line", *tests]
    try:
        return subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, timeout=LIMIT)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, f"no end in {LIMIT:.0f} s", "")
