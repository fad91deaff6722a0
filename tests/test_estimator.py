"""``GraftClassifier`` keeps scikit-learn's contract, on matrices and on items."""

import copy
import csv
import pickle

import numpy as np
import pytest
from PIL import Image
from sklearn.base import clone
from sklearn.datasets import load_iris, load_wine
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, LabelEncoder
from sklearn.utils.estimator_checks import parametrize_with_checks

import shapes
from graft import GraftClassifier
from graft.data.dataset import Text
from graft.errors import DataError, GraftError, ItemError, TooFewClasses, UsageError


@parametrize_with_checks([GraftClassifier()])
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def files(photos):
    """Paths, and the label of each."""
    found = sorted(photos.rglob("*.png"))
    return found, [path.parent.name for path in found]


@pytest.fixture(scope="module")
def fitted(files):
    return GraftClassifier().fit(*files)


# Matrices


@pytest.mark.parametrize(("load", "least"), [(load_iris, 0.94), (load_wine, 0.95)])
def test_columns_of_any_unit_do(load, least):
    x, y = load(return_X_y=True)
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    assert cross_val_score(GraftClassifier(), x, y, cv=folds).mean() > least
    rescaled = x * np.logspace(-6, 6, x.shape[1]) + 1000
    assert cross_val_score(GraftClassifier(), rescaled, y, cv=folds).mean() > least


def test_the_reports_score_agrees_with_cross_validation_from_outside():
    x, y = load_iris(return_X_y=True)
    outside = cross_val_score(GraftClassifier(), x, y, cv=StratifiedKFold(5, shuffle=True, random_state=1)).mean()
    accuracy = GraftClassifier().fit(x, y).model_.report.accuracy
    assert accuracy.low < outside < accuracy.high
    assert accuracy.value == pytest.approx(outside, abs=0.03)


def test_a_column_that_never_changes_does_no_harm():
    x, y = load_iris(return_X_y=True)
    dull = np.column_stack([x, np.full(len(x), 7e5)])
    assert GraftClassifier().fit(dull, y).score(dull, y) > 0.94


def test_as_many_probabilities_as_labels_in_their_order():
    x, y = load_iris(return_X_y=True)
    labels = np.array([10, 9, 100])[y]  # as numbers 9, 10, 100; as text 10, 100, 9
    classifier = GraftClassifier().fit(x, labels)
    assert classifier.classes_.tolist() == [9, 10, 100]
    p = classifier.predict_proba(x)
    assert p.shape == (150, 3)
    assert np.allclose(p.sum(axis=1), 1, atol=1e-5)
    assert (classifier.classes_[p.argmax(axis=1)] == classifier.predict(x)).all()
    assert (classifier.predict(x) == labels).mean() > 0.94


# Items


def test_the_report_shows_the_users_labels(fitted):
    assert fitted.model_.report.classes == shapes.FORMS
    assert fitted.classes_.tolist() == list(shapes.FORMS)
    assert "triangle" in str(fitted.model_.report)


@pytest.mark.parametrize(
    "form",
    [
        str,
        lambda path: path,
        lambda path: path.read_bytes(),
        lambda path: Image.open(path),
        lambda path: np.asarray(Image.open(path)),
    ],
    ids=["str", "Path", "bytes", "picture", "array"],
)
def test_items_of_every_kind(files, fitted, form):
    paths, labels = files
    items = [form(path) for path in paths[::3]]
    assert np.allclose(fitted.predict_proba(items), fitted.predict_proba(paths[::3]), atol=0.02)
    own = GraftClassifier(head="logistic").fit(items, labels[::3])
    assert set(own.predict(items)) == set(shapes.FORMS)


def test_a_stack_of_pictures_and_an_array_of_paths(files, fitted):
    paths, _ = files
    expected = fitted.predict_proba(paths[:4])
    assert np.allclose(
        fitted.predict_proba(np.stack([np.asarray(Image.open(p)) for p in paths[:4]])), expected, atol=0.02
    )
    assert np.array_equal(fitted.predict_proba(np.array([str(path) for path in paths[:4]])), expected)
    assert np.array_equal(fitted.predict_proba(np.array(paths[:4], dtype=object)), expected)


def test_the_column_of_a_data_frame(files, fitted):
    class Series:
        """As much of a pandas Series as matters here."""

        ndim = 1

        def to_numpy(self):
            return np.array([str(path) for path in files[0][:4]], dtype=object)

    assert fitted.predict(Series()).tolist() == fitted.predict(files[0][:4]).tolist()


@pytest.mark.parametrize("kind", ["str", "int", "bool", "object"])
def test_labels_of_every_kind(files, kind):
    paths, labels = files[0][:24], files[1][:24]  # circles and squares
    y = {
        "str": np.array(labels),
        "int": np.array([label == "square" for label in labels]).astype(int) * 7 - 3,
        "bool": np.array([label == "square" for label in labels]),
        "object": np.array(labels, dtype=object),
    }[kind]
    classifier = GraftClassifier().fit(paths, y)
    assert classifier.predict(paths).dtype.kind == y.dtype.kind
    assert classifier.score(paths, y) > 0.9
    assert classifier.model_.report.classes == tuple(sorted(map(str, np.unique(y))))


def test_scikit_learn_drives_it(files):
    paths, labels = files
    scores = cross_val_score(GraftClassifier(), paths, labels, cv=3)
    assert len(scores) == 3
    assert scores.mean() > 0.7
    search = GridSearchCV(GraftClassifier(), {"head": ["logistic", "prototype"]}, cv=2).fit(paths, labels)
    assert search.best_params_["head"] in ("logistic", "prototype")
    pipeline = make_pipeline(FunctionTransformer(list), GraftClassifier()).fit(paths, labels)
    assert pipeline.score(paths, labels) > 0.8
    codes = LabelEncoder().fit_transform(labels)
    assert cross_val_score(GraftClassifier(), paths, codes, cv=2, n_jobs=1).mean() > 0.7


def test_clone_and_parameters():
    classifier = GraftClassifier(head="prototype", seed=4)
    assert classifier.get_params() == {"encoder": "auto", "head": "prototype", "seed": 4}
    assert clone(classifier).get_params() == classifier.get_params()
    assert repr(classifier) == "GraftClassifier(head='prototype', seed=4)"
    with pytest.raises(NotFittedError):
        clone(classifier).predict(["a.jpg"])


def test_a_fitted_one_can_be_copied_to_another_process(files, fitted):
    for twin in (pickle.loads(pickle.dumps(fitted)), copy.deepcopy(fitted)):
        assert np.array_equal(twin.predict_proba(files[0][:3]), fitted.predict_proba(files[0][:3]))


def test_groups_reach_the_reports_cross_validation():
    random = np.random.default_rng(0)
    x, y = random.normal(size=(40, 6)), np.arange(40) % 2
    plain = GraftClassifier().fit(x, y).model_.report.accuracy
    grouped = GraftClassifier().fit(x, y, groups=np.arange(40) // 10).model_.report.accuracy
    assert grouped.high - grouped.low > plain.high - plain.low


# Texts and recordings

WORDS = {
    "weather": ["rain", "snow", "wind", "a storm", "sunshine", "fog", "hail", "frost"],
    "food": ["bread", "soup", "cheese", "an apple", "rice", "cake", "butter", "noodles"],
}


@pytest.fixture(scope="module")
def texts():
    """Sentences, and the label of each."""
    pytest.importorskip("tokenizers")
    told = [
        (f"{opening} {word} {ending}", label)
        for label, words in WORDS.items()
        for word in words
        for opening, ending in (("We had", "on Monday"), ("They spoke of", "all evening"))
    ]
    return [text for text, _ in told], [label for _, label in told]


@pytest.fixture(scope="module")
def of_texts(texts):
    return GraftClassifier().fit(*texts)


@pytest.mark.parametrize("form", [str, Text, str.encode], ids=["str", "Text", "bytes"])
def test_texts_of_every_kind(texts, of_texts, form):
    own = GraftClassifier().fit([form(text) for text in texts[0]], texts[1])
    assert own.model_.report.modality == "text"
    assert own.score([form(text) for text in texts[0]], texts[1]) > 0.9
    assert np.allclose(
        own.predict_proba([form(text) for text in texts[0][:3]]), of_texts.predict_proba(texts[0][:3]), atol=0.02
    )
    assert set(own.predict(np.array(["heavy rain and snow", "bread with cheese"]))) == set(WORDS)


@pytest.mark.parametrize("form", [str, lambda path: path], ids=["str", "Path"])
def test_files_of_texts_are_read_by_fit_and_predict(texts, of_texts, tmp_path, form):
    paths = [tmp_path / f"{place}.txt" for place in range(len(texts[0]))]
    for path, text in zip(paths, texts[0], strict=True):
        path.write_text(text, encoding="utf-8")
    own = GraftClassifier().fit([form(path) for path in paths], texts[1])
    assert own.model_.report.modality == "text"
    found = own.predict_proba([form(path) for path in paths[:4]])
    assert np.allclose(found, of_texts.predict_proba(texts[0][:4]), atol=0.02)
    with pytest.raises(ItemError, match=r"gone\.txt"):
        own.predict([form(tmp_path / "gone.txt")])


def test_scikit_learn_drives_it_on_texts(texts):
    assert cross_val_score(GraftClassifier(), *texts, cv=2).mean() > 0.7


def sounds(n, seed=0):
    """Low and high tones in noise, as ``(samples, rate)``, of different lengths."""
    random = np.random.default_rng(seed)
    labels = ["low", "high"] * (n // 2)
    items = []
    for label in labels:
        time = np.arange(16000 + 800 * int(random.integers(4))) / 16000
        tone = np.sin(2 * np.pi * (200 if label == "low" else 2000) * random.uniform(0.9, 1.1) * time)
        items.append(((0.2 * tone + 0.01 * random.normal(size=len(time))).astype(np.float32), 16000))
    return items, labels


def test_recordings_as_samples_and_their_rate():
    items, labels = sounds(20)
    own = GraftClassifier().fit(items, labels)
    assert own.model_.report.modality == "audio"
    assert own.score(*sounds(10, seed=1)) > 0.9
    stereo = [(np.column_stack([samples, samples]), rate) for samples, rate in items[:2]]
    assert own.predict(stereo).tolist() == labels[:2]
    assert own.predict(tuple(items[:2])).tolist() == labels[:2]
    alike = [(samples[:16000], rate) for samples, rate in items]
    assert cross_val_score(GraftClassifier(), alike, labels, cv=2).mean() > 0.8


@pytest.mark.shared
def test_embeddings_alone_do_not_do_where_words_count(shared):
    pytest.importorskip("tokenizers")
    with (shared / "trec6" / "train.csv").open(encoding="utf-8") as file:
        rows = [(row["text"], row["label"]) for row in csv.DictReader(file)][:600]
    own = GraftClassifier().fit(*zip(*rows, strict=True))
    assert own.model_.classifier.lexical is not None
    assert own.predict([rows[0][0]]).shape == (1,)
    with pytest.raises(DataError, match="words of texts") as caught:
        own.predict(np.zeros((2, own.model_.encoder.dim)))
    assert "texts themselves" in caught.value.hint


# Frames and columns


def test_frames_and_columns_of_them(texts):
    pd = pytest.importorskip("pandas")
    expected = GraftClassifier().fit(*texts).predict_proba(texts[0][:3])
    frame = pd.DataFrame({"text": texts[0], "label": texts[1]})
    for items, labels in (
        (frame["text"], frame["label"]),
        (frame[["text"]], frame["label"]),
        (frame["text"].astype("string"), frame["label"].astype("category")),
    ):
        own = GraftClassifier().fit(items, labels, groups=pd.Series([None] * len(frame)))
        assert own.classes_.tolist() == sorted(WORDS)
        assert np.allclose(own.predict_proba(items[:3]), expected)
    with pytest.raises(DataError, match="One column was meant"):
        GraftClassifier().fit(frame, frame["label"])


def test_a_frame_of_numbers_is_a_matrix():
    x, y = load_iris(return_X_y=True, as_frame=True)
    own = GraftClassifier().fit(x, y)
    assert own.score(x, y) > 0.94
    assert own.feature_names_in_.tolist() == x.columns.tolist()


# What is amiss


@pytest.mark.parametrize("nothing", [None, float("nan"), "", "  "])
@pytest.mark.parametrize("items", [[f"text {i}" for i in range(6)], np.eye(6)], ids=["texts", "matrix"])
def test_a_missing_label_is_refused(items, nothing):
    y = ["a", "b", nothing, "a", "b", "a"]
    for given in (y, np.array(y, dtype=object)):
        with pytest.raises(ValueError, match="Input y contains NaN: row 2"):
            GraftClassifier().fit(items, given)


def test_white_space_makes_no_class(texts):
    own = GraftClassifier().fit(texts[0], [label + " " * (row % 2) for row, label in enumerate(texts[1])])
    assert own.classes_.tolist() == sorted(WORDS)


def test_items_without_a_group_are_in_none(texts):
    groups = [None, float("nan")] * (len(texts[0]) // 2)
    plain = GraftClassifier().fit(*texts).model_.report
    assert GraftClassifier().fit(*texts, groups=groups).model_.report.accuracy == plain.accuracy


def test_one_text_is_no_list(of_texts):
    with pytest.raises(ValueError, match="X is one item"):
        of_texts.predict("heavy rain")


def test_too_few_classes_is_a_value_error():
    for items in (np.zeros((4, 3)), [shapes.encoded("circle", i) for i in range(4)]):
        with pytest.raises(TooFewClasses, match="one class"):
            GraftClassifier().fit(items, ["a"] * 4)
    assert issubclass(TooFewClasses, ValueError)


def test_a_class_of_which_nothing_can_be_read_is_named():
    items = [shapes.encoded("circle", 0), shapes.encoded("square", 0), b"rubbish"]
    with pytest.raises(DataError, match="class c can be read"):
        GraftClassifier().fit(items, ["a", "b", "c"])


def test_items_that_cannot_be_read_are_skipped_by_fit_and_raised_by_predict(files):
    paths, labels = files
    classifier = GraftClassifier().fit([*paths, "gone.png"], [*labels, "circle"])
    assert classifier.model_.report.n_skipped == 1
    with pytest.raises(ItemError, match=r"gone\.png"):
        classifier.predict([paths[0], "gone.png"])


@pytest.mark.parametrize(
    ("items", "labels", "words"),
    [
        ([None, None], ["a", "b"], "first item is None"),
        (["a.jpg", "b.jpg"], ["a"], "inconsistent numbers"),
        (["a.jpg", "b.jpg"], [0.5, 1.25], "continuous"),
        ([], [], "2D array"),
    ],
)
def test_what_cannot_be_fitted_says_why(items, labels, words):
    with pytest.raises(ValueError, match=words):
        GraftClassifier().fit(items, labels)


def test_a_head_that_is_not_there():
    with pytest.raises(UsageError, match="forest"):
        GraftClassifier(head="forest").fit(*load_iris(return_X_y=True))


def test_items_and_matrices_are_not_mixed_up(fitted):
    with pytest.raises(GraftError, match="1752"):
        fitted.predict(np.zeros((2, 5)))
    matrix = GraftClassifier().fit(*load_iris(return_X_y=True))
    with pytest.raises(GraftError, match="matrix"):
        matrix.predict(["a.jpg"])
    with pytest.raises(ValueError, match="4 features"):
        matrix.predict(np.zeros((2, 5)))
