"""Writing an export: models of every kind, what it replaces and what it leaves alone."""

import shutil
import threading

import numpy as np
import pytest

import graft
from exports import Asked, pixels_of
from graft.errors import Cancelled, OutputExists
from graft.export.building import exact
from graft.export.exporting import check_free, export_model
from graft.run import Run


def test_an_export_gives_way_to_another_if_asked(exported, tmp_path):
    place = tmp_path / "shapes"
    shutil.copytree(exported, place)
    (place / ".DS_Store").write_bytes(b"")  # which nobody misses
    check_free(place, overwrite=True)
    with pytest.raises(OutputExists, match="--overwrite"):
        check_free(place, overwrite=False)


@pytest.mark.parametrize("own", ["notes.txt", "goldens/mine.png", ".git/HEAD"])
def test_an_export_in_which_somebody_keeps_files_stays(exported, tmp_path, own):
    place = tmp_path / "shapes"
    shutil.copytree(exported, place)
    (place / own).parent.mkdir(exist_ok=True)
    (place / own).write_text("mine")
    with pytest.raises(OutputExists, match=own):
        check_free(place, overwrite=True)


def test_what_is_no_export_stays(exported, tmp_path):
    place = tmp_path / "shapes"
    shutil.copytree(exported, place)
    (place / "certificate.json").unlink()
    (tmp_path / "file").write_text("mine")
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    for kept in (place, tmp_path / "file", tmp_path / "nowhere"):
        with pytest.raises(OutputExists, match="no export"):
            check_free(kept, overwrite=True)
    (tmp_path / "empty").mkdir()
    check_free(tmp_path / "empty", overwrite=False)


def test_a_model_of_several_labels_leaves_with_its_thresholds(photos, tmp_path):
    model = graft.fit(photos, task="multi_label")
    told: list[tuple[str, int, int]] = []
    run = Run(progress=lambda *step: told.append(step))
    done = export_model(model, "onnx", tmp_path / "labels", run=run)
    assert told == [("prove", n, 4) for n in range(5)]
    assert (done.certificate.agreement, done.certificate.largest_difference < 0.005) == (1.0, True)
    asked = Asked(tmp_path / "labels" / "model.onnx")
    assert asked.metadata["thresholds"] == [0.5, 0.5, 0.5]
    file = next(photos.rglob("*.png"))
    found, (wanted,) = asked(pixels=pixels_of(file)), exact(model).predict([file])
    assert [label for label, member in zip(model.classes, found["set"][0], strict=True) if member] == list(wanted.set)
    np.testing.assert_allclose(found["probabilities"][0], list(wanted.scores.values()), atol=0.005)
    stopped = threading.Event()
    run = Run(progress=lambda *_: stopped.set(), cancelled=stopped)
    with pytest.raises(Cancelled):  # it ends where it tells of the next step, and leaves nothing
        export_model(model, "onnx", tmp_path / "stopped", run=run)
    assert not [path for path in tmp_path.iterdir() if "stopped" in path.name]


def test_a_model_of_numbers_leaves_with_its_intervals(photos, tmp_path):
    files = sorted(photos.rglob("*.png"))
    rows = [f"{file},{1_000_000 + 250.5 * place}" for place, file in enumerate(files)]
    (tmp_path / "numbers.csv").write_text("\n".join(["path,number", *rows]))
    model = graft.fit(graft.read(tmp_path / "numbers.csv", label_column="number"), task="regression")
    done = export_model(model, "onnx", tmp_path / "numbers")
    assert (done.certificate.agreement, done.certificate.largest_difference < 0.005) == (1.0, True)
    asked = Asked(tmp_path / "numbers" / "model.onnx")
    assert asked.metadata["classes"] == []
    assert asked.metadata["mean_absolute_error"]["value"] > 0
    found, (wanted,) = asked(pixels=pixels_of(files[0])), exact(model).predict(files[:1])
    for name in ("value", "low", "high"):
        assert found[name].dtype == np.float64
        assert abs(found[name][0] - getattr(wanted, name)) < 0.005 * (wanted.high - wanted.low)
