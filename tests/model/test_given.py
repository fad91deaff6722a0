"""What is given to fit and predict from Python: items beside labels, frames, one item, matrices."""

import numpy as np
import pytest
from PIL import Image

import graft
from graft.errors import DataError, ItemError, UsageError
from graft.model import fit_embeddings

pd = pytest.importorskip("pandas")


@pytest.fixture(scope="module")
def listed(photos):
    """Paths, and the label of each."""
    paths = sorted(photos.rglob("*.png"))
    return paths, [path.parent.name for path in paths]


# fit


def test_items_and_labels_stand_side_by_side(listed):
    paths, labels = listed
    expected = graft.fit(graft.Dataset.from_lists(paths, labels)).report.accuracy
    assert graft.fit(paths, labels).report.accuracy == expected
    assert graft.fit(paths, labels=np.array(labels)).report.accuracy == expected
    frame = pd.DataFrame({"path": list(map(str, paths)), "label": labels})
    assert graft.fit(frame).report.accuracy == expected
    assert graft.fit(frame["path"], frame["label"]).report.accuracy == expected


def test_fields_of_the_recipe_are_options_of_fit(listed):
    model = graft.fit(*listed, seed=3, head="prototype")
    assert (model.recipe.seed, model.recipe.head) == (3, "prototype")
    assert graft.fit(*listed, groups=[None] * len(listed[0]), seed=3, head="prototype").report.accuracy == (
        model.report.accuracy
    )
    assert graft.fit(graft.Dataset.from_lists(*listed), graft.Recipe(head="prototype"), seed=3).recipe == model.recipe


@pytest.mark.parametrize(
    ("arguments", "options", "words", "hint"),
    [
        ((["a", "b"],), {}, "path, a data frame or a Dataset", "graft.fit(items, labels)"),
        (("photos", "image"), {}, "must be a graft.Recipe", "encoder="),
        (("photos", {"seed": 3}), {}, "must be a graft.Recipe", "seed=3"),
        (("photos",), {"sed": 3}, "fit takes no 'sed'", "Did you mean 'seed'?"),
        (("photos",), {"epochs": 3}, "fit takes no 'epochs'", "A recipe knows"),
        (("photos",), {"label_column": "kind"}, "fit takes no 'label_column'", "graft.read(data, label_column=...)"),
        (("photos",), {"output": "a.graft"}, "fit takes no 'output'", "model.save(path)"),
        (("photos", ["a", "b"]), {}, "this is one: the str 'photos'", "[item]"),
        ((["a", "b"],), {"groups": [1, 2]}, "groups and no labels", "graft.fit(items, labels, groups=groups)"),
        ((["a", "b"], ["a", "b"]), {"labels": ["a", "b"]}, "must be a graft.Recipe", "encoder="),
    ],
)
def test_a_call_that_is_off_says_how(arguments, options, words, hint):
    with pytest.raises(UsageError) as refused:
        graft.fit(*arguments, **options)
    assert words in refused.value.message
    assert hint in refused.value.hint


def test_a_data_set_has_its_labels_already(listed):
    with pytest.raises(UsageError, match="has its labels already"):
        graft.fit(graft.Dataset.from_lists(*listed), listed[1])


def test_a_bad_item_is_skipped_and_named(listed):
    paths, labels = listed
    report = graft.fit([None, *paths, "a\0b.png"], ["circle", *labels, "circle"]).report
    assert report.n_items == len(paths)
    assert [one.path for one in report.skipped] == ["item 0", "a\0b.png"]
    assert "missing" in report.skipped[0].reason


# predict


@pytest.mark.parametrize("ask", ["predict", "predict_proba"])
def test_one_item_is_no_list_of_items(model, listed, ask):
    path = listed[0][0]
    pixels = np.asarray(Image.open(path).convert("RGB"))
    for one in (str(path), path, path.read_bytes(), Image.open(path), pixels, pixels[:, :, 0]):
        with pytest.raises(UsageError) as refused:
            getattr(model, ask)(one)
        assert "predict_one" in refused.value.hint
    for nothing in (None, 3):
        with pytest.raises(UsageError, match="this is of type"):
            getattr(model, ask)(nothing)


def test_lists_of_every_kind_are_answered(model, listed):
    paths = listed[0][:3]
    expected = [answer.label for answer in model.predict(paths)]
    pixels = np.stack([np.asarray(Image.open(path).convert("RGB")) for path in paths])
    frame = pd.DataFrame({"picture": list(map(str, paths))})
    for given in (tuple(paths), iter(paths), pixels, frame["picture"], frame, graft.Dataset.from_lists(paths, "abc")):
        assert [answer.label for answer in model.predict(given)] == expected


def test_one_bad_item_does_not_lose_the_batch(model, listed):
    good = listed[0][0]
    given = [good, None, float("nan"), "a\0b", "\ud800", 3, ["x"], np.zeros(3), b"", good]
    answers = model.predict(given)
    assert len(answers) == len(given)
    assert answers[0].label == answers[-1].label == "circle"
    assert all(isinstance(answer.error, ItemError) for answer in answers[1:-1])
    assert answers[1].input == "item 1"
    with pytest.raises(ItemError, match="Item 1 is missing"):
        model.predict_proba(given)
    with pytest.raises(ItemError):
        model.predict_one(None)


# Matrices

X = np.random.default_rng(0).normal(size=(20, 4))
Y = ["a", "b"] * 10


def spoilt(value):
    x = X.copy()
    x[3, 2] = value
    return x


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (spoilt(np.nan), "1 numbers that are not finite, in 1 of 20 rows; the first is nan in row 3, column 2"),
        (spoilt(np.inf), "the first is inf in row 3, column 2"),
        (spoilt(-np.inf), "the first is -inf in row 3, column 2"),
        (spoilt(1e30), "too large to compute with: 1e+30 in row 3, column 2"),
        (X[:, :0], "the shape (20, 0)"),
        (X[:0], "the shape (0, 4)"),
        (X[:, 0], "the shape (20,)"),
        (X.reshape(20, 2, 2), "the shape (20, 2, 2)"),
        ([["a"] * 4] * 20, "no matrix of numbers"),
        ([[1.0], [1.0, 2.0]], "no matrix of numbers"),
        (None, "the shape ()"),
    ],
)
def test_a_matrix_that_cannot_be_fitted_says_why(x, words):
    with pytest.raises(DataError) as refused:
        fit_embeddings(x, Y)
    assert words in refused.value.message


def test_rows_without_a_label_or_with_several_are_refused():
    with pytest.raises(DataError, match=r"Row 3 has no label \(2 rows have none\)"):
        fit_embeddings(X, [*Y[:3], None, "  ", *Y[5:]])
    with pytest.raises(DataError, match="one label"):
        fit_embeddings(X, [["a"]] * 20)


def test_rows_without_a_group_are_in_none():
    groups = [None, float("nan"), "", pd.NA] * 5
    assert fit_embeddings(X, Y, groups=groups).report.accuracy == fit_embeddings(X, Y).report.accuracy


@pytest.mark.parametrize("x", [X * 0, X * 1e15, X * 1e-30, X[:, :1], X > 0, np.ones((20, 3)), np.repeat(X[:2], 10, 0)])
def test_dull_and_extreme_matrices_are_judged_without_a_warning(x, recwarn):
    accuracy = fit_embeddings(x, Y).report.accuracy
    assert 0 <= accuracy.low <= accuracy.high <= 1 or (np.isnan(accuracy.value) and "not judged" in accuracy.method)
    assert not recwarn.list
