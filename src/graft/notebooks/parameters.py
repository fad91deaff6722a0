"""Values that are given to a notebook: which type each has, and where it goes.

A value goes behind the first cell that assigns one of the names, tagged or not, and again behind every later cell that
assigns the name anew, so that the given value is what later cells see. What a cell makes out of the value, such as
``data = Path(data)``, is the notebook's own work and stays.
"""

from __future__ import annotations

import ast
import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graft.errors import UsageError
from graft.notebooks.hiding import HIDDEN
from graft.notebooks.source import Cell

TAG = "injected-parameters"
_MISSING = object()
_YES, _NO = ("true", "1", "yes", "on"), ("false", "0", "no", "off")
_CONSTANTS = {"None": None, "True": True, "False": False}
_PATH_CALLS = ("Path", "pathlib.Path", "PurePath", "pathlib.PurePath")
_LOOKS_LIKE_PATH = re.compile(r".*[/\\].*|[^\s]+\.\w{1,7}", re.DOTALL)
_MAX_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Assignment:
    """A name that a cell gives a value.

    Attributes:
        cell: Counts from 1.
        value: The expression, where one stands for this name alone.
        note: The type note's source, if there is one.
        derived: Whether the value is made out of one that was given.
    """

    cell: int
    name: str
    value: ast.expr | None
    note: str = ""
    derived: bool = False


@dataclass(frozen=True, slots=True)
class Injection:
    """What goes behind one cell: names, and the source of each one's value."""

    after: int
    values: dict[str, str]

    def source(self, hidden: frozenset[str] = frozenset()) -> str:
        """The cell's text; the values of ``hidden`` names are left out of it."""
        return "\n".join(
            f"{name} = ...  # given, and not shown" if name in hidden else f"{name} = {value}"
            for name, value in self.values.items()
        )


def assignments(cells: Sequence[Cell], given: frozenset[str] = frozenset()) -> list[Assignment]:
    """What the cells' own level assigns, in order; a function's inner names are not among it."""
    reader = _NameFinder(set(given))
    for cell in cells:
        reader.cell = cell.number
        for statement in cell.tree.body if cell.tree else ():
            reader.read(statement)
    return reader.found


def settings_of(cells: Sequence[Cell]) -> list[str]:
    """Names whose first value is a literal or a path: what a notebook is given, rather than what it works out."""
    first: dict[str, Assignment] = {}
    for one in assignments(cells):
        first.setdefault(one.name, one)
    return [name for name, one in first.items() if _literal(one) is not _MISSING and not _of_names(one.value)]


def _of_names(value: ast.expr | None) -> bool:
    """Whether a path is made of names, such as ``Path(folder)``."""
    return isinstance(value, ast.Call) and not all(isinstance(one, ast.Constant) for one in value.args)


def plan(
    cells: Sequence[Cell], given: Mapping[str, str], secret: frozenset[str] = frozenset()
) -> tuple[list[Injection], list[str]]:
    """Where the given values go, and what there is to say of it; values of ``secret`` names are not shown.

    Raises:
        UsageError: No cell sets a name, or a value is not of its type.
    """
    found = assignments(cells, frozenset(given))
    first: dict[str, Assignment] = {}
    for one in found:
        first.setdefault(one.name, one)
    for name in given:
        if name not in first:
            raise _unknown(name, cells, found)
    sources = {
        name: _source(name, text, _default(first[name], found), HIDDEN if name in secret else _short(text))
        for name, text in given.items()
    }
    begin = min((first[name].cell for name in given), default=0)
    places: dict[int, dict[str, str]] = {begin: dict(sources)} if given else {}
    for one in found:
        if one.name in given and (one is first[one.name] or not one.derived):
            places.setdefault(one.cell, {})[one.name] = sources[one.name]
    notes = [_used_at_once(name, first[name].cell, cells) for name in given]
    return [Injection(cell, places[cell]) for cell in sorted(places)], [note for note in notes if note]


def with_paths(
    given: Mapping[str, str], cells: Sequence[Cell], folder: Path, home: Path
) -> tuple[dict[str, str], list[str]]:
    """Values that name something in ``folder``, where the command was given, as seen from the notebook's folder.

    Args:
        given: Values by name.
        cells: The notebook's.
        folder: Where the command was given.
        home: The notebook's folder.

    Returns:
        The values, and a line for each that was changed.
    """
    if folder.resolve() == home.resolve():
        return dict(given), []
    found = assignments(cells)
    changed, notes = dict(given), []
    for name, text in given.items():
        default = next((_literal(one) for one in found if one.name == name), _MISSING)
        if not text or Path(text).is_absolute() or "\0" in text or not _may_be_path(text, default, home):
            continue
        try:
            there = (folder / text).exists()
        except OSError:  # a text is no name of a file
            continue
        if there:
            seen = Path(os.path.relpath((folder / text).resolve(), home.resolve())).as_posix()
            changed[name] = seen + ("/" if text.endswith("/") else "")
            notes.append(f"{name} is {changed[name]}, seen from the notebook's folder.")
    return changed, notes


def _may_be_path(text: str, default: Any, home: Path) -> bool:
    """Whether a path is meant, going by the value itself and by the one that the notebook has."""
    if isinstance(default, _PathCall):
        return True
    if default is None or default is _MISSING:  # it may be anything: the value alone tells
        return isinstance(_typed(text, None), str) and bool(_LOOKS_LIKE_PATH.fullmatch(text))
    if not isinstance(default, str):
        return False
    usual = (_LOOKS_LIKE_PATH.fullmatch(one) for one in (text, default))
    return any(usual) or (home / default).exists()


class _NameFinder:
    """Goes through statements, and keeps in mind what was made out of given values."""

    def __init__(self, derived: set[str]) -> None:
        self.derived = derived
        self.found: list[Assignment] = []
        self.cell = 0

    def read(self, statement: ast.stmt) -> None:
        match statement:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    self._assign(target, value)
            case ast.AnnAssign(target=ast.Name() as target, value=ast.expr() as value, annotation=annotation):
                self._assign(target, value, ast.unparse(annotation))
            case ast.AugAssign(target=ast.Name(id=name)):
                self.found.append(Assignment(self.cell, name, None, derived=True))
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                if self._is_derived(statement):
                    self.derived.add(statement.name)
                return  # what is set inside has names of its own
            case ast.For(target=target, iter=source) | ast.AsyncFor(target=target, iter=source):
                self._taint(target, self._is_derived(source))
            case ast.With(items=items) | ast.AsyncWith(items=items):
                for item in items:
                    if item.optional_vars is not None:
                        self._taint(item.optional_vars, self._is_derived(item.context_expr))
        self._read_blocks(statement)

    def _read_blocks(self, statement: ast.stmt) -> None:
        blocks = [getattr(statement, name, ()) for name in ("body", "orelse", "finalbody")]
        blocks += [one.body for name in ("handlers", "cases") for one in getattr(statement, name, ())]
        for block in blocks:
            for inner in block:
                self.read(inner)

    def _assign(self, target: ast.expr, value: ast.expr, note: str = "") -> None:
        if isinstance(target, ast.Name):
            derived = self._is_derived(value)
            self.found.append(Assignment(self.cell, target.id, value, note, derived))
            self._taint(target, derived)
        elif isinstance(target, ast.Tuple | ast.List):
            values = value.elts if isinstance(value, ast.Tuple | ast.List) else []
            plain = len(values) == len(target.elts) and not any(
                isinstance(one, ast.Starred) for one in (*values, *target.elts)
            )
            for n, inner in enumerate(target.elts):
                if plain:
                    self._assign(inner, values[n])
                elif isinstance(inner, ast.Name):
                    self.found.append(Assignment(self.cell, inner.id, None, derived=self._is_derived(value)))
                    self._taint(inner, self._is_derived(value))

    def _is_derived(self, node: ast.AST) -> bool:
        return any(isinstance(one, ast.Name) and one.id in self.derived for one in ast.walk(node))

    def _taint(self, target: ast.expr, derived: bool) -> None:
        if derived:
            self.derived.update(one.id for one in ast.walk(target) if isinstance(one, ast.Name))


@dataclass(frozen=True, slots=True)
class _PathCall:
    """``Path("photos/")``, and how it is called there."""

    call: str


def _literal(one: Assignment) -> Any:
    if isinstance(one.value, ast.Call) and ast.unparse(one.value.func) in _PATH_CALLS:
        return _PathCall(ast.unparse(one.value.func))
    try:
        return ast.literal_eval(one.value) if one.value is not None else _MISSING
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return _MISSING


def _default(first: Assignment, found: Sequence[Assignment]) -> tuple[Any, Assignment]:
    """The value that the name has after its first cell, and the assignment that it stands in."""
    last = [one for one in found if one.name == first.name and one.cell == first.cell and not one.derived]
    one = last[-1] if last else first
    value = _literal(one)
    if one.note in ("int", "float", "str", "bool"):  # a note says more than a literal: ``rate: float = 1``
        kinds: dict[str, Any] = {"int": 0, "float": 0.0, "str": "", "bool": False}
        return kinds[one.note], one
    if isinstance(one.value, ast.JoinedStr) or (value is None and re.search(r"\bstr\b", one.note)):
        return "", one
    return value, one


def _short(text: str) -> str:
    return repr(text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}...")


def _source(name: str, text: str, default: tuple[Any, Assignment], shown: str) -> str:
    """Python for a value: a literal, made out of the parsed value and never out of the text."""
    value, one = default
    if isinstance(value, _PathCall):
        return f"{value.call}({text!r})"
    try:
        source = to_source(_typed(text, value))
        ast.parse(source)  # what is nested too deeply for Python is no value, rather than a cell that fails
        return source
    except (ValueError, TypeError, SyntaxError, OverflowError, RecursionError, MemoryError):
        kind = "None" if value is None else type(value).__name__
        usual = ast.unparse(one.value)[:_MAX_SHOWN] if one.value is not None else kind
        raise UsageError(
            f"{name} is of type {kind} in the notebook (cell {one.cell}: {usual}), and {shown} is none.",
            f"Give a value of that type: -p {name}={_example(value)}",
        ) from None


def _typed(text: str, like: Any) -> Any:
    """The value that a text stands for."""
    if isinstance(like, bool):
        if text.strip().lower() in _YES:
            return True
        if text.strip().lower() in _NO:
            return False
        raise ValueError(text)
    if isinstance(like, str):
        return text
    if isinstance(like, int):
        return int(text)
    if isinstance(like, float):
        return float(text)
    if isinstance(like, complex):
        return complex(text)
    if isinstance(like, bytes):
        return text.encode("utf-8", "surrogateescape")
    if isinstance(like, list | tuple | dict | set):
        return _container(text, type(like))
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _container(text: str, kind: type[Any]) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        value = ast.literal_eval(text.strip())
    if kind in (tuple, set) and isinstance(value, list | tuple | set):
        return kind(value)
    if kind is list and isinstance(value, tuple):
        return list(value)
    if not isinstance(value, kind):
        raise TypeError(text)
    return value


def to_source(value: Any) -> str:
    """A literal in Python that gives the value again, with no number that has no literal (``nan``) left as a name."""
    match value:
        case bool() | None | str() | bytes() | int():
            return repr(value)
        case float():
            return repr(value) if math.isfinite(value) else f"float({str(value)!r})"
        case complex():
            return f"complex({str(value)!r})"
        case list():
            return f"[{', '.join(map(to_source, value))}]"
        case tuple():
            return f"({', '.join(map(to_source, value))}{',' if len(value) == 1 else ''})"
        case set():
            return f"{{{', '.join(sorted(map(to_source, value)))}}}" if value else "set()"
        case dict():
            return f"{{{', '.join(f'{to_source(key)}: {to_source(one)}' for key, one in value.items())}}}"
    raise TypeError(type(value).__name__)


def _example(value: Any) -> str:
    examples = {bool: "true", int: "10", float: "0.5", list: "'[1, 2]'", tuple: "'[1, 2]'", set: "'[1, 2]'"}
    return examples.get(type(value), "'{\"a\": 1}'")


def _unknown(name: str, cells: Sequence[Cell], found: Sequence[Assignment]) -> UsageError:
    inside = next((cell.number for cell in cells if cell.tree and _sets_inside(cell.tree, name)), None)
    where = f"is set only inside a function or class of cell {inside}" if inside else "is set by no cell"
    names = list(dict.fromkeys(one.name for one in found if not one.name.startswith("_")))
    shown = ", ".join(names[:_MAX_SHOWN]) + (f" and {len(names) - _MAX_SHOWN} more" if len(names) > _MAX_SHOWN else "")
    return UsageError(
        f"{name!r} {where} of the notebook." if not inside else f"{name!r} {where}, where no value can be given.",
        f"Its cells set: {shown}." if names else "Its cells set no names at all.",
    )


def _sets_inside(tree: ast.Module, name: str) -> bool:
    return any(
        isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store) for node in ast.walk(tree)
    )


def _used_at_once(name: str, number: int, cells: Sequence[Cell]) -> str:
    """A line where the very cell that sets a name uses it, which happens before the given value is there."""
    tree = next((cell.tree for cell in cells if cell.number == number), None)
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load):
            return (
                f"Cell {number} sets {name} and uses it at once: there it is the notebook's own value. "
                "Put the assignment into a cell of its own."
            )
    return ""
