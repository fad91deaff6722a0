"""The one seam of tasks: nothing beyond it knows which there are, and a new one is a class and an entry."""

import ast
import dataclasses
from pathlib import Path

import numpy as np
import pytest

import graft
import shapes
from graft.contracts import Targets
from graft.errors import DataError, UsageError
from graft.heads.kinds import KINDS
from graft.learning import HEADS
from graft.recipe import Recipe
from graft.report import Evaluation
from graft.results.scores import Scores
from graft.tasks import TASKS
from graft.tasks.classification import Classification

SOURCE = Path(graft.__file__).parent
KNOWING = ("heads", "learning", "tasks", "older.py")
"""Where heads and tasks stand with their tables, and the reader of old bundles."""
AS_GRAPHS = "export/heads.py"
"""The table of what each head is in an exported graph."""


def concrete_names():
    """The classes of heads and tasks, and what they are called in files and recipes."""
    classes = {head.__name__ for head in KINDS.values()}
    classes |= {type(head).__name__ for head in HEADS.values()} | {type(task).__name__ for task in TASKS.values()}
    return classes, {*KINDS, *HEADS, *TASKS}


def places_that_name_one(source, classes, words):
    """Where code names a class of these, or compares, passes or looks up one of these words."""
    found = []
    for node in ast.walk(ast.parse(source)):
        name = getattr(node, "id", None) or getattr(node, "attr", None)
        if isinstance(node, ast.alias):
            name = node.name
        if name in classes or (isinstance(node, ast.Constant) and node.value in words):
            found.append(getattr(node, "lineno", 0))
    return found


def test_nothing_beyond_the_seam_names_a_head_or_a_task():
    classes, words = concrete_names()
    assert {"Classifier", "MultiLabelClassifier", "Logistic", "Classification", "MultiLabel"} <= classes
    named = {}
    for path in sorted(SOURCE.rglob("*.py")):
        room = path.relative_to(SOURCE)
        if (
            room.parts[0] not in KNOWING
            and room.as_posix() != AS_GRAPHS
            and (found := places_that_name_one(path.read_text(), classes, words))
        ):
            named[str(room)] = found
    assert named == {}


@pytest.mark.parametrize(
    "line",
    ["isinstance(head, Classifier)", "from a import MultiLabelClassifier", "x.MultiLabel()", "kind == 'multi_label'"],
)
def test_a_place_that_names_one_is_found(line):
    assert places_that_name_one(line, *concrete_names())


@dataclasses.dataclass(frozen=True, kw_only=True)
class GradeScores(Scores):
    """Scores of grades: how far off they are, too."""

    grades_off: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class GradeEvaluation(Evaluation):
    """The same, shown."""

    grades_off: float


@dataclasses.dataclass(frozen=True, slots=True)
class Grades(Classification):
    """Ordered classes: whole numbers, of which a near one is nearly right."""

    name: str = "grades"
    growing: bool = False
    evaluation: type[GradeEvaluation] = GradeEvaluation

    def check(self, dataset, recipe):
        """Whether every label is a number."""
        if odd := [label for label in dataset.labels if not label.isdecimal()]:
            raise DataError(f"The grade {odd[0]!r} is no number.", "Write grades as 1, 2, 3.")

    def targets(self, learned, units):
        """In the order of the numbers, and not of their digits."""
        classes = tuple(sorted(set(learned.labels), key=int))
        y = np.array([classes.index(label) for label in learned.labels], np.int64)
        return Targets(classes, y, y)

    def score(self, answered, copies, part):
        """Also how far off an answer is in the mean."""
        found = Classification.score(self, answered, copies, part)
        said = np.array([int(answered.classes[best]) for best in answered.answer.p.argmax(axis=1)])
        off = float(np.abs(said - np.array([int(label) for label in answered.dataset.labels])).mean())
        return GradeScores(**vars(found), grades_off=off)


@pytest.fixture
def grades(monkeypatch):
    """The task's entry."""
    monkeypatch.setitem(TASKS, "grades", Grades())


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """Photos graded by what they show, the labels of different length."""
    place = tmp_path_factory.mktemp("graded")
    data = []
    for n, (form, grade) in enumerate(zip(shapes.FORMS * 12, ("2", "10", "9") * 12, strict=True)):
        path = place / f"{n}.png"
        path.write_bytes(shapes.encoded(form, n))
        data.append((path, grade))
    return [path for path, _ in data], [grade for _, grade in data]


def test_a_new_task_is_a_class_and_an_entry(grades, graded, tmp_path):
    paths, given = graded
    model = graft.fit(paths, given, task="grades")
    assert model.classes == ("2", "9", "10")
    assert model.report.recipe["task"] == "grades"
    model.save(tmp_path / "m.graft")
    again = graft.load(tmp_path / "m.graft")
    assert again.task.name == "grades"
    assert [p.label for p in again.predict(paths)] == [p.label for p in model.predict(paths)]
    data = graft.Dataset.from_lists(paths, given)
    found = again.evaluate(data)
    off = np.mean([abs(int(p.label) - int(own)) for p, own in zip(again.predict(paths), given, strict=True)])
    assert found.grades_off == pytest.approx(off)
    assert found.to_dict()["grades_off"] == found.grades_off
    assert "grades" in found.to_html()
    with pytest.raises(DataError, match="'square' is no number"):
        graft.fit(paths, ["square"] * 36, task="grades")
    with pytest.raises(DataError, match="Classes cannot be added"):
        graft.extend(again, data)


def test_a_task_that_is_not_there_is_refused(graded):
    with pytest.raises(UsageError, match=r"There is no task 'grades'.*classification"):
        graft.fit(*graded, task="grades")
    with pytest.raises(UsageError, match="task must be a text"):
        Recipe(task=3)


def test_a_model_whose_task_is_gone_is_refused(graded, tmp_path, monkeypatch):
    monkeypatch.setitem(TASKS, "grades", Grades())
    graft.fit(*graded, task="grades").save(tmp_path / "m.graft")
    monkeypatch.undo()
    with pytest.raises(graft.GraftError, match="no task 'grades'"):
        graft.load(tmp_path / "m.graft")


def test_one_label_each_can_be_learned_as_any_number(photos):
    model = graft.fit(photos, task="multi_label")
    assert model.report.multi_label
    assert model.predict_one(graft.read(photos).items[0]).labels == ("circle",)


def test_any_number_of_labels_are_not_one_class(photos):
    paths = [item.path for item in graft.read(photos).items]
    with pytest.raises(DataError, match="any number of labels"):
        graft.fit(paths, [["a", "b"], ["a"]] * 18, task="classification")
