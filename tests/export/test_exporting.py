"""Writing an export: what it replaces and what it leaves alone."""

import shutil

import pytest

from graft.errors import OutputExists
from graft.export.exporting import check_free


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
