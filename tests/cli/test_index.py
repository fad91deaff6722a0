"""``graft index``, and what searches and predicts with what it wrote."""


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
