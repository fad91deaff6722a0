"""Where a given value goes, and of what type it is; text that is given never becomes code."""

import ast
import math
from pathlib import Path

import nbformat
import pytest

from graft.errors import UsageError
from graft.notebooks import run_notebook
from graft.notebooks.parameters import assignments, plan, with_paths
from graft.notebooks.source import code_cells
from notebook_files import notebook_file, printed


def cells(*sources):
    return list(code_cells(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])))


def value_of(source, text):
    """What a cell's name ``x`` becomes: the value of the source that is put behind it."""
    [injection], _ = plan(cells(source), {"x": text})
    [statement] = ast.parse(injection.source()).body
    return eval(compile(ast.Expression(statement.value), "", "eval"), {"Path": Path, "float": float})


@pytest.mark.parametrize(
    ("source", "text", "value"),
    [
        ("x = 5", "007", 7),
        ("x = -5", "-1_000", -1000),
        ("x = 0.1", "1e-3", 1e-3),
        ("x = 0.1", "inf", math.inf),
        ("x: float = 1", "0.5", 0.5),
        ("x = True", "true", True),
        ("x = True", "False", False),
        ("x = False", "1", True),
        ("x = 'a'", "007", "007"),
        ("x = 'a'", "True", "True"),
        ("x = 'a'", "", ""),
        ("x = 'a'", r"C:\new\table", r"C:\new\table"),
        ("x = 'a'", 'it\'s "so"', 'it\'s "so"'),
        ("x = 'a'", "one\ntwo\r\n\u2028three", "one\ntwo\r\n\u2028three"),
        ("x = 'a'", "'''); import os; ('''", "'''); import os; ('''"),
        ("x = 'a'", "\udcff", "\udcff"),
        ("x = None", "None", None),
        ("x = None", "3", 3),
        ("x = None", "[1, null]", [1, None]),
        ("x = None", "__import__('os').getcwd()", "__import__('os').getcwd()"),
        ("x: str | None = None", "3", "3"),
        ("x = [1]", "[1, 2.5, true]", [1, 2.5, True]),
        ("x = [1]", "[1, 'a', None]", [1, "a", None]),
        ("x = (1, 2)", "[3, 4]", (3, 4)),
        ("x = {1}", "[3, 3]", {3}),
        ("x = {'a': 1}", '{"b": {"c": [1]}}', {"b": {"c": [1]}}),
        ("x = b'a'", "é", "é".encode()),
        ("x = f'{year}'", "007", "007"),
        ("x = f'{year}'", "7", "7"),
        ("x = os.environ.get('X')", "1e3", 1000.0),
        ("x = os.environ.get('X')", "photos/", "photos/"),
        ("x = Path('photos')", "a'b", Path("a'b")),
        ("x, y = 1, 'two'", "2", 2),
        ("y, (z, x) = 1, ('two', 3.5)", "2", 2.0),
        ("%%time\nx = 5", "6", 6),
        ("if True:\n    x = 5", "6", 6),
        ("match 1:\n    case _:\n        x = 5", "6", 6),
        ("x = 5\nawait sleep(0)", "6", 6),
        ("!ls\nx = 5\n%matplotlib inline", "6", 6),
        ("x = 5\nx = 'text'", "6", "6"),
    ],
)
def test_the_cells_own_value_says_of_which_type_a_given_one_is(source, text, value):
    found = value_of(source, text)
    assert found == value
    assert type(found) is type(value)


def test_what_has_no_literal_is_given_too():
    assert math.isnan(value_of("x = 1.0", "nan"))
    assert math.isnan(value_of("x = None", "[NaN]")[0])


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("x = 5", "1e3"), ("x = 5", "five"), ("x = 5", "9" * 5000), ("x = True", "2"), ("x = [1]", "1"),
        ("x = [1]", "[f()]"), ("x = {}", "[1]"), ("x = 0.5", "half"), ("x = [1]", "[" * 10_000),
        ("x = [1]", "[" * 300 + "]" * 300),
    ],
)  # fmt: skip
def test_a_value_of_another_type_is_refused(source, text):
    with pytest.raises(UsageError, match=r"^x is of type \w+ in the notebook \(cell 1: .* Give a value of that type"):
        plan(cells(source), {"x": text})


def placed(given, *sources):
    """Behind which cell which names go."""
    return {one.after: sorted(one.values) for one in plan(cells(*sources), given)[0]}


def test_all_go_behind_the_first_cell_that_sets_one():
    assert placed({"a": "1", "b": "2"}, "print()", "a = 1\nb = 2", "a + b") == {2: ["a", "b"]}


def test_a_later_cell_that_sets_it_anew_is_followed_by_the_given_value_too():
    assert placed({"a": "1"}, "a = 5", "a = 6", "print(a)") == {1: ["a"], 2: ["a"]}
    assert placed({"a": "1", "b": "2"}, "a = 5", "b = 6", "a + b") == {1: ["a", "b"], 2: ["b"]}
    assert placed({"a": "x"}, "a = 'cpu'", "a = 'gpu' if has_gpu() else 'cpu'") == {1: ["a"], 2: ["a"]}


@pytest.mark.parametrize(
    "later",
    [
        "a = Path(a)",
        "a += 1",
        "root = a\na = read(root)",
        "with open(a) as file:\n    a = file.read()",
        "for row in a:\n    a = row",
        "def load():\n    return read(a)\na = load()",
    ],
)
def test_what_a_cell_makes_of_the_given_value_stays(later):
    assert placed({"a": "x"}, "a = 'photos'", later, "print(a)") == {1: ["a"]}


def test_a_name_that_no_cell_sets_is_refused_with_the_names_that_are():
    with pytest.raises(UsageError, match=r"'epoch' is set by no cell .* Its cells set: data, epochs\."):
        plan(cells("data = 'a'\n_private = 1", "epochs = 3", "def f():\n    inner = 1"), {"epoch": "3"})
    with pytest.raises(UsageError, match="'inner' is set only inside a function or class of cell 2"):
        plan(cells("data = 'a'", "def f():\n    inner = 1"), {"inner": "3"})
    with pytest.raises(UsageError, match="Its cells set no names"):
        plan(cells("print()", "%%bash\nx=1"), {"x": "3"})


def test_what_is_no_python_sets_nothing_and_stops_nothing():
    assert [one.name for one in assignments(cells("this is no python", "%%html\nx = 1", "x = 2"))] == ["x"]


def test_a_cell_that_sets_a_name_and_uses_it_at_once_is_told_of():
    assert "Cell 1 sets n" in plan(cells("n = 5\nprint(n)"), {"n": "6"})[1][0]
    assert plan(cells("n = 5", "print(n)"), {"n": "6"})[1] == []


def test_the_value_of_a_secret_is_in_no_refusal():
    with pytest.raises(UsageError) as refused:
        plan(cells("token = 5"), {"token": "hunter22"}, frozenset({"token"}))
    assert "hunter22" not in str(refused.value)


def test_paths_begin_where_the_command_was_given(tmp_path):
    """Only what is there, and only where a path is meant; seen from the notebook, so that no machine is named."""
    home, here = tmp_path / "books", tmp_path / "here"
    (home / "photos").mkdir(parents=True)
    (here / "mine").mkdir(parents=True)
    (here / "open").write_text("")
    book = cells(
        "data = 'photos/'\nlabel = 'closed'\nn = 5\nroot = Path('x')\nmore = None\ngiven = os.environ.get('DATA')\n"
        "three = None"
    )
    (here / "3.0").mkdir()

    def seen(**given):
        return with_paths(given, book, here, home)[0]

    assert seen(data="mine") == {"data": "../here/mine"}
    assert seen(data="mine/", root="mine") == {"data": "../here/mine/", "root": "../here/mine"}
    assert seen(more="mine/", given="mine/", three="3.0") == {
        "more": "../here/mine/",
        "given": "../here/mine/",
        "three": "3.0",  # a number, where the notebook says nothing else
    }
    assert seen(more="mine", given="open") == {"more": "mine", "given": "open"}
    assert seen(data=str(here / "mine")) == {"data": str(here / "mine")}
    assert seen(data="s3://bucket/mine", label="open", n="5") == {"data": "s3://bucket/mine", "label": "open", "n": "5"}
    assert seen(data="gone/") == {"data": "gone/"}
    assert with_paths({"data": "mine"}, book, home, home) == ({"data": "mine"}, [])


def test_a_notebook_sees_them(tmp_path):
    """Once in a real kernel: values, the type of each, and what a later cell sets anew."""
    path = notebook_file(
        tmp_path / "n.ipynb", "%%time\nn = 5\nrate: float = 1", "text, on = 'a', True", "n = 50", "n, rate, text, on"
    )
    text = "it's \\n \"so\"\n\u2028' + str(1)"
    ran = run_notebook(path, {"n": "7", "rate": "nan", "text": text, "on": "false"}, output=tmp_path / "out")
    assert printed(ran.notebook)[-1] == repr((7, math.nan, text, False))
    nbformat.validate(nbformat.read(ran.notebook, as_version=4))
