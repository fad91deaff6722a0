"""Rules of what leaves: graphs, and the folders that hold them."""

from __future__ import annotations

from benchmarks.broken_rules.rule import Rule

EXPORTS = (
    Rule(
        "a graph resizes as Pillow does, rounding after each pass",
        "src/graft/export/resize.py",
        'whole = graph.add("Floor", graph.add("Add", values, np.float32(0.5)))',
        'whole = graph.add("Floor", values)',
        "tests/export/test_resize.py::test_flat_pictures_stay_flat_and_pictures_of_a_batch_do_not_meet",
    ),
    Rule(
        "a divided pixel is rounded half up",
        "src/graft/export/shrinking.py",
        "((2 * sums + f * f) // (2 * f * f))",
        "(sums // (f * f))",
        "tests/export/test_resize.py"
        "::test_a_divided_pixel_is_the_mean_of_its_square_rounded_half_up_and_the_rest_stays_out_on_both_sides",
    ),
    Rule(
        "sets of a graph are decided by the very same thresholds",
        "src/graft/export/heads.py",
        "np.where(near < thresholds, np.nextafter(near, np.float32(np.inf)), near)",
        "near",
        "tests/export/test_heads.py::test_sets_are_decided_by_the_very_same_thresholds",
    ),
    Rule(
        "a graph's file is of the pinned format, whichever onnx writes it",
        "src/graft/export/graph.py",
        "ir_version=version, ",
        "",
        "tests/export/test_pictures.py::test_format_and_operators_are_the_lowest_that_do_whichever_onnx_writes_them",
    ),
    Rule(
        "weights that half precision cannot hold stay as they are",
        "src/graft/export/graph.py",
        "    if np.abs(array).max() > np.finfo(np.float16).max:\n        return array\n",
        "",
        "tests/export/test_graph.py::test_weights_that_half_precision_cannot_hold_stay",
    ),
    Rule(
        "an export in which somebody keeps files is not replaced",
        "src/graft/export/exporting.py",
        "            if inside not in known and ",
        "            if inside is known and ",
        "tests/export/test_exporting.py::test_an_export_in_which_somebody_keeps_files_stays",
    ),
    Rule(
        "exports are held to answers in full precision",
        "src/graft/export/building.py",
        "    return moved_to(encoder, EXACT)\n",
        "    return encoder\n",
        "tests/export/test_graph.py::test_a_model_is_asked_in_full_precision_whatever_the_processor_has",
    ),
)
