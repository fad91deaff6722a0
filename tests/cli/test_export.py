"""``graft export``."""

from exports import Asked


def test_a_model_leaves_as_one_graph(run, saved, tmp_path):
    place = tmp_path / "shapes for Łódź"
    done = run("export", saved, "--to", "onnx", "-o", place, "--json")
    assert (done.code, done.json["target"], done.json["path"]) == (0, "onnx", str(place))
    assert Asked(place / "model.onnx").metadata["classes"] == ["circle", "square", "triangle"]
    again = run("export", saved, "--to", "onnx", "-o", place)
    assert (again.code, "--overwrite" in again.err) == (1, True)
    assert run("export", saved, "--to", "onnx", "-o", place, "--precision", "fp16", "--overwrite").code == 0
    assert Asked(place / "model.onnx").metadata["precision"] == "fp16"


def test_only_an_export_gives_way_to_an_export(run, saved, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    refused = run("export", saved, "--to", "onnx", "-o", tmp_path / "mine", "--overwrite")
    assert (refused.code, "was not touched" in refused.err) == (1, True)
    assert [file.name for file in tmp_path.rglob("*")] == ["mine", "thesis.txt"]


def test_what_there_is_no_such_thing_of_is_told_with_what_there_is(run, saved, tmp_path):
    for wrong, listed in ((("--to", "tflite"), "onnx"), (("--to", "onnx", "--precision", "int8"), "fp32, fp16")):
        refused = run("export", saved, *wrong, "-o", tmp_path / "x")
        assert (refused.code, listed in refused.err) == (2, True)
    assert list(tmp_path.iterdir()) == []


def test_what_no_other_target_takes_is_refused_before_the_work(run, saved, tmp_path):
    refused = run("export", saved, "--to", "onnx", "-o", tmp_path / "out", "--runtime", tmp_path)
    assert refused.code == 2
    assert "--runtime is for --to browser" in refused.err
    assert not (tmp_path / "out").exists()
