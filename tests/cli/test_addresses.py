"""Commands on data at addresses, from outside."""

from pathlib import Path

from buckets import S3Server


def test_answers_name_the_address(run, s3: S3Server, saved: Path, photos: Path) -> None:
    address = s3.put_folder(photos / "circle", "asked/circle")
    found = run("predict", saved, address, "s3://private/none", "--json")
    assert found.code == 0
    assert [answer["input"] for answer in found.json[:2]] == [f"{address}000.png", f"{address}001.png"]
    assert found.json[0]["label"] == "circle"
    assert found.json[-1]["input"] == "s3://private/none"
    assert "There is nothing" in found.json[-1]["error"]["message"]


def test_nothing_there_is_told(run, s3: S3Server, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = run("fit", "s3://private/none/")
    assert found.code == 1
    assert "There is nothing at s3://private/none/." in found.err
    assert not list(tmp_path.iterdir())


def test_the_model_is_called_as_the_folder(run, s3: S3Server, photos: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = run("fit", s3.put_folder(photos, "named/shapes"), "--json")
    assert found.code == 0
    assert found.json["n_items"] == 36
    assert [path.name for path in tmp_path.iterdir()] == ["shapes.graft"]
