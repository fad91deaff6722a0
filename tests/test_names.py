"""What is called what: each name stands for one thing, and is the field's where the field has one."""

import ast
from collections import defaultdict
from pathlib import Path

import pytest

import graft

SOURCE = Path(graft.__file__).parent

LEAVING = {f"export/tokenizing/{name}.py" for name in ("library", "tokenizer")}
"""Programs that are copied beside a graph and stand alone there, under one name: one of them is all that is seen."""
PRIVATE = {
    "agenda": "review_queue", "asking": "active_learning, chunks", "families": "feature_groups, architectures",
    "lanes": "candidates", "lens": "scores", "line": "entry", "listed": "url_list", "offered": "protocols",
    "shelf": "lru", "standing": "resolution", "strangers": "outliers", "tags": "multi_label", "telling": "naive_bayes",
    "turns": "rate_limit", "worth": "effect",
}  # fmt: skip
"""Words of our own, and what the field calls these things."""


def homes_of_classes(sources):
    """The files in which each class is defined, by its name."""
    homes = defaultdict(list)
    for file, text in sources.items():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ClassDef):
                homes[node.name].append(file)
    return homes


@pytest.fixture(scope="module")
def sources():
    files = {path.relative_to(SOURCE).as_posix(): path for path in sorted(SOURCE.rglob("*.py"))}
    return {file: path.read_text(encoding="utf-8") for file, path in files.items() if file not in LEAVING}


def test_no_two_classes_bear_one_name(sources):
    homes = homes_of_classes(sources)
    assert len(homes) > 300
    assert {name: files for name, files in homes.items() if len(files) > 1} == {}


def test_a_name_that_two_classes_bear_is_found():
    twice = {"a.py": "class Row: ...", "b.py": "def f():\n    class Row: ...", "c.py": "class Rows: ..."}
    assert homes_of_classes(twice) == {"Row": ["a.py", "b.py"], "Rows": ["c.py"]}


def test_modules_bear_the_names_of_the_field(sources):
    words = {Path(file).stem: file for file in sources}
    assert {words[word]: f"call it {name}" for word, name in PRIVATE.items() if word in words} == {}


def test_classes_and_functions_bear_the_names_of_the_field(sources):
    words = PRIVATE.keys() - {"line"}  # a line of a text or a chart is one
    named = [
        f"{file}: {node.name}"
        for file, text in sources.items()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name.strip("_").lower() in words
    ]
    assert named == []
