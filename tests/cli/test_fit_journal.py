"""``graft fit --journal`` from outside."""

import graft
from graft.encoders.embed import content_digest
from graft.journal.decision import Decision
from graft.journal.journal import Journal
from graft.journal.resolution import keys_of


def test_the_journal_is_followed_and_reported(run, photos, tmp_path):
    dataset = graft.read(photos)
    keys = keys_of(dataset, [content_digest(item.read()) for item in dataset.items])
    journal = Journal(tmp_path / "photos.journal", dataset.name)
    journal.append(Decision("drop", keys[:2], who="anna"))
    journal.append(Decision("unsure", keys[2:3], who="anna"))
    found = run("fit", photos, "-o", tmp_path / "m.graft", "--journal", journal.path, "--json")
    assert found.code == 0
    effect = found.json["journal"]
    assert len(effect.pop("digest")) == 32
    assert effect == {
        "name": "photos.journal", "relabelled": 0, "dropped": 2, "kept": 0, "unsure": 1, "unmatched": 0,
    }  # fmt: skip
    assert found.json["n_items"] == 34
    shown = run("fit", photos, "-o", tmp_path / "again.graft", "--journal", journal.path)
    assert "Journal" in shown.out
    assert "2 dropped, 1 unsure" in shown.out
    assert "photos.journal" not in {path.name for path in photos.iterdir()}


def test_a_journal_that_is_none_is_an_error(run, photos, tmp_path):
    (tmp_path / "data.csv").write_text("path,label\n")
    for name, found in (("missing.journal", "no journal at"), ("data.csv", "is no journal")):
        outcome = run("fit", photos, "-o", tmp_path / "m.graft", "--journal", tmp_path / name, "--json")
        assert (outcome.code, outcome.json["error"]["code"]) == (1, "data")
        assert found in outcome.json["error"]["message"]
    assert not (tmp_path / "m.graft").exists()
    assert run("fit", photos, "-o", tmp_path / "m.graft").code == 0
    assert graft.load(tmp_path / "m.graft").report.journal is None
