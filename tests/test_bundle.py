"""Bundles: whole or not at all, the same bytes for the same contents, and every kind of damage is noticed."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graft import bundle
from graft.errors import BundleError, DamagedBundle, NewerBundle, NotABundle, OutputExists
from graft.tensors import Tensors

OLDER = Path(__file__).parent / "older"

MANIFEST = {"encoder": {"name": "net", "fingerprint": "abc"}, "classes": ["ant", "Biene ä", "蜂"], "graft": "0.1.0"}
DOCUMENTS = {"report": {"accuracy": 0.1 + 0.2, "warnings": []}, "recipe": {"seed": 0}}
SETTINGS = {"kind": "classification", "temperature": 0.1 + 0.2, "classes": ["Biene ä", "蜂"]}
FILES = ("manifest.json", "head.safetensors", "report.json", "recipe.json")


def arrays(scale=1.0):
    rng = np.random.default_rng(0)
    return {
        "weights": (rng.normal(size=(40, 3)) * scale).astype(np.float16),
        "bias": rng.normal(size=3).astype(np.float32),
        "threshold": np.array(0.5, dtype=np.float32),
        "nothing": np.zeros((0, 4), dtype=np.float32),
    }


def save(folder, scale=1.0, **changes):
    contents = {"manifest": MANIFEST, "arrays": arrays(scale), "documents": DOCUMENTS} | changes
    bundle.write(folder, tensors={"head": Tensors(contents.pop("arrays"), SETTINGS)}, **contents)
    return folder


def rewrite_manifest(folder, change):
    """Change the manifest as somebody would who knows how its checksum is made."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text("utf-8"))
    del manifest["checksum"]
    change(manifest)
    text = json.dumps(manifest, sort_keys=True, indent=1, ensure_ascii=False) + "\n"
    manifest["checksum"] = hashlib.sha256(text.encode()).hexdigest()
    path.write_text(json.dumps(manifest), "utf-8")


@pytest.fixture
def saved(tmp_path):
    return save(tmp_path / "doors.graft")


# --- there and back


def test_what_was_written_is_read(saved):
    found = bundle.read(saved)
    assert found.manifest == MANIFEST
    assert found.documents == DOCUMENTS
    own = found.tensors["head"]
    assert own.settings == SETTINGS
    assert own.arrays.keys() == arrays().keys()
    for name, array in arrays().items():
        assert own.arrays[name].dtype == array.dtype
        assert own.arrays[name].shape == array.shape
        assert (own.arrays[name] == array).all()
    assert sorted(path.name for path in saved.iterdir()) == sorted(FILES)
    assert [path.name for path in saved.parent.iterdir()] == ["doors.graft"]


def test_the_same_contents_give_the_same_bytes(tmp_path):
    first = save(tmp_path / "a.graft")
    second = save(
        tmp_path / "deep" / "b.graft",
        manifest=dict(reversed(MANIFEST.items())),
        arrays=dict(reversed(arrays().items())),
        documents=dict(reversed(DOCUMENTS.items())),
    )
    for name in FILES:
        assert (first / name).read_bytes() == (second / name).read_bytes()


def test_layout_in_memory_does_not_matter(tmp_path):
    a = np.arange(12, dtype=np.float32).reshape(3, 4)
    first = save(tmp_path / "a.graft", arrays={"a": a})
    second = save(tmp_path / "b.graft", arrays={"a": np.asfortranarray(a).astype(">f4")})
    assert (bundle.read(second).tensors["head"].arrays["a"] == a).all()
    assert (first / "head.safetensors").read_bytes() == (second / "head.safetensors").read_bytes()


@settings(max_examples=30)
@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=[]), max_size=5).filter(lambda key: key not in bundle._OWN_KEYS),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
            lambda inner: st.lists(inner, max_size=3),
        ),
        max_size=4,
    )
)
def test_any_json_comes_back(tmp_path_factory, value):
    folder = tmp_path_factory.mktemp("bundles") / "x.graft"
    save(folder, manifest=value, documents={"value": value})
    found = bundle.read(folder)
    assert found.manifest == value
    assert found.documents == {"value": value}


def test_folder_names_that_are_no_text_can_be_classes(tmp_path):
    odd = os.fsdecode(b"gr\xfcn")
    found = bundle.read(save(tmp_path / "odd.graft", manifest={"classes": [odd, "rot"]}))
    assert found.manifest["classes"] == [odd, "rot"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"manifest": {"classes": [float("nan")]}}, "JSON"),
        ({"documents": {"report": {"x": float("inf")}}}, "JSON"),
        ({"documents": {"report": {1, 2}}}, "JSON"),
        ({"documents": {"../report": {}}}, "called"),
        ({"documents": {"manifest": {}}}, "called"),
        ({"manifest": {"files": {}}}, "files"),
        ({"arrays": {"w": np.zeros(3)}}, "float64"),
        ({"arrays": {"w": np.array([object()])}}, "object"),
        ({"arrays": {"w": np.array([np.nan], dtype=np.float32)}}, "finite"),
    ],
)
def test_what_does_not_belong_in_a_bundle_is_refused_and_leaves_nothing(tmp_path, changes, reason):
    with pytest.raises(BundleError, match=reason):
        save(tmp_path / "bad.graft", **changes)
    assert not list(tmp_path.iterdir())


# --- what is no bundle


def test_nothing_a_file_and_another_folder_are_no_bundles(tmp_path):
    (tmp_path / "file.graft").write_bytes(b"PK")
    (tmp_path / "folder.graft").mkdir()
    for name, reason in (("none.graft", "nothing"), ("file.graft", "file"), ("folder.graft", "no manifest")):
        with pytest.raises(NotABundle, match=reason) as caught:
            bundle.read(tmp_path / name)
        assert caught.value.hint


# --- damage


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", ["emptied", "cut", "longer", "swapped"])
def test_damage_to_any_file_is_noticed(saved, name, damage):
    path = saved / name
    data = path.read_bytes()
    path.write_bytes(
        {"emptied": b"", "cut": data[: len(data) // 2], "longer": data + b"x", "swapped": b"\0" * len(data)}[damage]
    )
    with pytest.raises(DamagedBundle, match="damaged"):
        bundle.read(saved)


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_bit_anywhere_is_noticed(saved, name):
    path = saved / name
    data = path.read_bytes()
    for position in range(0, len(data), max(1, len(data) // 200)):
        changed = bytearray(data)
        changed[position] ^= 0x01
        path.write_bytes(changed)
        with pytest.raises(DamagedBundle):
            bundle.read(saved)


@pytest.mark.parametrize("name", FILES[1:])
def test_a_missing_file_is_noticed(saved, name):
    (saved / name).unlink()
    with pytest.raises(DamagedBundle, match=f"{name} is missing"):
        bundle.read(saved)


def test_a_folder_or_a_pipe_in_place_of_a_file_is_noticed(saved):
    (saved / "report.json").unlink()
    os.mkfifo(saved / "report.json")
    with pytest.raises(DamagedBundle, match="missing"):
        bundle.read(saved)


def test_files_of_others_are_left_alone(saved):
    (saved / "notes.txt").write_text("mine")
    assert bundle.read(saved).manifest == MANIFEST


def test_a_newer_schema_is_said_to_be_newer(saved):
    rewrite_manifest(saved, lambda manifest: manifest.update(schema=bundle.SCHEMA + 1))
    with pytest.raises(NewerBundle, match="schema is 3"):
        bundle.read(saved)


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m.update(schema="1"),
        lambda m: m.update(schema=True),
        lambda m: m.update(schema=0),
        lambda m: m.update(format="zip"),
        lambda m: m.update(files=[]),
        lambda m: m["files"].pop("head.safetensors"),
        lambda m: m["files"].update({"../secret.json": m["files"]["report.json"]}),
        lambda m: m["files"].update({"/etc/passwd": m["files"]["report.json"]}),
        lambda m: m["files"].update({"a\\b.json": m["files"]["report.json"]}),
        lambda m: m["files"].update({"manifest.json": m["files"]["report.json"]}),
        lambda m: m["files"]["report.json"].update(size=10**18),
        lambda m: m["files"]["report.json"].update(size=-1),
        lambda m: m["files"]["report.json"].update(size=1.5),
        lambda m: m["files"]["report.json"].update(sha256=None),
        lambda m: m["files"].update({"report.json": "abc"}),
    ],
)
def test_a_manifest_that_makes_no_sense_is_refused(saved, change):
    (saved.parent / "secret.json").write_text("{}")
    rewrite_manifest(saved, change)
    with pytest.raises(DamagedBundle):
        bundle.read(saved)


@pytest.mark.parametrize("text", ["[]", "null", "{", "NaN", "[" * 100_000, '{"a": NaN}', "\x00", "1" * 10_000])
def test_a_manifest_that_is_no_manifest_is_refused(saved, text):
    (saved / "manifest.json").write_text(text)
    with pytest.raises(DamagedBundle):
        bundle.read(saved)


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m["arrays"]["head.weights"].update(shape=[3, 40]),
        lambda m: m["arrays"].update(more={"dtype": "float32", "shape": [1]}),
        lambda m: m["arrays"].pop("head.bias"),
        lambda m: m.update(arrays=None),
    ],
)
def test_arrays_of_schema_1_are_those_of_its_manifest(tmp_path, change):
    folder = Path(shutil.copytree(OLDER / "photos", tmp_path / "old.graft"))
    rewrite_manifest(folder, change)
    with pytest.raises(DamagedBundle, match="does not hold the arrays"):
        bundle.read(folder)


def test_files_are_read_that_are_asked_for_and_no_others(saved):
    (saved / "recipe.json").write_text("{")
    found = bundle.read(saved, {"report.json"})
    assert (found.documents, found.tensors) == ({"report": DOCUMENTS["report"]}, {})
    with pytest.raises(DamagedBundle, match="recipe"):
        bundle.read(saved)


def replace_arrays(folder, data):
    (folder / "head.safetensors").write_bytes(data)
    entry = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    rewrite_manifest(folder, lambda manifest: manifest["files"].update({"head.safetensors": entry}))


def test_arrays_are_judged_even_when_the_checksums_fit(saved):
    from safetensors.numpy import save as as_safetensors

    for data in (
        b"",
        b"\xff" * 64,
        (2**40).to_bytes(8, "little") + b"{}",
        as_safetensors({"weights": np.zeros(3, np.float32)}),
        as_safetensors({**arrays(), "threshold": np.array(np.nan, dtype=np.float32)}),
    ):
        replace_arrays(saved, data)
        with pytest.raises(DamagedBundle):
            bundle.read(saved)


def test_a_file_that_grew_without_bound_is_not_read_whole(saved):
    with (saved / "report.json").open("ab") as file:
        file.truncate(200 * 1024**3)  # sparse: takes no room on the disk
    with pytest.raises(DamagedBundle, match="longer"):
        bundle.read(saved)


# --- overwriting


def test_nothing_is_overwritten_unasked(saved):
    with pytest.raises(OutputExists, match="already there"):
        save(saved, scale=2)
    assert (bundle.read(saved).tensors["head"].arrays["weights"] == arrays()["weights"]).all()


def test_a_bundle_is_overwritten_when_asked(saved):
    (saved / ".DS_Store").write_bytes(b"litter")
    save(saved, scale=2, overwrite=True)
    assert (bundle.read(saved).tensors["head"].arrays["weights"] == arrays(2)["weights"]).all()
    assert [path.name for path in saved.parent.iterdir()] == ["doors.graft"]


def test_only_bundles_are_overwritten_and_nothing_of_others_is_lost(saved, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(b"jpeg")
    (tmp_path / "file").write_text("text")
    (tmp_path / "empty").mkdir()
    (saved / "notes.txt").write_text("mine")
    for name in ("photos", "file", "empty", "doors.graft"):
        with pytest.raises(OutputExists):
            save(tmp_path / name, overwrite=True)
    assert (tmp_path / "photos" / "a.jpg").read_bytes() == b"jpeg"
    assert (tmp_path / "file").read_text() == "text"
    assert (saved / "notes.txt").read_text() == "mine"
    assert len(list(tmp_path.iterdir())) == 4


def test_a_place_that_cannot_be_written_to_is_named_before_the_work(tmp_path):
    (tmp_path / "file").write_text("text")
    with pytest.raises(BundleError, match=r"cannot be saved.*Choose another place\.$"):
        bundle.check_free(tmp_path / "file" / "doors.graft", overwrite=False)
    with pytest.raises(BundleError, match="cannot be saved"):
        save(tmp_path / "file" / "doors.graft")


def test_paths_are_named_as_they_were_given(saved, monkeypatch):
    monkeypatch.chdir(saved.parent)
    with pytest.raises(OutputExists, match=r"^doors\.graft is already there\. .*--overwrite; in Python overwrite=True"):
        bundle.check_free("doors.graft", overwrite=False)
    with pytest.raises(NotABundle, match=r"^There is nothing at none\. "):
        bundle.read("none")
    with pytest.raises(NotABundle, match=r"Did you mean doors\.graft\?"):
        bundle.read("door.graf")


def test_what_is_no_bundle_is_said_at_once_not_to_be_touched(tmp_path):
    (tmp_path / "photos").mkdir()
    for overwrite in (False, True):
        with pytest.raises(OutputExists, match="it is no saved model and was not touched") as caught:
            bundle.check_free(tmp_path / "photos", overwrite)
        assert "overwrite" not in caught.value.hint


def test_the_bundle_that_is_meant_is_named(saved):
    photos = saved.parent / "doors"
    photos.mkdir()
    with pytest.raises(NotABundle, match=f"Did you mean {saved}"):
        bundle.read(photos)
    saved.rename(saved.with_name("quite_another.graft"))
    with pytest.raises(NotABundle, match=r"Give the folder NAME\.graft"):
        bundle.read(photos)


def test_an_overwriting_cut_off_between_its_renames_leaves_the_old_bundle(saved):
    saved.rename(saved.with_name(f".{saved.name}.{'0' * 16}.old"))
    assert bundle.read(saved).manifest == MANIFEST
    with pytest.raises(OutputExists):
        save(saved)
    save(saved, scale=2, overwrite=True)
    assert (bundle.read(saved).tensors["head"].arrays["weights"] == arrays(2)["weights"]).all()
    assert [path.name for path in saved.parent.iterdir()] == ["doors.graft"]


def test_what_killed_writers_left_is_cleared_away_after_an_hour(saved):
    stale, fresh = (saved.with_name(f".{saved.name}.{digit * 16}.new") for digit in "ab")
    for leftover in (stale, fresh):
        leftover.mkdir()
        (leftover / "report.json").write_text("{")
    os.utime(stale, (time.time() - 7200,) * 2)
    save(saved, overwrite=True)
    assert fresh.exists()
    assert not stale.exists()


WRITER = """
import sys
import numpy as np
from graft import bundle
from graft.tensors import Tensors
folder, n = sys.argv[1], 0
print("ready", flush=True)
while True:
    n = 1 - n
    head = Tensors({"w": np.full((200_000,), n, dtype=np.float32)}, {})
    bundle.write(folder, manifest={"n": n}, tensors={"head": head}, documents={"report": {"n": n}}, overwrite=True)
"""


def is_whole(found):
    n = found.manifest["n"]
    return found.documents["report"]["n"] == n and (found.tensors["head"].arrays["w"] == n).all()


def test_killed_at_any_point_a_writer_leaves_the_old_bundle_or_the_new(tmp_path):
    folder = tmp_path / "doors.graft"
    rng = np.random.default_rng(0)
    save(folder, manifest={"n": 0}, arrays={"w": np.zeros(200_000, np.float32)}, documents={"report": {"n": 0}})
    for _ in range(12):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(folder)], stdout=subprocess.PIPE)
        writer.stdout.readline()
        time.sleep(rng.uniform(0.005, 0.08))
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
        assert is_whole(bundle.read(folder))


def test_every_step_of_an_overwriting_leaves_the_old_bundle_or_the_new(tmp_path):
    """Stop the writer right before each of its system calls that change a file or a folder, one after the other."""
    script = """
import os, sys
import numpy as np
from graft import bundle
from graft.tensors import Tensors
folder, stop = sys.argv[1], int(sys.argv[2])
steps = 0
def count(event, args):
    global steps
    if event in ("os.rename", "os.mkdir", "os.remove", "os.rmdir") or (event == "open" and folder in str(args[0])):
        steps += 1
        if steps == stop:
            os._exit(9)
sys.addaudithook(count)
head = Tensors({"w": np.ones(100, dtype=np.float32)}, {})
bundle.write(folder, manifest={"n": 1}, tensors={"head": head}, documents={"report": {"n": 1}}, overwrite=True)
"""
    seen = []
    for stop in range(1, 60):
        folder = tmp_path / f"{stop}" / "doors.graft"
        save(folder, manifest={"n": 0}, arrays={"w": np.zeros(100, np.float32)}, documents={"report": {"n": 0}})
        done = subprocess.run([sys.executable, "-c", script, str(folder), str(stop)], check=False)
        found = bundle.read(folder)
        assert is_whole(found)
        seen.append(found.manifest["n"])
        if done.returncode == 0:
            break
    assert done.returncode == 0
    assert seen == sorted(seen)  # the old one up to a certain step, and the new one from then on
    assert {0, 1} == set(seen)
    assert len(seen) > 8


def test_readers_never_see_a_bundle_that_is_being_replaced(tmp_path):
    folder = tmp_path / "doors.graft"
    stopped = threading.Event()

    def contents(n):
        head = Tensors({"w": np.full((1000,), n, dtype=np.float32)}, {})
        return {"manifest": {"n": n}, "tensors": {"head": head}, "documents": {"report": {"n": n}}}

    def replace_all_the_time():
        n = 0
        while not stopped.is_set():
            n += 1
            bundle.write(folder, **contents(n % 2), overwrite=True)

    bundle.write(folder, **contents(0))
    writer = threading.Thread(target=replace_all_the_time)
    writer.start()
    try:
        for _ in range(300):
            assert is_whole(bundle.read(folder))
    finally:
        stopped.set()
        writer.join()


def test_a_copied_bundle_reads_the_same(saved, tmp_path):
    copy = Path(shutil.copytree(saved, tmp_path / "copy.graft"))
    assert bundle.read(copy).manifest == MANIFEST
