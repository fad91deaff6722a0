"""Bundles whose checksums fit and whose contents do not: each is refused with its reason, and brings nothing."""

import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graft
from bundles import LAYOUTS, Parts, put_together, taken_apart
from graft.errors import BundleError, EncoderError, EncoderMismatch
from graft.prediction import load_head


def rewrite(bundle: Path, change: Callable[[Parts], object], layout: str = "today") -> None:
    """Change manifest, report or arrays, and mend every checksum, as whoever wants to harm somebody would."""
    parts = taken_apart(bundle)
    change(parts)
    put_together(bundle, parts, layout)


def put(path: str, value: Any) -> Callable[[Parts], None]:
    """Sets the value at ``part/key/key``; one of ``...`` removes it."""

    def change(parts: Parts) -> None:
        *way, last = path.split("/")
        place: Any = parts
        for step in way:
            place = place[int(step)] if isinstance(place, list) else place[step]
        if value is ...:
            del place[last]
        else:
            place[int(last) if isinstance(place, list) else last] = value

    return change


def array(name: str, change: Callable[[Any], Any]) -> Callable[[Parts], None]:
    def changed(parts: Parts) -> None:
        parts["arrays"][name] = np.ascontiguousarray(change(parts["arrays"][name]))

    return changed


M, C = "manifest", "manifest/classifier"
BROKEN: list[tuple[str, Callable[[Parts], None], str]] = [
    # classes
    ("no classes", put(f"{M}/classes", []), "a classifier with the classes []"),
    ("classes gone", put(f"{M}/classes", ...), "classes"),
    ("one class", put(f"{M}/classes", ["circle"]), "a classifier with the classes"),
    ("doubled classes", put(f"{M}/classes", ["circle", "circle", "square"]), "two classes are called 'circle'"),
    ("classes as numbers", put(f"{M}/classes", [1, 2, 3]), "a class is 1 and no text"),
    ("a class of None", put(f"{M}/classes/1", None), "a class is None and no text"),
    ("an empty class", put(f"{M}/classes/1", "  "), "a class without a name"),
    ("classes as a text", put(f"{M}/classes", "abc"), "no list"),
    ("classes as an object", put(f"{M}/classes", {"circle": 1, "square": 2}), "no list"),
    ("a class too many", put(f"{M}/classes", ["a", "b", "c", "d"]), "for 4 classes"),
    ("other classes than the report", put(f"{M}/classes", ["a", "b", "c"]), "report is of another model"),
    # modality and encoder
    ("another modality", put(f"{M}/modality", "text"), "takes image, and the model text"),
    ("no modality", put(f"{M}/modality", "smell"), "no modality 'smell'"),
    ("modality as a list", put(f"{M}/modality", ["image"]), "no modality"),
    ("encoder gone", put(f"{M}/encoder", ...), "encoder"),
    ("encoder as a text", put(f"{M}/encoder", "image"), "no attribute 'items'"),
    ("address as a number", put(f"{M}/encoder/address", 7), "encoder.address is 7 and no text"),
    ("address gone", put(f"{M}/encoder/address", ...), "address"),
    ("version as a number", put(f"{M}/encoder/version", 1), "encoder.version is 1 and no text"),
    ("another version", put(f"{M}/encoder/version", "0123456789abcdef"), "version 0123456789abcdef"),
    ("an encoder of another modality", put(f"{M}/encoder/address", "speech-embedding"), "takes audio"),
    ("an encoder that is not there", put(f"{M}/encoder/address", "vision-2000"), "which this Graft does not have"),
    ("a model of the hub", put(f"{M}/encoder/address", "some/model"), "some/model, a model of the hub"),
    ("one joined to it", put(f"{M}/encoder/address", "image+some/model"), "some/model, a model of the hub"),
    ("a pinned one", put(f"{M}/encoder/address", "a/b@" + "0" * 40), "a/b, a model of the hub"),
    ("weights that are not there", put(f"{M}/encoder/tuned", "0123456789abcdef"), "tuned encoder"),
    # recipe
    ("recipe gone", put(f"{M}/recipe", ...), "recipe"),
    ("seed as a text", put(f"{M}/recipe/seed", "seven"), "seed must be a whole number"),
    ("a negative seed", put(f"{M}/recipe/seed", -1), "seed must not be negative"),
    ("level above 1 in the recipe", put(f"{M}/recipe/set_level", 5), "set_level must lie between 0 and 1"),
    ("a head that is not there", put(f"{M}/recipe/head", "forest"), "no head 'forest'"),
    ("a field that no recipe has", put(f"{M}/recipe/command", "rm"), "A recipe has no command"),
    ("a prompt for pictures", put(f"{M}/recipe/prompt", "query: "), "takes no prompt"),
    # classifier
    ("temperature 0", put(f"{C}/temperature", 0), "temperature must be above 0"),
    ("temperature below 0", put(f"{C}/temperature", -1.5), "temperature must be above 0"),
    ("temperature as a text", put(f"{C}/temperature", "1.0"), "temperature is '1.0' and no finite number"),
    ("temperature true", put(f"{C}/temperature", True), "temperature is True"),
    ("temperature gone", put(f"{C}/temperature", ...), "temperature"),
    ("level 5", put(f"{C}/sets/level", 5), "level must be above 0 and below 1"),
    ("level 0", put(f"{C}/sets/level", 0), "level must be above 0 and below 1"),
    ("thresholds of sets", put(f"{C}/sets/thresholds/0", 7), "threshold of the sets"),
    ("counts below 0", put(f"{C}/sets/counts/0", -3), "count of the sets"),
    ("counts with a part", put(f"{C}/sets/counts/0", 3.5), "count of the sets"),
    ("a threshold too few", put(f"{C}/sets/thresholds", [0.1]), "1 thresholds for 3 classes"),
    ("threshold as None", put(f"{C}/unknown/threshold", None), "threshold is None"),
    ("a spread of 0", put(f"{C}/unknown/distance", [0.5, 0]), "spread of distance must be above 0"),
    ("three moments", put(f"{C}/unknown/margin", [1, 1, 1]), "too many values"),
    ("features that are not there", put(f"{C}/features", "all"), "no features called 'all'"),
    ("features as a number", put(f"{C}/features", 3), "no features called 3"),
    ("words without weights", put(f"{C}/features", "late+words"), "want weights of words"),
    ("other stages", put(f"{C}/stages", [[1752]]), "a head of shape"),
    ("stages with a part", put(f"{C}/stages", [[40.5, 112, 320, 1280]]), "a stage must be a whole number"),
    ("stages below 0", put(f"{C}/stages", [[-40, 112, 320, 1280]]), "a stage must be a whole number"),
    ("classifier as a list", put(C, []), "does not hold what a model needs"),
    ("a model of tags that is none", put(f"{C}/kind", "tags"), "."),
    # arrays
    ("weights gone", lambda parts: parts["arrays"].pop("head.weights"), "head.weights"),
    ("weights of another shape", array("head.weights", lambda a: a[:, :2]), "with a bias of shape"),
    ("weights turned over", array("head.weights", lambda a: a.T), "with a bias of shape"),
    ("prototypes gone", array("unknown.prototypes", lambda a: a[:0]), "prototypes of shape"),
    ("narrow prototypes", array("unknown.prototypes", lambda a: a[:, :5]), "prototypes of shape"),
    ("weights that are not finite", array("head.bias", lambda a: a * np.nan), "not finite"),
    # training record
    ("labels that are no classes", put(f"{M}/training/labels/0", "oval"), "a label that is no class: 'oval'"),
    ("a label twice", put(f"{M}/training/labels", ["circle"] * 9), "hold a name twice"),
    ("training gone", put(f"{M}/training", ...), "does not hold what a model needs"),
    ("a label without a name", put(f"{M}/training/labels", ["circle"]), "numbers without a name"),
    ("labels as numbers", put(f"{M}/training/labels", [1, 2, 3]), "labels of the training items are no texts"),
    ("a split that is none", put(f"{M}/training/splits", ["holdout"]), "split called 'holdout'"),
    ("hashes of another length", array("training.digests", lambda a: a[:, :8]), "hashes of the training items"),
    ("hashes too few", array("training.digests", lambda a: a[:-1]), "columns of different length"),
    ("numbers below 0", array("training.labels", lambda a: a - 1), "numbers without a name"),
    # report
    ("report as a list", put("report", []), "."),
    ("accuracy as a text", put("report/accuracy/value", "100 %"), "report.accuracy.value is '100 %'"),
    ("accuracy gone", put("report/accuracy", ...), "accuracy"),
    ("items as a text", put("report/n_items", "many"), "report.n_items is 'many'"),
    ("fewer items than none", put("report/n_train", -5), "report.n_train is '-5'"),
    ("warnings as numbers", put("report/warnings", [3]), "report.warnings[0]"),
    ("classes of the report", put("report/classes", ["x", "y", "z"]), "report is of another model"),
    ("modality of the report", put("report/modality", "text"), "report is of another model"),
    ("fewer rows of confusion", put("report/confusion", [[1, 2]]), "confusion matrix of the report"),
    ("a short row of confusion", put("report/confusion", [[1, 2], [3]]), "confusion matrix of the report"),
    ("confusion of texts", put("report/confusion", [["a"]]), "report.confusion[0][0]"),
    ("a field that no report has", put("report/run", "rm -rf"), "unexpected keyword"),
    ("a figure of a class", put("report/per_class/circle/n", "all"), "per_class.circle.n"),
    ("an example that is none", put("report/hardest", [{"path": 1}]), "."),
]  # fmt: skip


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What was asked of the network; nothing is to be."""
    asked: list[object] = []

    def refuse(*arguments: object) -> None:
        asked.append(arguments)
        raise OSError("no network in this test")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    return asked


_watched: list[str] = []
_opened: list[str] = []


def _listen(event: str, arguments: tuple[Any, ...]) -> None:
    if _watched and event in ("open", "os.listdir", "os.scandir") and isinstance(arguments[0], str | bytes | Path):
        path = arguments[0].decode() if isinstance(arguments[0], bytes) else str(arguments[0])
        if path.startswith(_watched[0]):
            _opened.append(path)


sys.addaudithook(_listen)  # it cannot be taken away again, and hears nothing without a place to watch


@pytest.fixture
def canary(tmp_path: Path) -> Iterator[tuple[Path, list[str]]]:
    """A folder that looks like one of a model's, and what was opened in it."""
    folder = tmp_path / "private"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "vit"}')
    (folder / "model.safetensors").write_bytes(b"secret")
    _opened.clear()
    _watched.append(str(folder))
    try:
        yield folder, _opened
    finally:
        _watched.clear()


@pytest.fixture
def copied(model: graft.Model, tmp_path: Path) -> Path:
    model.save(tmp_path / "copy.graft")
    return tmp_path / "copy.graft"


def test_there_are_enough_of_them() -> None:
    assert len(BROKEN) >= 40
    assert len({name for name, _, _ in BROKEN}) == len(BROKEN)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_one_that_was_only_written_again_is_loaded(copied: Path, layout: str) -> None:
    rewrite(copied, lambda parts: None, layout)
    assert graft.load(copied).classes == ("circle", "square", "triangle")


every_broken_one = pytest.mark.parametrize(
    ("change", "reason"), [(c, r) for _, c, r in BROKEN], ids=[name for name, _, _ in BROKEN]
)


@every_broken_one
def test_a_broken_bundle_is_refused_with_its_reason(
    copied: Path, canary: tuple[Path, list[str]], no_network: list[object], change: Callable[[Parts], None], reason: str
) -> None:
    rewrite(copied, change)
    is_refused(copied, reason)
    assert not no_network
    assert not canary[1]


@every_broken_one
def test_a_broken_bundle_of_schema_1_is_refused_with_its_reason(
    copied: Path, canary: tuple[Path, list[str]], no_network: list[object], change: Callable[[Parts], None], reason: str
) -> None:
    rewrite(copied, change, "schema 1")
    is_refused(copied, reason)
    assert not no_network
    assert not canary[1]


@every_broken_one
def test_a_broken_head_is_refused_alone_or_is_not_what_is_broken(
    copied: Path, no_network: list[object], change: Callable[[Parts], None], reason: str
) -> None:
    rewrite(copied, change)
    told = ""
    try:
        answers = load_head(copied).answer(np.ones((1, 1752), np.float32))
    except BundleError as error:
        told = error.message
    # otherwise the report, the record, the recipe or the address of the encoder is what is broken
    assert reason in told if told else len(answers) == 1
    is_refused(copied, reason)
    assert not no_network


def is_refused(bundle: Path, reason: str) -> None:
    with pytest.raises((BundleError, EncoderError)) as refused:
        graft.load(bundle)
    assert reason in refused.value.message
    assert refused.value.message.startswith((str(bundle), "The saved model", "The tuned encoder"))
    assert refused.value.hint
    assert refused.value.exit_code == 1


def test_a_folder_that_a_bundle_names_is_not_opened(
    copied: Path, canary: tuple[Path, list[str]], no_network: list[object]
) -> None:
    folder, opened = canary
    rewrite(copied, put("manifest/encoder/address", str(folder)))
    with pytest.raises(EncoderError, match="the model in the folder") as refused:
        graft.load(copied)
    assert str(folder) in refused.value.message
    assert "--allow-download" in refused.value.hint
    assert not opened
    assert not no_network


def test_a_mismatch_is_told_apart(copied: Path) -> None:
    rewrite(copied, put("manifest/encoder/version", "0123456789abcdef"))
    with pytest.raises(EncoderMismatch):
        graft.load(copied)


def test_what_may_be_fetched_is_asked_for(copied: Path, no_network: list[object]) -> None:
    pytest.importorskip("huggingface_hub")
    rewrite(copied, put("manifest/encoder/address", "some-body/any-model"))
    with pytest.raises(EncoderError, match="could not be downloaded"):
        graft.load(copied, allow_download=True)
    assert no_network
