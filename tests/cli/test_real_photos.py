"""The main job from end to end, on real photos."""

import json


def test_ants_and_bees_from_fit_to_predict_and_evaluate(graft, shared, tmp_path):
    data, model = shared / "ants_bees", tmp_path / "insects.graft"
    fitted = graft("fit", data, "-o", model, "--json")
    assert fitted.returncode == 0, fitted.stderr
    report = json.loads(fitted.stdout)
    assert report["classes"] == ["ants", "bees"]
    assert report["n_items"] + report["n_skipped"] >= 397
    assert report["accuracy"]["low"] < report["accuracy"]["value"] < report["accuracy"]["high"]
    assert report["accuracy"]["value"] > 0.9 > report["baselines"]["majority"]
    assert report["test"]["value"] > 0.9
    assert report["model"] == str(model)

    photos = sorted((data / "val" / "bees").iterdir())[:10]
    answers = json.loads(graft("predict", model, *photos, "--json").stdout)
    assert [answer["input"] for answer in answers] == [str(photo) for photo in photos]
    assert sum(answer["label"] == "bees" for answer in answers) >= 8
    assert all(abs(sum(answer["scores"].values()) - 1) < 1e-4 for answer in answers)
    assert all(answer["label"] in answer["set"] for answer in answers)

    evaluation = json.loads(graft("evaluate", model, data, "--json").stdout)
    assert evaluation["accuracy"] == {**report["test"], "method": evaluation["accuracy"]["method"]}
