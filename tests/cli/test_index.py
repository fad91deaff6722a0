"""``graft index``, and what searches and predicts with what it wrote."""

import os
import shutil


def test_an_index_is_searched_and_stands_beside_a_model(run, photos, saved, tmp_path):
    done = run("index", photos, "-o", tmp_path / "p.index", "--json")
    assert done.json == {"index": str(tmp_path / "p.index"), "n_items": 36, "skipped": []}
    assert run("index", photos, "-o", tmp_path / "p.index").code == 1
    query = photos / "circle" / "000.png"
    (found,) = run("search", tmp_path / "p.index", query, "--json").json
    (direct,) = run("search", photos, query, "--json").json
    assert found == direct
    refused = run("search", tmp_path / "p.index", query, "--encoder", "image")
    assert (refused.code, "--encoder has no effect" in refused.err) == (2, True)
    asked = ("predict", saved, query, "--index", tmp_path / "p.index")
    (answer,) = run(*asked, "--neighbours", 2, "--json").json
    assert answer["neighbours"] == found["matches"][:2]
    header, row = run(*asked, "--neighbours", 2, "--csv").out.splitlines()
    assert header.endswith("neighbour_1,similarity_1,neighbour_2,similarity_2")
    assert row.split(",")[-4:-2] == ["circle/000.png", "1.0"]
    assert run(*asked).out.count("like") == 5
    assert run("predict", saved, query, "--neighbours", 2).code == 2


def test_an_index_or_model_among_the_data_is_no_data_whatever_it_is_called(run, photos, saved, tmp_path):
    data = tmp_path / "photos"
    shutil.copytree(photos, data)
    shutil.copytree(saved, data / "circle" / "old model")
    for _ in range(2):  # the second time its own index lies there
        done = run("index", data, "-o", data / "look-alikes", "--json", "--overwrite")
        assert (done.json["n_items"], done.json["skipped"]) == (36, [])
    assert run("fit", data, "-o", tmp_path / "m.graft", "--json").json["n_items"] == 36
    done = run("fit", data, "-o", tmp_path / "n.graft", "--report", data / "look-alikes" / "items.json", "--overwrite")
    assert done.code == 1


def test_an_index_is_neither_data_nor_model(run, photos, tmp_path):
    index = tmp_path / "p.index"
    assert run("index", photos, "-o", index).code == 0
    for command in (["fit", index], ["index", index, "-o", tmp_path / "q.index"]):
        assert "is an index, not data. Search it" in " ".join(run(*command).err.split()), command
    query = photos / "circle" / "000.png"
    for command in (["predict", index, query], ["evaluate", index, photos], ["fit", "--job", index], ["extend", index]):
        command += [photos] if command[0] == "extend" else []
        told = run(*command)
        assert (told.code, "is an index, and no saved model. graft fit DATA" in " ".join(told.err.split())) == (1, True)


def test_neither_takes_the_place_of_the_other(run, photos, saved, tmp_path):
    index, model = tmp_path / "p.index", shutil.copytree(saved, tmp_path / "m.graft")
    assert run("index", photos, "-o", index).code == 0
    kept = [path.read_bytes() for path in (*sorted(index.iterdir()), *sorted(model.iterdir()))]
    for command, kind in (["index", photos, "-o", model], "index"), (["fit", photos, "-o", index], "model"):
        told = run(*command, "--overwrite", "--json").json["error"]
        assert (told["code"], told["hint"]) == ("output_exists", "Give another name.")
        assert told["message"].endswith(f" is already there; it is no saved {kind} and was not touched.")
    assert kept == [path.read_bytes() for path in (*sorted(index.iterdir()), *sorted(model.iterdir()))]
    (tmp_path / "file").write_text("")
    told = run("index", photos, "-o", tmp_path / "file" / "i", "--json").json["error"]
    assert told["message"].startswith("The index cannot be saved as ")
    told = run("predict", saved, photos, "--index", photos, "--json").json["error"]
    assert (told["code"], told["hint"]) == ("not_a_bundle", "graft index DATA -o DIR makes one.")
    assert told["message"].endswith(f"{photos.name} is no index: it has no manifest.json.")


def test_a_pipe_is_not_waited_for(graft, photos, saved, tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    told = graft("predict", saved, tmp_path / "pipe.png", timeout=60)
    assert (told.returncode, "is not a regular file" in told.stdout + told.stderr) == (1, True)
    for command in (["fit"], ["evaluate", saved]):
        told = graft(*command, tmp_path / "pipe.png", timeout=60)
        assert (told.returncode, "pipe.png is not a regular file." in " ".join(told.stderr.split())) == (1, True)
