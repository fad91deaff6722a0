"""A fit that follows a journal."""

import hashlib

import pytest

import graft
from graft.encoders.embed import content_digest
from graft.errors import DataError, NothingToRead
from graft.journal.decision import Decision
from graft.journal.journal import Journal
from graft.journal.resolution import keys_of
from graft.report import Report


def digests_of(dataset):
    return [content_digest(item.read()) for item in dataset.items]


@pytest.fixture
def decided(photos, tmp_path):
    """A journal that calls a circle a square, drops two triangles and keeps a circle; and the data."""
    dataset = graft.read(photos)
    keys = keys_of(dataset, digests_of(dataset))
    journal = Journal(tmp_path / "photos.journal", dataset.name)
    journal.append(Decision("relabel", keys[:1], to="square"))
    journal.append(Decision("drop", keys[-2:]))
    journal.append(Decision("keep", keys[1:2]))
    return journal, dataset


def test_a_fit_is_that_of_the_data_as_the_journal_has_them(decided, photos):
    journal, dataset = decided
    before = {path: hashlib.sha256(path.read_bytes()).digest() for path in photos.rglob("*.*")}
    report = graft.fit(photos, journal=journal.path).report
    mended = graft.Dataset(dataset.items[:-2], ("square", *dataset.labels[1:-2]), modality="image", name=dataset.name)
    assert report.fingerprint == graft.fit(mended).report.fingerprint == mended.fingerprint(digests_of(mended))
    assert report.accuracy == graft.fit(mended).report.accuracy
    effect = report.journal
    assert (effect.relabelled, effect.dropped, effect.kept, effect.unsure, effect.unmatched) == (1, 2, 1, 0, 0)
    assert effect.name == "photos.journal"
    assert {path: hashlib.sha256(path.read_bytes()).digest() for path in photos.rglob("*.*")} == before


def test_the_report_says_what_the_journal_did_and_keeps_it(decided, photos, tmp_path):
    journal, dataset = decided
    [key] = keys_of(dataset, digests_of(dataset))[5:6]
    journal.append(Decision("drop", (type(key)("f" * 32, "gone.png", "circle"),)))
    with journal.path.open("ab") as file:
        file.write(b"rubbish\n")
    model = graft.fit(dataset, journal=journal)
    said = "1 relabelled, 2 dropped, 1 kept, 1 could not be matched"
    assert said in str(model.report)
    assert f"photos.journal: {said}" in model.report.to_html()
    warnings = " ".join(model.report.warnings)
    assert "not in these data, or given another label there now: gone.png" in warnings
    assert "1 line of photos.journal hold" in warnings
    model.save(tmp_path / "m.graft")
    assert graft.load(tmp_path / "m.graft").report.journal == model.report.journal
    names = sorted(path.name for path in (tmp_path / "m.graft").iterdir())
    assert names == ["head.safetensors", "job.json", "manifest.json", "record.safetensors", "report.json"]
    # What repeats the fit has to say where its files lie; nothing else in the bundle does.
    everything = b"".join((tmp_path / "m.graft" / name).read_bytes() for name in names if name != "job.json")
    assert b"photos.journal" in everything
    assert str(journal.path.parent).encode() not in everything.replace(str(tmp_path / "m.graft").encode(), b"")
    extended = graft.extend(model, dataset.select(range(3)))
    assert extended.report.journal == model.report.journal


def test_without_a_journal_the_key_is_null_and_older_reports_are_read(model):
    values = model.report.to_dict()
    assert values["journal"] is None
    del values["journal"]
    assert Report.from_dict(values).journal is None
    assert "Journal" not in str(model.report)


def test_the_digest_follows_what_was_decided(decided, photos):
    journal, dataset = decided
    first = graft.fit(dataset, journal=journal).report.journal
    assert graft.fit(dataset, journal=Journal(journal.path)).report.journal == first
    journal.append(Decision("unsure", keys_of(dataset, digests_of(dataset))[3:4]))
    assert graft.fit(dataset, journal=journal).report.journal.digest != first.digest


def test_a_missing_journal_is_an_error_before_any_work(photos, tmp_path):
    seen = []
    with pytest.raises(DataError, match="no journal at"):
        graft.fit(photos, journal=tmp_path / "missing.journal", progress=lambda *step: seen.append(step))
    assert seen == []


def test_what_the_journal_leaves_too_little_of_is_an_error(decided):
    journal, dataset = decided
    keys = keys_of(dataset, digests_of(dataset))
    journal.append(Decision("relabel", keys, to="square"))
    with pytest.raises(DataError, match="only one class"):
        graft.fit(dataset, journal=journal)
    journal.append(Decision("drop", keys))
    with pytest.raises(NothingToRead, match="drops all 36 items"):
        graft.fit(dataset, journal=journal)


def test_a_test_split_is_mended_too(photos, tmp_path):
    given = graft.read(photos)
    splits = tuple("test" if row % 2 == 0 else "train" for row in range(len(given)))
    labels = ["odd" if split == "test" else label for label, split in zip(given.labels, splits, strict=True)]
    wrong = graft.Dataset(given.items, tuple(labels), splits)
    with pytest.raises(DataError):  # the test split shares no label with the rest
        graft.fit(wrong)
    journal = Journal(tmp_path / "photos.journal")
    for key, label, split in zip(keys_of(wrong, digests_of(wrong)), given.labels, splits, strict=True):
        if split == "test":
            journal.append(Decision("relabel", (key,), to=label))
    report = graft.fit(wrong, journal=journal).report
    assert (report.n_test, report.journal.relabelled) == (18, 18)
    assert report.test.value > 0.5


def test_several_labels_are_followed(photos, tmp_path):
    given = graft.read(photos).with_tags()
    journal = Journal(tmp_path / "photos.journal")
    journal.append(Decision("relabel", keys_of(given, digests_of(given))[:4], to="circle|large"))
    report = graft.fit(given, journal=journal).report
    assert report.classes == ("circle", "large", "square", "triangle")
    assert report.journal.relabelled == 4
